"""What a run leaves behind for others: the weights, what they are, and how they came to be."""

import json
from collections.abc import Mapping
from importlib.metadata import version

from pdd_cli.assets.models import ResolvedModel
from pdd_cli.config.adapt import AdaptConfig
from pdd_cli.nets.network import Network, load_network
from pdd_cli.recipes.supervision import Photos
from pdd_cli.runtime.files import write_text_atomically
from pdd_cli.runtime.run_directory import RunDirectory
from pdd_cli.runtime.weights import read_weights, write_weights

_PAPER = "https://arxiv.org/abs/2407.07302"


def write_model(
    network: Network,
    run: RunDirectory,
    config: AdaptConfig,
    base: ResolvedModel,
    photos: Photos,
    losses: Mapping[str, float],
) -> None:
    """Write ``config.json``, ``README.md`` and, last, ``model.safetensors``.

    The weights come last because their presence says that a run has finished.
    """
    facts = _facts(network, config, base, photos)
    write_text_atomically(run.path / "config.json", json.dumps(facts, indent=2) + "\n")
    write_text_atomically(run.path / "README.md", _card(facts, losses))
    metadata = {name: str(facts[name]) for name in ("architecture", "scale", "base_model", "steps")}
    weights = network.inner.state_dict()
    partial = run.checkpoints / "model.safetensors"
    write_weights(partial, weights, metadata)
    # What cannot be read back is not a result.
    load_network(read_weights(partial), named=str(partial))
    partial.replace(run.model)


def _facts(
    network: Network, config: AdaptConfig, base: ResolvedModel, photos: Photos
) -> dict[str, object]:
    return {
        "architecture": network.architecture,
        "scale": network.scale,
        "input_channels": 3,
        "colour": "RGB in [0, 1]",
        "key_layout": "spandrel",
        "base_model": base.name,
        "base_source": base.source,
        "base_sha256": base.sha256,
        "base_licence": base.licence,
        "written": config.write,
        "features": config.features,
        "steps": config.train.steps,
        "real_photos": len(photos.real),
        "hr_photos": len(photos.hr),
        "pdd_version": version("pdd-cli"),
    }


def _card(facts: Mapping[str, object], losses: Mapping[str, float]) -> str:
    licence = facts["base_licence"] or "unknown: ask the authors of the base model"
    rows = "\n".join(f"| {name} | {value:.4g} |" for name, value in losses.items())
    features = str(facts["features"]).upper()
    fallback = " It stands in for the paper's VGG19." if facts["features"] == "vgg16" else ""
    return f"""---
library_name: pdd
pipeline_tag: image-to-image
tags: [super-resolution, image-super-resolution, pdd, safetensors, "arxiv:2407.07302"]
---

# {facts["base_model"]} ×{facts["scale"]}, adapted

This network upscales ×{facts["scale"]}. It is {facts["base_model"]} ({facts["architecture"]}),
adapted without labels to {facts["real_photos"]} low-resolution photos by
[Pairwise Distance Distillation]({_PAPER}), in {facts["steps"]} steps, supervised by
{facts["hr_photos"]} high-resolution photos of other scenes. The {facts["written"]} of the run was
written. Pictures were compared in {features}.{fallback}

It is made for pictures of the kind it was adapted to. On others it may do worse than
{facts["base_model"]}. Details that it adds are plausible, not evidence.

## Use

    pdd infer PHOTOS --model THIS_FOLDER

`model.safetensors` loads in spandrel, ComfyUI and chaiNNer as it is.

## Losses of the last step

| loss | value |
|---|---|
{rows}

## Licence

The base model's licence: {licence}. Weights derived from it inherit its terms.
"""
