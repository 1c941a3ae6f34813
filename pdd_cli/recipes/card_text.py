"""The model card as text, made of what lies in a run: never of what somebody typed.

Its front matter is what the Hub reads (https://huggingface.co/docs/hub/model-cards); the figures
are those that ``pdd eval`` kept.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import yaml

from pdd_cli.assets.hub import parse_hub_name, read_config
from pdd_cli.assets.hub_rules import licence_id
from pdd_cli.errors import ModelError, UsageError
from pdd_cli.recipes.card_results import describe_test_set, measurements, results_section
from pdd_cli.recipes.evaluation_records import EvaluationRecord, Figure
from pdd_cli.runtime.run_directory import RunDirectory

PAPER = "https://arxiv.org/abs/2407.07302"

_SEAL = re.compile(r"\n<!-- made by pdd; SHA-256 of the text above: ([0-9a-f]{64}) -->\n$")
_CITATION = """```bibtex
@inproceedings{zhang2024pairwise,
  title     = {Pairwise Distance Distillation for Unsupervised Real-World Image Super-Resolution},
  author    = {Zhang, Yuehan and Lee, Seungjun and Yao, Angela},
  booktitle = {European Conference on Computer Vision (ECCV)},
  year      = {2024},
  eprint    = {2407.07302},
  archivePrefix = {arXiv}
}
```"""


@dataclass(frozen=True)
class Destination:
    """Where the model will be found, for the lines that a reader pastes."""

    repository: str
    revision: str | None = None

    def __str__(self) -> str:
        return f"hf:{self.repository}{f'@{self.revision}' if self.revision else ''}"


def compose_card(
    run: RunDirectory,
    *,
    destination: Destination | None = None,
    licence: str | None = None,
    controls: Sequence[RunDirectory] = (),
    preview: str | None = None,
) -> str:
    """Write the card of a run's model.

    Args:
        run: with ``config.json`` and ``story.json``.
        destination: the repository that the card goes to; None for the run's own folder.
        licence: of the model, where the base model's does not tell it.
        controls: other runs whose figures on the same pictures stand beside this one's.
        preview: path of a picture in the repository that shows what the model does.

    Raises:
        ModelError: the run does not tell how its model was made.
        UsageError: the licence contradicts that of the base model.
    """
    facts, story = read_config(run.facts), read_config(run.story)
    if not facts or not story:
        raise ModelError(
            f"{run.path} does not tell how its model was made ({run.story.name} is missing).",
            hint="Give the folder of a run that pdd adapt or pdd train has finished.",
        )
    licence = licence_of(facts, licence)
    measured = measurements(run)
    front_matter = yaml.safe_dump(
        _front_matter(facts, story, licence, measured, destination),
        sort_keys=False,
        allow_unicode=True,
    )
    shown = f"![The LR, the un-adapted and this model's picture]({preview})\n" if preview else ""
    sections = [
        f"# {story['title']}\n\n{story['made']}\n\n{shown}",
        results_section(run, facts, story, measured, controls),
        _use(facts, destination),
        _limits(facts, story),
        _licence(facts, licence),
        _citation(story),
    ]
    body = "\n".join(section.strip() + "\n" for section in sections if section)
    return _sealed(f"---\n{front_matter}---\n\n{body}")


def licence_of(facts: Mapping[str, object], given: str | None) -> str | None:
    """Return the licence that follows from the base model's, or the given one where none does.

    Raises:
        UsageError: the two contradict each other.
    """
    base = facts.get("base_licence")
    if not isinstance(base, str):
        return given
    if given is not None and given.lower() != base.lower():
        raise UsageError(
            f"--licence {given}: the base model {facts['base_model']} comes under {base}, and "
            "weights derived from it inherit its terms.",
            hint="Leave the option out.",
        )
    return base


def is_untouched(card: str) -> bool:
    """Tell whether a card is as pdd wrote it, so that writing it anew loses nothing."""
    seal = _SEAL.search(card)
    return seal is not None and _hash(card[: seal.start() + 1]) == seal[1]


def _sealed(card: str) -> str:
    return f"{card}\n<!-- made by pdd; SHA-256 of the text above: {_hash(card + chr(10))} -->\n"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _front_matter(
    facts: Mapping[str, object],
    story: Mapping[str, object],
    licence: str | None,
    measured: Sequence[EvaluationRecord],
    destination: Destination | None,
) -> dict[str, object]:
    tags = ["super-resolution", "image-super-resolution", "pdd", "safetensors"]
    tags.append(str(facts["architecture"]).lower())
    if story["job"] == "adapt":
        tags.append("arxiv:2407.07302")
    card: dict[str, object] = {"license": licence_id(licence)}
    if card["license"] == "other":
        card["license_name"] = re.sub(r"[^a-z0-9.]+", "-", str(licence).lower()).strip("-")
    card |= {"library_name": "pdd", "pipeline_tag": "image-to-image", "tags": tags}
    source = str(facts.get("base_source", ""))
    if source.startswith("hf:"):
        base = parse_hub_name(source).repository
        card |= {"base_model": base, "base_model_relation": "finetune"}
    plain = [record for record in measured if record.color_fix == "none"]
    results = [_result(record) for record in plain if _finite(record)]
    if results:
        names = dict.fromkeys(name for record in plain for name in _finite(record))
        card["metrics"] = list(names)
        name = destination.repository.partition("/")[2] if destination else str(story["title"])
        card["model-index"] = [{"name": name, "results": results}]
    return card


def _result(record: EvaluationRecord) -> dict[str, object]:
    dataset = {"name": describe_test_set(record), "type": _slug(record.dataset or "own photos")}
    # Results on one data set are one entry to the Hub: what tells the pictures apart stands here.
    dataset["config"] = f"{record.hr_sha256[:8]}-{(record.lr_sha256 or 'unknown')[:8]}"
    if record.split:
        dataset["split"] = record.split
    metrics = [
        {"type": name, "value": figure.value, "name": f"{name} ({figure.protocol})"}
        for name, figure in _finite(record).items()
    ]
    task = {"type": "image-to-image", "name": f"Super-resolution ×{record.scale}"}
    return {"task": task, "dataset": dataset, "metrics": metrics}


def _finite(record: EvaluationRecord) -> dict[str, Figure]:
    return {name: figure for name, figure in record.figures.items() if figure.value is not None}


def _use(facts: Mapping[str, object], destination: Destination | None) -> str:
    model = destination or "."
    where = "" if destination else ", here in this folder"
    text = f"""## Use

With `pdd` installed{where}:

```bash
pdd infer PHOTOS --model {model}
```

```python
from pathlib import Path

from pdd_cli import InferConfig, infer

infer(InferConfig(paths=(Path("PHOTOS"),), model="{model}"))
```
"""
    if destination is None:
        return text
    revision = f', revision="{destination.revision}"' if destination.revision else ""
    return f"""{text}
`model.safetensors` loads in spandrel, ComfyUI and chaiNNer as it is:

```python
import torch
from huggingface_hub import hf_hub_download
from spandrel import ModelLoader

path = hf_hub_download("{destination.repository}", "model.safetensors"{revision})
model = ModelLoader().load_from_file(path).eval()
with torch.inference_mode():
    upscaled = model(torch.rand(1, 3, 64, 64))  # RGB in [0, 1]; here ×{facts["scale"]}
```
"""


def _limits(facts: Mapping[str, object], story: Mapping[str, object]) -> str:
    limits = [
        "It adds details that are plausible and not evidence: nothing in its pictures may identify "
        "a person, read a number plate, or decide on a diagnosis.",
        f"It upscales ×{facts['scale']} and nothing else; input is RGB in [0, 1].",
    ]
    if story["job"] == "adapt":
        limits.insert(
            0,
            f"It is meant for photos of the kind it was adapted to ({facts['real_photos']} of "
            f"them). On others it may do worse than {facts['base_model']}.",
        )
    return "## Intended use and limits\n\n" + "\n".join(f"- {limit}" for limit in limits)


def _licence(facts: Mapping[str, object], licence: str | None) -> str:
    if facts.get("base_model") is None:
        told = licence or "not chosen yet; it was trained from scratch, so that its maker chooses"
        return f"## Licence\n\n{told}."
    base = facts["base_model"]
    told = licence or f"unknown: ask the authors of {base}"
    text = f"{told}. Weights derived from {base} inherit its terms."
    return f"## Licence\n\n{text}"


def _citation(story: Mapping[str, object]) -> str:
    if story["job"] != "adapt":
        return ""
    return f"## Citation\n\nThe method, [Pairwise Distance Distillation]({PAPER}):\n\n{_CITATION}"


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
