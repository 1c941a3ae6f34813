import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pdd_cli.images.tiles import upscale_in_tiles

REACH = 3


def local_network(scale):
    """A network whose receptive field reaches three pixels."""
    torch.manual_seed(scale)
    convolution = torch.nn.Conv2d(3, 3 * scale**2, 2 * REACH + 1, padding=REACH)
    shuffle = torch.nn.PixelShuffle(scale)
    return torch.no_grad()(lambda picture: shuffle(convolution(picture)))


@given(
    height=st.integers(1, 60),
    width=st.integers(1, 60),
    tile=st.integers(17, 40),
    overlap=st.integers(REACH, 4),
    scale=st.sampled_from([2, 3, 4]),
)
@settings(max_examples=40, deadline=None)
def test_tiles_equal_the_whole_within_the_receptive_field(height, width, tile, overlap, scale):
    network = local_network(scale)
    picture = torch.rand(1, 3, height, width)
    tiled = upscale_in_tiles(
        picture, network, scale=scale, tile=tile, overlap=overlap, on_tile=lambda _: None
    )
    assert torch.allclose(tiled, network(picture), atol=1e-5)


def test_no_tile_is_larger_than_asked():
    sizes = []

    def network(tile):
        sizes.append(max(tile.shape[-2:]))
        return tile.repeat_interleave(2, 2).repeat_interleave(2, 3)

    shares = []
    picture = torch.rand(1, 3, 100, 90)
    upscale_in_tiles(picture, network, scale=2, tile=40, overlap=4, on_tile=shares.append)
    assert max(sizes) <= 40
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_a_tile_too_small_for_the_overlap_is_refused():
    with pytest.raises(ValueError, match="too small"):
        upscale_in_tiles(
            torch.rand(1, 3, 50, 50), lambda t: t, scale=1, tile=16, overlap=4, on_tile=print
        )
