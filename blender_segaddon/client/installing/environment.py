"""The server's environment on this machine: what is there, and the steps that make it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

from ...core.atomic import write_json
from ...protocol.errors import InstallError
from . import machine
from .machine import Accelerator
from .pythons import find_maker
from .task import Step, Task

State = Literal["none", "ready", "outdated", "broken"]

_NAME = "segaddon"
_SERVER_BYTES, _MODELS_BYTES = 90e6, 190e6
"""Downloads without torch, about: the server alone; what models run on besides."""
_HELD_SECONDS = 2.0
"""Windows holds the files of a program for a moment after its end."""
_RECORD, _ENVIRONMENT, _LOG = "install.json", "env", "install.log"


@dataclass(frozen=True)
class Wanted:
    """What is to be installed."""

    models: bool = True
    """with torch and what else models run on; without: previews, fills and masks by clicks, which need no weights"""
    accelerator: Accelerator | None = None
    """which build of torch; None: the one for what is found in this machine"""
    index: str | None = None
    """address of the package index with torch; "": as pip is configured; None: the usual one for the accelerator"""


@dataclass(frozen=True)
class Installed:
    """What stands in the record beside an environment."""

    complete: bool
    """False while it is being made, and after an interruption"""
    wanted: Wanted
    version: str
    """of the server"""
    fingerprint: str
    """of what the add-on carried then"""
    before: str = ""
    """while it is being updated, and after an interruption: the packages that it had, by ``_packages_of``"""


@dataclass(frozen=True)
class Payload:
    """What the add-on's zip carries of the server: a wheel and its locks."""

    folder: Path

    @property
    def wheel(self) -> Path:
        """Raises InstallError in a copy of the add-on that has none."""
        found = sorted(self.folder.glob("*.whl"))
        if not found:
            text = "This copy of the add-on does not carry the server"
            raise InstallError(text, "Install the add-on from its zip (scripts/build_extension makes it)")
        return found[-1]

    def lock(self, models: bool) -> Path:
        return self.folder / ("server-models.txt" if models else "server.txt")

    def fingerprint(self, models: bool) -> str:
        """Changes with every byte that would be installed."""
        return _digest(self.wheel, self.lock(models))

    @property
    def version(self) -> str:
        return self.wheel.name.split("-")[1]


@lru_cache
def _digest(*files: Path) -> str:
    """Of files that stay as they are while the add-on is loaded; panels ask at every redraw."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def default_folder() -> Path:
    """In the user's folder for data, beside the models: one server for all Blenders, which outlives their updates."""
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - without a home Path would raise
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home)
    elif sys.platform == "darwin":
        base = home / "Library/Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or home / ".local/share")
    return base / _NAME / "server"


@dataclass(frozen=True)
class Installation:
    """A folder with an environment of ours, or where one may be made."""

    folder: Path

    @property
    def environment(self) -> Path:
        return self.folder / _ENVIRONMENT

    @property
    def python(self) -> Path:
        """Runs the server, once it is installed."""
        return self.environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")

    @property
    def log(self) -> Path:
        return self.folder / _LOG

    def read(self) -> Installed | None:
        """The record, None where there is none of ours."""
        try:
            told = json.loads((self.folder / _RECORD).read_text("utf-8"))
            wanted = Wanted(**told["wanted"])
            return Installed(told["complete"], wanted, told["version"], told["fingerprint"], told.get("before", ""))
        except (OSError, ValueError, LookupError, TypeError):
            return None

    def state(self, payload: Payload) -> State:
        """ "outdated": it works, but the add-on carries another version. "broken": cut off, or its Python is gone."""
        known = self.read()
        if known is None:
            return "none"
        if not self._is_whole(known):
            return "broken"
        if not known.complete:
            return "outdated"  # an update that was cut off before it changed anything
        try:
            return "ready" if payload.fingerprint(known.wanted.models) == known.fingerprint else "outdated"
        except (InstallError, OSError):  # a copy of the add-on without the server's files
            return "ready"

    def _is_whole(self, known: Installed) -> bool:
        """Whether it runs: pip gets all packages of a step before it changes the first one."""
        untouched = bool(known.before) and known.before == _packages_of(self.environment)
        return (known.complete or untouched) and self.python.exists()

    def install(
        self,
        payload: Payload,
        wanted: Wanted,
        blenders_python: str,
        anew: bool = False,
        before: Callable[[], None] = lambda: None,
    ) -> Task:
        """Make the environment, or bring it up to date; what is not whole is made anew, or all if ``anew``.

        ``before`` is called first, in the task's thread: to end what runs from the environment.
        """

        def prepare() -> Sequence[Step]:
            before()
            return self._steps(payload, _settled(wanted), blenders_python, anew)

        return Task(
            "The installation",
            prepare,
            self.log,
            self._complete,
        )

    def remove(self) -> float:
        """Delete it; bytes that are free again. Nothing that is not ours is touched. Raises InstallError."""
        known = self.read()
        if known is None:
            return 0.0
        size = float(sum(path.lstat().st_size for path in self.environment.rglob("*")))
        self._record(replace(known, complete=False, before=""))  # what can only be deleted in part is not used any more
        self._clear()
        for name in (_RECORD, _LOG):
            (self.folder / name).unlink(missing_ok=True)
        return size

    def _clear(self) -> None:
        end = time.monotonic() + _HELD_SECONDS
        while self.environment.exists():
            try:
                shutil.rmtree(self.environment)
            except OSError as error:
                if time.monotonic() > end:
                    text = f"{error.filename} cannot be deleted: {error.strerror}"
                    raise InstallError(
                        text, "End the server, and other Blenders that use it, then try again"
                    ) from error
                time.sleep(0.1)

    def _steps(self, payload: Payload, wanted: Wanted, blenders_python: str, anew: bool) -> Sequence[Step]:
        known, fingerprint = self.read(), payload.fingerprint(wanted.models)
        if known is None and self.environment.exists():
            text = f"{self.environment} is there, and was not made by this add-on"
            raise InstallError(text, "Choose another folder")
        updates = known is not None and self._is_whole(known) and known.wanted == wanted and not anew
        self._check_disk(Wanted(models=False) if updates else wanted)  # most of what an update needs is there
        steps = [] if updates else self._making(blenders_python)
        before = _packages_of(self.environment) if updates else ""
        self._record(Installed(False, wanted, payload.version, fingerprint, before))
        if steps:
            self._clear()
        return [*steps, *self._packages(payload, wanted)]

    def _making(self, blenders_python: str) -> list[Step]:
        maker = find_maker(blenders_python)
        names = {"{folder}": str(self.environment), "{python}": str(self.python)}
        commands = [tuple(names.get(part, part) for part in one) for one in maker.commands]
        return [Step(f"Making an environment ({maker.name})", one, 8) for one in commands]

    def _packages(self, payload: Payload, wanted: Wanted) -> list[Step]:
        pip = (str(self.python), "-I", "-m", "pip", "--no-input", "--disable-pip-version-check", "install")
        steps = [_locked("Getting packages", pip, payload.lock(False), _SERVER_BYTES)]  # a pip that tells progress, too
        if wanted.models:  # the lock has no torch, but packages that need it: it comes first
            steps.append(self._torch(pip, wanted))
            steps.append(_locked("Getting what models need", pip, payload.lock(True), _MODELS_BYTES))
        wheel = ("--no-deps", "--no-index", "--force-reinstall", str(payload.wheel))
        check = (str(self.python), "-I", "-m", "bridge_server", "doctor", "--json")
        return [*steps, Step("Installing the server", (*pip, *wheel), 5), Step("Checking", check, 5, accepts=(0, 1))]

    def _torch(self, pip: tuple[str, ...], wanted: Wanted) -> Step:
        accelerator = wanted.accelerator or "cpu"
        index = machine.torch_index(accelerator) if wanted.index is None else wanted.index
        options = ("--index-url", index) if index else ()
        size = machine.torch_download(accelerator)
        command = (*pip, "--only-binary", ":all:", "--progress-bar", "raw", *options, machine.TORCH)
        return Step(f"Getting torch for {accelerator}", command, size / 1e6, total=size)

    def _check_disk(self, wanted: Wanted) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        needed = machine.disk_for(download_size(wanted))
        free = shutil.disk_usage(self.folder).free
        if free < needed:
            text = f"The server needs {needed / 1e9:.1f} GB in {self.folder}, and {free / 1e9:.1f} GB are free"
            raise InstallError(text, "Free some space, or choose another folder")

    def _record(self, installed: Installed) -> None:
        """Whole, or as it was: without it the environment would count as somebody else's. Raises StorageError."""
        write_json(self.folder / _RECORD, asdict(installed))

    def _complete(self, doctor: str) -> None:
        """Whatever doctor finds, the environment is whole, since doctor runs in it.

        Raises InstallError with the first thing that fails here, or where doctor did not run.
        """
        known, findings = self.read(), _findings(doctor, self.log)
        if known is None:
            raise InstallError(f"{self.folder} was emptied meanwhile", "Install again")
        self._record(replace(known, complete=True, before=""))
        for finding in findings:
            if finding["level"] == "fail":
                raise InstallError(finding["text"], finding["hint"])


def _packages_of(environment: Path) -> str:
    """Digest of the packages there: what pip takes away or puts in changes it, what runs from them does not."""
    entries = []
    for path in [*environment.glob("lib/python*/site-packages/*"), *environment.glob("Lib/site-packages/*")]:
        changed = path.stat().st_mtime_ns if path.suffix == ".dist-info" else 0
        entries.append(f"{path.name} {changed}")
    return hashlib.sha256("\n".join(sorted(set(entries))).encode()).hexdigest()


def _findings(doctor: str, log: Path) -> Sequence[Mapping[str, str]]:
    """What doctor found, out of all that it wrote: warnings may stand around it. Raises InstallError where it did not
    run, which has the same exit status as a finding that fails."""
    start = re.search(r"^\{", doctor, re.M)
    try:
        return json.JSONDecoder().raw_decode(doctor, start.start() if start else 0)[0]["findings"]
    except (ValueError, LookupError) as error:
        said = next((line.strip() for line in reversed(doctor.splitlines()) if line.strip()), "it said nothing")
        raise InstallError(
            f"The server that was installed does not run: {said}", f"The log tells more: {log}"
        ) from error


def _locked(title: str, pip: tuple[str, ...], lock: Path, size: float) -> Step:
    """All packages of a lock, each with the bytes that it was locked with."""
    count = len(re.findall(r"^[\w.-]+==", lock.read_text("utf-8"), re.M))
    options = ("--only-binary", ":all:", "--progress-bar", "off", "--require-hashes", "-r", str(lock))
    return Step(title, (*pip, *options), size / 1e6, packages=count)


def download_size(wanted: Wanted) -> float:
    """Bytes to download, about."""
    models = _MODELS_BYTES + machine.torch_download(wanted.accelerator or "cpu") if wanted.models else 0.0
    return _SERVER_BYTES + models


def _settled(wanted: Wanted) -> Wanted:
    """With the accelerator that is found here, where none was chosen."""
    if wanted.accelerator is None and wanted.models:
        return replace(wanted, accelerator=machine.detect().accelerator)
    return wanted
