import pytest
import torch

from pdd_cli.recipes.monitors import centre, row_of_squares


def _numbered(height, width):
    return torch.arange(height * width, dtype=torch.float32).view(1, 1, height, width)


def test_one_square_is_the_centre_that_lr_is_cut_at_too():
    picture = _numbered(403, 517)
    (square,) = row_of_squares(picture, 24, 4, 1)
    assert torch.equal(square, centre(picture, 24, 4))


@pytest.mark.parametrize(("height", "width"), [(100, 330), (330, 100)])
def test_squares_lie_beside_one_another_and_share_no_pixel(height, width):
    squares = row_of_squares(_numbered(height, width), 24, 4, 8)
    assert [square.shape[-2:] for square in squares] == [(96, 96)] * 3
    seen = torch.cat([square.flatten() for square in squares])
    assert len(seen.unique()) == len(seen)


def test_a_picture_smaller_than_a_square_is_one():
    assert [part.shape for part in row_of_squares(_numbered(40, 60), 24, 4, 8)] == [(1, 1, 40, 60)]
