"""The project's environments, made from their lock files.

Several, since the add-on runs inside Blender's Python and the server does not: ``.venv`` (server and development),
``.venv-bpy-VERSION`` (one Blender) and ``.venv-models`` (the server with torch and diffusers). Standard library only:
this runs before anything is installed. Progress goes to stderr.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .system_libraries import SYSTEM_LIBRARIES, missing_libraries

ROOT = Path(__file__).resolve().parents[2]
TICK = 20.0
"""seconds between two signs of life of a long step"""

_NO_NETWORK = re.compile("NewConnectionError|Max retries|connection broken|ReadTimeout|ProxyError|name resolution")


class SetupError(Exception):
    """What the user has to know, in one line; the program ends with exit code 2."""


@dataclass(frozen=True)
class Environment:
    """A virtual environment in the repository root, made from a lock file."""

    name: str
    """folder name"""
    lock: Path
    imports: str
    """module whose import shows that the environment works"""
    purpose: str
    machine_builds: str = ""
    """a requirement that the lock does not name, because each kind of machine has a build of its own"""
    disk: float = 1.5
    """GB, with the download"""

    @property
    def folder(self) -> Path:
        return ROOT / self.name

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def state(self) -> Path:
        """Beside the folder, holds "building", then the lock's hash: the folder is this script's, whole, of this lock.

        It is also what two runs at once wait on.
        """
        return ROOT / f"{self.name}.state"

    @property
    def blender(self) -> str:
        """Version of the Blender inside, "" for none."""
        return self.name.partition("-bpy-")[2]

    def fingerprint(self) -> str:
        return hashlib.sha256(self.lock.read_bytes() + self.machine_builds.encode()).hexdigest()

    def is_ready(self) -> bool:
        """Whether it can be used as it is. A link was laid by hand: that is the business of who laid it."""
        if not os.access(self.python, os.X_OK):  # also False when the Python that it was made with is gone
            return False
        return self.folder.is_symlink() or self.read_state() == self.fingerprint()

    def read_state(self) -> str:
        return self.state.read_text() if self.state.is_file() else ""


def server_environment() -> Environment:
    return Environment(".venv", ROOT / "scripts/locks/dev.txt", "uvicorn", "server and development tools")


def models_environment() -> Environment:
    """torch is pip's choice: its configuration and the system decide between the builds for CPU, CUDA and ROCm."""
    lock = ROOT / "scripts/locks/models.txt"
    return Environment(".venv-models", lock, "diffusers", "server with models", machine_builds="torch==2.13.0", disk=3)


def docs_environment() -> Environment:
    lock = ROOT / "scripts/locks/docs.txt"
    return Environment(".venv-docs", lock, "sphinx", "documentation", disk=0.3)


def blender_environment(version: str) -> Environment:
    """The environment of one Blender. Raises SetupError for a version that has no lock file."""
    known = sorted(path.stem.removeprefix("bpy-") for path in (ROOT / "scripts/locks").glob("bpy-*.txt"))
    if version not in known:
        raise SetupError(f"Blender version {version!r} is not known. Choose one of: {', '.join(known)}.")
    return Environment(f".venv-bpy-{version}", ROOT / f"scripts/locks/bpy-{version}.txt", "bpy", f"Blender {version}")


def prepare(environment: Environment) -> Environment:
    """Makes the environment unless it is ready. Safe against interruption and against a second run at the same time."""
    if environment.is_ready():
        return environment
    with _only_one_run(environment) as lock_descriptor:
        if not environment.is_ready():
            _check_before(environment)
            _build(environment, lock_descriptor)
    return environment


def explain_pip(output: str, lock_name: str) -> str:
    """One line for what made pip fail, from what it printed; "" when that is not known."""
    package = re.search(r"No matching distribution found for (\S+)|/simple/([\w.-]+)/", output)
    name = next(filter(None, package.groups()), "") if package else ""
    if "No space left on device" in output:
        return "The disk is full. Free 1.5 GB, then run the same command again."
    if re.search(_NO_NETWORK, output):
        return f"No network: the package index gave no {name or 'package'}. Connect, then run the same command again."
    if "DO NOT MATCH THE HASHES" in output:
        return f"A package is not the one that {lock_name} names. Run this again; if it stays so, mistrust the index."
    if name:
        return f"The package index has no {name} for this machine: {platform.system()} {platform.machine()}."
    return ""


@contextlib.contextmanager
def _only_one_run(environment: Environment) -> Iterator[int]:
    """Locks the state file; the system unlocks it when the last process that has it open ends."""
    with environment.state.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(environment, "another run is making this environment, waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


def _check_before(environment: Environment) -> None:
    if os.path.lexists(environment.folder) and not environment.read_state():
        raise SetupError(f"{environment.folder} was not made by this script. Move it away, then run this again.")
    if importlib.util.find_spec("ensurepip") is None:
        raise SetupError("Python's venv module is not whole. Install it: 'apt-get install python3.11-venv'.")
    for folder in (ROOT, Path(tempfile.gettempdir())):
        free = shutil.disk_usage(folder).free
        if free < environment.disk * 1e9:
            needed = f"{environment.name} needs {environment.disk:g} GB"
            raise SetupError(f"{needed}; {folder} has {free / 1e9:.1f} GB left. Free some space.")
    if environment.blender and platform.system() == "Linux":
        missing = missing_libraries(SYSTEM_LIBRARIES, environment.blender)
        if missing:
            raise SetupError(missing)


def _build(environment: Environment, lock_descriptor: int) -> None:
    started = time.monotonic()
    pins = re.findall(r"^([\w.-]+)==([\w.]+)", environment.lock.read_text(), re.M)
    big = " and ".join(
        filter(None, [*(f"bpy {pin}" for name, pin in pins if name == "bpy"), environment.machine_builds])
    )
    environment.state.write_text("building")
    if environment.folder.exists():
        say(environment, "removing what an older or interrupted run left")
        shutil.rmtree(environment.folder)
    say(environment, f"making the environment for {environment.purpose}")
    _run(environment, "venv", [sys.executable, "-I", "-m", "venv", str(environment.folder)], lock_descriptor)
    say(environment, f"installing {big + ' and ' if big else ''}{len(pins)} packages")
    pip = [str(environment.python), "-I", "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]
    install = [*pip, "install", "--only-binary", ":all:", "--retries", "3"]
    if environment.machine_builds:
        _run(environment, "pip", [*install, environment.machine_builds], lock_descriptor)
    _run(environment, "pip", [*install, "--require-hashes", "-r", str(environment.lock)], lock_descriptor)
    _run(environment, "import", [str(environment.python), "-I", "-c", f"import {environment.imports}"], lock_descriptor)
    environment.state.write_text(environment.fingerprint())
    size = sum(path.lstat().st_size for path in environment.folder.rglob("*")) / 1e9
    say(environment, f"ready after {time.monotonic() - started:.0f} s, {size:.1f} GB")


def _run(environment: Environment, step: str, command: list[str], lock_descriptor: int) -> None:
    """Runs one step and keeps its output to itself unless it fails. Raises SetupError then.

    The child holds the lock as well: should this process be killed, the next one waits until the child has ended.
    """
    started = time.monotonic()
    with tempfile.TemporaryFile() as log:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(lock_descriptor,))
        try:
            while _still_running(child):
                say(environment, f"… {time.monotonic() - started:.0f} s")
        finally:
            if child.poll() is None:
                child.terminate()
                child.wait()
        if child.returncode != 0:
            log.seek(0)
            _fail(environment, step, log.read().decode(errors="replace"))


def _still_running(child: subprocess.Popen[bytes]) -> bool:
    try:
        child.wait(TICK)
    except subprocess.TimeoutExpired:
        return True
    return False


def _fail(environment: Environment, step: str, output: str) -> None:
    explained = explain_pip(output, environment.lock.name) if step == "pip" else ""
    library = re.search(r"(\S+): cannot open shared object file", output)
    if library:
        explained = f"The system library {library[1]} is missing. Install its package, then run this again."
    if not explained:
        lines = [line for line in output.splitlines() if line.strip() and "Location" not in line]
        print(*lines[-8:], sep="\n", file=sys.stderr)
        explained = f"Making {environment.name} failed at the step '{step}'; its last lines stand above."
    raise SetupError(explained)


def say(environment: Environment, text: str) -> None:
    print(f"[{environment.name}] {text}", file=sys.stderr, flush=True)
