import pytest
import torch
from spandrel.architectures.ESRGAN import ESRGAN

from pdd_cli.errors import ModelError
from pdd_cli.nets.discriminator import SMALLEST_MULTIPLE, UNetDiscriminator
from pdd_cli.nets.network import load_network


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_any_size_is_upscaled_by_the_scale(network_weights, scale):
    network = load_network(network_weights(scale), named="tiny")
    assert network.scale == scale
    for size in ((1, 1), (5, 8), (16, 9)):
        result = network(torch.rand(1, 3, *size))
        assert result.shape == (1, 3, scale * size[0], scale * size[1])


def test_the_network_learns_and_is_not_clamped(network_weights):
    network = load_network(network_weights(), named="tiny").train()
    result = network(torch.full((1, 3, 4, 4), 2.0))
    assert result.max() > 1
    result.mean().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_a_network_that_does_not_upscale_is_refused_with_the_reason(network_weights):
    with pytest.raises(ModelError, match="×1"):
        load_network(network_weights(1), named="plain")


@pytest.mark.parametrize("weights", [{}, {"some.weight": torch.zeros(3, 3)}])
def test_an_unknown_architecture_is_refused_by_name(weights):
    with pytest.raises(ModelError, match="strange"):
        load_network(weights, named="strange")


def test_the_discriminator_judges_every_pixel():
    discriminator = UNetDiscriminator(channels=4)
    size = 2 * SMALLEST_MULTIPLE
    assert discriminator(torch.rand(2, 3, size, size)).shape == (2, 1, size, size)


def test_one_absurd_size_is_refused_before_memory_is_taken():
    weights = ESRGAN(num_filters=4, num_blocks=1, scale=4).state_dict()
    weights["model.0.weight"] = torch.zeros(1, 3, 1, 1).expand(2**20, 3, 1, 1)
    with pytest.raises(ModelError, match="absurd") as refusal:
        load_network(weights, named="absurd")
    assert "memory" not in str(refusal.value)
