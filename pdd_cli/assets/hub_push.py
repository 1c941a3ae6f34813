"""Putting files into a repository of the Hub, in one commit."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from pdd_cli.assets.hub_errors import hub_errors_explained, not_logged_in
from pdd_cli.assets.reachability import hub_address, hub_is_offline, reaches
from pdd_cli.errors import ModelError, UsageError

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_MAIN = "main"


@dataclass(frozen=True)
class Publication:
    """What came of it."""

    commit: str
    address: str
    """Of the commit."""
    pull_request: str | None
    """Its address, where one was asked for."""
    kept: tuple[str, ...]
    """Files that were there already and were left as they are."""


def publish(
    repository: str,
    files: Mapping[str, bytes | Path],
    *,
    message: str,
    private: bool,
    revision: str | None,
    create_pr: bool,
    keep: Collection[str],
) -> Publication:
    """Commit files to a repository, which is made if there is none.

    Args:
        repository: ``user/repo``.
        files: contents, or where they lie, by their paths in the repository.
        message: of the commit.
        private: whether a repository that is made is private; one that is there must be so.
        revision: the branch, which is made if there is none; None for the main one.
        create_pr: whether to open a pull request instead.
        keep: files that are left as they are where they exist.

    Raises:
        ModelError: the Hub cannot be reached, or refuses.
        UsageError: the repository is public and was to be private.
    """
    from huggingface_hub import CommitOperationAdd, HfApi, get_token

    _refuse_without_hub(repository)
    if get_token() is None:
        raise not_logged_in(repository)
    api = HfApi(endpoint=hub_address(), library_name="pdd", library_version=version("pdd-cli"))
    with hub_errors_explained(repository):
        _make_or_check(api, repository, private=private)
        if revision not in (None, _MAIN):
            api.create_branch(repository, branch=str(revision), exist_ok=True)
        there = api.model_info(repository, revision=revision).siblings or []
        kept = {file.rfilename for file in there} & set(keep)
        operations = [
            CommitOperationAdd(path_in_repo=path, path_or_fileobj=content)
            for path, content in files.items()
            if path not in kept
        ]
        try:
            commit = api.create_commit(
                repository,
                operations,
                commit_message=message,
                revision=revision,
                create_pr=create_pr,
            )
        except ValueError as error:  # how the client tells that the Hub does not take the card
            if "README.md" not in str(error):
                raise
            raise ModelError(
                f"{repository}: the Hub does not take the card ({' '.join(str(error).split())}).",
                hint="See it with --dry-run.",
            ) from error
    return Publication(commit.oid, commit.commit_url, commit.pr_url, tuple(sorted(kept)))


def _refuse_without_hub(repository: str) -> None:
    if hub_is_offline():
        raise ModelError(
            f"{repository} cannot be pushed to: HF_HUB_OFFLINE switches the network off.",
            hint="Unset it, or see with --dry-run what would be pushed.",
        )
    if not reaches(hub_address()):
        raise ModelError(
            f"{repository} cannot be pushed to: {hub_address()} cannot be reached.",
            hint="Check the network, or see with --dry-run what would be pushed.",
        )


def _make_or_check(api: "HfApi", repository: str, *, private: bool) -> None:
    """Make the repository, unless it is there and no more public than was asked for."""
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        found = api.model_info(repository)
    except RepositoryNotFoundError:
        api.create_repo(repository, private=True if private else None, exist_ok=True)
        return
    if private and not found.private:
        raise UsageError(
            f"--private: {repository} exists and is public.",
            hint="Name another repository, or make this one private on its page first.",
        )
