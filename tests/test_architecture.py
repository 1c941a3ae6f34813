"""The rooms of the package import downwards only, and asking for help loads nothing heavy."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import pdd_cli

_PACKAGE = Path(pdd_cli.__file__).parent

# From top to bottom. A room may import from the lines below its own, never from its own line.
_FLOORS = [
    {"cli"},
    {"recipes"},
    {"distill", "data", "nets", "metrics", "assets", "report"},
    {"images", "runtime", "config"},
    {"errors"},
]
_FLOOR_OF = {room: floor for floor, rooms in enumerate(_FLOORS) for room in rooms}

_HEAVY = (
    "torch",
    "torchvision",
    "cv2",
    "spandrel",
    "huggingface_hub",
    "safetensors",
    "numpy",
    "ncnn",
    "onnx",
)
_COMMANDS = (
    "prepare",
    "adapt",
    "train",
    "infer",
    "eval",
    "evaluate",
    "card",
    "push",
    "models",
    "config",
    "demo",
    "export",
)


def _modules() -> list[Path]:
    return sorted(path for path in _PACKAGE.rglob("*.py") if path.parent != _PACKAGE)


def _rooms_imported_by(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                imported = [alias.name for alias in names]
            case ast.ImportFrom(module="pdd_cli", names=names):
                imported = [f"pdd_cli.{alias.name}" for alias in names]
            case ast.ImportFrom(module=str(name), level=0):
                imported = [name]
            case ast.ImportFrom():
                pytest.fail(f"{module}: relative imports hide which room is meant")
            case _:
                continue
        yield from (name.split(".")[1] for name in imported if name.startswith("pdd_cli."))


@pytest.mark.parametrize("module", _modules(), ids=lambda m: str(m.relative_to(_PACKAGE)))
def test_a_module_imports_from_its_own_room_and_from_lower_floors_only(module):
    room = module.relative_to(_PACKAGE).parts[0]
    for other in _rooms_imported_by(module):
        assert other == room or _FLOOR_OF[other] > _FLOOR_OF[room], f"{room} must not know {other}"


def test_every_room_has_its_floor():
    rooms = {path.name for path in _PACKAGE.iterdir() if (path / "__init__.py").is_file()}
    assert rooms | {"errors"} == set(_FLOOR_OF)


def test_the_method_knows_tensors_alone():
    for module in (_PACKAGE / "distill").glob("*.py"):
        assert set(_rooms_imported_by(module)) <= {"distill", "errors"}, module


_ASK_FOR_HELP = """
import sys
sys.argv = ["pdd", *sys.argv[1:]]
from pdd_cli.cli.app import main
try:
    main()
except SystemExit as stop:
    assert stop.code == 0, stop.code
print("LOADED", *sorted(sys.modules))
"""


@pytest.mark.parametrize("arguments", [[], *([command] for command in _COMMANDS)])
def test_help_loads_no_heavy_library(arguments):
    done = subprocess.run(
        [sys.executable, "-c", _ASK_FOR_HELP, *arguments, "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    text, _, loaded = done.stdout.rpartition("LOADED")

    assert "Usage" in text
    assert not {name.split(".")[0] for name in loaded.split()} & set(_HEAVY)


def test_importing_the_package_loads_no_heavy_library():
    code = "import sys, pdd_cli; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert not set(done.stdout.split()) & set(_HEAVY)


@pytest.mark.parametrize("name", pdd_cli.__all__)
def test_every_public_name_is_there(name):
    assert getattr(pdd_cli, name) is not None


def test_a_name_that_is_not_public_is_an_attribute_error():
    with pytest.raises(AttributeError, match="adopt"):
        _ = pdd_cli.adopt
