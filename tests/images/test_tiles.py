import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pdd_cli.images.tiles import BLENDED, Mosaic, Tiling

REACH = 3


def upscale_in_tiles(picture, network, *, scale, tile, overlap):
    """Put a picture together from its tiles, as one who upscales does."""
    rows = []
    tiling = Tiling(*picture.shape[-2:], tile, overlap)
    mosaic = Mosaic(tiling, scale, lambda _, part: rows.append(part.clone()))
    for part in tiling.tiles:
        mosaic.put(network(part.cut(picture))[0])
    return torch.cat(rows, dim=1)[None]


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
    tiled = upscale_in_tiles(picture, network, scale=scale, tile=tile, overlap=overlap)
    assert torch.allclose(tiled, network(picture), atol=1e-5)


def enlarged(picture, scale):
    return picture.repeat_interleave(scale, -2).repeat_interleave(scale, -1)


def test_no_tile_is_larger_than_asked_and_all_are_of_one_size():
    sizes = []

    def network(tile):
        sizes.append(tuple(tile.shape[-2:]))
        return enlarged(tile, 2)

    upscale_in_tiles(torch.rand(1, 3, 100, 90), network, scale=2, tile=40, overlap=4)
    assert max(map(max, sizes)) <= 40
    assert len(set(sizes)) == 1


def test_a_picture_little_larger_than_a_tile_costs_little_more():
    """Two tiles of the largest size would cost twice as much."""
    tiles = Tiling(64, 130, 128, 8).tiles
    pixels = sum((t.rows.stop - t.rows.start) * (t.columns.stop - t.columns.start) for t in tiles)
    assert pixels <= 64 * (130 + 2 * 8 + BLENDED)


def test_a_step_between_tiles_becomes_a_ramp():
    """What two tiles disagree about is blended over eight LR pixels."""
    tiling = Tiling(8, 60, 40, 4)
    weights = tiling.weights(tiling.column_spans, 1)
    falling = weights[0][-(4 + BLENDED) :]
    assert (falling[1:] <= falling[:-1]).all()
    assert falling[0] > 0.9
    assert (falling[-4:] == 0).all()
    assert len(falling.unique()) == BLENDED + 1


def test_rows_are_handed_on_in_order_as_soon_as_they_are_complete():
    picture = torch.rand(1, 3, 200, 30)
    tiling = Tiling(200, 30, 40, 4)
    tops, heights = [], []
    mosaic = Mosaic(tiling, 2, lambda top, rows: (tops.append(top), heights.append(rows.shape[1])))
    for number, tile in enumerate(tiling.tiles, start=1):
        mosaic.put(enlarged(tile.cut(picture), 2)[0])
        assert len(tops) == number
    assert mosaic.complete
    assert tops == [sum(heights[:number]) for number in range(len(heights))]
    assert sum(heights) == 400


def test_a_tile_too_small_for_the_overlap_is_refused():
    with pytest.raises(ValueError, match="too small"):
        upscale_in_tiles(torch.rand(1, 3, 50, 50), lambda t: t, scale=1, tile=16, overlap=4)
