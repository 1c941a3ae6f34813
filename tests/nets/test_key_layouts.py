import pytest
import torch
from spandrel.architectures.Compact import Compact
from spandrel.architectures.ESRGAN import ESRGAN

from pdd_cli.errors import ModelError
from pdd_cli.nets.key_layouts import realesrgan_layout
from pdd_cli.nets.network import load_network


def network(inner):
    return load_network(inner.state_dict(), named="tiny", scales=None).eval()


def names_of_real_esrgan(blocks):
    body = [
        f"body.{block}.rdb{dense}.conv{number}"
        for block in range(blocks)
        for dense in (1, 2, 3)
        for number in (1, 2, 3, 4, 5)
    ]
    ends = ["conv_first", "conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last"]
    return {f"{name}.{kind}" for name in [*body, *ends] for kind in ("weight", "bias")}


@pytest.mark.parametrize("blocks", [1, 2, 6, 23])
def test_an_rrdbnet_gets_the_names_of_real_esrgan_s_script(blocks):
    weights = realesrgan_layout(network(ESRGAN(num_filters=2, num_blocks=blocks, scale=4)))
    assert weights.keys() == names_of_real_esrgan(blocks)


@pytest.mark.parametrize(("shuffle", "scale"), [(None, 4), (2, 2), (4, 1)])
def test_the_same_network_comes_back_out_of_either_layout(shuffle, scale):
    channels = 3 * (shuffle or 1) ** 2
    inner = ESRGAN(in_nc=channels, num_filters=4, num_blocks=2, scale=4, shuffle_factor=shuffle)
    original = network(inner)
    back = load_network(realesrgan_layout(original), named="tiny", scales=None).eval()
    picture = torch.rand(1, 3, 8, 8)
    assert back.scale == scale
    assert torch.equal(back(picture), original(picture))


def test_every_name_keeps_its_own_weights():
    original = network(ESRGAN(num_filters=2, num_blocks=2, scale=4))
    first = original.inner.state_dict()
    renamed = realesrgan_layout(original)
    assert renamed["conv_first.weight"] is not None
    for old, new in {
        "model.0": "conv_first",
        "model.1.sub.0.RDB1.conv1.0": "body.0.rdb1.conv1",
        "model.1.sub.1.RDB3.conv5.0": "body.1.rdb3.conv5",
        "model.1.sub.2": "conv_body",
        "model.3": "conv_up1",
        "model.6": "conv_up2",
        "model.8": "conv_hr",
        "model.10": "conv_last",
    }.items():
        assert torch.equal(renamed[f"{new}.weight"], first[f"{old}.weight"])


def test_a_compact_network_is_named_alike_in_both():
    original = network(Compact(num_feat=4, num_conv=1, upscale=4))
    assert realesrgan_layout(original).keys() == original.inner.state_dict().keys()


@pytest.mark.parametrize("scale", [1, 2, 8])
def test_what_the_script_has_no_network_for_is_refused(scale):
    with pytest.raises(ModelError, match="no place in Real-ESRGAN's script"):
        realesrgan_layout(network(ESRGAN(num_filters=2, num_blocks=1, scale=scale)))


def test_an_esrgan_plus_is_refused():
    with pytest.raises(ModelError, match="neither"):
        realesrgan_layout(network(ESRGAN(num_filters=2, num_blocks=1, scale=4, plus=True)))
