"""What a run leaves behind for others: the weights, what they are, and how they came to be."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version

from pdd_cli.nets.network import Network, load_network
from pdd_cli.recipes.verdict import Verdict
from pdd_cli.runtime.files import write_text_atomically
from pdd_cli.runtime.run_directory import RunDirectory
from pdd_cli.runtime.weights import read_weights, write_weights

PAPER = "https://arxiv.org/abs/2407.07302"

_IN_WEIGHTS = ("architecture", "scale", "base_model", "steps")


@dataclass(frozen=True)
class Story:
    """What is told about a model."""

    title: str
    made: str
    """How it was made, and what it is for, as a paragraph."""
    facts: Mapping[str, object]
    """For ``config.json``: where it came from and what it learnt from."""
    licence: str | None
    """Of the model that it is derived from; None where nobody told."""


def write_model(
    network: Network,
    run: RunDirectory,
    story: Story,
    losses: Mapping[str, float],
    verdict: Verdict,
) -> None:
    """Write ``config.json``, ``README.md`` and, last, ``model.safetensors``.

    The weights come last because their presence says that a run has finished.
    """
    facts: dict[str, object] = {
        "architecture": network.architecture,
        "scale": network.scale,
        "input_channels": 3,
        "colour": "RGB in [0, 1]",
        "key_layout": "spandrel",
        **story.facts,
        "pdd_version": version("pdd-cli"),
    }
    write_text_atomically(run.path / "config.json", json.dumps(facts, indent=2) + "\n")
    write_text_atomically(run.path / "README.md", _card(story, losses, verdict))
    metadata = {name: str(facts[name]) for name in _IN_WEIGHTS if name in facts}
    partial = run.checkpoints / "model.safetensors"
    write_weights(partial, network.inner.state_dict(), metadata)
    # What cannot be read back is not a result.
    load_network(read_weights(partial), named=str(partial), scales=(network.scale,))
    partial.replace(run.model)


def _card(story: Story, losses: Mapping[str, float], verdict: Verdict) -> str:
    licence = story.licence or "unknown: ask the authors of the base model"
    rows = "\n".join(f"| {name} | {value:.4g} |" for name, value in losses.items())
    measured = "\n".join(
        f"| {name} | {verdict.before[name]:.4g} | {value:.4g} |"
        for name, value in verdict.after.items()
    )
    return f"""---
library_name: pdd
pipeline_tag: image-to-image
tags: [super-resolution, image-super-resolution, pdd, safetensors, "arxiv:2407.07302"]
---

# {story.title}

{story.made}

Details that it adds are plausible, not evidence.

## Use

    pdd infer PHOTOS --model THIS_FOLDER

`model.safetensors` loads in spandrel, ComfyUI and chaiNNer as it is.

## Measured on pictures that it did not learn from

{verdict.text}

| figure | before | after |
|---|---|---|
{measured}

## Losses of the last step

| loss | value |
|---|---|
{rows}

## Licence

The base model's licence: {licence}. Weights derived from it inherit its terms.
"""
