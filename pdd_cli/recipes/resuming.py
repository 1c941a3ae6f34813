"""Going on with an interrupted run: which settings it had, and which of them may change."""

from collections.abc import Sequence
from typing import TypeVar

from pdd_cli.config.differences import differences
from pdd_cli.config.loader import load
from pdd_cli.config.training import TrainingConfig
from pdd_cli.errors import UsageError
from pdd_cli.recipes.training import checkpoint_of
from pdd_cli.runtime.run_directory import RunDirectory

Config = TypeVar("Config", bound=TrainingConfig)

CHANGEABLE = frozenset(
    {
        "device",
        "data.cache_gb",
        "monitor.every",
        "train.checkpoint_every",
        "train.discriminator_lr",
        "train.largest_gradient",
        "train.lr",
        "train.lr_halved_at",
        "train.precision",
        "train.preview_every",
        "train.skipped_steps",
        "train.steps",
    }
)
"""Settings that a run may go on with changed; with any other it would be another run."""


def refuse_unresumable(run: RunDirectory) -> None:
    """Refuse a run that cannot go on.

    Raises:
        UsageError: it has finished, or was not saved.
    """
    if run.finished:
        raise UsageError(f"--resume: {run.path} has finished.", hint="Start a new run.")
    if not checkpoint_of(run).is_file():
        raise UsageError(f"--resume: {run.path} has no checkpoint.", hint="Start a new run.")


def changed_settings(schema: type[Config], run: RunDirectory, changes: Sequence[str]) -> Config:
    """Read a run's settings with some of them changed.

    Raises:
        UsageError: a change is of a setting that a run has to keep.
    """
    before = load(schema, file=run.config)
    after = load(schema, file=run.config, assignments=changes)
    kept = [str(d) for d in differences(before, after) if d.key not in CHANGEABLE]
    if kept:
        raise UsageError(
            f"--resume: {run.path} cannot go on with other settings than it began with:\n  "
            + "\n  ".join(kept),
            hint="These may change: " + ", ".join(sorted(CHANGEABLE)) + ".",
        )
    return after
