"""Any super-resolution network that spandrel knows, made trainable and tolerant of any size."""

import warnings
from collections.abc import Collection, Mapping
from typing import cast

import torch
import torch.nn.functional as F
from spandrel import ImageModelDescriptor, ModelLoader, SizeRequirements
from torch import Tensor, nn

from pdd_cli.errors import ModelError

SCALES = (2, 3, 4)


class Network(nn.Module):
    """A super-resolution network with what a caller must know of it.

    spandrel's own call is for inference only: it clamps and forbids gradients. This one does
    neither, and brings inputs to the sizes that the architecture requires.
    """

    def __init__(self, descriptor: ImageModelDescriptor[nn.Module]) -> None:
        super().__init__()
        self.inner: nn.Module = descriptor.model
        self.scale: int = descriptor.scale
        self.architecture: str = str(descriptor.architecture.id)
        self.supports_bfloat16: bool = descriptor.supports_bfloat16
        self.supports_half: bool = descriptor.supports_half
        self._requirements: SizeRequirements = descriptor.size_requirements
        self.size_multiple: int = self._requirements.multiple_of

    def forward(self, pictures: Tensor) -> Tensor:
        """Upscale pictures.

        Args:
            pictures: (n, 3, h, w), RGB in [0, 1], of any size.

        Returns:
            (n, 3, scale·h, scale·w), not clamped. Where the architecture requires other sizes,
            the picture's last row and column are repeated and the surplus is cut off again.
        """
        height, width = pictures.shape[-2:]
        pad_width, pad_height = self._requirements.get_padding(width, height)
        if pad_width or pad_height:
            pictures = F.pad(pictures, (0, pad_width, 0, pad_height), mode="replicate")
        upscaled = cast(Tensor, self.inner(pictures))
        return upscaled[..., : self.scale * height, : self.scale * width]


def load_network(
    weights: Mapping[str, Tensor], *, named: str, scales: Collection[int] | None = SCALES
) -> Network:
    """Recognise an architecture by its weights and build it, on the CPU in float32.

    Args:
        weights: a state dict in any key layout that spandrel knows.
        named: what to call these weights in messages: a path or a model's name.
        scales: those that will do; None for any.

    Raises:
        ModelError: the architecture is unknown, the weights do not fit it, or the network is not
            an RGB super-resolution network of one of the scales.
    """
    # Anything that a damaged or foreign state dict makes spandrel trip over means the same here:
    # no network comes of it.
    try:
        _refuse_false_sizes(weights)
        descriptor = ModelLoader(torch.device("cpu")).load_from_state_dict(dict(weights))
    except Exception as error:
        raise ModelError(
            f"{named} is no super-resolution network that spandrel knows "
            f"({type(error).__name__}: {_first_line(error) or 'unknown architecture'}).",
            hint="See spandrel's list of supported architectures.",
        ) from error
    if not isinstance(descriptor, ImageModelDescriptor):
        raise ModelError(
            f"{named} needs more than a picture as its input.", hint="Use a plain upscaler."
        )
    if (descriptor.input_channels, descriptor.output_channels) != (3, 3):
        raise ModelError(
            f"{named} takes {descriptor.input_channels} and gives {descriptor.output_channels} "
            "channels.",
            hint="Use a network for RGB pictures.",
        )
    if scales is not None and descriptor.scale not in scales:
        raise ModelError(
            f"{named} upscales ×{descriptor.scale}; what is wanted here is "
            f"{' or '.join(f'×{scale}' for scale in scales)}. Adaptation takes ×2 to ×4, because "
            "synthetic photos of its own size would be no smaller than what they were made of.",
            hint="Use a model of one of these scales.",
        )
    return Network(cast("ImageModelDescriptor[nn.Module]", descriptor.float()))


def _refuse_false_sizes(weights: Mapping[str, Tensor]) -> None:
    """Build the network without memory first, and fit the weights into it.

    A small file can name one absurd size, by which a network of many gigabytes would be built only
    to find that the rest of the file does not fit it.
    """
    try:
        with warnings.catch_warnings(), torch.device("meta"):
            warnings.simplefilter("ignore")
            ModelLoader(torch.device("meta")).load_from_state_dict(dict(weights))
    except Exception as error:
        # Some architectures compute while they are built, which they cannot without memory.
        if "size mismatch" in str(error):
            raise


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), "")
