"""What a run leaves behind for others: the weights, what they are, and how they came to be."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Literal

from pdd_cli.nets.network import Network, load_network
from pdd_cli.recipes.card_text import compose_card
from pdd_cli.recipes.verdict import Verdict
from pdd_cli.runtime.files import write_text_atomically
from pdd_cli.runtime.run_directory import RunDirectory
from pdd_cli.runtime.weights import read_weights, write_weights

_IN_WEIGHTS = ("architecture", "scale", "base_model", "steps")


@dataclass(frozen=True)
class Story:
    """What is told about a model. It is published: photos are counted in it and never named."""

    job: Literal["adapt", "train"]
    title: str
    made: str
    """How it was made, and what it is for, as a paragraph."""
    facts: Mapping[str, object]
    """For ``config.json``: where it came from and what it learnt from. ``base_model`` is None for a
    network that was trained from scratch, ``base_licence`` where nobody told."""


def write_model(
    network: Network,
    run: RunDirectory,
    story: Story,
    losses: Mapping[str, float],
    verdict: Verdict,
) -> None:
    """Write ``config.json``, ``story.json``, ``README.md`` and, last, ``model.safetensors``.

    The weights come last because their presence says that a run has finished.
    """
    facts: dict[str, object] = {
        "architecture": network.architecture,
        "scale": network.scale,
        "input_channels": 3,
        "colour": "RGB in [0, 1]",
        "key_layout": "spandrel",
        "precision": "float32",
        **story.facts,
        "pdd_version": version("pdd-cli"),
    }
    told = {
        "job": story.job,
        "title": story.title,
        "made": story.made,
        "losses": dict(losses),
        "verdict": asdict(verdict),
    }
    write_text_atomically(run.facts, json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
    write_text_atomically(run.story, json.dumps(told, indent=2, ensure_ascii=False) + "\n")
    write_text_atomically(run.card, compose_card(run))
    metadata = {name: str(facts[name]) for name in _IN_WEIGHTS if facts.get(name) is not None}
    partial = run.checkpoints / "model.safetensors"
    write_weights(partial, network.inner.state_dict(), metadata)
    # What cannot be read back is not a result.
    load_network(read_weights(partial), named=str(partial), scales=(network.scale,))
    partial.replace(run.model)
