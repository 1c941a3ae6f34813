import json
import os
import signal
from pathlib import Path

import cv2
import pytest
import torch
import yaml

from pdd_cli.config.adapt import AdaptConfig
from pdd_cli.data.veil import Veil
from pdd_cli.distill.step import DistillationStep
from pdd_cli.errors import DataError, Interrupted, ModelError, TrainingDiverged, UsageError
from pdd_cli.nets.network import load_network
from pdd_cli.recipes import adapt as recipe
from pdd_cli.recipes import supervision
from pdd_cli.recipes.card_text import is_untouched
from pdd_cli.recipes.gallery import Gallery
from pdd_cli.recipes.monitors import Monitors
from pdd_cli.runtime.events import Advanced, Measured, Said, Warned
from pdd_cli.runtime.run_directory import RunDirectory, latest_run
from pdd_cli.runtime.weights import read_weights, write_weights


@pytest.fixture
def settings(tmp_path, tiny_model, write, drawn_features):  # noqa: ARG001 — replaces a download
    """A tiny adaptation: blocks 1 to 3 of the features, 16-pixel crops."""
    for number in range(3):
        write(tmp_path / "real" / f"{number}.png", 24, 20, number)
        write(tmp_path / "hr" / f"{number}.png", 72, 80, 10 + number)

    def make(**changes):
        values = {
            "generalist": str(tiny_model),
            "features": "vgg16",
            "runs": tmp_path / "runs",
            "device": "cpu",
            "data": {"real_lr": tmp_path / "real", "hr": tmp_path / "hr", "crop": 16},
            "distances": {"inter_layers": {"conv2_1": 1.0}, "intra_layers": {"conv2_2": 1.0}},
            "supervision": {"perceptual_layers": {"conv1_2": 1.0}},
            "train": {"steps": 8, "discriminator_steps": 1, "supervised_steps": 1},
        }
        for key, value in changes.items():
            values[key] = {**values.get(key, {}), **value} if isinstance(value, dict) else value
        return AdaptConfig.model_validate(values)

    return make


class StopAt:
    """An observer that presses Ctrl-C after a step."""

    def __init__(self, step):
        self.step = step

    def __call__(self, event):
        if isinstance(event, Advanced) and event.done == self.step:
            os.kill(os.getpid(), signal.SIGINT)


def test_a_run_directory_tells_all(settings, tmp_path):
    result = recipe.adapt(settings(name="first"))

    run = tmp_path / "runs" / "first"
    assert result.run == run
    names = {path.name for path in run.iterdir()}
    assert names >= {
        "config.yaml", "command.txt", "environment.json", "metrics.jsonl", "previews",
        "checkpoints", "model.safetensors", "config.json", "README.md", "report.html",
    }  # fmt: skip
    assert latest_run(tmp_path / "runs") == run
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    steps = [record for record in records if "step" in record]
    assert [record["step"] for record in steps] == list(range(1, 9))
    assert {"pixel", "perceptual", "adversarial", "inter", "intra"} <= steps[-1].keys()
    resolved = yaml.safe_load((run / "config.yaml").read_text())
    assert resolved["train"]["lr"] > 0
    assert resolved["data"]["batch"] == 1


def test_what_goes_with_the_model_names_no_photo_and_no_path(settings, tmp_path, tiny_model):
    run = RunDirectory(recipe.adapt(settings(specialist=str(tiny_model))).run)
    for path in (run.facts, run.story, run.card):
        text = path.read_text()
        assert str(tmp_path) not in text
        assert not any(photo.name in text for photo in (tmp_path / "real").iterdir())
    assert json.loads(run.facts.read_text())["generalist"] == tiny_model.name
    assert is_untouched(run.card.read_text())


def test_the_written_model_is_an_ordinary_network_that_has_changed(settings, tiny_model):
    result = recipe.adapt(settings())
    adapted = load_network(read_weights(result.model), named="adapted")
    before = load_network(read_weights(tiny_model), named="before")
    picture = torch.rand(1, 3, 12, 12)
    assert adapted.scale == 4
    assert not torch.equal(adapted(picture), before(picture))


@pytest.mark.parametrize("stop", [1, 3, 6])
def test_a_resumed_run_equals_one_that_was_never_interrupted(settings, tmp_path, stop):
    whole = recipe.adapt(settings(name="whole"))
    with pytest.raises(Interrupted, match="--resume"):
        recipe.adapt(settings(name="broken"), StopAt(stop))
    broken = RunDirectory(tmp_path / "runs" / "broken")
    assert not broken.finished
    resumed = recipe.resume(broken)

    expected, found = read_weights(whole.model), read_weights(resumed.model)
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert resumed.losses == whole.losses
    steps = [json.loads(line).get("step") for line in broken.metrics.read_text().splitlines()]
    assert [step for step in steps if step] == list(range(1, 9))


def test_one_seed_gives_one_result_and_another_another(settings):
    results = [
        read_weights(recipe.adapt(settings(name=str(index), train={"seed": seed})).model)
        for index, seed in enumerate((1, 1, 2))
    ]
    name = next(iter(results[0]))
    assert torch.equal(results[0][name], results[1][name])
    assert not torch.equal(results[0][name], results[2][name])


@pytest.mark.parametrize("steps", [1, 2, 13])
def test_any_number_of_steps_runs(settings, steps):
    config = settings(train={"steps": steps, "discriminator_steps": None, "supervised_steps": None})
    assert recipe.adapt(config).steps == steps


def test_a_run_too_short_for_distillation_says_so(settings):
    events = []
    recipe.adapt(settings(train={"steps": 2}), events.append)
    assert any(isinstance(event, Warned) and "distillation" in event.text for event in events)


def test_a_taken_name_is_refused_before_anything_is_written(settings, tmp_path):
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    with pytest.raises(UsageError, match="exists already"):
        recipe.adapt(settings(name="mine"))


def test_photos_smaller_than_the_crop_are_refused(settings, tmp_path):
    with pytest.raises(DataError, match=r"--real-lr .* at least 32×32"):
        recipe.adapt(settings(data={"crop": 32}))
    assert not (tmp_path / "runs").exists()


def test_files_that_are_no_pictures_are_skipped_and_named(settings, tmp_path):
    (tmp_path / "real" / "notes.txt").write_text("not a picture")
    (tmp_path / "real" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    events = []
    recipe.adapt(settings(), events.append)
    warnings = " ".join(event.text for event in events if isinstance(event, Warned))
    assert "notes.txt" in warnings
    assert "broken.png" in warnings


def spoil(monkeypatch, first, last):
    """Let the crops of some steps hold what is not a number."""
    take = DistillationStep.take

    def spoilt(self, parts, step):
        if first <= step <= last:
            parts = [part._replace(hr=torch.full_like(part.hr, float("nan"))) for part in parts]
        return take(self, parts, step)

    monkeypatch.setattr(DistillationStep, "take", spoilt)


def test_a_step_that_is_not_finite_is_skipped_and_reported(settings, monkeypatch):
    spoil(monkeypatch, 5, 6)
    events = []
    result = recipe.adapt(settings(), events.append)
    warnings = [event.text for event in events if isinstance(event, Warned)]
    assert [text.split()[1] for text in warnings if "skipped" in text] == ["5", "6"]
    assert all(tensor.isfinite().all() for tensor in read_weights(result.model).values())


def test_several_such_steps_in_a_row_stop_the_run_and_keep_its_state(
    settings, tmp_path, monkeypatch
):
    with monkeypatch.context() as patch:
        spoil(patch, 4, 8)
        with pytest.raises(TrainingDiverged, match=r"3 steps in a row .*step 6"):
            recipe.adapt(settings(name="spoilt", train={"skipped_steps": 2}))
    run = RunDirectory(tmp_path / "runs" / "spoilt")
    assert not run.finished
    result = recipe.resume(run, ["train.lr=1e-6"])
    assert result.steps == 8
    assert all(tensor.isfinite().all() for tensor in read_weights(result.model).values())


def test_a_run_goes_on_only_with_settings_that_may_change(settings, tmp_path):
    with pytest.raises(Interrupted):
        recipe.adapt(settings(name="broken"), StopAt(3))
    broken = RunDirectory(tmp_path / "runs" / "broken")
    with pytest.raises(UsageError, match=r"train\.seed: 0 → 5"):
        recipe.resume(broken, ["train.seed=5", "train.lr=1e-6"])
    assert recipe.resume(broken, ["train.steps=9"]).steps == 9


@pytest.mark.parametrize("supervised_steps", [0, 1])
def test_a_specialist_learns_beside_a_generalist_that_stays_as_it_is(
    settings, tmp_path, network_weights, supervised_steps
):
    before = network_weights(seed=7, channels=4)
    write_weights(tmp_path / "specialist.safetensors", before)
    config = settings(
        specialist=str(tmp_path / "specialist.safetensors"),
        train={"supervised_steps": supervised_steps},
    )
    result = recipe.adapt(config)
    after = read_weights(result.model)
    assert after["body.0.weight"].shape == before["body.0.weight"].shape
    assert not torch.equal(after["body.0.weight"], before["body.0.weight"])
    assert result.losses["inter"] > 0
    resolved = yaml.safe_load((result.run / "config.yaml").read_text())
    assert resolved["distances"]["detach_synthetic"] is True


@pytest.mark.parametrize("follows", [False, True])
def test_the_generalist_stays_as_it_is_unless_it_is_to_follow(settings, follows):
    """An average without memory is the specialist itself, at no distance from it."""
    result = recipe.adapt(
        settings(distances={"generalist_follows": follows}, train={"ema_decay": 0.0})
    )
    assert (result.losses["inter"] == 0) is follows
    resolved = yaml.safe_load((result.run / "config.yaml").read_text())
    assert resolved["distances"]["detach_synthetic"] is not follows


def test_two_networks_of_different_scales_are_refused(settings, tmp_path, network_weights):
    write_weights(tmp_path / "x2.safetensors", network_weights(scale=2))
    with pytest.raises(ModelError, match=r"×2 and the generalist .* ×4"):
        recipe.adapt(settings(specialist=str(tmp_path / "x2.safetensors")))


def test_strength_takes_the_written_weights_a_share_of_the_way(settings, tiny_model):
    whole, half = (
        read_weights(recipe.adapt(settings(strength=strength)).model) for strength in (1.0, 0.5)
    )
    start = read_weights(tiny_model)
    for name, tensor in half.items():
        assert torch.allclose(tensor, (start[name] + whole[name]) / 2, atol=1e-7)


@pytest.mark.parametrize("degradation", ["resizes", "target", "second-order"])
def test_every_degradation_supervises(settings, degradation):
    assert recipe.adapt(settings(data={"degradation": degradation})).steps == 8


def test_a_veil_is_lifted_when_asked_and_mentioned_when_not(settings, tmp_path, write):
    veil = Veil((90.0, 80.0, 70.0), (240.0, 230.0, 220.0))
    for number in range(3, 8):
        write(tmp_path / "real" / f"{number}.png", 24, 20, number)
    for path in (tmp_path / "real").iterdir():
        clear = torch.from_numpy(cv2.imread(str(path))[..., ::-1].copy()).permute(2, 0, 1)[None]
        hazy = (veil.over(clear / 255) * 255).round().byte()[0].permute(1, 2, 0).numpy()
        cv2.imwrite(str(path), hazy[..., ::-1])
    said: list[str] = []
    baseline = {}

    def note(event):
        if isinstance(event, Said):
            said.append(event.text)
        if isinstance(event, Measured) and event.step == 0:
            baseline[len(baseline)] = event.figures["consistency"]

    recipe.adapt(settings(monitor={"held_out": 1}), note)
    assert any("--lift-veil" in text for text in said)
    said.clear()
    recipe.adapt(settings(monitor={"held_out": 1}, data={"lift_veil": True}), note)
    assert any("is lifted: black has become the levels" in text for text in said)
    assert baseline[1] < baseline[0] - 3, "the LR without its veil is what the result is held to"


def test_lifting_a_veil_where_there_is_none_changes_nothing_and_says_so(settings):
    heard = []
    plain = recipe.adapt(settings())
    lifted = recipe.adapt(settings(data={"lift_veil": True}), heard.append)
    assert any(isinstance(event, Warned) and "no veil" in event.text for event in heard)
    one, other = read_weights(plain.model), read_weights(lifted.model)
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_only_what_is_imitated_can_be_lifted(settings):
    with pytest.raises(ValueError, match="lift_veil goes with"):
        settings(data={"lift_veil": True, "degradation": "resizes"})


def test_own_photos_supervise_reduced_and_without_those_held_out(
    settings, tmp_path, monkeypatch, write
):
    for number in range(10):
        write(tmp_path / "large" / f"{number}.png", 200, 160, number)
    monkeypatch.setattr(supervision, "clean_reduction", lambda _photos: 2)
    config = settings(data={"real_lr": tmp_path / "large", "hr": "self"}, monitor={"held_out": 2})
    result = recipe.adapt(config)
    assert yaml.safe_load((result.run / "config.yaml").read_text())["data"]["hr_reduction"] == 2
    photos = supervision.choose_photos(config.data, config.monitor, 4, lambda _event: None)
    assert len(photos.hr) == 8
    assert len(photos.tried) == 2
    assert not set(photos.tried) & set(photos.hr)


def test_own_photos_are_chosen_by_with_those_that_no_weights_learn_from(
    settings, tmp_path, monkeypatch, write
):
    for number in range(5):
        write(tmp_path / "large" / f"{number}.png", 200, 160, number)
    monkeypatch.setattr(supervision, "clean_reduction", lambda _photos: 2)
    config = settings(data={"real_lr": tmp_path / "large", "hr": "self", "crop": 16})
    photos = supervision.choose_photos(config.data, config.monitor, 2, lambda _event: None)
    assert photos.tried == photos.watched
    assert len(photos.tried) == 1
    assert not set(photos.tried) & set(photos.hr)


@pytest.fixture
def choose(settings, tmp_path, monkeypatch, write):
    """Choose the photos of an adaptation by HR of some sides, which is clean at a factor."""

    def with_hr(sides, clean, **data):
        for number, side in enumerate(sides):
            write(tmp_path / "sharp" / f"{number}.png", side, 200, number)
        monkeypatch.setattr(supervision, "clean_reduction", lambda _photos: clean)
        config = settings(data={"hr": tmp_path / "sharp", "crop": 16, **data})
        heard = []
        return supervision.choose_photos(config.data, config.monitor, 2, heard.append), heard

    return with_hr


@pytest.mark.parametrize(("sides", "expected"), [((80, 80, 80), 2), ((40, 40, 80), 1)])
def test_hr_supervises_at_the_size_at_which_it_is_clean_where_most_of_it_is_large_enough(
    choose, sides, expected
):
    photos, _ = choose(sides, clean=2)
    assert photos.reduction == expected
    assert len(photos.hr) == 3


def test_hr_that_is_too_small_when_reduced_is_left_out_and_counted(choose):
    photos, heard = choose((80, 80, 80, 40), clean=2)
    assert photos.reduction == 2
    assert len(photos.hr) == 3
    assert any("Left out, as too small for that: 1." in event.text for event in heard)


def test_hr_too_small_to_be_clean_is_reduced_as_far_as_it_can_be(choose):
    photos, heard = choose((80, 80, 80), clean=6)
    assert photos.reduction == 2
    assert any("not yet sharp and clean" in event.text for event in heard)


def test_hr_that_is_asked_for_as_it_is_is_not_reduced(choose):
    photos, heard = choose((80, 80, 80), clean=2, hr_reduction=1)
    assert photos.reduction == 1
    assert not heard


def test_hr_that_is_clean_at_no_size_supervises_as_it_is_with_a_warning(choose):
    photos, heard = choose((80, 80, 80), clean=None)
    assert photos.reduction == 1
    assert any(isinstance(event, Warned) and "blurred or noisy" in event.text for event in heard)


def test_own_photos_that_are_never_sharp_are_refused(settings, monkeypatch):
    monkeypatch.setattr(supervision, "clean_reduction", lambda _photos: None)
    with pytest.raises(DataError, match="blurred or noisy"):
        recipe.adapt(settings(data={"hr": "self"}))


def test_held_out_photos_are_watched_and_never_learnt_from(settings, tmp_path, write):
    for number in range(3, 12):
        write(tmp_path / "real" / f"{number:02}.png", 24, 20, number)
    events = []
    result = recipe.adapt(settings(monitor={"every": 4, "held_out": 2}), events.append)

    measured = [event for event in events if isinstance(event, Measured)]
    assert [event.step for event in measured] == [0, 4, 8]
    assert {"consistency", "colour_drift", "sharpness", "noise"} <= measured[-1].figures.keys()
    assert result.verdict.result == "unknown"
    assert json.loads((result.run / "config.json").read_text())["real_photos"] == 10
    records = [json.loads(line) for line in (result.run / "metrics.jsonl").open()]
    assert [r["measured_after"] for r in records if "measured_after" in r] == [0, 4, 8]


@pytest.fixture
def with_pairs(settings, tmp_path, write):
    """Settings with validation pairs: photos and what they show, four times as large."""
    for number in range(2):
        hr = write(tmp_path / "val-hr" / f"{number}.png", 160, 144, 30 + number)
        low = cv2.resize(hr, (36, 40), interpolation=cv2.INTER_AREA)
        path = tmp_path / "val-lr" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(path), low[..., ::-1])
    pairs = {"lr": tmp_path / "val-lr", "hr": tmp_path / "val-hr", "every": 2, "crop": 32}
    return lambda **changes: settings(**{"monitor": pairs, **changes})


def test_pairs_choose_the_best_weights_and_keep_the_last_beside_them(with_pairs, monkeypatch):
    lpips = {0: 0.5, 2: 0.4, 4: 0.1, 6: 0.2, 8: 0.3}
    psnr = {0: 20.0, 2: 20.5, 4: 19.0, 6: 20.1, 8: 20.2}
    seen = {}

    def measure(self, network, step):
        seen[step] = network.inner.state_dict()["body.0.weight"].clone()
        self.history.append((step, {"val_psnr": psnr[step], "val_lpips": lpips[step]}))
        return self.history[-1][1]

    monkeypatch.setattr(Monitors, "measure", measure)
    result = recipe.adapt(with_pairs())

    assert result.written_step == 6  # step 4 has the lowest LPIPS, but lost fidelity
    assert torch.equal(read_weights(result.model)["body.0.weight"], seen[6])
    last = read_weights(result.run / "last.safetensors")
    assert torch.equal(last["body.0.weight"], seen[8])
    assert result.verdict.result == "better"
    assert "20.00 → 20.10 dB (+0.10)" in result.verdict.text


def test_pairs_are_measured_before_the_first_step_and_at_intervals(with_pairs):
    events = []
    recipe.adapt(with_pairs(), events.append)
    measured = [event for event in events if isinstance(event, Measured)]
    assert [event.step for event in measured] == [0, 2, 4, 6, 8]
    assert {"val_psnr", "val_ssim", "val_lpips"} <= measured[0].figures.keys()


def test_a_resumed_run_remembers_what_was_measured(with_pairs, tmp_path):
    whole = recipe.adapt(with_pairs(name="whole"))
    with pytest.raises(Interrupted):
        recipe.adapt(with_pairs(name="broken"), StopAt(5))
    resumed = recipe.resume(RunDirectory(tmp_path / "runs" / "broken"))
    assert resumed.verdict == whole.verdict
    assert resumed.written_step == whole.written_step


def test_validation_pairs_of_another_scale_are_refused(with_pairs, tmp_path, write):
    write(tmp_path / "val-hr" / "1.png", 150, 144, 1)
    with pytest.raises(DataError, match="not 4 times as large"):
        recipe.adapt(with_pairs())


def test_without_distances_only_supervision_trains(settings):
    config = settings(distances={"inter_weight": 0, "intra_weight": 0})
    losses = recipe.adapt(config).losses
    assert "pixel" in losses
    assert "inter" not in losses


def test_a_finished_run_cannot_be_resumed(settings):
    result = recipe.adapt(settings())
    with pytest.raises(UsageError, match="finished"):
        recipe.resume(RunDirectory(Path(result.run)))


def test_the_report_shows_photos_before_and_after(settings, with_pairs):
    without_hr = recipe.adapt(settings(name="without"))
    with_hr = recipe.adapt(with_pairs(name="with"))
    pages = [(result.run / "report.html").read_text() for result in (without_hr, with_hr)]
    for page, beside in zip(pages, (("LR", "Change"), ("HR", "Gain")), strict=True):
        assert "Where un-adapted ends and adapted begins" in page
        assert all(f"<b>{label}</b>" in page for label in beside)
        assert "Perceptual loss as a table" in page
    assert "PSNR against HR" in pages[1]


def test_the_report_shows_the_weights_that_were_written(with_pairs, monkeypatch):
    seen = []

    def compare(_gallery, network):
        seen.append({key: value.clone() for key, value in network.inner.state_dict().items()})
        return []

    monkeypatch.setattr(Gallery, "compare", compare)
    monkeypatch.setattr(Monitors, "best_step", lambda self: 2 if len(self.history) > 1 else None)
    result = recipe.adapt(with_pairs())
    written = read_weights(result.model)
    assert result.written_step == 2
    assert all(torch.equal(seen[0][key], written[key]) for key in written)
