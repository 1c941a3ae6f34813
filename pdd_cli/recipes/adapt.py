"""The job ``adapt``: somebody's photos and a generalist in, a model made for those photos out."""

from collections.abc import Sequence
from typing import Literal, cast

import torch

from pdd_cli.assets.models import ResolvedModel, public_name, resolve_model
from pdd_cli.config.adapt import AdaptConfig, sized_for
from pdd_cli.data.batches import Batches, SyntheticPairs
from pdd_cli.data.crops import DecodedPictures, RandomCrops, read_reduced
from pdd_cli.data.degradations import Degradation
from pdd_cli.distill.ema import start_average
from pdd_cli.errors import ModelError
from pdd_cli.images.colour import pixels_to_tensor
from pdd_cli.nets.network import Network, load_network
from pdd_cli.recipes.assembly import build_step, choose_features, settled
from pdd_cli.recipes.card_text import PAPER
from pdd_cli.recipes.gallery import Exhibit, Gallery
from pdd_cli.recipes.model_card import Story
from pdd_cli.recipes.monitors import (
    Monitors,
    build_monitors,
    make_pair,
    read_photo,
    read_validation_pair,
    row_of_squares,
)
from pdd_cli.recipes.previews import Previews
from pdd_cli.recipes.resuming import changed_settings, refuse_unresumable
from pdd_cli.recipes.strength import Blend, Trials
from pdd_cli.recipes.supervision import (
    TRIALS,
    Photos,
    choose_degradation,
    choose_photos,
    hr_crops,
)
from pdd_cli.recipes.training import Training, TrainingResult
from pdd_cli.runtime.checkpoint import seed_everything
from pdd_cli.runtime.device import choose_device, choose_precision
from pdd_cli.runtime.events import Observer, Warned, both, ignore
from pdd_cli.runtime.run_directory import RunDirectory, new_run, refuse_taken
from pdd_cli.runtime.weights import read_weights


def adapt(config: AdaptConfig, observer: Observer = ignore) -> TrainingResult:
    """Adapt a generalist to a folder of low-resolution photos.

    Raises:
        UsageError: settings that cannot work, or a run of that name.
        DataError: photos that are missing, unreadable or too small.
        ModelError: a model or features that cannot be had, or networks of two scales.
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
    """Go on with an interrupted adaptation, on a CPU bit for bit as if it never had been.

    Args:
        run: an unfinished run.
        changes: ``section.key=value`` each, of settings that may change on the way.
        observer: told of everything.

    Raises:
        UsageError: the run has finished or has no checkpoint, or a setting may not change.
    """
    refuse_unresumable(run)
    return _carry_out(changed_settings(AdaptConfig, run, changes), observer, resumed=run)


def _carry_out(
    config: AdaptConfig, observer: Observer, *, resumed: RunDirectory | None
) -> TrainingResult:
    device = choose_device(config.device)
    config = sized_for(config, "cpu" if device.type == "cpu" else "gpu")
    seed_everything(config.train.seed)
    base = resolve_model(config.specialist or config.generalist, observer=observer)
    specialist = load_network(read_weights(base.weights), named=base.name)
    generalist = _generalist(config, specialist, observer)
    photos = choose_photos(config.data, config.monitor, specialist.scale, observer)
    compares = config.distances.used or config.supervision.perceptual_weight > 0
    features = choose_features(config.features, observer) if compares else None
    precision = choose_precision(device, config.train.precision)
    config = config.model_copy(
        update={"data": photos.settings, **settled(config, features, precision)}
    )
    degradation, veil = choose_degradation(photos, specialist.scale, config.train.seed, observer)
    crop, chooses = config.monitor.crop or 0, config.strength is None
    monitors = build_monitors(
        photos.watched,
        [read_validation_pair(*pair, crop, specialist.scale) for pair in photos.validation],
        crop=crop,
        scale=specialist.scale,
        device=device,
        precision=precision,
        observer=observer,
        compares=chooses,
        veil=veil,
    )
    step = build_step(
        config,
        specialist,
        generalist=generalist,
        distances=config.distances if config.distances.used else None,
        features=features,
        device=device,
        precision=precision,
    )
    run = resumed or new_run(config.runs, config.name, "adapt")
    if not resumed:
        run.write_start(config.model_dump(mode="json"), "adapt")
    observer = both(observer, run.record)
    _warn_of_short_runs(config, observer)
    blend = Blend(
        specialist,
        cast(Network, step.average),
        before=start_average(specialist),
        write=config.write or "average",
        share=config.strength or 1.0,
    )
    training = Training(
        job="adapt",
        stage=f"adapting {base.name}",
        config=config,
        run=run,
        step=step,
        batches=_batches(config, photos, degradation, specialist.scale, device),
        previews=Previews(
            [read_photo(path) for path in photos.shown], specialist, run.previews, device, precision
        ),
        gallery=Gallery(
            _exhibits(photos, monitors, crop, specialist.scale),
            specialist,
            labels=("un-adapted", "adapted"),
            scale=specialist.scale,
            device=device,
            precision=precision,
        ),
        monitors=monitors,
        observer=observer,
        blend=blend,
        trials=_trials(config, photos, monitors, degradation, specialist.scale)
        if chooses
        else None,
        writes=(config.write,) if config.write else ("specialist", "average"),
    )
    return training.carry_through(
        resumed=resumed is not None,
        title=f"{base.name}, adapted to {len(photos.real)} photos",
        story=lambda written: _story(
            config, base, photos, blend, scale=specialist.scale, written=written
        ),
    )


def _trials(
    config: AdaptConfig,
    photos: Photos,
    monitors: Monitors,
    degradation: Degradation,
    scale: int,
) -> Trials:
    """Return the pairs to choose by: real ones where there are any, else made ones.

    They are made of HR photos that supervise nothing, where there are such, and of several parts of
    each where there are few.
    """
    if monitors.pairs:
        return Trials(monitors.pairs)
    crop, seed = config.monitor.crop or 0, config.train.seed
    each = -(-TRIALS // len(photos.tried))
    parts = [
        part
        for path in photos.tried
        for part in row_of_squares(
            pixels_to_tensor(read_reduced(path, photos.reduction)), crop, scale, each
        )
    ]
    return Trials(
        [
            make_pair(part, crop, scale, degradation, (seed, 4, number))
            for number, part in enumerate(parts)
        ],
        learnt_from=not set(photos.tried).isdisjoint(photos.hr),
    )


def _exhibits(photos: Photos, monitors: Monitors, crop: int, scale: int) -> list[Exhibit]:
    """Show pairs, by which everybody can judge; without any, the photos of the previews."""
    if monitors.pairs:
        return [
            Exhibit.of(pair.name, pair.lr, pair.hr, crop=crop, scale=scale)
            for pair in monitors.pairs
        ]
    return [
        Exhibit.of(path.stem, read_photo(path), None, crop=crop, scale=scale)
        for path in photos.shown
    ]


def _generalist(
    config: AdaptConfig, specialist: Network, observer: Observer
) -> Network | Literal["average"]:
    """Load the frozen reference, where it does not follow the specialist."""
    if config.distances.generalist_follows:
        return "average"
    reference = resolve_model(config.generalist, observer=observer)
    network = load_network(read_weights(reference.weights), named=reference.name)
    if network.scale != specialist.scale:
        raise ModelError(
            f"The specialist {config.specialist} upscales ×{specialist.scale} and the generalist "
            f"{config.generalist} ×{network.scale}.",
            hint="Give two models of one scale.",
        )
    return network


def _batches(
    config: AdaptConfig,
    photos: Photos,
    degradation: Degradation,
    scale: int,
    device: torch.device,
) -> Batches:
    data, seed = photos.settings, config.train.seed
    assert data.crop is not None
    assert data.batch is not None
    real = DecodedPictures(data.cache_gb / 2)
    return Batches(
        pairs=SyntheticPairs(
            hr_crops(photos, data.crop * scale, (seed, 1)), degradation, scale, seed
        ),
        real=RandomCrops(photos.real, data.crop, real, (seed, 0)),
        size=data.batch * config.train.accumulate,
        device=device,
    )


def _story(
    config: AdaptConfig,
    base: ResolvedModel,
    photos: Photos,
    blend: Blend,
    *,
    scale: int,
    written: int,
) -> Story:
    follows = config.distances.generalist_follows
    reference = "its own running average" if follows else public_name(config.generalist)
    stands_in = " It stands in for the paper's VGG19." if config.features == "vgg16" else ""
    made = f"""This network upscales ×{scale}. It is {base.name}, adapted without labels to
{len(photos.real)} low-resolution photos by [Pairwise Distance Distillation]({PAPER}), in
{config.train.steps} steps beside {reference}, supervised by {len(photos.hr)} high-resolution photos
of other scenes. The {blend.write} after step {written} was written, at a strength of
{blend.share:g} (1 is fully adapted, 0 the base model). Pictures were compared in
{config.features.upper()}.{stands_in}

It is made for pictures of the kind it was adapted to; on others it may do worse than {base.name}.
""".strip()
    return Story(
        job="adapt",
        title=f"{base.name} ×{scale}, adapted",
        made=made,
        facts={
            "base_model": base.name,
            "base_source": base.source,
            "base_sha256": base.sha256,
            "base_licence": base.licence,
            "generalist": reference,
            "written": blend.write,
            "strength": blend.share,
            "written_step": written,
            "features": config.features,
            "degradation": config.data.degradation,
            "lift_veil": config.data.lift_veil,
            "steps": config.train.steps,
            "training_precision": config.train.precision,
            "real_photos": len(photos.real),
            "hr_photos": len(photos.hr),
        },
    )


def _warn_of_short_runs(config: AdaptConfig, observer: Observer) -> None:
    train = config.train
    warm_up = (train.discriminator_steps or 0) + (train.supervised_steps or 0)
    if (train.steps or 0) <= warm_up:
        observer(
            Warned(
                f"{train.steps} steps end before distillation, which starts at step "
                f"{warm_up + 1}: the model hardly changes. Give more --steps."
            )
        )
