"""The settings of a model card, and of pushing a model to the Hub."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from pdd_cli.config.strict import StrictModel

Repository = Annotated[str, Field(pattern=r"^[\w.\-]+/[\w.\-]+$")]


class CardConfig(StrictModel):
    """Everything about a model card."""

    run: Path
    """A finished run."""
    repository: Repository | None = None
    """user/repo, for the lines that a reader pastes; unset, they name the run's folder."""
    licence: str | None = None
    """Of the model, where its base model's does not tell it: an identifier such as bsd-3-clause."""
    controls: tuple[Path, ...] = ()
    """Other runs, whose figures on the same pictures stand beside this one's."""
    overwrite: bool = False
    """Whether a card that was edited by hand may be replaced."""


class PushConfig(StrictModel):
    """Everything about a push."""

    run: Path
    """A finished run."""
    repository: Repository
    """user/repo; it is made if there is none."""
    private: bool = False
    """Whether nobody else may see the repository."""
    revision: str | None = None
    """The branch to commit to, made if there is none; unset, the main one."""
    create_pr: bool = False
    """Whether to open a pull request instead of committing."""
    dry_run: bool = False
    """Whether only to show what would be pushed."""
    previews: bool = False
    """Whether the last preview goes along: consent to publish parts of the photos."""
    overwrite_card: bool = False
    """Whether a README.md that is there already may be replaced."""
    licence: str | None = None
    """Of the model, where its base model's does not tell it: an identifier such as bsd-3-clause."""
    controls: tuple[Path, ...] = ()
    """Other runs, whose figures on the same pictures stand beside this one's."""

    @model_validator(mode="after")
    def _one_way_at_a_time(self) -> "PushConfig":
        if self.create_pr and self.revision not in (None, "main"):
            raise ValueError("--create-pr goes to the main branch: leave --revision out")
        return self
