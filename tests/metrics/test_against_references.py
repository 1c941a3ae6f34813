"""Every metric against the implementation that the field trusts."""

import lpips as lpips_package
import numpy as np
import pytest
import torch
import torchvision
from skimage import data
from skimage.color import deltaE_cie76, rgb2lab, rgb2ycbcr
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from pdd_cli.errors import DataError, ModelError
from pdd_cli.images.colour import pixels_to_tensor, rgb_to_full_swing_y, rgb_to_y
from pdd_cli.metrics.dists import DISTS
from pdd_cli.metrics.fidelity_to_lr import colour_drift, consistency
from pdd_cli.metrics.lpips import LPIPS
from pdd_cli.metrics.psnr import psnr
from pdd_cli.metrics.ssim import ssim

SIZES = [(64, 64), (47, 81)]


def pair(size, channels=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    hr = torch.rand(1, channels, *size, generator=generator)
    noise = 0.1 * torch.randn(1, channels, *size, generator=generator)
    return (hr + noise).clamp(0, 1), hr


def as_array(picture):
    return picture[0].permute(1, 2, 0).double().numpy()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [1, 3])
def test_psnr_equals_scikit_image(size, channels):
    prediction, hr = pair(size, channels)
    expected = peak_signal_noise_ratio(as_array(hr), as_array(prediction), data_range=1)
    assert psnr(prediction, hr).item() == pytest.approx(expected, abs=1e-6)


def test_identical_pictures_have_infinite_psnr_and_an_ssim_of_one():
    _, hr = pair((40, 40))
    assert psnr(hr, hr).item() == float("inf")
    assert ssim(hr, hr).item() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [1, 3])
def test_ssim_equals_scikit_image(size, channels):
    prediction, hr = pair(size, channels)
    expected = structural_similarity(
        as_array(hr),
        as_array(prediction),
        data_range=1,
        channel_axis=2,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    assert ssim(prediction, hr).item() == pytest.approx(expected, abs=1e-6)


def random_lpips(backbone):
    """The package's LPIPS with drawn weights, and these weights by our names."""
    torch.manual_seed(0)
    reference = lpips_package.LPIPS(
        net=backbone, pretrained=False, pnet_rand=True, verbose=False
    ).eval()
    weights = {}
    for name, tensor in reference.net.state_dict().items():
        _, index, kind = name.split(".")
        weights[f"features.{index}.{kind}"] = tensor
    for number in range(5):
        head = getattr(reference, f"lin{number}").model[1].weight
        head.data.uniform_(0, 1)
        weights[f"lin{number}"] = head.data.flatten()
    return reference, weights


@pytest.mark.parametrize("backbone", ["alex", "vgg"])
@pytest.mark.parametrize("size", SIZES)
def test_lpips_equals_the_lpips_package_fed_with_the_same_weights(backbone, size):
    reference, weights = random_lpips(backbone)
    prediction, hr = pair(size)
    expected = reference(prediction, hr, normalize=True).item()
    assert LPIPS(backbone, weights)(prediction, hr).item() == pytest.approx(expected, rel=1e-5)


def test_each_picture_of_a_batch_is_scored_by_itself():
    first, second = pair((40, 40), seed=1), pair((40, 40), seed=2)
    batch = [torch.cat(both) for both in zip(first, second, strict=True)]
    for metric in (psnr, ssim):
        alone = [metric(*first).item(), metric(*second).item()]
        assert metric(*batch).tolist() == pytest.approx(alone)


def test_pictures_smaller_than_the_window_are_refused():
    prediction, hr = pair((10, 40))
    with pytest.raises(DataError, match="11×11"):
        ssim(prediction, hr)


def test_lower_noise_scores_better():
    _, hr = pair((64, 64))
    noise = torch.from_numpy(np.random.default_rng(0).normal(0, 0.1, hr.shape)).float()
    for metric in (psnr, ssim):
        assert metric(hr + 0.1 * noise, hr) > metric(hr + noise, hr)


PUBLIC = {
    "colour": lambda: data.astronaut()[37:300, 101:302],  # NASA, public domain
    "grey": lambda: data.camera()[50:201, 60:261],  # CC0
}


def public_pair(name):
    """A photo of an odd size, and what is left of it at a third of its size and levels."""
    hr = np.ascontiguousarray(PUBLIC[name]())
    worse = np.kron(hr[1::3, 1::3], np.ones((3, 3) + (1,) * (hr.ndim - 2)))
    height, width = (min(a, b) for a, b in zip(hr.shape[:2], worse.shape[:2], strict=True))
    return worse[:height, :width].astype(np.uint8), hr[:height, :width]


@pytest.mark.parametrize("name", PUBLIC)
def test_photos_score_as_by_scikit_image(name):
    worse, hr = public_pair(name)
    axis = 2 if hr.ndim == 3 else None
    expected = structural_similarity(
        hr,
        worse,
        data_range=255,
        channel_axis=axis,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    tensors = [pixels_to_tensor(pixels) for pixels in (worse, hr)]
    decibels = peak_signal_noise_ratio(hr, worse, data_range=255)
    assert psnr(*tensors).item() == pytest.approx(decibels, abs=1e-4)
    assert ssim(*tensors).item() == pytest.approx(expected, abs=1e-6)


def test_luma_is_that_of_bt601_in_studio_swing():
    pixels = data.astronaut()[::7, ::9]
    expected = rgb2ycbcr(pixels)[..., 0] / 255
    assert np.allclose(rgb_to_y(pixels_to_tensor(pixels))[0, 0], expected, atol=1e-5)
    white = torch.ones(1, 3, 1, 1)
    assert rgb_to_y(white).item() == pytest.approx(235 / 255)
    assert rgb_to_full_swing_y(white).item() == 1
    levels = 255 * rgb_to_full_swing_y(torch.full((1, 3, 1, 1), 0.501)).item()
    assert levels == pytest.approx(128, abs=1e-4)


@pytest.mark.parametrize("metric", [psnr, ssim])
def test_a_shift_by_one_pixel_and_another_scene_score_worse(metric):
    _, hr = public_pair("colour")
    photo = pixels_to_tensor(hr)
    shifted = photo.roll(1, 3)
    other = photo.flip(2)
    assert metric(photo, photo) > metric(shifted, photo) > metric(other, photo)


def test_consistency_and_colour_drift_equal_scikit_image():
    sr, _ = public_pair("colour")
    sr = sr[: sr.shape[0] // 3 * 3, : sr.shape[1] // 3 * 3]
    height, width = (length // 3 for length in sr.shape[:2])
    reduced = sr.reshape(height, 3, width, 3, 3).mean(axis=(1, 3)) / 255
    lr = np.clip(reduced * 0.9 + 0.02, 0, 1).astype(np.float32)
    tensors = pixels_to_tensor(sr), torch.from_numpy(lr).permute(2, 0, 1)[None]
    decibels = peak_signal_noise_ratio(lr.astype(np.float64), reduced, data_range=1)
    assert consistency(*tensors).item() == pytest.approx(decibels, abs=1e-4)
    drift = deltaE_cie76(rgb2lab(reduced), rgb2lab(lr.astype(np.float64))).mean()
    assert colour_drift(*tensors).item() == pytest.approx(drift, abs=2e-3)


@pytest.mark.parametrize("size", SIZES)
def test_dists_equals_its_authors_package_fed_with_the_same_weights(size, monkeypatch):
    package = pytest.importorskip("DISTS_pytorch.DISTS_pt", reason="DISTS-pytorch is missing")
    torch.manual_seed(0)
    network = torchvision.models.vgg16(weights=None)
    monkeypatch.setattr(package.models, "vgg16", lambda pretrained: network)  # noqa: ARG005
    reference = package.DISTS(load_weights=False)
    weights = {
        **{name: t for name, t in network.state_dict().items() if name.startswith("features.")},
        "alpha": reference.alpha.data.flatten(),
        "beta": reference.beta.data.flatten(),
    }
    prediction, hr = pair(size)
    dists = DISTS(weights)
    assert dists(prediction, hr).item() == pytest.approx(reference(prediction, hr).item(), abs=1e-5)
    assert dists(hr, hr).item() == pytest.approx(0, abs=1e-5)
    with pytest.raises(DataError, match="32×32"):
        dists(prediction[..., :20], hr[..., :20])
    with pytest.raises(ModelError, match="alpha"):
        DISTS({name: tensor for name, tensor in weights.items() if name != "alpha"})


def test_lpips_in_bfloat16_stays_near_float32():
    _, weights = random_lpips("alex")
    prediction, hr = pair((64, 96))
    exact = LPIPS("alex", weights)(prediction, hr).item()
    assert LPIPS("alex", weights, torch.bfloat16)(prediction, hr).item() == pytest.approx(
        exact, rel=0.02
    )


def test_a_tall_picture_is_averaged_over_all_its_strips():
    prediction, hr = pair((2100, 40))
    expected = structural_similarity(
        as_array(hr),
        as_array(prediction),
        data_range=1,
        channel_axis=2,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    assert ssim(prediction, hr).item() == pytest.approx(expected, abs=1e-6)


def test_opposite_structure_counts_as_none_where_it_is_clipped():
    _, hr = pair((40, 40))
    assert ssim(1 - hr, hr).item() < 0
    assert ssim(1 - hr, hr, clip_structure=True).item() >= 0
