"""``segaddon-bridge models``: what there is, and getting it."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blender_segaddon.protocol.errors import InvalidInput

from . import download, places
from .catalogue import USER_FILE
from .library import Entry, Library

if TYPE_CHECKING:
    from ..settings import Settings

_SHOWN_SECONDS = 0.2
"""Between two looks at the progress on a terminal; elsewhere a line comes every ``_LINE_SECONDS``."""
_LINE_SECONDS = 10.0


def add_to(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add ``models`` to the subparsers of the command line."""
    text = "what models there are, and getting them"
    models = commands.add_parser("models", help=text, description=text.capitalize(), allow_abbrev=False)
    actions = models.add_subparsers(dest="action", required=True)
    for name, run, text in _ACTIONS:
        action = actions.add_parser(name, parents=[common], help=text, description=text, allow_abbrev=False)
        if name in ("pull", "remove"):
            action.add_argument("name", metavar="NAME", help="as list shows it")
        else:
            action.add_argument("--json", action="store_true", help="for programs")
        if name == "pull":
            action.add_argument("--all", action="store_true", help="also what only reference pictures need")
        action.set_defaults(run=run)


def show(settings: Settings, options: argparse.Namespace) -> int:
    """``models list``."""
    entries = Library(settings.model_folders, settings.licences).entries()
    sys.stdout.write(json.dumps([_plain(one) for one in entries], indent=2) + "\n" if options.json else _table(entries))
    return 0


def pull(settings: Settings, options: argparse.Namespace) -> int:
    """``models pull NAME``."""
    download.prepare_environment(settings.proxy)
    library = Library(settings.model_folders, settings.licences)
    model = library.find(options.name)
    progress = _Progress()
    target, others = settings.download_folder, settings.model_folders
    fetched = download.pull(
        model, target, others, everything=options.all, mirror=settings.model_mirror, on_bytes=progress
    )
    progress.end()
    said = f"{model.id} is here" if fetched else f"{model.id} is here already"
    sys.stdout.write("".join(f"{line}\n" for line in (said, *map(str, library.entry(model).where))))
    return 0


def remove(settings: Settings, options: argparse.Namespace) -> int:
    """``models remove NAME``: only what was downloaded here, and what no other model that is here needs."""
    library = Library(settings.model_folders)
    model, cache = library.find(options.name), settings.download_folder / "hub"
    others = [one.model for one in library.entries() if one.state == "here" and one.model.id != model.id]
    needed = {source.repo: other.id for other in others for source in other.parts if source.repo}
    lines, freed = [], 0
    for source in dict.fromkeys(model.parts):
        folder = places.repo_folder(cache, source.repo)
        if source.repo and folder.is_dir() and source.repo not in needed:
            freed += sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
            shutil.rmtree(folder)
            lines.append(f"removed {source.repo}")
        elif source.repo in needed:
            lines.append(f"kept {source.repo}: {needed[source.repo]} needs it")
        elif place := places.locate(source, settings.model_folders):
            lines.append(f"kept {place}: it was not downloaded into {settings.download_folder}")
    if not lines:
        raise InvalidInput(f"Nothing of {model.id!r} is on this machine", "models list shows what is")
    sys.stdout.write("".join(f"{line}\n" for line in (*lines, f"{freed / 1e9:.1f} GB are free again")))
    return 0


def where(settings: Settings, options: argparse.Namespace) -> int:
    """``models where``: the folders that are looked in, and the files that describe models."""
    folders = settings.model_folders
    told = {
        "download": str(settings.download_folder),
        "folders": [str(folder) for folder in folders],
        "caches": [str(cache) for cache in places.hub_caches(folders) if cache.is_dir()],
        "descriptions": [str(folder / USER_FILE) for folder in folders if (folder / USER_FILE).is_file()],
        "own_models": str(folders[-1] / USER_FILE),
    }
    if options.json:
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
        return 0
    lines = [f"Downloads go to      {told['download']}", f"Describe your own in {told['own_models']}"]
    lines += [f"Looked in            {folder}{'' if Path(folder).is_dir() else ' (not there)'}" for folder in folders]
    lines += [f"Cache of the hub     {cache}" for cache in told["caches"]]
    lines += [f"Description          {file}" for file in told["descriptions"]]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


_ACTIONS = (
    ("list", show, "Every model: here or not, size, memory, licence"),
    ("pull", pull, "Download a model; goes on where an earlier download stopped"),
    ("remove", remove, "Delete what was downloaded of a model"),
    ("where", where, "The folders that models are looked for in"),
)


def _plain(entry: Entry) -> dict[str, Any]:
    model = entry.model
    return {
        "name": model.id,
        "title": model.title,
        "state": entry.state,
        "hint": entry.hint,
        "size_gb": round(sum(source.size for source in dict.fromkeys(model.sources)), 3),
        "to_get_gb": round(entry.to_get, 3),
        "memory_gb": model.memory,
        "licence": model.licence,
        "licence_kind": model.licence_kind,
        "licence_url": model.licence_url,
        "sources": [source.title for source in model.sources],
        "where": [str(place) for place in entry.where],
    }


def _table(entries: list[Entry]) -> str:
    """For people: the columns as wide as what is in them; what to do about a model that cannot be used below."""
    rows = [("NAME", "STATE", "TO GET", "GPU", "LICENCE", "TITLE")]
    for one in entries:
        model = one.model
        licence = f"{model.licence_kind} ({model.licence})" if model.licence else model.licence_kind
        to_get = f"{one.to_get:.1f} GB" if one.to_get else "-" if one.state == "here" else "?"
        memory = f"{model.memory:g} GB" if model.memory else "?"
        rows.append((model.id, one.state, to_get, memory, licence, model.title))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines += ["", f"Get one with: {places.pull_command('NAME')}"]
    return "\n".join(lines) + "\n"


class _Progress:
    """A line on standard error: how much is here, how fast it comes, how long it takes."""

    def __init__(self) -> None:
        self._what = ""
        self._began = self._shown = 0.0
        self._on_terminal = sys.stderr.isatty()

    def __call__(self, what: str, done: int, held: int, size: int) -> None:
        """As ``download.OnBytes``."""
        now = time.monotonic()
        if what != self._what:
            self.end()
            self._what, self._began, self._shown = what, now, now - _LINE_SECONDS
        if done < size and now - self._shown < (_SHOWN_SECONDS if self._on_terminal else _LINE_SECONDS):
            return
        self._shown = now
        rate = (done - held) / max(now - self._began, 1e-3)
        left = f", {_time((size - done) / rate)} left" if rate and done < size else ""
        line = f"{what}  {_amount(done)} of {_amount(size)}, {_amount(int(rate))}/s{left}"
        sys.stderr.write(f"\r\x1b[K{line}" if self._on_terminal else f"{line}\n")
        sys.stderr.flush()

    def end(self) -> None:
        """Go to the next line."""
        if self._what and self._on_terminal:
            sys.stderr.write("\n")
        self._what = ""


def _amount(size: int) -> str:
    if size < 1e6:
        return f"{size / 1e3:.0f} kB"
    return f"{size / 1e6:.0f} MB" if size < 1e9 else f"{size / 1e9:.2f} GB"


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
