"""What the Hub takes in the front matter of a model card, checked before anything leaves.

The licences are those of https://huggingface.co/docs/hub/repositories-licenses, the pipelines those
of https://huggingface.co/tasks and the shape of the model index that of
https://huggingface.co/docs/hub/model-cards, each as of November 2026.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeGuard

_LICENCES = """
apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0
bigcode-openrail-m afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear
c-uda cc cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0
cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0
cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cdla-sharing-1.0 cdla-permissive-1.0 cdla-permissive-2.0 wtfpl
ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2 agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0 lgpl
lgpl-2.1 lgpl-3.0 isc h-research intel-research lppl-1.3c ms-pl apple-ascl apple-amlr mpl-2.0
odc-by odbl openmdw-1.0 openmdw-1.1 openrail++ osl-3.0 postgresql ofl-1.1 ncsa unlicense zlib pddl
lgpl-lr deepfloyd-if-license fair-noncommercial-research-license llama2 llama3 llama3.1 llama3.2
llama3.3 llama4 grok2-community gemma unknown other
"""
LICENCES = frozenset(_LICENCES.split())

_PIPELINES = """
any-to-any audio-classification audio-text-to-text audio-to-audio automatic-speech-recognition
depth-estimation document-question-answering feature-extraction fill-mask graph-ml
image-classification image-feature-extraction image-segmentation image-text-to-image
image-text-to-text image-text-to-video image-to-3d image-to-image image-to-text image-to-video
keypoint-detection mask-generation multiple-choice object-detection other question-answering
reinforcement-learning robotics sentence-similarity summarization table-question-answering
table-to-text tabular-classification tabular-regression tabular-to-text text-classification
text-generation text-ranking text-retrieval text-to-3d text-to-audio text-to-image text-to-speech
text-to-video time-series-forecasting token-classification translation
unconditional-image-generation video-classification video-text-to-text video-to-video
visual-document-retrieval visual-question-answering voice-activity-detection
zero-shot-classification zero-shot-image-classification zero-shot-object-detection
"""
PIPELINES = frozenset(_PIPELINES.split())

_RELATIONS = ("finetune", "adapter", "merge", "quantized")
_REPOSITORY = re.compile(r"[\w.\-]+(?:/[\w.\-]+)?")


def licence_id(licence: str | None) -> str:
    """Return the Hub's identifier of a licence: ``unknown`` without one, ``other`` for its own."""
    if licence is None:
        return "unknown"
    return licence.lower() if licence.lower() in LICENCES else "other"


def broken_rules(front_matter: object) -> list[str]:
    """Tell, one sentence each, which of the Hub's rules a card's front matter breaks."""
    if not isinstance(front_matter, Mapping):
        return ["The front matter is no mapping."]
    return [
        *_plain_fields(front_matter),
        *_licence(front_matter),
        *_base_model(front_matter),
        *_model_index(front_matter.get("model-index", [])),
    ]


def _plain_fields(card: Mapping[str, object]) -> Iterator[str]:
    pipeline = card.get("pipeline_tag")
    if pipeline is not None and pipeline not in PIPELINES:
        yield f"pipeline_tag: {pipeline!r} is none of the Hub's."
    for name in ("tags", "metrics", "datasets"):
        if not _is_texts(card.get(name, [])):
            yield f"{name}: must be a list of texts."
    if not isinstance(card.get("library_name", ""), str):
        yield "library_name: must be a text."


def _licence(card: Mapping[str, object]) -> Iterator[str]:
    licence = card.get("license")
    if licence is not None and licence not in LICENCES:
        yield f"license: {licence!r} is none of the Hub's; it would be other, with a license_name."
    if licence == "other" and not isinstance(card.get("license_name"), str):
        yield "license_name: is needed where license is other."


def _base_model(card: Mapping[str, object]) -> Iterator[str]:
    base, relation = card.get("base_model"), card.get("base_model_relation")
    bases = [base] if isinstance(base, str) else base
    if bases is not None and not (
        _is_texts(bases) and all(_REPOSITORY.fullmatch(name) for name in bases)
    ):
        yield f"base_model: {base!r} is no repository."
    if relation is not None and relation not in _RELATIONS:
        yield f"base_model_relation: {relation!r} is none of {', '.join(_RELATIONS)}."


def _model_index(index: object) -> Iterator[str]:
    if not _is_mappings(index):
        yield "model-index: must be a list of models."
        return
    for model in index:
        if not _is_text(model.get("name")):
            yield "model-index: a model needs a name."
        results = model.get("results")
        if not _is_mappings(results) or not results:
            yield "model-index: a model needs a list of results."
            continue
        for result in results:
            yield from _result(result)


def _result(result: Mapping[str, object]) -> Iterator[str]:
    for part, keys in (("task", ("type",)), ("dataset", ("type", "name"))):
        told = result.get(part)
        for key in keys:
            if not isinstance(told, Mapping) or not _is_text(told.get(key)):
                yield f"model-index: a result needs its {part}'s {key}."
    metrics = result.get("metrics")
    if not _is_mappings(metrics) or not metrics:
        yield "model-index: a result needs a list of metrics."
        return
    for metric in metrics:
        if not _is_text(metric.get("type")):
            yield "model-index: a metric needs a type."
        value = metric.get("value")
        if isinstance(value, bool) or not isinstance(value, int | float | str) or value == "":
            yield f"model-index: {value!r} is no value of a metric."
        elif isinstance(value, float) and not math.isfinite(value):
            yield "model-index: a metric's value must be finite."


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_texts(value: object) -> TypeGuard[Sequence[str]]:
    return isinstance(value, Sequence) and not isinstance(value, str) and all(map(_is_text, value))


def _is_mappings(value: object) -> TypeGuard[Sequence[Mapping[str, object]]]:
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and all(isinstance(item, Mapping) for item in value)
    )
