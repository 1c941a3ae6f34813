import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from spandrel import ModelLoader
from spandrel.architectures.ESRGAN import ESRGAN

from pdd_cli.config.export import ExportConfig
from pdd_cli.errors import ModelError, ResourceError, UsageError
from pdd_cli.nets import ncnn as ncnn_nets
from pdd_cli.nets.network import load_network
from pdd_cli.recipes import export as job
from pdd_cli.recipes.export import export
from pdd_cli.recipes.export_target import name_with_scale
from pdd_cli.runtime.events import Warned
from pdd_cli.runtime.weights import read_weights, write_weights

FACTS = {"base_model": "realesrgan", "base_licence": "BSD-3-Clause"}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A finished run of an RRDBNet, as ``pdd adapt`` leaves it."""
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    folder = tmp_path / "runs" / "film"
    network = ESRGAN(num_filters=8, num_blocks=2, scale=4)
    write_weights(folder / "model.safetensors", network.state_dict(), {"scale": "4"})
    (folder / "config.json").write_text(json.dumps(FACTS))
    (folder.parent / "latest").symlink_to("film", target_is_directory=True)
    return Path("runs/film")


def upscaled(weights, picture):
    network = load_network(weights, named="tiny", scales=None).eval()
    with torch.inference_mode():
        return network(picture)


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ("spandrel", "film-x4.safetensors"),
        ("realesrgan", "film-x4.pth"),
        ("ncnn", "models/film-x4.param"),
        pytest.param("onnx", "film-x4.onnx", marks=pytest.mark.whole),
    ],
)
@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_every_format_gives_the_same_picture(run, form, name, precision):
    for package in job._NEEDED.get(form, ()):
        pytest.importorskip(package, reason=f"the extra {form} is not installed")
    usual = "float16" if form == "ncnn" else "float32"
    if precision != usual:
        name = name.replace(".", f"-{precision}.")
    result = export(ExportConfig(format=form, model="film", precision=precision))
    assert result.files[0].resolve() == (run.parent / name).resolve()
    assert all(file.is_file() for file in result.files)
    assert [(a.height, a.width) for a in result.agreements] == [(24, 40), (33, 17)]
    assert result.largest_difference < (1e-5 if precision == "float32" else 5e-3)
    assert not list(run.parent.rglob(".export-*"))


def test_a_file_is_exported_beside_itself(tiny_model):
    for package in job._NEEDED["onnx"]:
        pytest.importorskip(package, reason="the extra onnx is not installed")
    result = export(ExportConfig(format="onnx", model=str(tiny_model)))
    assert result.files == [tiny_model.parent / "tiny-x4.onnx"]
    assert result.checked_with.startswith("ONNX Runtime")
    assert result.largest_difference < 1e-5


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_the_layout_of_real_esrgan_is_what_its_script_looks_for(run, suffix):
    path = Path(f"film{suffix}")
    export(ExportConfig(format="realesrgan", model=str(run), output=path))
    if suffix == ".pth":
        content = torch.load(path, weights_only=True)
        weights, metadata = content["params_ema"], content["metadata"]
    else:
        weights = read_weights(path)
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata()
    ends = ["conv_first", "conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last"]
    body = [f"body.{b}.rdb{m}.conv{k}" for b in (0, 1) for m in (1, 2, 3) for k in range(1, 6)]
    assert {name.removesuffix(".weight").removesuffix(".bias") for name in weights} == {
        *ends,
        *body,
    }
    assert ModelLoader().load_from_file(path).scale == 4
    assert metadata["base_model"] == "realesrgan"
    assert metadata["licence"] == "BSD-3-Clause"
    assert (metadata["architecture"], metadata["scale"]) == ("ESRGAN", "4")
    assert metadata["key_layout"] == "realesrgan"


def test_what_ncnn_was_given_comes_back_as_a_model(run):
    pytest.importorskip("ncnn", reason="the extra ncnn is not installed")
    param, weights = export(ExportConfig(format="ncnn", precision="float32")).files
    assert (param.suffix, weights.suffix) == (".param", ".bin")
    picture = torch.rand(1, 3, 9, 13)
    original = upscaled(read_weights(run / "model.safetensors"), picture)
    assert torch.equal(upscaled(read_weights(param), picture), original)


def test_float16_is_stored_as_such(run):
    (path,) = export(ExportConfig(format="spandrel", precision="float16")).files
    assert {tensor.dtype for tensor in read_weights(path).values()} == {torch.float16}
    assert path.stat().st_size < 0.6 * (run / "model.safetensors").stat().st_size


def test_nothing_is_replaced_unless_told(run):
    (path,) = export(ExportConfig(format="spandrel", model=str(run))).files
    path.write_bytes(b"mine")
    with pytest.raises(UsageError, match="exists already"):
        export(ExportConfig(format="spandrel", model=str(run)))
    assert path.read_bytes() == b"mine"
    export(ExportConfig(format="spandrel", model=str(run), overwrite=True))
    assert read_weights(path)


def test_what_does_not_agree_is_not_kept(run, monkeypatch):
    pytest.importorskip("ncnn", reason="the extra ncnn is not installed")
    monkeypatch.setattr(ncnn_nets, "LEAKY_SLOPE", 0.5)
    with pytest.raises(ModelError, match="was not written"):
        export(ExportConfig(format="ncnn", model=str(run)))
    assert not [path for path in run.parent.rglob("*") if path.suffix in (".param", ".bin")]


def test_weights_that_float16_cannot_hold_are_not_kept(run):
    weights = read_weights(run / "model.safetensors")
    weights["model.0.weight"] *= 1e6
    weights["model.10.weight"] *= 1e-6
    write_weights(run / "model.safetensors", weights)
    with pytest.raises(ModelError, match="--precision float32"):
        export(ExportConfig(format="spandrel", model=str(run), precision="float16"))


@pytest.mark.parametrize("form", ["onnx", "ncnn"])
def test_a_missing_package_names_the_extra(run, monkeypatch, form):
    monkeypatch.setattr(job, "find_spec", lambda _name: None)
    with pytest.raises(ResourceError, match=rf"pdd-cli\[{form}\]"):
        export(ExportConfig(format=form, model=str(run)))


def test_a_suffix_of_another_format_is_refused(run):
    with pytest.raises(UsageError, match=r"ends in \.onnx"):
        export(ExportConfig(format="onnx", model=str(run), output=Path("film.pth")))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("film", "film-x4"),
        ("film-x4", "film-x4"),
        ("4xfilm", "4xfilm"),
        ("realesrgan-x2plus", "realesrganplus-x4"),
        ("adapt-20261124-150525", "adapt-20261124-150525-x4"),
        ("x2", "model-x4"),
        ("x22x", "model-x4"),
    ],
)
def test_a_default_name_tells_the_scale_and_no_other(name, expected):
    assert name_with_scale(name, 4) == expected


def test_a_name_that_misleads_upscayl_is_warned_of(run):
    pytest.importorskip("ncnn", reason="the extra ncnn is not installed")
    events = []
    export(ExportConfig(format="ncnn", model=str(run), output=Path("a2x.param")), events.append)
    (warning,) = [event for event in events if isinstance(event, Warned)]
    assert "×2 out of the name a2x" in warning.text


def test_another_architecture_is_refused_by_name(run, monkeypatch):
    from spandrel.architectures.SPAN import SPAN

    path = run.parent / "span.safetensors"
    inner = SPAN(num_in_ch=3, num_out_ch=3, feature_channels=4, upscale=2)
    write_weights(path, inner.state_dict())
    for form in ("realesrgan", "ncnn"):
        monkeypatch.setattr(job, "_NEEDED", {})
        with pytest.raises(ModelError, match="SPAN"):
            export(ExportConfig(format=form, model=str(path)))
