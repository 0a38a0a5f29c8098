"""Models from the hub into a models folder, laid out as the hub's own cache: other programs can share it.

The only place of the project that reaches beyond this machine, and only when a person asks it to.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from blender_segaddon.protocol.errors import InvalidInput, SegAddonError

from . import places
from .catalogue import LicenceKind, Model, Source

logger = logging.getLogger(__name__)

_SHA256 = re.compile("[0-9a-f]{64}")


class DownloadFailed(SegAddonError):
    """A model could not be got; what has come stays and is not fetched again."""

    code = "download_failed"
    exit_code = 2


def pull(
    model: Model, folder: Path, others: Sequence[Path] = (), *, mirror: str = "", licences: Sequence[LicenceKind] = ()
) -> list[Source]:
    """Fetch the parts of a model that are not on this machine; those that were fetched.

    An interrupted download goes on where it stopped. Every large file is checked against the SHA-256 that the hub
    names it by. Only the files that the catalogue names are fetched; progress is shown on standard error.

    Args:
        folder: the models folder that they go into.
        others: further folders that are looked in first.
        mirror: address of another hub, "" for the usual one.
        licences: kinds of licence that are allowed, () for all.

    Raises:
        InvalidInput: the licence is not allowed, or a part is a path that is not there.
        DownloadFailed: as the text says.
    """
    if licences and model.licence_kind not in licences:
        text = f"The licence of {model.id!r} ({model.licence}, {model.licence_kind}) is not allowed here"
        raise InvalidInput(text, f"Allowed are: {', '.join(licences)}")
    wanted = places.missing(model, [folder, *others])
    for source in wanted:
        if source.path:
            raise InvalidInput(f"{source.path} of the model {model.id!r} is not there", "Correct its models.toml")
    _check_disk(folder, sum(source.size for source in wanted))
    for source in wanted:
        _check(_fetch(source, folder, mirror))
    return wanted


def _fetch(source: Source, folder: Path, mirror: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

    try:
        snapshot = snapshot_download(
            source.repo,
            revision=source.revision,
            allow_patterns=list(source.files),
            cache_dir=folder / "hub",
            endpoint=mirror or None,
            max_workers=2,
        )
    except GatedRepoError as error:
        hint = f"Accept its licence at huggingface.co/{source.repo} and set HF_TOKEN to a token of that account"
        raise DownloadFailed(f"{source.repo} is for people who have accepted its licence", hint) from error
    except RepositoryNotFoundError as error:
        raise DownloadFailed(f"The hub has no {source.repo}", "Correct the catalogue's entry") from error
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise DownloadFailed(f"The disk of {folder} is full", "Free some space, then pull again") from error
        logger.info("download of %s failed", source.repo, exc_info=True)
        raise DownloadFailed(f"{source.repo} could not be fetched: {_first_line(error)}", _RETRY) from error
    return Path(snapshot)


_RETRY = "Check the connection, then pull again: it goes on where it stopped"


def _check(snapshot: Path) -> None:
    """The cache names a large file by its SHA-256. Raises DownloadFailed, and takes away what is wrong."""
    damaged = [path for path in snapshot.rglob("*") if path.is_file() and not _is_right(path.resolve())]
    for path in damaged:
        path.resolve().unlink()
        path.unlink(missing_ok=True)
    if damaged:
        names = ", ".join(path.name for path in damaged)
        raise DownloadFailed(f"What came is damaged and was deleted: {names}", "Pull again")


def _is_right(stored: Path) -> bool:
    if not _SHA256.fullmatch(stored.name):  # a small file: the hub names it by another digest
        return True
    with stored.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == stored.name


def _check_disk(folder: Path, needed: float) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free / 1e9
    if free < needed:
        raise DownloadFailed(f"{needed:.1f} GB are needed in {folder}, {free:.1f} GB are free", "Free some space")


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
