"""Every metric against the implementation that the field trusts."""

import lpips as lpips_package
import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from pdd_cli.errors import DataError
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


@pytest.mark.parametrize("backbone", ["alex", "vgg"])
@pytest.mark.parametrize("size", SIZES)
def test_lpips_equals_the_lpips_package_fed_with_the_same_weights(backbone, size):
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
