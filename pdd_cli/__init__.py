"""Adapt an off-the-shelf super-resolution model to a folder of your own low-resolution photos.

The recipes are the Python interface. Each takes its configuration and, if wanted, an observer of
its events; it returns a result, never prints and never ends the process:

    from pdd_cli import AdaptConfig, adapt

They load on first use, so that importing the package costs nothing.
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pdd_cli.config.adapt import AdaptConfig
    from pdd_cli.config.demo import DemoConfig
    from pdd_cli.config.evaluate import CompareConfig, EvaluateConfig
    from pdd_cli.config.export import ExportConfig
    from pdd_cli.config.infer import InferConfig
    from pdd_cli.config.prepare import PrepareConfig
    from pdd_cli.config.push import CardConfig, PushConfig
    from pdd_cli.config.train import TrainConfig
    from pdd_cli.recipes.adapt import adapt
    from pdd_cli.recipes.compare import compare
    from pdd_cli.recipes.demo import demo
    from pdd_cli.recipes.evaluate import evaluate
    from pdd_cli.recipes.export import export
    from pdd_cli.recipes.infer import infer
    from pdd_cli.recipes.prepare import prepare
    from pdd_cli.recipes.push import card, push
    from pdd_cli.recipes.train import train

__all__ = [
    "AdaptConfig",
    "CardConfig",
    "CompareConfig",
    "DemoConfig",
    "EvaluateConfig",
    "ExportConfig",
    "InferConfig",
    "PrepareConfig",
    "PushConfig",
    "TrainConfig",
    "__version__",
    "adapt",
    "card",
    "compare",
    "demo",
    "evaluate",
    "export",
    "infer",
    "prepare",
    "push",
    "train",
]

_HOMES = {
    "AdaptConfig": "pdd_cli.config.adapt",
    "CardConfig": "pdd_cli.config.push",
    "CompareConfig": "pdd_cli.config.evaluate",
    "DemoConfig": "pdd_cli.config.demo",
    "EvaluateConfig": "pdd_cli.config.evaluate",
    "ExportConfig": "pdd_cli.config.export",
    "InferConfig": "pdd_cli.config.infer",
    "PrepareConfig": "pdd_cli.config.prepare",
    "PushConfig": "pdd_cli.config.push",
    "TrainConfig": "pdd_cli.config.train",
    "adapt": "pdd_cli.recipes.adapt",
    "card": "pdd_cli.recipes.push",
    "compare": "pdd_cli.recipes.compare",
    "demo": "pdd_cli.recipes.demo",
    "evaluate": "pdd_cli.recipes.evaluate",
    "export": "pdd_cli.recipes.export",
    "infer": "pdd_cli.recipes.infer",
    "prepare": "pdd_cli.recipes.prepare",
    "push": "pdd_cli.recipes.push",
    "train": "pdd_cli.recipes.train",
}


def __getattr__(name: str) -> object:
    if name == "__version__":
        return version("pdd-cli")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
