"""Archives on the Hub whose hash nobody has recorded: found by name, checked by the Hub's hash."""

from fnmatch import fnmatchcase
from pathlib import Path

from pdd_cli.assets.hub_errors import hub_errors_explained
from pdd_cli.assets.origins import HubArchive
from pdd_cli.assets.sources import (
    SourceUnavailable,
    check_hash,
    refuse_unreachable_hub,
    refuse_without_room,
)
from pdd_cli.errors import ModelError
from pdd_cli.runtime.events import Observer, Said


def fetch_hub_archive(source: HubArchive, observer: Observer) -> Path:
    """Fetch an archive into the Hub client's own cache, and return it there.

    The commit that the repository stands at is asked first, so that size, hash and bytes are of
    one and the same file.

    Raises:
        SourceUnavailable: offline, unreachable, not there, or not what the Hub says it is.
        ResourceError: the disk has no room for it.
    """
    refuse_unreachable_hub()
    from huggingface_hub import HfApi, constants, hf_hub_download

    try:
        with hub_errors_explained(source.name):
            listing = HfApi().dataset_info(source.repository, files_metadata=True)
        fitting = [
            file
            for file in listing.siblings or []
            if fnmatchcase(file.rfilename, source.pattern) and file.lfs is not None
        ]
        if len(fitting) != 1:
            names = ", ".join(file.rfilename for file in fitting) or "none"
            raise SourceUnavailable(f"of {source.name}, one archive was expected; fitting: {names}")
        (file,) = fitting
        assert file.lfs is not None
        cache = Path(constants.HF_HUB_CACHE)
        refuse_without_room(cache / file.rfilename, file.lfs.size)
        observer(
            Said(
                f"Fetching {file.rfilename} ({file.lfs.size / 1e6:.0f} MB) of {source.repository} "
                f"at commit {listing.sha}."
            )
        )
        with hub_errors_explained(source.name):
            path = Path(
                hf_hub_download(
                    source.repository, file.rfilename, repo_type="dataset", revision=listing.sha
                )
            )
    except ModelError as error:
        raise SourceUnavailable(error.problem.rstrip(".")) from error
    check_hash(path, file.lfs.sha256, source.name)
    return path
