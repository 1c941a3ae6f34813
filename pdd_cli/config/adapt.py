"""The settings of an adaptation, and the sizes that follow the device.

A setting of ``None`` follows from others: from the device, the number of steps or the batch.
``sized_for`` fills them in; what a run used stands in its ``config.yaml`` without any ``None``
but those that mean "no file".
"""

import math
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from pdd_cli.config.strict import StrictModel

Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
LayerWeights = dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]]

_STEPS = {"cpu": 240, "gpu": 4000}
_BATCH = {"cpu": 1, "gpu": 8}
_CROP = {"cpu": 32, "gpu": 48}

# What did well in short runs on two crops a step; five times as much costs fidelity at once. The
# noise of a gradient falls with the root of the batch, and the rate follows it: 8e-5 on the 32
# crops for which the authors take 1e-4 (arXiv 2407.07302, as its released code computes it).
_REFERENCE_LEARNING_RATE = 2e-5
_REFERENCE_CROPS = 2

# Likewise 300 + 5 steps of warm-up and a decay of 0.999 in 100,000 steps. A short run cannot
# spend that many, and an average must not remember its start at its end.
_LONGEST_DISCRIMINATOR_WARM_UP = 300
_SUPERVISED_WARM_UP = 5
_LARGEST_EMA_DECAY = 0.999


class DataSettings(StrictModel):
    """Which photos, and how crops are cut from them."""

    real_lr: Path
    """Folder of the low-resolution photos to adapt to, of any depth."""
    hr: Path | None = None
    """Folder of high-resolution photos that supervise; unset, pdd looks for some itself."""
    hr_reduction: Annotated[int, Field(ge=1)] = 1
    """Factor by which HR photos are reduced in size as they are read; 1 leaves them alone."""
    crop: Annotated[int, Field(ge=16, multiple_of=8)] | None = None
    """Height and width of an LR crop in pixels: 32 on a CPU, 48 on a GPU."""
    batch: Annotated[int, Field(ge=1)] | None = None
    """Real crops in a step, and as many synthetic: 1 on a CPU, 8 on a GPU."""
    degradation: Literal["resizes", "target"] = "resizes"
    """How synthetic LR is made of HR: by a change of size, or as the camera of the real photos
    would have taken it, estimated from them."""
    resizes: Annotated[
        tuple[Literal["bicubic", "bilinear", "area", "antialiased"], ...], Field(min_length=1)
    ] = ("bicubic", "bilinear", "area")
    """The changes of size, one drawn for each crop."""
    cache_gb: Annotated[float, Field(gt=0)] = 1.0
    """Gibibytes of memory for decoded photos."""


class DistanceSettings(StrictModel):
    """The pairwise distances; see docs/method.md."""

    inter_weight: Weight = 1.0
    """Overall weight of the distances between the two networks."""
    intra_weight: Weight = 1.0
    """Overall weight of the distances within one network."""
    inter_layers: LayerWeights = {
        "conv2_1": 0.25,
        "conv3_1": 0.25,
        "conv4_1": 0.25,
        "conv5_1": 0.25,
    }
    """Weights by VGG layer."""
    intra_layers: LayerWeights = {"conv2_2": 0.1, "conv3_4": 0.3, "conv4_4": 1.0, "conv5_4": 1.0}
    """Weights by VGG layer, in VGG19's names."""
    inter_distance: Literal["gram_of_difference", "difference_of_grams", "l1", "l2"] = (
        "gram_of_difference"
    )
    """What is measured between the networks."""
    inter_criterion: Literal["frobenius"] = "frobenius"
    """How the distances on real and on synthetic crops are compared."""
    intra_distance: Literal["l1", "frobenius"] = "l1"
    """What is measured within one network."""
    intra_criterion: Literal["cross_entropy", "l1", "l2", "frobenius", "cosine"] = "cross_entropy"
    """How the specialist's distance is compared with the generalist's."""
    detach_synthetic: bool = False
    """Whether the distances leave the prediction on synthetic crops alone."""


class SupervisionSettings(StrictModel):
    """The losses on synthetic pairs; see docs/method.md."""

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
    adversarial_weight: Weight = 0.01
    """Weight of the adversarial loss; 0 leaves the discriminator out."""


class TrainSettings(StrictModel):
    """How long and how fast."""

    steps: Annotated[int, Field(ge=1)] | None = None
    """Steps in all: 240 on a CPU, 4,000 on a GPU."""
    lr: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Learning rate of the specialist: 2e-5 · √(crops a step / 2)."""
    lr_halved_at: tuple[Annotated[int, Field(ge=1)], ...] = (25_000, 100_000, 200_000, 300_000)
    """Steps at which both learning rates are halved."""
    discriminator_lr: Annotated[float, Field(gt=0, lt=1)] = 1e-4
    """Learning rate of the discriminator."""
    discriminator_steps: Annotated[int, Field(ge=0)] | None = None
    """Steps in which only the discriminator learns: a twelfth of all, 300 at the most."""
    supervised_steps: Annotated[int, Field(ge=0)] | None = None
    """Steps of the supervised losses alone before distillation starts: 5, or fewer in tiny runs."""
    ema_decay: Annotated[float, Field(ge=0, lt=1)] | None = None
    """How slowly the generalist follows the specialist: its memory is 5/12 of the steps."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Type of the networks' arithmetic; auto is bfloat16 where the device gains from it."""
    seed: Annotated[int, Field(ge=0)] = 0
    """One seed gives one result on a CPU."""
    preview_every: Annotated[int, Field(ge=1)] | None = None
    """Steps between previews: a sixth of the run."""
    checkpoint_every: Annotated[int, Field(ge=1)] | None = None
    """Steps between checkpoints: a sixth of the run."""

    @field_validator("supervised_steps")
    @classmethod
    def _must_leave_zero_distance(cls, steps: int | None) -> int | None:
        if steps == 0:
            raise ValueError(
                "the average starts equal to the specialist, and at zero distance there is nothing "
                "to distil: at least 1 supervised step has to come first"
            )
        return steps


class AdaptConfig(StrictModel):
    """Everything about an adaptation."""

    generalist: str = "realesrgan"
    """The model to adapt: a known name, a path, or hf:user/repo."""
    features: Literal["auto", "vgg19", "vgg16"] = "auto"
    """The network that pictures are compared in; auto is VGG19 where it can be had."""
    write: Literal["average", "specialist"] = "average"
    """Which network is shown, scored and written: the specialist or its average."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:1 or mps."""
    runs: Path = Path("runs")
    """Folder of all runs."""
    name: Annotated[str, Field(pattern=r"^[\w][\w.\-]*$")] | None = None
    """The run's folder within it; unset, the job and the time."""
    data: DataSettings
    distances: DistanceSettings = DistanceSettings()
    supervision: SupervisionSettings = SupervisionSettings()
    train: TrainSettings = TrainSettings()

    @model_validator(mode="after")
    def _distances_go_together(self) -> "AdaptConfig":
        chosen = self.distances
        if chosen.intra_distance == "frobenius" and chosen.intra_criterion not in ("l1", "l2"):
            raise ValueError(
                "distances.intra_distance frobenius is one number for each network and goes with "
                "distances.intra_criterion l1 or l2 only"
            )
        return self


def sized_for(config: AdaptConfig, device: Literal["cpu", "gpu"]) -> AdaptConfig:
    """Fill in every size that was left to follow the device, the steps or the batch."""
    data = config.data.model_copy(
        update={
            "crop": config.data.crop or _CROP[device],
            "batch": config.data.batch or _BATCH[device],
        }
    )
    train = config.train
    steps = train.steps or _STEPS[device]
    interval = max(1, math.ceil(steps / 6))
    followed = {
        "steps": steps,
        "lr": _learning_rate(data.batch or 1),
        "discriminator_steps": min(_LONGEST_DISCRIMINATOR_WARM_UP, steps // 12),
        "supervised_steps": max(1, min(_SUPERVISED_WARM_UP, steps // 12)),
        "ema_decay": _ema_decay(steps),
        "preview_every": interval,
        "checkpoint_every": interval,
    }
    unset = {key: value for key, value in followed.items() if getattr(train, key) is None}
    return config.model_copy(update={"data": data, "train": train.model_copy(update=unset)})


def _learning_rate(batch: int) -> float:
    return _REFERENCE_LEARNING_RATE * math.sqrt(2 * batch / _REFERENCE_CROPS)


def _ema_decay(steps: int) -> float:
    return min(_LARGEST_EMA_DECAY, max(0.0, 1 - 12 / (5 * steps)))
