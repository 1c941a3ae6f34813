"""The job ``adapt``: somebody's photos and a generalist in, a model made for those photos out."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, cast

import torch
import yaml
from torch import Tensor

from pdd_cli.assets.models import resolve_model
from pdd_cli.assets.weights import feature_weights
from pdd_cli.config.adapt import AdaptConfig, sized_for
from pdd_cli.data.batches import Batches, Crops
from pdd_cli.data.crops import DecodedPictures, RandomCrops
from pdd_cli.data.degradations import Degradation
from pdd_cli.distill.distances import PairwiseDistanceLoss
from pdd_cli.distill.ema import start_average
from pdd_cli.distill.features import Architecture, VGGFeatures, deepest_in_block
from pdd_cli.distill.objectives import AdversarialLoss, HaarPixelLoss, PerceptualLoss
from pdd_cli.distill.step import Batch, DistillationStep, Objectives, Schedule
from pdd_cli.errors import Interrupted, ModelError, UsageError
from pdd_cli.nets.discriminator import UNetDiscriminator
from pdd_cli.nets.network import Network, load_network
from pdd_cli.recipes.model_card import write_model
from pdd_cli.recipes.previews import Previews
from pdd_cli.recipes.report import write_report
from pdd_cli.recipes.supervision import Photos, choose_degradation, choose_photos
from pdd_cli.runtime.checkpoint import (
    State,
    load_checkpoint,
    random_state,
    restore_random_state,
    save_checkpoint,
    seed_everything,
)
from pdd_cli.runtime.device import autocast, choose_device, choose_precision, memory_format
from pdd_cli.runtime.events import Advanced, Finished, Observer, Said, Started, Warned, ignore
from pdd_cli.runtime.interrupt import held_interrupts
from pdd_cli.runtime.run_directory import RunDirectory, mark_latest, new_run, refuse_taken
from pdd_cli.runtime.weights import read_weights

_BETAS = (0.9, 0.99)


@dataclass(frozen=True)
class AdaptResult:
    """What an adaptation made."""

    run: Path
    """The run directory."""
    model: Path
    """The adapted weights."""
    steps: int
    losses: dict[str, float]
    """Of the last step, by name."""
    seconds: float


def adapt(config: AdaptConfig, observer: Observer = ignore) -> AdaptResult:
    """Adapt a generalist to a folder of low-resolution photos.

    Raises:
        UsageError: settings that cannot work, or a run of that name.
        DataError: photos that are missing, unreadable or too small.
        ModelError: a generalist or features that cannot be had.
        ResourceError: the device or the disk does not suffice.
        TrainingDiverged: a loss is not finite; the last checkpoint was kept.
        Interrupted: the user stopped the run; ``resume`` goes on.
    """
    if config.name is not None:
        refuse_taken(config.runs / config.name)
    return _carry_out(config, observer, resumed=None)


def resume(run: RunDirectory, observer: Observer = ignore) -> AdaptResult:
    """Go on with an interrupted adaptation, on a CPU bit for bit as if it never had been.

    Raises:
        UsageError: the run has finished, or has no checkpoint yet.
    """
    if run.finished:
        raise UsageError(f"--resume: {run.path} has finished.", hint="Start a new run.")
    if not _checkpoint(run).is_file():
        raise UsageError(f"--resume: {run.path} has no checkpoint.", hint="Start a new run.")
    config = AdaptConfig.model_validate(yaml.safe_load(run.config.read_text(encoding="utf-8")))
    return _carry_out(config, observer, resumed=run)


def _carry_out(
    config: AdaptConfig, observer: Observer, *, resumed: RunDirectory | None
) -> AdaptResult:
    began = time.monotonic()
    device = choose_device(config.device)
    config = sized_for(config, "cpu" if device.type == "cpu" else "gpu")
    seed_everything(config.train.seed)
    generalist = resolve_model(config.generalist, observer=observer)
    network = load_network(read_weights(generalist.weights), named=config.generalist)
    photos = choose_photos(config.data, network.scale, observer)
    features_name, weights = _choose_features(config, observer)
    precision = choose_precision(device, config.train.precision)
    config = config.model_copy(
        update={
            "data": photos.settings,
            "features": features_name,
            "train": config.train.model_copy(
                update={"precision": str(precision).removeprefix("torch.")}
            ),
        }
    )
    step = _build_step(config, network, features_name, weights, device, precision)
    degradation = choose_degradation(photos, network.scale, config.train.seed, observer)
    batches = _build_batches(config, photos, degradation, network.scale, device)
    run = resumed or new_run(config.runs, config.name, "adapt")
    observer = _both(observer, run.record)
    shown = cast(Network, step.generalist if config.write == "average" else step.specialist)
    previews = Previews(photos.real, network, run.previews, device, precision)
    first = 1
    if resumed:
        first = _restore(step, load_checkpoint(_checkpoint(run)), run) + 1
    else:
        run.write_start(config.model_dump(mode="json"))
        previews.write(shown, 0)
    _warn_of_short_runs(config, step.schedule, observer)

    losses = _train(config, step, batches, run, observer, previews, shown, first)

    write_report(run, f"{config.generalist}, adapted to {len(photos.real)} photos")
    write_model(shown, run, config, generalist, photos, losses)
    mark_latest(run)
    _checkpoint(run).unlink(missing_ok=True)
    observer(Said(f"The adapted model is {run.model}. Next: pdd infer PHOTOS."))
    return AdaptResult(
        run=run.path,
        model=run.model,
        steps=config.train.steps or 0,
        losses=losses,
        seconds=time.monotonic() - began,
    )


def _choose_features(
    config: AdaptConfig, observer: Observer
) -> tuple[Architecture, Mapping[str, Tensor]]:
    """Fetch the network that pictures are compared in: VGG19, or VGG16 where it cannot be had."""
    if config.features != "auto":
        return config.features, feature_weights(config.features, observer=observer)
    try:
        return "vgg19", feature_weights("vgg19", observer=observer)
    except ModelError as error:
        observer(
            Warned(
                f"VGG19 cannot be had ({error.problem}) VGG16 takes its place, "
                "with the last layer of each of its shorter blocks."
            )
        )
        return "vgg16", feature_weights("vgg16", observer=observer)


def _build_step(
    config: AdaptConfig,
    network: Network,
    features_name: Architecture,
    weights: Mapping[str, Tensor],
    device: torch.device,
    precision: torch.dtype,
) -> DistillationStep:
    train = config.train
    assert train.lr is not None
    assert train.discriminator_steps is not None
    assert train.supervised_steps is not None
    layout = memory_format(device)
    specialist = network.to(device).to(memory_format=layout).train()
    discriminator = UNetDiscriminator().to(device).to(memory_format=layout)
    objectives = _build_objectives(config, features_name, weights, device)
    return DistillationStep(
        specialist=specialist,
        generalist=start_average(specialist),
        discriminator=discriminator,
        objectives=objectives,
        specialist_optimizer=torch.optim.Adam(specialist.parameters(), train.lr, _BETAS),
        discriminator_optimizer=torch.optim.Adam(
            discriminator.parameters(), train.discriminator_lr, _BETAS
        ),
        schedule=Schedule(train.discriminator_steps, train.supervised_steps),
        autocast=partial(autocast, device, precision),
        ema_decay=train.ema_decay,
        detach_synthetic=config.distances.detach_synthetic,
    )


def _build_objectives(
    config: AdaptConfig,
    features_name: Architecture,
    weights: Mapping[str, Tensor],
    device: torch.device,
) -> Objectives:
    distances, supervision = config.distances, config.supervision
    inter, intra, perceptual = (
        {deepest_in_block(features_name, layer): weight for layer, weight in layers.items()}
        for layers in (
            distances.inter_layers,
            distances.intra_layers,
            supervision.perceptual_layers,
        )
    )
    features = VGGFeatures(features_name, {*inter, *intra, *perceptual}, weights)
    features = features.to(device).to(memory_format=memory_format(device))
    return Objectives(
        features=features,
        distances=PairwiseDistanceLoss(
            features,
            inter_layers=inter,
            intra_layers=intra,
            inter_distance=distances.inter_distance,
            inter_criterion=distances.inter_criterion,
            intra_distance=distances.intra_distance,
            intra_criterion=distances.intra_criterion,
            inter_weight=distances.inter_weight,
            intra_weight=distances.intra_weight,
        ),
        perceptual=PerceptualLoss(features, perceptual),
        pixel=HaarPixelLoss(supervision.pixel_band_weights),
        adversarial=AdversarialLoss(),
        pixel_weight=supervision.pixel_weight,
        perceptual_weight=supervision.perceptual_weight,
        adversarial_weight=supervision.adversarial_weight,
    )


def _build_batches(
    config: AdaptConfig,
    photos: Photos,
    degradation: Degradation,
    scale: int,
    device: torch.device,
) -> Batches:
    data, seed = photos.settings, config.train.seed
    assert data.crop is not None
    assert data.batch is not None
    # Real photos and HR may be the same files, reduced for the one and whole for the other.
    real = DecodedPictures(data.cache_gb / 2)
    hr = DecodedPictures(data.cache_gb / 2, data.hr_reduction)
    return Batches(
        real=RandomCrops(photos.real, data.crop, real, (seed, 0)),
        hr=RandomCrops(photos.hr, data.crop * scale, hr, (seed, 1)),
        degradation=degradation,
        size=data.batch,
        scale=scale,
        seed=seed,
        device=device,
    )


def _train(
    config: AdaptConfig,
    step: DistillationStep,
    batches: Batches,
    run: RunDirectory,
    observer: Observer,
    previews: Previews,
    shown: Network,
    first: int,
) -> dict[str, float]:
    """Take every step from ``first`` on; show, save and stop between two of them."""
    train = config.train
    assert train.steps and train.preview_every and train.checkpoint_every
    stage = f"adapting {config.generalist}"
    observer(Started(stage, train.steps, "step", done=first - 1))
    losses: dict[str, float] = {}
    stopping = partial(observer, Said("Stopping after this step; press Ctrl-C again to lose it."))
    with held_interrupts(stopping) as interrupted:
        for number, crops in batches.steps(first, train.steps):
            start = time.monotonic()
            rates = _learning_rates(config, number)
            step.set_learning_rates(**rates)
            losses = step.take(_laid_out(crops, batches.device), number)
            pace = time.monotonic() - start
            observer(Advanced(number, {**losses, "lr": rates["specialist"], "seconds": pace}))
            last = number == train.steps
            if number % train.preview_every == 0 or last:
                previews.write(shown, number)
            if interrupted() or (number % train.checkpoint_every == 0 and not last):
                _save(step, number, run)
            if interrupted() and not last:
                raise Interrupted(
                    f"Stopped after step {number} of {train.steps}; it is saved in {run.path}.",
                    hint=f"Go on with pdd adapt --resume --name {run.path.name}.",
                )
    observer(Finished(stage, f"{train.steps} steps"))
    return losses


def _learning_rates(
    config: AdaptConfig, number: int
) -> dict[Literal["specialist", "discriminator"], float]:
    train = config.train
    assert train.lr is not None
    factor = 0.5 ** sum(number > milestone for milestone in train.lr_halved_at)
    return {"specialist": train.lr * factor, "discriminator": train.discriminator_lr * factor}


def _laid_out(crops: Crops, device: torch.device) -> Batch:
    """Lay crops out in memory as convolutions are fastest."""
    layout = memory_format(device)
    return Batch(*(part.contiguous(memory_format=layout) for part in crops))


def _checkpoint(run: RunDirectory) -> Path:
    return run.checkpoints / "last.safetensors"


def _save(step: DistillationStep, number: int, run: RunDirectory) -> None:
    state: State = {"step": number, "random": random_state(), "training": step.state()}
    save_checkpoint(_checkpoint(run), state)


def _restore(step: DistillationStep, state: Mapping[str, Any], run: RunDirectory) -> int:
    """Put everything back where it was, and return the number of the last step taken."""
    step.restore(state["training"])
    restore_random_state(state["random"])
    number = int(state["step"])
    run.truncate_metrics(number)
    return number


def _warn_of_short_runs(config: AdaptConfig, schedule: Schedule, observer: Observer) -> None:
    warm_up = schedule.discriminator_steps + schedule.supervised_steps
    if (config.train.steps or 0) <= warm_up:
        observer(
            Warned(
                f"{config.train.steps} steps end before distillation, which starts at step "
                f"{warm_up + 1}: the model hardly changes. Give more --steps."
            )
        )


def _both(first: Observer, second: Observer) -> Observer:
    def tell(event: Any) -> None:  # noqa: ANN401 — an Event, handed on unseen
        first(event)
        second(event)

    return tell
