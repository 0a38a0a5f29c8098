"""Models from the hub into a models folder, laid out as the hub's own cache: other programs can share it.

The only place of the project that reaches beyond this machine, and only when a person asks it to. The hub's own client
begins a broken download anew, so large files are fetched here, each into a file that stays until it is whole.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from blender_segaddon.protocol.errors import InvalidInput, SegAddonError

from . import places
from .catalogue import ALL_FILES, Model, Source

logger = logging.getLogger(__name__)

_RETRY = "Check the connection, then pull again: it goes on where it stopped"
_SPARE = 1.0
"""GB that stay free on the disk."""

OnBytes = Callable[[str, int, int, int], None]
"""Called with what is fetched, the bytes that are here, how many of them were here at the start, and all of them."""


class DownloadFailed(SegAddonError):
    """A model could not be got; what has come stays and is not fetched again."""

    code = "download_failed"
    exit_code = 2


@dataclass(frozen=True)
class _File:
    """A file of a repository."""

    name: str
    size: int
    sha256: str
    """"" for a small one, which the hub keeps in the repository itself"""


def pull(
    model: Model,
    folder: Path,
    others: Sequence[Path] = (),
    *,
    everything: bool = False,
    mirror: str = "",
    on_bytes: OnBytes = lambda *_: None,
) -> list[Source]:
    """Fetch the parts of a model that are not on this machine; those that were fetched.

    An interrupted download goes on where it stopped, also after a kill. Every large file is checked against the SHA-256
    that the hub names it by. Only the files that the catalogue names are fetched. Nothing is asked where nothing is
    missing.

    Args:
        folder: the models folder that they go into.
        others: further folders that are looked in first.
        everything: also what only some pictures need.
        mirror: address of another hub, "" for the usual one.
        on_bytes: told of the progress, from this thread.

    Raises:
        InvalidInput: a part is a path that is not there, or this environment has no client for the hub.
        DownloadFailed: as the text says.
    """
    parts = dict.fromkeys(model.parts if everything else model.sources)
    wanted = [source for source in parts if places.locate(source, [folder, *others]) is None]
    for source in wanted:
        if source.path:
            raise InvalidInput(f"{source.path} of the model {model.id!r} is not there", "Correct its models.toml")
    for source in wanted:
        fetching = _Fetching(source, folder / "hub", mirror, on_bytes)
        with _explained(source, folder):
            fetching.run()
    return wanted


class _Fetching:
    """One source on its way into a cache of the hub."""

    def __init__(self, source: Source, cache: Path, mirror: str, on_bytes: OnBytes) -> None:
        try:
            import huggingface_hub
        except ImportError as error:
            hint = "Use the server's environment with models, see docs/models.md"
            raise InvalidInput("This environment cannot download: huggingface_hub is not installed", hint) from error
        self._hub = huggingface_hub
        self._source, self._cache, self._mirror, self._on_bytes = source, cache, mirror or None, on_bytes
        self._blobs = places.repo_folder(cache, source.repo) / "blobs"
        self._done = self._held = self._all = 0
        """bytes that are here; of these, at the start; of all files"""

    def run(self) -> None:
        """Fetch what is missing; the snapshot appears when everything is here."""
        files = self._files()
        self._all = sum(file.size for file in files)
        self._held = self._done = sum(min(self._size_here(file), file.size) for file in files)
        _check_disk(self._cache, (self._all - self._held) / 1e9)
        self._blobs.mkdir(parents=True, exist_ok=True)
        with self._hub.utils.WeakFileLock(self._blobs.parent / "pull.lock"):
            for file in files:
                if file.sha256:
                    self._large(file)
        for file in files:  # finds the large ones here, and writes the small ones and the snapshot
            self._hub.hf_hub_download(
                self._source.repo,
                file.name,
                revision=self._source.revision,
                cache_dir=self._cache,
                endpoint=self._mirror,
                tqdm_class=_silent_bar(lambda _: None),
            )
            self._tell(0 if file.sha256 else file.size)

    def _files(self) -> list[_File]:
        """What the source needs of its repository."""
        patterns = self._source.files or ALL_FILES
        api = self._hub.HfApi(endpoint=self._mirror)
        # Of the hub's ways to list files the one that fails at once where there is no connection.
        info = api.model_info(self._source.repo, revision=self._source.revision, files_metadata=True)
        wanted = [one for one in info.siblings or () if any(fnmatch(one.rfilename, pattern) for pattern in patterns)]
        for pattern in self._source.files:
            if not any(fnmatch(one.rfilename, pattern) for one in wanted):
                raise DownloadFailed(f"{self._source.repo} has no {pattern}", "Correct its entry in models.toml")
        return [_File(one.rfilename, one.size or 0, one.lfs.sha256 if one.lfs else "") for one in wanted]

    def _size_here(self, file: _File) -> int:
        for path in (self._blobs / file.sha256, self._partial(file)):
            if file.sha256 and path.is_file():
                return path.stat().st_size
        return 0

    def _partial(self, file: _File) -> Path:
        return self._blobs / f"{file.sha256}.partial"

    def _large(self, file: _File) -> None:
        from huggingface_hub.file_download import http_get

        whole, partial = self._blobs / file.sha256, self._partial(file)
        if whole.is_file():
            return
        url = self._hub.hf_hub_url(self._source.repo, file.name, revision=self._source.revision, endpoint=self._mirror)
        headers = self._hub.utils.build_hf_headers()
        with partial.open("ab") as target:
            if target.tell() > file.size:
                target.truncate(0)
            http_get(
                url,
                target,
                resume_size=target.tell(),
                headers=headers,
                expected_size=file.size,
                tqdm_class=_silent_bar(self._tell),
            )
        if _sha256(partial) != file.sha256:
            partial.unlink()
            raise DownloadFailed(f"What came is damaged and was deleted: {file.name}", "Pull again")
        partial.replace(whole)

    def _tell(self, more: int) -> None:
        self._done += more
        self._on_bytes(self._source.repo, self._done, self._held, self._all)


def _silent_bar(tell: Callable[[int], None]) -> Any:
    """A progress bar as the hub's client wants one, which tells instead of drawing."""
    from tqdm import tqdm

    class Bar(tqdm):
        def __init__(self, *_: Any, **__: Any) -> None:
            super().__init__(disable=True)

        def update(self, n: float | None = 1) -> None:
            tell(int(n or 0))

    return Bar


@contextmanager
def _explained(source: Source, folder: Path) -> Iterator[None]:
    """What goes wrong between here and the hub, as DownloadFailed in words for people."""
    from huggingface_hub.errors import GatedRepoError, HTTPError, RepositoryNotFoundError, RevisionNotFoundError

    try:
        yield
    except GatedRepoError as error:
        hint = f"Accept its licence at https://huggingface.co/{source.repo}, set HF_TOKEN to a token of that account"
        raise DownloadFailed(f"{source.repo} is for people who have accepted its licence", hint) from error
    except RepositoryNotFoundError as error:
        raise DownloadFailed(f"The hub has no {source.repo}", "Correct its entry in models.toml") from error
    except RevisionNotFoundError as error:
        text = f"{source.repo} has no revision {source.revision!r}"
        raise DownloadFailed(text, "Correct its entry in models.toml") from error
    except (HTTPError, OSError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise DownloadFailed(f"The disk of {folder} is full", "Free some space, then pull again") from error
        logger.info("download of %s failed", source.repo, exc_info=True)
        raise DownloadFailed(f"{source.repo} could not be fetched: {_first_line(error)}", _RETRY) from error


def _check_disk(folder: Path, needed: float) -> None:
    """``needed`` in GB. Raises DownloadFailed."""
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free / 1e9
    if free < needed + _SPARE:
        text = f"{needed:.1f} GB are to be downloaded into {folder}, {free:.1f} GB are free there"
        raise DownloadFailed(text, "Free some space, or set models_dir to another disk")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


def prepare_environment(proxy: str) -> None:
    """To be called by a program that pulls, before anything imports the hub's client.

    Args:
        proxy: HTTPS proxy, "" for the system's.
    """
    os.environ["HF_HUB_DISABLE_XET"] = "1"  # its partial files cannot be gone on with
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    if proxy:
        os.environ["HTTPS_PROXY"] = os.environ["HTTP_PROXY"] = proxy
