"""How small pictures may be for the metrics that compare a network's features."""

from torch import Tensor

from pdd_cli.errors import DataError

SMALLEST = 32
"""Height and width, below which nothing is left of a picture in the deepest features."""


def refuse_small(pictures: Tensor, metric: str) -> None:
    """Refuse pictures, (n, c, h, w), that a metric cannot compare.

    Raises:
        DataError: they are too small.
    """
    if min(pictures.shape[-2:]) < SMALLEST:
        raise DataError(
            f"{metric} needs pictures of at least {SMALLEST}×{SMALLEST}.", hint="Leave them out."
        )
