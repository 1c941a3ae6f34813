"""The results in a model card: tables of what ``pdd eval`` kept, with protocol and controls."""

from collections.abc import Mapping, Sequence

from pdd_cli.assets.sources import file_hash
from pdd_cli.errors import DataError
from pdd_cli.recipes.evaluation_records import EvaluationRecord, Figure, read_evaluations
from pdd_cli.runtime.run_directory import RunDirectory

_ARROWS = {"higher": "↑", "lower": "↓"}


def measurements(run: RunDirectory) -> list[EvaluationRecord]:
    """Read what ``pdd eval`` measured of the run's present weights, here or of a copy of them."""
    if not run.finished:
        return []
    own = file_hash(run.model)
    found = [*read_evaluations(run.path.resolve().parent), *read_evaluations(run.path)]
    return list(
        {record.identity: record for record in found if record.model_sha256 == own}.values()
    )


def results_section(
    run: RunDirectory,
    facts: Mapping[str, object],
    story: Mapping[str, object],
    measured: Sequence[EvaluationRecord],
    controls: Sequence[RunDirectory],
) -> str:
    """Write the tables of what was measured, with the controls, and what watched the training.

    Raises:
        DataError: nothing was measured of a control.
    """
    verdict = story["verdict"]
    assert isinstance(verdict, Mapping)
    watched = f"While it was made: {verdict['text']}"
    if not measured:
        none = "Nothing has been measured with `pdd eval` yet."
        return f"## Results\n\n{none} {watched}"
    others = _controls(run, facts, controls)
    tables = [_table(group, others, facts.get("base_model")) for group in _by_test_set(measured)]
    return "\n\n".join(["## Results", *tables, watched])


def _by_test_set(measured: Sequence[EvaluationRecord]) -> list[list[EvaluationRecord]]:
    groups: dict[tuple[str, str | None], list[EvaluationRecord]] = {}
    for record in sorted(measured, key=lambda record: record.color_fix != "none"):
        groups.setdefault((record.hr_sha256, record.lr_sha256), []).append(record)
    return list(groups.values())


def _controls(
    run: RunDirectory, facts: Mapping[str, object], controls: Sequence[RunDirectory]
) -> list[tuple[str, EvaluationRecord]]:
    """Name what stands beside the model: its base, plain enlargements, and the chosen runs."""
    found = []
    for record in read_evaluations(run.path.resolve().parent):
        if record.model_sha256 is None:
            found.append((record.model, record))
        elif record.model_sha256 == facts.get("base_sha256"):
            found.append((f"{facts['base_model']}, un-adapted", record))
    for control in controls:
        measured = measurements(control)
        if not measured:
            raise DataError(
                f"--control {control.path}: nothing has been measured of this run.",
                hint=f"Run pdd infer TEST_LR --model {control.path}, then pdd eval.",
            )
        found += [(f"control: {control.path.resolve().name}", record) for record in measured]
    return found


def _table(
    own: Sequence[EvaluationRecord], others: Sequence[tuple[str, EvaluationRecord]], base: object
) -> str:
    names = list(dict.fromkeys(name for record in own for name in record.figures))
    beside = [(label, record) for label, record in others if record.comparable_to(own[0])]
    rows = [(_with_fix(label, record), record) for label, record in beside]
    rows += [(f"**{_with_fix('this model', record)}**", record) for record in own]
    heads = " | ".join(_head(name, own) for name in names)
    lines = [f"| | {heads} |", "|---" * (len(names) + 1) + "|"]
    for label, record in rows:
        told = [_cell(record.figures.get(name), _like(name, own)) for name in names]
        lines.append(f"| {label} | {' | '.join(told)} |")
    protocol = "; ".join(f"{name}: {_like(name, own).protocol}" for name in names)
    text = [
        f"{describe_test_set(own[0])}, ×{own[0].scale}, by `pdd eval` ({protocol}).",
        "\n".join(lines),
    ]
    if not beside:
        text.append(f"No control was measured on these pictures{_not_even(base)}.")
    return "\n\n".join(text)


def _not_even(base: object) -> str:
    return f", not even {base} un-adapted" if base else ""


def _like(name: str, records: Sequence[EvaluationRecord]) -> Figure:
    return next(record.figures[name] for record in records if name in record.figures)


def _head(name: str, records: Sequence[EvaluationRecord]) -> str:
    figure = _like(name, records)
    return " ".join(filter(None, (name, figure.unit, _ARROWS.get(figure.better or ""))))


def _cell(figure: Figure | None, like: Figure) -> str:
    """Write a figure; one of another protocol is not comparable and is left out."""
    if figure is None or figure.value is None or figure.protocol != like.protocol:
        return "—"
    return f"{figure.value:.2f}" if figure.unit == "dB" else f"{figure.value:.4f}"


def _with_fix(label: str, record: EvaluationRecord) -> str:
    return label if record.color_fix == "none" else f"{label}, colours fixed ({record.color_fix})"


def describe_test_set(record: EvaluationRecord) -> str:
    """Say what was tested on; photos of the user's own are counted and not named."""
    if record.dataset is None:
        return f"{record.pictures} pictures of the author's own"
    split = f", {record.split}" if record.split else ""
    return f"{record.dataset}{split}, {record.pictures} pictures"
