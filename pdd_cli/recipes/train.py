"""The job ``train``: sharp photos in, a network for one synthetic degradation out.

Or, for those who have some, real pairs in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from pdd_cli.assets.models import ResolvedModel, resolve_model
from pdd_cli.config.train import TrainConfig, sized_for
from pdd_cli.data.batches import Batches, Pairs, RealPairs, SyntheticPairs
from pdd_cli.data.crops import DecodedPictures, RandomCrops, RandomPairs, large_enough
from pdd_cli.data.degradations import Degradation, PlainResizes
from pdd_cli.data.second_order import SecondOrder
from pdd_cli.errors import DataError, UsageError
from pdd_cli.images.codec import read_picture
from pdd_cli.images.colour import pixels_to_tensor
from pdd_cli.images.listing import name_some
from pdd_cli.nets.network import Network, load_network
from pdd_cli.nets.scratch import SCRATCH_SCALES, untrained_network
from pdd_cli.recipes.assembly import FeatureWeights, build_step, choose_features
from pdd_cli.recipes.model_card import Story
from pdd_cli.recipes.monitors import (
    ValidationPair,
    build_monitors,
    centre,
    read_validation_pair,
)
from pdd_cli.recipes.pairs import pairs_by_name
from pdd_cli.recipes.previews import Previews
from pdd_cli.recipes.resuming import changed_settings, refuse_unresumable
from pdd_cli.recipes.sources import sharp_photos
from pdd_cli.recipes.training import Training, TrainingResult
from pdd_cli.runtime.checkpoint import seed_everything
from pdd_cli.runtime.device import choose_device, choose_precision
from pdd_cli.runtime.events import Observer, Warned, both, ignore
from pdd_cli.runtime.run_directory import RunDirectory, new_run, refuse_taken
from pdd_cli.runtime.weights import read_weights

# So many pairs are enough to watch a training by.
_WATCHED = 8
_SHARE_TO_LEARN_FROM = 5

_Item = TypeVar("_Item")


def train(config: TrainConfig, observer: Observer = ignore) -> TrainingResult:
    """Train a network on pairs of LR and HR.

    Raises:
        UsageError: settings that cannot work, or a run of that name.
        DataError: photos that are missing, unreadable, too small or do not fit.
        ModelError: weights or features that cannot be had.
        ResourceError: the device or the disk does not suffice.
        TrainingDiverged: several steps in a row were not finite; the last good state was kept.
        Interrupted: the user stopped the run; ``resume`` goes on.
    """
    if config.name is not None:
        refuse_taken(config.runs / config.name)
    return _carry_out(config, observer, resumed=None)


def resume(
    run: RunDirectory, changes: Sequence[str] = (), observer: Observer = ignore
) -> TrainingResult:
    """Go on with an interrupted training; see ``pdd_cli.recipes.adapt.resume``."""
    refuse_unresumable(run)
    return _carry_out(changed_settings(TrainConfig, run, changes), observer, resumed=run)


@dataclass(frozen=True)
class _Material:
    """What is learnt from, and what is kept to measure with."""

    pairs: Pairs
    photos: int
    held_out: list[ValidationPair]


def _carry_out(
    config: TrainConfig, observer: Observer, *, resumed: RunDirectory | None
) -> TrainingResult:
    device = choose_device(config.device)
    config = sized_for(config, "cpu" if device.type == "cpu" else "gpu")
    seed_everything(config.train.seed)
    network, base = _network(config, observer)
    material = _material(config, network.scale, observer)
    features = _features(config, observer)
    precision = choose_precision(device, config.train.precision)
    chosen: dict[str, object] = {
        "train": config.train.model_copy(
            update={"precision": str(precision).removeprefix("torch.")}
        )
    }
    if features is not None:
        chosen["features"] = features[0]
    config = config.model_copy(update=chosen)
    run = resumed or new_run(config.runs, config.name, "train")
    monitors = build_monitors(
        [],
        material.held_out,
        crop=config.monitor.crop or 0,
        scale=network.scale,
        device=device,
        precision=precision,
        observer=observer,
    )
    step = build_step(
        config,
        network,
        generalist=None,
        distances=None,
        features=features,
        device=device,
        precision=precision,
    )
    if not resumed:
        run.write_start(config.model_dump(mode="json"), "train")
    observer = both(observer, run.record)
    training = Training(
        job="train",
        stage=f"training {config.trains}",
        config=config,
        run=run,
        step=step,
        batches=Batches(
            pairs=material.pairs,
            real=None,
            size=(config.data.batch or 1) * config.train.accumulate,
            device=device,
        ),
        previews=Previews(
            [pair.lr for pair in material.held_out], network, run.previews, device, precision
        ),
        monitors=monitors,
        observer=observer,
    )
    return training.carry_through(
        resumed=resumed is not None,
        title=f"{config.trains}, trained on {material.photos} photos",
        story=lambda written: _story(config, material, base, written),
    )


def _network(config: TrainConfig, observer: Observer) -> tuple[Network, ResolvedModel | None]:
    """Load or make the network, and tell which model it begins as, if any."""
    if config.weights is None:
        return untrained_network(config.network, config.scale), None
    model = resolve_model(config.weights, observer=observer)
    weights = read_weights(model.weights)
    return load_network(weights, named=model.name, scales=SCRATCH_SCALES), model


def _features(config: TrainConfig, observer: Observer) -> FeatureWeights | None:
    if not config.supervision.perceptual_weight:
        return None
    return choose_features(config.features, observer)


def _material(config: TrainConfig, scale: int, observer: Observer) -> _Material:
    if config.data.lr is not None:
        return _real_pairs(config, config.data.lr, scale)
    data, seed = config.data, config.train.seed
    assert data.hr is not None
    assert data.crop is not None
    good, small, unreadable = large_enough(sharp_photos(data.hr, observer), data.crop * scale)
    skipped = [*small, *unreadable]
    if skipped:
        observer(Warned(f"Skipped, as no crop can be cut from them: {name_some(skipped)}."))
    if not good:
        raise DataError(
            f"--hr {data.hr}: none of its pictures is readable and at least "
            f"{data.crop * scale}×{data.crop * scale}, which a crop needs.",
            hint="Give larger pictures or a smaller --crop.",
        )
    if scale == 1 and data.degradation == "resizes":
        raise UsageError(
            "A network of ×1 learns nothing from a change of size.",
            hint="Give --degradation second-order, or pairs.",
        )
    learnt, watched = _held_out(good)
    degradation = (
        SecondOrder() if data.degradation == "second-order" else PlainResizes(data.resizes)
    )
    crops = RandomCrops(learnt, data.crop * scale, DecodedPictures(data.cache_gb), (seed, 1))
    return _Material(
        pairs=SyntheticPairs(crops, degradation, scale, seed),
        photos=len(learnt),
        held_out=[
            _made_pair(path, config.monitor.crop or 0, scale, degradation, (seed, 3, number))
            for number, path in enumerate(watched)
        ],
    )


def _real_pairs(config: TrainConfig, low: Path, scale: int) -> _Material:
    data, seed = config.data, config.train.seed
    assert data.hr is not None
    assert data.crop is not None
    pairs = pairs_by_name(low, data.hr)
    for lr, hr in pairs:
        small, large = read_picture(lr), read_picture(hr)
        if (large.height, large.width) != (scale * small.height, scale * small.width):
            raise DataError(
                f"{hr} is not {scale} times as large as {lr}.",
                hint="Give pairs of the network's scale.",
            )
        if min(small.height, small.width) < data.crop:
            raise DataError(
                f"{lr} is smaller than a crop of {data.crop}.", hint="Give a smaller --crop."
            )
    learnt, watched = _held_out(pairs)
    crops = RandomPairs(learnt, data.crop, scale, DecodedPictures(data.cache_gb), (seed, 1))
    return _Material(
        pairs=RealPairs(crops),
        photos=len(learnt),
        held_out=[
            read_validation_pair(lr, hr, config.monitor.crop or 0, scale) for lr, hr in watched
        ],
    )


def _held_out(items: Sequence[_Item]) -> tuple[list[_Item], list[_Item]]:
    """Keep some items, from all over the list, away from learning."""
    count = min(_WATCHED, len(items) // _SHARE_TO_LEARN_FROM)
    kept = set(range(0, len(items), len(items) // count)[:count]) if count else set()
    return (
        [item for number, item in enumerate(items) if number not in kept],
        [item for number, item in enumerate(items) if number in kept],
    )


def _made_pair(
    path: Path, crop: int, scale: int, degradation: Degradation, seed: Sequence[int]
) -> ValidationPair:
    hr = centre(pixels_to_tensor(read_picture(path).rgb8()), crop, scale)
    height, width = (length // scale * scale for length in hr.shape[-2:])
    hr = hr[..., :height, :width]
    return ValidationPair(degradation(hr, scale, np.random.default_rng(seed)), hr)


def _story(
    config: TrainConfig, material: _Material, base: ResolvedModel | None, written: int
) -> Story:
    what = "real pairs" if config.data.lr else f"synthetic pairs ({config.data.degradation})"
    begun = {} if base is None else {"base_source": base.source, "base_sha256": base.sha256}
    trains = config.trains if base is None else f"{base.name}, fine-tuned"
    return Story(
        job="train",
        title=f"{trains}, trained",
        made=f"{trains}, trained on {what} of {material.photos} photos in "
        f"{config.train.steps} steps. The {config.write} after step {written} was written.",
        facts={
            "base_model": None if base is None else base.name,
            **begun,
            "base_licence": None if base is None else base.licence,
            "written": config.write,
            "written_step": written,
            "degradation": None if config.data.lr else config.data.degradation,
            "steps": config.train.steps,
            "training_precision": config.train.precision,
            "hr_photos": material.photos,
        },
    )
