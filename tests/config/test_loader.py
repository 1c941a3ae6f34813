"""What the user says, from four places, becomes one configuration or one clear error."""

from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field, model_validator

from pdd_cli.config.loader import load
from pdd_cli.config.strict import StrictModel
from pdd_cli.errors import UsageError


class Train(StrictModel):
    steps: int = Field(default=100, ge=1)
    learning_rate: float = 2e-5
    layers: dict[str, float] = Field(default={"conv1": 1.0, "conv2": 1.0})


class Average(StrictModel):
    decay: float = 0.99


class Job(StrictModel):
    folder: Path | None = None
    train: Train = Train()
    average: Average | None = None
    keep: Literal["specialist", "average"] = "average"

    @model_validator(mode="after")
    def _average_needs_settings(self) -> "Job":
        if self.train.steps > 1000 and self.average is None:
            raise ValueError("more than 1000 steps need an average")
        return self


@pytest.fixture
def settings_file(tmp_path: Path):
    def write(text: str) -> Path:
        path = tmp_path / "mine.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_nothing_said_gives_the_defaults():
    assert load(Job) == Job()


def test_options_win_over_assignments_and_these_over_the_file(settings_file):
    path = settings_file("train:\n  steps: 1\n  learning_rate: 1.0\nkeep: specialist\n")

    job = load(
        Job,
        file=path,
        assignments=["train.steps=2", "train.learning_rate=2"],
        flags={"train.steps": 3},
    )

    assert (job.train.steps, job.train.learning_rate, job.keep) == (3, 2.0, "specialist")


@pytest.fixture
def presets(tmp_path: Path, monkeypatch) -> Path:
    folder = tmp_path / "presets"
    folder.mkdir()
    monkeypatch.setattr("pdd_cli.config.presets._folder", lambda: folder)
    return folder


def test_the_users_file_wins_over_the_preset(presets, settings_file):
    (presets / "fast.yaml").write_text("train: {steps: 7, learning_rate: 7}")

    job = load(Job, preset="fast", file=settings_file("train: {steps: 8}"))

    assert (job.train.steps, job.train.learning_rate) == (8, 7.0)


def test_an_option_that_was_not_given_changes_nothing():
    assert load(Job, assignments=["train.steps=5"], flags={"train.steps": None}).train.steps == 5


def test_the_last_assignment_of_a_key_wins():
    assert load(Job, assignments=["train.steps=5", "train.steps=6"]).train.steps == 6


@pytest.mark.parametrize("written", ["1e-4", "1.0e-4", "0.0001"])
def test_scientific_notation_is_a_number_in_files_and_in_assignments(settings_file, written):
    path = settings_file(f"train:\n  learning_rate: {written}\n")

    assert load(Job, file=path).train.learning_rate == 1e-4
    assert load(Job, assignments=[f"train.learning_rate={written}"]).train.learning_rate == 1e-4


def test_a_mapping_that_is_a_value_is_replaced_whole(settings_file):
    path = settings_file("train: {layers: {conv2: 0.5}}")

    assert load(Job, file=path).train.layers == {"conv2": 0.5}
    assert load(Job, assignments=["train.layers={conv2: 0.5}"]).train.layers == {"conv2": 0.5}


def test_one_entry_of_such_a_mapping_can_be_set_alone(settings_file):
    path = settings_file("train: {layers: {conv3: 3}}")
    one = ["train.layers.conv2=0.5"]

    assert load(Job, assignments=one).train.layers == {"conv1": 1.0, "conv2": 0.5}
    assert load(Job, file=path, assignments=one).train.layers == {"conv3": 3.0, "conv2": 0.5}


def test_an_optional_section_can_be_set_in_parts_and_taken_away():
    set_in_part = load(Job, assignments=["average.decay=0.9"])
    assert set_in_part.average == Average(decay=0.9)
    assert load(Job, assignments=["average.decay=0.9", "average="]).average is None


def test_an_assignment_runs_no_code():
    with pytest.raises(UsageError):
        load(Job, assignments=["folder=!!python/object/apply:os.getcwd []"])


def test_an_unknown_key_of_a_file_is_named_with_its_line_and_the_key_that_was_meant(
    settings_file,
):
    path = settings_file("keep: average\ntrain:\n  stepz: 3\n")

    with pytest.raises(UsageError) as caught:
        load(Job, file=path)

    assert "train.stepz" in str(caught.value)
    assert f"{path}, line 3" in str(caught.value)
    assert "Did you mean train.steps?" in str(caught.value)


def test_a_key_put_in_the_wrong_section_is_found_by_its_name():
    with pytest.raises(UsageError, match=r"Did you mean train\.learning_rate\?"):
        load(Job, assignments=["learning_rate=1"])


def test_a_key_like_no_other_gets_the_list_of_its_section():
    with pytest.raises(UsageError, match=r"Known here: train\.steps, train\.learning_rate"):
        load(Job, assignments=["train.zzzzzzzzzzzz=1"])


def test_all_mistakes_are_told_at_once():
    with pytest.raises(UsageError) as caught:
        load(Job, assignments=["train.steps=0", "kept=average", "keep=neither"])

    text = str(caught.value)
    assert "3 settings" in text
    assert "train.steps = 0 (--set train.steps=0)" in text
    assert "Did you mean keep?" in text
    assert "keep = 'neither'" in text


def test_a_wrong_value_is_blamed_on_the_place_that_set_it_last(settings_file):
    path = settings_file("train:\n  steps: 4\n")

    with pytest.raises(UsageError, match="from the command line"):
        load(Job, file=path, flags={"train.steps": -1})
    with pytest.raises(UsageError, match=r"mine\.yaml, line 2"):
        load(Job, file=settings_file("train:\n  steps: -1\n"))


def test_settings_that_do_not_go_together_are_a_usage_error():
    with pytest.raises(UsageError, match=r"^more than 1000 steps need an average\.$"):
        load(Job, assignments=["train.steps=2000"])


def test_a_key_written_twice_is_refused_with_both_lines(settings_file):
    path = settings_file("train:\n  steps: 3\n  steps: 4\n")

    with pytest.raises(UsageError, match=r"line 3: train\.steps is set already in line 2"):
        load(Job, file=path)


@pytest.mark.parametrize(
    ("text", "said"),
    [("train: [", "is not YAML"), ("- 1\n- 2\n", "holds no settings")],
)
def test_a_file_that_holds_no_settings_is_refused_by_name(settings_file, text, said):
    with pytest.raises(UsageError, match=rf"mine\.yaml {said}"):
        load(Job, file=settings_file(text))


def test_a_file_that_is_not_text_is_refused_by_name(tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(b"\x89PNG\xff\xfe")

    with pytest.raises(UsageError, match=r"photo\.png .* not UTF-8"):
        load(Job, file=path)


def test_a_missing_file_is_refused_by_name(tmp_path):
    with pytest.raises(UsageError, match=r"nowhere\.yaml"):
        load(Job, file=tmp_path / "nowhere.yaml")


def test_an_empty_file_sets_nothing(settings_file):
    assert load(Job, file=settings_file("# nothing yet\n")) == Job()


@pytest.mark.parametrize("text", ["train.steps", "=3", "train..steps=3", "train.=3"])
def test_what_is_no_assignment_is_refused_with_the_form_it_should_have(text):
    with pytest.raises(UsageError, match=r"Write --set section\.key=value"):
        load(Job, assignments=[text])


@pytest.mark.parametrize(
    ("name", "said"), [("fasst", r"Did you mean fast\?"), ("x", r"Choose from: fast, good\.")]
)
def test_an_unknown_preset_is_refused_with_the_ones_there_are(presets, name, said):
    for known in ("fast", "good"):
        (presets / f"{known}.yaml").touch()

    with pytest.raises(UsageError, match=said):
        load(Job, preset=name)
