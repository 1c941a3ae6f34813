"""Every error that a user can meet: what is wrong, what to do next, and the exit code.

Library code raises these; only ``pdd_cli.cli.app.main`` turns one into text and an exit code.
"""

from typing import ClassVar


class PddError(Exception):
    """An error with a message for a person.

    Args:
        problem: one sentence that names the file or option and what is wrong with it.
        hint: what to do next, as an imperative sentence.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, problem: str, *, hint: str | None = None) -> None:
        super().__init__(problem if hint is None else f"{problem} {hint}")
        self.problem = problem
        self.hint = hint


class UsageError(PddError):
    """An option, a configuration key or a preset that cannot be used as given."""

    exit_code = 2


class DataError(PddError):
    """Pictures or folders that are missing, empty, unreadable, too small or do not fit."""

    exit_code = 3


class ModelError(PddError):
    """A model or its weights: unknown, corrupt, unsafe, unsupported, or not to be fetched."""

    exit_code = 4


class ResourceError(PddError):
    """The machine lacks something: memory, disk room, a device, a system library."""

    exit_code = 5


class SomeFilesFailed(PddError):
    """A batch went through, but some of its files could not be done."""

    exit_code = 6


class TrainingDiverged(PddError):
    """A loss stopped being finite; the last good checkpoint was kept."""

    exit_code = 7


class Interrupted(PddError):
    """The user pressed Ctrl-C; what can be resumed was saved first."""

    exit_code = 130
