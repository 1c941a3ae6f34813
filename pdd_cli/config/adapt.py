"""The settings of an adaptation, and what in them follows the device."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pdd_cli.config.strict import StrictModel
from pdd_cli.config.training import (
    CropSettings,
    DeviceClass,
    LayerWeights,
    TrainingConfig,
    Weight,
    following_batch,
    scheduled,
    watched,
    with_sizes,
)

_STEPS: dict[DeviceClass, int] = {"cpu": 140, "gpu": 1000}

# Of a step of two crops. What did well on a CPU (docs/method.md, What the defaults are); the longer
# runs of a GPU take smaller steps: 8e-5 on the 32 crops for which the authors take 1e-4 (arXiv
# 2407.07302, as its released code computes it).
_LEARNING_RATES: dict[DeviceClass, float] = {"cpu": 4e-5, "gpu": 2e-5}


class DataSettings(CropSettings):
    """Which photos, and how crops are cut from them."""

    real_lr: Path
    """Folder of the low-resolution photos to adapt to, of any depth."""
    hr: Path | None = None
    """Folder of high-resolution photos that supervise, or ``self`` for the real ones; unset, pdd
    looks for some itself."""
    hr_reduction: Annotated[int, Field(ge=1)] | None = None
    """Factor by which HR photos are reduced in size as they are read; 1 leaves them alone; unset,
    the smallest at which they are sharp and clean."""
    degradation: Literal["resizes", "target", "second-order"] = "target"
    """How synthetic LR is made of HR: by a change of size; as the camera of the real photos would
    have taken it, estimated from them; or by Real-ESRGAN's second-order pipeline."""
    lift_veil: bool = False
    """Whether haze, stray light or fading, by which nothing in the real photos is dark, is imitated
    too, so that the network learns to see through it; its results have other tones than the
    photos then."""

    @model_validator(mode="after")
    def _only_what_is_imitated_is_lifted(self) -> "DataSettings":
        if self.lift_veil and self.degradation != "target":
            raise ValueError("data.lift_veil goes with data.degradation target only")
        return self


class DistanceSettings(StrictModel):
    """The pairwise distances; see docs/method.md."""

    inter_weight: Weight = 0.02
    """Overall weight of the distances between the two networks."""
    intra_weight: Weight = 0.1
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
    generalist_follows: bool = False
    """Whether the generalist is the specialist's running average, as in the paper's EMA
    configuration; else it stays as it is."""
    detach_synthetic: bool | None = None
    """Whether the distances leave the prediction on synthetic crops alone; unset, only beside a
    generalist that stays as it is."""

    @property
    def used(self) -> bool:
        """Whether any distance acts."""
        return self.inter_weight > 0 or self.intra_weight > 0


class AdaptConfig(TrainingConfig):
    """Everything about an adaptation."""

    generalist: str = "realesrgan"
    """The model to adapt, or with a specialist the reference: a known name, a path or
    hf:user/repo."""
    specialist: str | None = None
    """The network to train; unset, it starts as the generalist."""
    strength: Annotated[float, Field(gt=0, le=1)] | None = None
    """How far the written weights go from the un-adapted model's, 0, to the adapted ones, 1; unset,
    as far as does best on pairs that are not learnt from."""
    data: DataSettings
    distances: DistanceSettings = DistanceSettings()

    @model_validator(mode="after")
    def _distances_go_together(self) -> "AdaptConfig":
        chosen = self.distances
        if chosen.intra_distance == "frobenius" and chosen.intra_criterion not in ("l1", "l2"):
            raise ValueError(
                "distances.intra_distance frobenius is one number for each network and goes with "
                "distances.intra_criterion l1 or l2 only"
            )
        return self

    @model_validator(mode="after")
    def _a_generalist_that_follows_starts_alike(self) -> "AdaptConfig":
        if self.specialist is not None and self.distances.generalist_follows:
            raise ValueError(
                "distances.generalist_follows: a running average starts as the specialist does, "
                "and no generalist beside a specialist of its own can be one; leave one of the "
                "two out"
            )
        return self

    @model_validator(mode="after")
    def _must_leave_zero_distance(self) -> "AdaptConfig":
        if self.specialist is None and self.distances.used and self.train.supervised_steps == 0:
            raise ValueError(
                "train.supervised_steps = 0: the specialist starts equal to the generalist, and at "
                "zero distance there is nothing to distil; at least 1 supervised step has to come "
                "first"
            )
        return self

    @model_validator(mode="after")
    def _something_must_act(self) -> "AdaptConfig":
        chosen = self.supervision
        weights = (chosen.pixel_weight, chosen.perceptual_weight, chosen.adversarial_weight)
        if not any(weights) and not self.distances.used:
            raise ValueError("every loss has the weight 0: nothing would be learnt")
        if not any(weights) and self.specialist is None:
            raise ValueError(
                "without a supervised loss the specialist never leaves the generalist that it "
                "starts as, and there is nothing to distil"
            )
        return self


def sized_for(config: AdaptConfig, device: DeviceClass) -> AdaptConfig:
    """Fill in every size that was left to follow the device, the steps or the batch."""
    data = config.data.model_copy(update=with_sizes(config.data, device))
    crops = 2 * (data.batch or 1) * config.train.accumulate
    rate = following_batch(_LEARNING_RATES[device], crops)
    train = scheduled(config.train, steps=_STEPS[device], lr=rate, memory=1.0)
    chosen = config.distances
    detach = chosen.detach_synthetic
    distances = chosen.model_copy(
        update={"detach_synthetic": not chosen.generalist_follows if detach is None else detach}
    )
    monitor = watched(config.monitor, train.steps or 1, device)
    return config.model_copy(
        update={"data": data, "train": train, "distances": distances, "monitor": monitor}
    )
