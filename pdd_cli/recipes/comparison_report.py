"""The page about a comparison of models: the last one beside the reference, and all figures."""

from dataclasses import replace
from pathlib import Path

from pdd_cli.config.evaluate import CompareConfig
from pdd_cli.errors import UsageError
from pdd_cli.recipes.compare import CompareResult, ModelScores
from pdd_cli.recipes.evaluation_report import report_of_evaluation, write_page
from pdd_cli.recipes.provenance import sentence
from pdd_cli.recipes.showcase import figure, heading
from pdd_cli.report.page import Report, Section, Table
from pdd_cli.runtime.events import Observer, ignore


def write_comparison_report(
    config: CompareConfig, result: CompareResult, observer: Observer = ignore
) -> Path:
    """Write the page that ``config.report`` names.

    Raises:
        UsageError: the page has no name or no place, or a picture to show was not scored.
        OSError: the disk is full or the folder cannot be written.
    """
    if config.report is None:
        raise UsageError("The report has no name.", hint="Give --report FILE.")
    return write_page(report_of_comparison(result, config), config.report, observer)


def report_of_comparison(result: CompareResult, config: CompareConfig) -> Report:
    """Tell about a comparison.

    The pictures are those of the last model that is no control, beside those of the reference; a
    reference without a rival stands beside bicubic enlargement.

    Raises:
        UsageError: a picture to show was not scored.
        DataError: a scored picture cannot be read any more.
    """
    reference = next(model for model in result.models if model.name == result.reference)
    rivals = [m for m in result.models if not m.control and m is not reference]
    shown = rivals[-1] if rivals else reference
    report = report_of_evaluation(
        shown.result,
        reference.result if rivals else None,
        labels=(reference.name if rivals else "bicubic", shown.name),
        show=config.show,
        settings=config.model_dump(mode="json"),
    )
    everyone = Section("All models", [_table(result)], sentence(result.protocol_text))
    title = f"{len(result.models)} ways of upscaling, on {result.pictures} pictures"
    summary = f"{shown.name} against {reference.name if rivals else 'bicubic'}. {report.summary}"
    return replace(report, title=title, summary=summary, sections=[everyone, *report.sections])


def _table(result: CompareResult) -> Table:
    metrics = [result.protocol.metric(name) for name in result.protocol.metrics]
    columns = []
    for metric in metrics:
        better = f", {metric.better} is better" if metric.better else ""
        columns.append(f"{heading(metric)}{better}")
    rows = [(model.name, *_figures(model, result)) for model in result.models]
    return Table(
        f"Means, and what lies between them and {result.reference}", ("model", *columns), rows
    )


def _figures(model: ModelScores, result: CompareResult) -> list[str]:
    figures = []
    for name in result.protocol.metrics:
        metric = result.protocol.metric(name)
        mean = model.result.means[name]
        first = next(m for m in result.models if m.name == result.reference).result.means[name]
        change = "" if name not in model.differences else f" ({figure(metric, mean - first, '+')})"
        figures.append(f"{figure(metric, mean)}{change}")
    return figures
