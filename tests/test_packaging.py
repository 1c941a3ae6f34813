"""What is in the repository is in the wheel, and is found there."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from pdd_cli.config.presets import preset_names, preset_path

_REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """A wheel, built from a copy, so that the repository stays as it is."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(_REPOSITORY / name, source)
    for name in ("pdd_cli", "configs"):
        leave = shutil.ignore_patterns("__pycache__")
        shutil.copytree(_REPOSITORY / name, source / name, ignore=leave)
    target = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--wheel-dir", target, source], check=True, capture_output=True)
    return next(target.glob("*.whl"))


def test_the_wheel_holds_every_module_and_every_preset(wheel):
    modules = {str(p.relative_to(_REPOSITORY)) for p in (_REPOSITORY / "pdd_cli").rglob("*.py")}
    presets = {f"pdd_cli/configs/{p.name}" for p in (_REPOSITORY / "configs").glob("*.yaml")}
    page = {f"pdd_cli/report/report.{kind}" for kind in ("css", "js")}
    assert presets

    with zipfile.ZipFile(wheel) as archive:
        assert modules | presets | page | {"pdd_cli/py.typed"} <= set(archive.namelist())


def test_presets_are_found_from_the_wheel(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    code = (
        "from pdd_cli.config.presets import preset_names, preset_path\n"
        "for name in preset_names(): print(preset_path(name))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    found = [Path(line) for line in done.stdout.splitlines()]

    assert [path.stem for path in found] == preset_names()
    assert all(path.is_file() and path.is_relative_to(tmp_path) for path in found)


def test_presets_are_found_from_the_checkout():
    assert preset_names()
    assert all(preset_path(name).is_file() for name in preset_names())
