"""Memory that ends, too few bits, a result gone wrong: none of it makes a wrong picture."""

import numpy as np
import pytest
import torch

from pdd_cli.config.infer import InferConfig
from pdd_cli.errors import ResourceError
from pdd_cli.images.codec import Picture
from pdd_cli.images.colour import pixels_to_tensor
from pdd_cli.nets.network import load_network
from pdd_cli.nets.precision import mix_precisions
from pdd_cli.recipes import upscaling
from pdd_cli.recipes.upscaling import Upscaler
from pdd_cli.runtime.device import autocast
from pdd_cli.runtime.events import Said, Warned
from pdd_cli.runtime.memory import bytes_a_pixel

CPU = torch.device("cpu")


@pytest.fixture
def network(network_weights):
    return load_network(network_weights(), named="tiny")


@pytest.fixture
def ready(network):
    """``ready(**settings)`` is the network, ready for pictures, and what it said."""

    def make(**settings):
        said = []
        config = InferConfig(**{"precision": "float32", "overlap": 4, **settings})
        return Upscaler(network, CPU, config, said.append), said

    return make


def photo(height, width, seed=0, depth=np.uint8):
    top = np.iinfo(depth).max
    return Picture(np.random.default_rng(seed).integers(0, top, (height, width, 3), depth))


def watch_inputs(network, limit=None):
    """Note the shape of what the network is given; more pixels than the limit exhaust memory."""
    shapes = []

    def look(_module, inputs):
        shapes.append(tuple(inputs[0].shape))
        if limit and inputs[0].numel() > 3 * limit:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried too much")

    network.register_forward_pre_hook(look)
    return shapes


def test_tiles_are_halved_when_memory_runs_out_and_the_picture_is_the_same(ready, network):
    picture = photo(150, 140)
    upscaler, said = ready(tile=512)
    (whole,) = upscaler.upscale([picture])
    watch_inputs(network, limit=128 * 128)
    (tiled,) = upscaler.upscale([picture])
    assert upscaler.tile == 128
    assert np.abs(whole.pixels.astype(int) - tiled.pixels).max() <= 1
    assert [event.text for event in said if isinstance(event, Said)] == [
        "Memory ran out: going on with tiles of 256 pixels.",
        "Memory ran out: going on with tiles of 128 pixels.",
    ]
    upscaler.upscale([picture])
    assert len(said) == 2


def test_progress_counts_every_pixel_once_though_memory_ran_out(ready, network):
    upscaler, _ = ready(tile=256)
    watch_inputs(network, limit=100 * 100)
    told = []
    upscaler.upscale([photo(150, 140)], told.append)
    assert sum(told) == pytest.approx(150 * 140)


def test_memory_that_never_suffices_is_an_error_with_advice(ready, network):
    upscaler, _ = ready()
    watch_inputs(network, limit=1)
    with pytest.raises(ResourceError, match="Memory ran out with tiles of 64"):
        upscaler.upscale([photo(80, 80)])


def test_another_fault_of_the_network_is_not_taken_for_exhausted_memory(ready, network):
    upscaler, _ = ready()

    def fail(_module, _inputs):
        raise RuntimeError("a fault")

    network.register_forward_pre_hook(fail)
    with pytest.raises(RuntimeError, match="a fault"):
        upscaler.upscale([photo(8, 8)])


def test_small_pictures_share_a_batch_and_come_out_as_alone(ready, network):
    pictures = [photo(20, 24, seed) for seed in range(3)]
    upscaler, _ = ready(tile=64)
    alone = [upscaler.upscale([picture])[0].pixels for picture in pictures]
    shapes = watch_inputs(network)
    together = [result.pixels for result in upscaler.upscale(pictures)]
    assert shapes == [(3, 3, 20, 24)]
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


def test_the_ensemble_is_the_mean_of_the_eight_flips_and_turns(ready, network):
    picture = photo(9, 14)
    upscaler, _ = ready(ensemble=True)
    (result,) = upscaler.upscale([picture])
    lr = pixels_to_tensor(picture.pixels)
    ways = []
    with torch.inference_mode():
        for turns in range(4):
            for mirrored in (False, True):
                seen = torch.rot90(lr, turns, (-2, -1))
                sr = network(seen.flip(-1)).flip(-1) if mirrored else network(seen)
                ways.append(torch.rot90(sr, -turns, (-2, -1)))
    mean = torch.stack(ways).mean(dim=0)[0].permute(1, 2, 0).clamp(0, 1) * 255
    assert np.abs(result.pixels - mean.numpy()).max() <= 0.5 + 1e-3


@pytest.mark.parametrize(("factor", "size"), [(1.0, (20, 30)), (2.5, (50, 75)), (6, (120, 180))])
def test_any_size_can_be_asked_for(ready, factor, size):
    upscaler, _ = ready(outscale=factor)
    (result,) = upscaler.upscale([photo(20, 30)])
    assert result.pixels.shape[:2] == size


def test_resizing_keeps_a_flat_colour(ready):
    flat = Picture(np.full((16, 16, 3), 90, np.uint8))
    plain, _ = ready()
    smaller, _ = ready(outscale=2)
    middle = (slice(20, 44), slice(20, 44))
    (full,), (half,) = plain.upscale([flat]), smaller.upscale([flat])
    difference = full.pixels[middle].mean() - half.pixels[10:22, 10:22].mean()
    assert abs(difference) < 1


def test_between_its_exact_ends_a_network_computes_in_halves(network):
    mix_precisions(network, torch.bfloat16)
    made = []
    for layer in network.inner.body:
        layer.register_forward_hook(lambda _, __, result: made.append(result.dtype))
    with torch.inference_mode(), autocast(CPU, torch.bfloat16):
        network(torch.rand(1, 3, 16, 16))
    assert len(made) > 2
    assert set(made[:-1]) == {torch.bfloat16}
    assert made[-1] == torch.float32


def test_half_precision_leaves_no_steps_in_a_gradient(network):
    """bfloat16 has 129 values between 0.5 and 1."""
    ramp = torch.linspace(0.5, 1, 400).expand(1, 3, 4, 400)
    with torch.inference_mode(), autocast(CPU, torch.bfloat16):
        stepped = network(ramp).float()
        mix_precisions(network, torch.bfloat16)
        smooth = network(ramp)
    with torch.inference_mode():
        exact = network(ramp)
    between = (exact > 0.55) & (exact < 0.95)
    assert smooth.dtype == torch.float32
    assert smooth[between].unique().numel() > 2 * stepped[between].unique().numel()
    assert (smooth - exact).abs().max() < 0.01


def test_a_network_for_both_precisions_gives_in_each_what_it_gave_before(network):
    lr = torch.rand(1, 3, 16, 16)
    with torch.inference_mode():
        exact = network(lr)
        mix_precisions(network, torch.bfloat16)
        assert torch.equal(network(lr), exact)
        inner = [layer for layer in network.inner.body if hasattr(layer, "in_halves")]
        assert inner, "the network has convolutions between its ends"
        with autocast(CPU, torch.bfloat16):
            kept = network(lr)
            for layer in inner:  # as autocasting alone would have it
                layer.in_halves = layer.in_float32
            assert torch.equal(network(lr), kept)


def test_a_network_that_does_not_bear_half_precision_computes_in_float32(network_weights):
    """Large numbers that cancel out leave nothing of the picture in eight bits."""
    weights = network_weights()
    weights["body.2.bias"] += 3000.0
    weights["body.4.bias"] -= 300.0 * weights["body.4.weight"].sum(dim=(1, 2, 3)) * 10
    network = load_network(weights, named="delicate")
    said = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(upscaling, "choose_precision", lambda *_: torch.bfloat16)
        upscaler = Upscaler(network, CPU, InferConfig(), said.append)
    assert upscaler.precision == torch.float32
    assert any(isinstance(event, Warned) and "bfloat16" in event.text for event in said)


def test_sixteen_bits_are_computed_in_float32_unless_told_otherwise(network, network_weights):
    picture = photo(12, 12, depth=np.uint16)
    exact = Upscaler(network, CPU, InferConfig(precision="float32"), print)
    (expected,) = exact.upscale([picture])
    other = load_network(network_weights(), named="tiny")
    automatic = Upscaler(other, CPU, InferConfig(), print)
    automatic.precision = torch.bfloat16
    (result,) = automatic.upscale([picture])
    assert np.array_equal(result.pixels, expected.pixels)


def test_a_black_result_of_a_bright_picture_is_no_picture(network_weights):
    weights = network_weights()
    weights["body.4.bias"] -= 5.0
    upscaler = Upscaler(
        load_network(weights, named="dark"), CPU, InferConfig(precision="float32"), print
    )
    bright, black = photo(8, 8), Picture(np.zeros((8, 8, 3), np.uint8))
    problem, result = upscaler.upscale([bright, black])
    assert "black" in str(problem)
    assert not result.pixels.any()


def test_memory_for_a_pixel_is_that_of_the_largest_layer(network):
    """The last convolution writes 48 channels and reads 8, of four bytes each; pixels are shuffled
    from 48 channels into three of sixteen times the size."""
    assert bytes_a_pixel(network, CPU) == (48 + 48) * 4


@pytest.mark.parametrize(("tile", "overlap"), [(None, 24), (256, 24), (48, 16), (32, 8)])
def test_a_small_tile_gets_the_overlap_that_fits_into_it(network, tile, overlap):
    config = InferConfig(precision="float32", tile=tile)
    assert Upscaler(network, CPU, config, print).overlap == overlap
