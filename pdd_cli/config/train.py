"""The settings of training a specialist for one synthetic degradation, or on real pairs."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pdd_cli.config.training import (
    CropSettings,
    DeviceClass,
    TrainingConfig,
    following_batch,
    scheduled,
    watched,
    with_sizes,
)

_STEPS: dict[DeviceClass, int] = {"cpu": 2000, "gpu": 100_000}
_LEARNING_RATE_FROM_SCRATCH = 2e-4
_LEARNING_RATE_OF_FINE_TUNING = 2e-5  # of a step of two crops

# Of the run, for the average: what is trained from scratch must not remember its random start.
_MEMORY = 0.1


class PairSettings(CropSettings):
    """Which photos, and how crops are cut from them."""

    hr: Path | None = None
    """Folder of high-resolution photos; LR is made of them, unless ``data.lr`` holds it."""
    lr: Path | None = None
    """Folder of real LR photos of the same scenes, by the same names and aligned."""
    degradation: Literal["resizes", "second-order"] = "resizes"
    """How synthetic LR is made of HR: by a change of size, or by Real-ESRGAN's second-order
    pipeline."""


class TrainConfig(TrainingConfig):
    """Everything about a training."""

    network: Literal["rrdbnet", "rrdbnet-6", "compact"] = "rrdbnet"
    """What is trained from scratch: RRDBNet of 23 or 6 blocks, or SRVGGNetCompact."""
    scale: Annotated[int, Field(ge=1, le=4)] = 4
    """Its scale."""
    weights: str | None = None
    """The model to go on from, in the place of a network from scratch: a known name, a path or
    hf:user/repo."""
    data: PairSettings

    @model_validator(mode="after")
    def _hr_must_be_there(self) -> "TrainConfig":
        if self.data.hr is None:
            raise ValueError("data.hr is not set: give --hr with a folder of sharp photos")
        return self

    @model_validator(mode="after")
    def _something_must_act(self) -> "TrainConfig":
        chosen = self.supervision
        if not (chosen.pixel_weight or chosen.perceptual_weight or chosen.adversarial_weight):
            raise ValueError("every loss has the weight 0: nothing would be learnt")
        return self

    @property
    def trains(self) -> str:
        """What is trained, in words."""
        return self.weights or f"{self.network} ×{self.scale}"


def sized_for(config: TrainConfig, device: DeviceClass) -> TrainConfig:
    """Fill in every size that was left to follow the device, the steps or the batch."""
    data = config.data.model_copy(update=with_sizes(config.data, device))
    crops = (data.batch or 1) * config.train.accumulate
    rate = (
        following_batch(_LEARNING_RATE_OF_FINE_TUNING, crops)
        if config.weights
        else _LEARNING_RATE_FROM_SCRATCH
    )
    train = scheduled(config.train, steps=_STEPS[device], lr=rate, memory=_MEMORY)
    if not config.supervision.adversarial_weight:
        train = train.model_copy(update={"discriminator_steps": 0})
    monitor = watched(config.monitor, train.steps or 1, device)
    return config.model_copy(update={"data": data, "train": train, "monitor": monitor})
