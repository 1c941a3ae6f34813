"""The job ``train``: sharp photos in, a network for one synthetic degradation out.

Or, for those who have some, real pairs in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from pdd_cli.assets.models import ResolvedModel, resolve_model
from pdd_cli.config.train import TrainConfig, sized_for
from pdd_cli.data.batches import Batches, Pairs, RealPairs, SyntheticPairs
from pdd_cli.data.crops import CropSources, DecodedPictures, RandomCrops, RandomPairs
from pdd_cli.data.degradations import PlainResizes
from pdd_cli.data.second_order import SecondOrder
from pdd_cli.errors import DataError, UsageError
from pdd_cli.images.codec import read_picture
from pdd_cli.images.listing import name_some
from pdd_cli.nets.network import Network, load_network
from pdd_cli.nets.scratch import SCRATCH_SCALES, untrained_network
from pdd_cli.recipes.assembly import build_step, choose_features, settled
from pdd_cli.recipes.gallery import Exhibit, Gallery
from pdd_cli.recipes.model_card import Story
from pdd_cli.recipes.monitors import (
    ValidationPair,
    build_monitors,
    make_pair,
    read_photo,
    read_validation_pair,
)
from pdd_cli.recipes.pairs import pairs_by_name
from pdd_cli.recipes.previews import Previews
from pdd_cli.recipes.resuming import changed_settings, refuse_unresumable
from pdd_cli.recipes.sources import keep_from_learning, sharp_photos
from pdd_cli.recipes.strength import Blend
from pdd_cli.recipes.training import Training, TrainingResult
from pdd_cli.runtime.checkpoint import seed_everything
from pdd_cli.runtime.device import choose_device, choose_precision
from pdd_cli.runtime.events import Observer, Warned, both, ignore
from pdd_cli.runtime.run_directory import RunDirectory, new_run, refuse_taken
from pdd_cli.runtime.weights import read_weights

# So many pairs are enough to watch a training by.
_WATCHED = 8


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
    scale = network.scale
    material = _material(config, scale, observer)
    compares = config.supervision.perceptual_weight > 0
    features = choose_features(config.features, observer) if compares else None
    precision = choose_precision(device, config.train.precision)
    config = config.model_copy(update=settled(config, features, precision))
    run = resumed or new_run(config.runs, config.name, "train")
    monitors = build_monitors(
        [],
        material.held_out,
        crop=config.monitor.crop or 0,
        scale=scale,
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
    blend = Blend(
        network, cast(Network, step.average), before=None, write=config.write or "average"
    )
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
        gallery=Gallery(
            [
                Exhibit.of(pair.name, pair.lr, pair.hr, crop=config.monitor.crop or 0, scale=scale)
                for pair in material.held_out
            ],
            network if config.weights else None,
            labels=("as it began" if config.weights else "bicubic", "trained"),
            scale=scale,
            device=device,
            precision=precision,
        ),
        monitors=monitors,
        observer=observer,
        blend=blend,
    )
    return training.carry_through(
        resumed=resumed is not None,
        title=f"{config.trains}, trained on {material.photos} photos",
        story=lambda written: _story(config, material, base, blend, written),
    )


def _network(config: TrainConfig, observer: Observer) -> tuple[Network, ResolvedModel | None]:
    """Load or make the network, and tell which model it begins as, if any."""
    if config.weights is None:
        return untrained_network(config.network, config.scale), None
    model = resolve_model(config.weights, observer=observer)
    weights = read_weights(model.weights)
    return load_network(weights, named=model.name, scales=SCRATCH_SCALES), model


def _material(config: TrainConfig, scale: int, observer: Observer) -> _Material:
    if config.data.lr is not None:
        return _real_pairs(config, config.data.lr, scale)
    data, seed = config.data, config.train.seed
    assert data.hr is not None
    assert data.crop is not None
    found = CropSources.measure(sharp_photos(data.hr, observer))
    good = found.large_enough(data.crop * scale)
    if skipped := [*found.too_small(data.crop * scale), *found.unreadable]:
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
    learnt, watched = keep_from_learning(good, _WATCHED)
    degradation = (
        SecondOrder() if data.degradation == "second-order" else PlainResizes(data.resizes)
    )
    crops = RandomCrops(learnt, data.crop * scale, DecodedPictures(data.cache_gb), (seed, 1))
    return _Material(
        pairs=SyntheticPairs(crops, degradation, scale, seed),
        photos=len(learnt),
        held_out=[
            make_pair(
                read_photo(path), config.monitor.crop or 0, scale, degradation, (seed, 3, number)
            )
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
    learnt, watched = keep_from_learning(pairs, _WATCHED)
    crops = RandomPairs(learnt, data.crop, scale, DecodedPictures(data.cache_gb), (seed, 1))
    return _Material(
        pairs=RealPairs(crops),
        photos=len(learnt),
        held_out=[
            read_validation_pair(lr, hr, config.monitor.crop or 0, scale) for lr, hr in watched
        ],
    )


def _story(
    config: TrainConfig,
    material: _Material,
    base: ResolvedModel | None,
    blend: Blend,
    written: int,
) -> Story:
    what = "real pairs" if config.data.lr else f"synthetic pairs ({config.data.degradation})"
    begun = {} if base is None else {"base_source": base.source, "base_sha256": base.sha256}
    trains = config.trains if base is None else f"{base.name}, fine-tuned"
    return Story(
        job="train",
        title=f"{trains}, trained",
        made=f"{trains}, trained on {what} of {material.photos} photos in "
        f"{config.train.steps} steps. The {blend.write} after step {written} was written.",
        facts={
            "base_model": None if base is None else base.name,
            **begun,
            "base_licence": None if base is None else base.licence,
            "written": blend.write,
            "written_step": written,
            "degradation": None if config.data.lr else config.data.degradation,
            "steps": config.train.steps,
            "training_precision": config.train.precision,
            "hr_photos": material.photos,
        },
    )
