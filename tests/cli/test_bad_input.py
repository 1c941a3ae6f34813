"""What bad input gets: one line that names it and says what to do, and the documented code."""

import pickle
import sys
from pathlib import Path

import pytest
import torch

from pdd_cli.cli.app import main


class RunsCode:
    def __reduce__(self):
        return (open, ("it-ran", "w"))


@pytest.fixture(autouse=True)
def working_folder(tmp_path, monkeypatch, write, network_weights):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("PDD_CACHE", str(tmp_path / "cache"))
    write(Path("photos/small.png"), 12, 12)
    write(Path("hr/large.png"), 64, 64)
    Path("empty").mkdir()
    Path("torn.safetensors").write_bytes(b"\xff" * 40)
    Path("evil.pth").write_bytes(pickle.dumps({"params": RunsCode()}))
    torch.save({"layer.weight": torch.zeros(2, 2)}, "strange.pth")
    torch.save(network_weights(4), "tiny.pth")
    torch.save(network_weights(1), "plain.pth")
    Path("half.param").write_text("7767517\n0 0\n")
    Path("absurd.param").write_text("7767517\n1 1\nConvolution c 0 1 d 0=99999999999 1=3 4=1 6=27")
    Path("absurd.bin").write_bytes(bytes(64))
    Path("typo.yaml").write_text("train:\n  stepz: 3\n")


def run(monkeypatch, capsys, line):
    """Run one command line; return its exit code and what it said on standard error."""
    monkeypatch.setattr(sys, "argv", ["pdd", *line.split()])
    with pytest.raises(SystemExit) as stop:
        main()
    return stop.value.code, " ".join(capsys.readouterr().err.split())


ADAPT = "adapt --generalist tiny.pth --hr hr --crop 16"
FOLDERS = "--real-lr photos"


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        (f"{ADAPT} --real-lr gone", 3, "gone does not exist"),
        (f"{ADAPT} --real-lr empty", 3, "empty holds no pictures"),
        (f"{ADAPT} {FOLDERS}", 3, "--real-lr photos: none of its 1 pictures"),
        ("adapt", 2, "--real-lr is missing"),
        (f"adapt {FOLDERS} --generalist realesgran", 4, "Did you mean realesrgan"),
        (f"adapt {FOLDERS} --generalist torn.safetensors", 4, "torn.safetensors"),
        (f"adapt {FOLDERS} --generalist strange.pth", 4, "strange.pth"),
        (f"adapt {FOLDERS} --generalist evil.pth", 4, "evil.pth is refused"),
        (f"adapt {FOLDERS} --generalist plain.pth", 4, "×1"),
        (f"adapt {FOLDERS} --generalist hf:nobody/nothing", 4, "hf:nobody/nothing"),
        (f"{ADAPT} {FOLDERS} --set train.stepz=3", 2, "Did you mean train.steps"),
        (f"{ADAPT} {FOLDERS} --config typo.yaml", 2, "typo.yaml, line 2"),
        (f"{ADAPT} {FOLDERS} --config adapt-quik", 2, "preset 'adapt-quik'"),
        (f"{ADAPT} {FOLDERS} --set train.supervised_steps=0", 2, "nothing to distil"),
        (
            f"{ADAPT} {FOLDERS} --specialist tiny.pth --set distances.generalist_follows=true",
            2,
            "distances.generalist_follows",
        ),
        (f"{ADAPT} {FOLDERS} --device toaster", 2, "--device toaster"),
        (f"{ADAPT} {FOLDERS} --set supervision.pixel_weight=-1", 2, "pixel_weight = -1"),
        (f"{ADAPT} {FOLDERS} --val-lr photos", 2, "both monitor.lr and monitor.hr"),
        (f"{ADAPT} {FOLDERS} --degradation blurr", 2, "data.degradation = 'blurr'"),
        ("adapt --resume", 2, "no interrupted run"),
        ("adapt --resume --config adapt-quick", 2, "takes no --config"),
        ("train", 2, "--hr is missing"),
        ("train --hr gone --network compact", 3, "gone does not exist"),
        ("train --hr photos --network compact", 3, "--hr photos: none of its pictures"),
        ("train --hr photos --network unet", 2, "network = 'unet'"),
        ("train --hr photos --network rrdbnet --scale 3", 2, "--network compact for ×3"),
        ("train --hr photos --pairs photos hr", 2, "exclude each other"),
        ("train --pairs photos hr --weights tiny.pth --crop 16", 3, "small.png"),
        ("train --resume", 2, "no interrupted run"),
        ("config show adapt-quik", 2, "Did you mean adapt-quick"),
        ("infer gone --model tiny.pth", 3, "gone does not exist"),
        ("infer empty --model tiny.pth", 3, "empty holds no pictures"),
        ("infer photos --model tiny.pth --tile 64 --overlap 32", 2, "--tile"),
        ("eval gone --gt hr", 3, "gone does not exist"),
        ("eval photos --gt hr --metrics psnr", 3, "--gt"),
        ("eval photos --gt hr --metrics psnr lpisp", 2, "Did you mean lpips"),
        ("infer photos --model half.param", 4, "there is no half.bin"),
        ("infer photos --model absurd.param", 4, "absurd.param"),
        (f"adapt {FOLDERS} --generalist absurd.bin", 4, "absurd.param"),
        ("export", 2, "--format is missing"),
        ("export --format onnix", 2, "format = 'onnix'"),
        ("export --format spandrel", 2, "no finished run"),
        ("export gone --format spandrel", 4, "no model 'gone'"),
        ("export evil.pth --format spandrel", 4, "evil.pth is refused"),
        ("export tiny.pth --format spandrel -o x.pth", 2, "ends in .safetensors"),
        ("export tiny.pth --format spandrel --precision float8", 2, "precision = 'float8'"),
        ("models path realesrgan", 4, "pdd models pull realesrgan"),
    ],
)
def test_bad_input_is_named_with_what_to_do_next(monkeypatch, capsys, line, code, words):
    found, said = run(monkeypatch, capsys, line)
    assert words in said
    assert found == code
    assert "Traceback" not in said
    assert not Path("it-ran").exists()
    assert not list(Path().glob("runs/*/config.yaml"))


def test_a_bad_file_among_good_ones_is_named_at_the_end(monkeypatch, capsys):
    Path("photos/broken.png").write_bytes(b"nothing")
    code, said = run(monkeypatch, capsys, "infer photos --model tiny.pth --device cpu")
    assert code == 6
    assert "1 of 2 pictures could not be done" in said
    assert "broken.png" in said
    assert Path("photos_x4/small.png").is_file()


def test_pictures_of_another_scale_than_their_hr_do_not_fit(monkeypatch, capsys, write):
    write(Path("truth/small.png"), 24, 24)
    line = "eval photos --gt truth --metrics psnr --device cpu"
    code, said = run(monkeypatch, capsys, line)
    assert code == 6
    assert "is the scale right" in said
