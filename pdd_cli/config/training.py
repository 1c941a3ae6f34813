"""The settings that every training has, whatever it learns from, and the sizes that follow others.

A setting of ``None`` follows from others: from the device, the number of steps or the batch. What a
run used stands in its ``config.yaml`` without any ``None`` but those that mean "no file".
"""

import math
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pdd_cli.config.strict import StrictModel

DeviceClass = Literal["cpu", "gpu"]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
LayerWeights = dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]]
Resizes = Annotated[
    tuple[Literal["bicubic", "bilinear", "area", "antialiased"], ...], Field(min_length=1)
]

_BATCH: dict[DeviceClass, int] = {"cpu": 1, "gpu": 8}
_CROP: dict[DeviceClass, int] = {"cpu": 32, "gpu": 48}
_MONITOR_CROP: dict[DeviceClass, int] = {"cpu": 96, "gpu": 192}
_INTERVALS = 6

# The paper's warm-up is 300 + 5 steps of 100,000. The discriminator's steps are cheap, and a short
# run spends a larger share on them. Its average remembers the whole way, its start included: that
# is what kept LPIPS from rising (docs/method.md, What the defaults are).
_LONGEST_DISCRIMINATOR_WARM_UP = 300
_SUPERVISED_WARM_UP = 5
_LARGEST_EMA_DECAY = 0.9999


class CropSettings(StrictModel):
    """How crops are cut, and how LR is made of sharp ones."""

    crop: Annotated[int, Field(ge=16, multiple_of=8)] | None = None
    """Height and width of an LR crop in pixels: 32 on a CPU, 48 on a GPU."""
    batch: Annotated[int, Field(ge=1)] | None = None
    """Crops of each kind that are computed together: 1 on a CPU, 8 on a GPU."""
    resizes: Resizes = ("bicubic", "bilinear", "area")
    """The changes of size that make synthetic LR, one drawn for each crop."""
    cache_gb: Annotated[float, Field(gt=0)] = 1.0
    """Gibibytes of memory for decoded photos."""


class SupervisionSettings(StrictModel):
    """The losses on pairs of LR and HR; see docs/method.md."""

    pixel_weight: Weight = 0.5
    """Weight of the Haar pixel loss."""
    pixel_band_weights: tuple[Weight, Weight, Weight] = (1.0, 0.1, 0.01)
    """Weights of the bands LL, HL with LH, and HH."""
    perceptual_weight: Weight = 1.0
    """Weight of the perceptual loss."""
    perceptual_layers: LayerWeights = {
        "conv1_2": 0.1,
        "conv2_2": 0.1,
        "conv3_4": 1.0,
        "conv4_4": 1.0,
        "conv5_4": 1.0,
    }
    """Weights by VGG layer, in VGG19's names."""
    adversarial_weight: Weight = 0.1
    """Weight of the adversarial loss; 0 leaves the discriminator out."""


class TrainSettings(StrictModel):
    """How long, how fast and how carefully."""

    steps: Annotated[int, Field(ge=1)] | None = None
    """Steps in all; unset, it follows the job and the device."""
    lr: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Learning rate of the network: it follows the job, the device and the crops a step."""
    lr_halved_at: tuple[Annotated[int, Field(ge=1)], ...] = (25_000, 100_000, 200_000, 300_000)
    """Steps at which both learning rates are halved."""
    discriminator_lr: Annotated[float, Field(gt=0, lt=1)] = 5e-4
    """Learning rate of the discriminator."""
    discriminator_steps: Annotated[int, Field(ge=0)] | None = None
    """Steps in which only the discriminator learns: two sevenths of all, 300 at the most."""
    supervised_steps: Annotated[int, Field(ge=0)] | None = None
    """Steps of the supervised losses alone before distillation starts: 5, or fewer in tiny runs."""
    ema_decay: Annotated[float, Field(ge=0, lt=1)] | None = None
    """How slowly the average follows the network: its memory is as long as an adaptation, and a
    tenth of a training."""
    accumulate: Annotated[int, Field(ge=1)] = 1
    """Batches whose gradients are averaged in one step."""
    largest_gradient: Annotated[float, Field(gt=0)] = math.inf
    """Norm that the network's gradient is cut to."""
    skipped_steps: Annotated[int, Field(ge=0)] = 3
    """Steps in a row that may be skipped, for something in them not being finite."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Type of the networks' arithmetic; auto is bfloat16 where the device gains from it."""
    seed: Annotated[int, Field(ge=0)] = 0
    """One seed gives one result on a CPU."""
    preview_every: Annotated[int, Field(ge=1)] | None = None
    """Steps between previews: a sixth of the run."""
    checkpoint_every: Annotated[int, Field(ge=1)] | None = None
    """Steps between checkpoints: a sixth of the run."""


class MonitorSettings(StrictModel):
    """What watches over a run on pictures that it does not learn from."""

    every: Annotated[int, Field(ge=1)] | None = None
    """Steps between measurements: a sixth of the run."""
    held_out: Annotated[int, Field(ge=0)] = 4
    """Real photos that are kept from learning and watched; fewer where there are few."""
    crop: Annotated[int, Field(ge=32)] | None = None
    """Side of the centre that is measured, LR pixels: 96 on a CPU, 192 on a GPU."""
    lr: Path | None = None
    """Folder of LR photos whose HR lies in ``monitor.hr``, to choose the best weights by."""
    hr: Path | None = None
    """Folder of their HR, by the same names."""

    @model_validator(mode="after")
    def _pairs_need_both(self) -> "MonitorSettings":
        if (self.hr is None) != (self.lr is None):
            raise ValueError("validation pairs need both monitor.lr and monitor.hr")
        return self


class TrainingConfig(StrictModel):
    """What all trainings have in common."""

    features: Literal["auto", "vgg19", "vgg16"] = "auto"
    """The network that pictures are compared in; auto is VGG19 where it can be had."""
    write: Literal["average", "specialist"] | None = None
    """Which weights are shown, scored and written: the network's own or their running average;
    unset, the average, unless an adaptation finds the others better."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:1 or mps."""
    runs: Path = Path("runs")
    """Folder of all runs."""
    name: Annotated[str, Field(pattern=r"^[\w][\w.\-]*$")] | None = None
    """The run's folder within it; unset, the job and the time."""
    supervision: SupervisionSettings = SupervisionSettings()
    train: TrainSettings = TrainSettings()
    monitor: MonitorSettings = MonitorSettings()


def with_sizes(crops: CropSettings, device: DeviceClass) -> dict[str, int]:
    """Return the sizes that follow the device."""
    return {"crop": crops.crop or _CROP[device], "batch": crops.batch or _BATCH[device]}


def following_batch(rate_of_two: float, crops: int) -> float:
    """Return the learning rate of a step, given that of a step of two crops.

    The noise of a gradient falls with the root of the batch, and the rate follows it.
    """
    return rate_of_two * math.sqrt(crops / 2)


def scheduled(train: TrainSettings, *, steps: int, lr: float, memory: float) -> TrainSettings:
    """Fill in what follows the steps.

    Args:
        train: the settings as given.
        steps: how many, where that is not set.
        lr: learning rate, where that is not set.
        memory: share of the run that the average remembers.
    """
    steps = train.steps or steps
    interval = math.ceil(steps / _INTERVALS)
    followed = {
        "steps": steps,
        "lr": lr,
        "discriminator_steps": min(_LONGEST_DISCRIMINATOR_WARM_UP, 2 * steps // 7),
        "supervised_steps": max(1, min(_SUPERVISED_WARM_UP, steps // 12)),
        "ema_decay": min(_LARGEST_EMA_DECAY, max(0.0, 1 - 1 / (memory * steps))),
        "preview_every": interval,
        "checkpoint_every": interval,
    }
    unset = {key: value for key, value in followed.items() if getattr(train, key) is None}
    return train.model_copy(update=unset)


def watched(monitor: MonitorSettings, steps: int, device: DeviceClass) -> MonitorSettings:
    """Fill in what follows the steps and the device."""
    followed = {"every": math.ceil(steps / _INTERVALS), "crop": _MONITOR_CROP[device]}
    unset = {key: value for key, value in followed.items() if getattr(monitor, key) is None}
    return monitor.model_copy(update=unset)
