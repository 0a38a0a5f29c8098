"""Makes the project's environments from their lock files and runs programs in them.

    environments.py test [--blender VERSION | --models] [options of pytest]
    environments.py PROGRAM [--blender VERSION] [options of scripts/lib/PROGRAM.py]
    environments.py prepare              makes .venv only
    environments.py missing-packages     prints the Debian packages whose libraries are missing here

Several environments, since the add-on runs inside Blender's Python and the server does not: ``.venv`` (server and
development), ``.venv-bpy-VERSION`` (one Blender) and ``.venv-models`` (the server with torch and diffusers). Standard
library only: this runs before anything is installed.
Progress and errors go to stderr; what cannot go on ends with one line that says what to do and exit code 2.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import hashlib
import importlib.util
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEFAULT_BLENDER = "4.5"
TICK = 20.0
"""seconds between two signs of life of a long step"""

_NO_NETWORK = re.compile("NewConnectionError|Max retries|connection broken|ReadTimeout|ProxyError|name resolution")

SYSTEM_LIBRARIES = {
    # what the bpy wheels link and do not carry: (Debian package, Fedora package, Blender versions; "" = all)
    "libX11.so.6": ("libx11-6", "libX11", ""),
    "libXext.so.6": ("libxext6", "libXext", ""),
    "libXrender.so.1": ("libxrender1", "libXrender", ""),
    "libXfixes.so.3": ("libxfixes3", "libXfixes", ""),
    "libXi.so.6": ("libxi6", "libXi", ""),
    "libxkbcommon.so.0": ("libxkbcommon0", "libxkbcommon", ""),
    "libSM.so.6": ("libsm6", "libSM", ""),
    "libICE.so.6": ("libice6", "libICE", ""),
    "libGL.so.1": ("libgl1", "libglvnd-glx", ""),
    "libstdc++.so.6": ("libstdc++6", "libstdc++", ""),
    "libgcc_s.so.1": ("libgcc-s1", "libgcc", ""),
    "libXxf86vm.so.1": ("libxxf86vm1", "libXxf86vm", "4.2"),
    "libgomp.so.1": ("libgomp1", "libgomp", "4.2"),
    "libz.so.1": ("zlib1g", "zlib", "4.2"),
}


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


def blender_environment(version: str) -> Environment:
    """The environment of one Blender. Raises SetupError for a version that has no lock file."""
    known = sorted(path.stem.removeprefix("bpy-") for path in (ROOT / "scripts/locks").glob("bpy-*.txt"))
    if version not in known:
        raise SetupError(f"Blender version {version!r} is not known. Choose one of: {', '.join(known)}.")
    return Environment(f".venv-bpy-{version}", ROOT / f"scripts/locks/bpy-{version}.txt", "bpy", f"Blender {version}")


def take_blender_version(arguments: Sequence[str]) -> tuple[str | None, list[str]]:
    """Takes ``--blender X`` and ``--blender=X`` out of the arguments: (the last X or None, the others in order)."""
    version, rest, pending = None, [], iter(arguments)
    for argument in pending:
        if argument == "--blender":
            version = next(pending, "")
        elif argument.startswith("--blender="):
            version = argument.partition("=")[2]
        else:
            rest.append(argument)
    return version, rest


def prepare(environment: Environment) -> Environment:
    """Makes the environment unless it is ready. Safe against interruption and against a second run at the same time."""
    if environment.is_ready():
        return environment
    with _only_one_run(environment) as lock_descriptor:
        if not environment.is_ready():
            _check_before(environment)
            _build(environment, lock_descriptor)
    return environment


def missing_libraries(libraries: dict[str, tuple[str, str, str]], blender: str) -> str:
    """One line naming the system libraries that this Blender needs and the machine lacks, and their packages; or ""."""
    missing = [name for name, (_, _, only) in libraries.items() if only in ("", blender) and not _can_load(name)]
    if not missing:
        return ""
    debian, fedora = (" ".join(libraries[name][column] for name in missing) for column in (0, 1))
    return (
        f"Blender {blender} needs system libraries that are missing here: {', '.join(missing)}. "
        f"Install them: 'apt-get install {debian}' (Debian, Ubuntu) or 'dnf install {fedora}' (Fedora)."
    )


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


def _can_load(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


@contextlib.contextmanager
def _only_one_run(environment: Environment) -> Iterator[int]:
    """Locks the state file; the system unlocks it when the last process that has it open ends."""
    with environment.state.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say(environment, "another run is making this environment, waiting for it")
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
        _say(environment, "removing what an older or interrupted run left")
        shutil.rmtree(environment.folder)
    _say(environment, f"making the environment for {environment.purpose}")
    _run(environment, "venv", [sys.executable, "-I", "-m", "venv", str(environment.folder)], lock_descriptor)
    _say(environment, f"installing {big + ' and ' if big else ''}{len(pins)} packages")
    pip = [str(environment.python), "-I", "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]
    install = [*pip, "install", "--only-binary", ":all:", "--retries", "3"]
    if environment.machine_builds:
        _run(environment, "pip", [*install, environment.machine_builds], lock_descriptor)
    _run(environment, "pip", [*install, "--require-hashes", "-r", str(environment.lock)], lock_descriptor)
    _run(environment, "import", [str(environment.python), "-I", "-c", f"import {environment.imports}"], lock_descriptor)
    environment.state.write_text(environment.fingerprint())
    size = sum(path.lstat().st_size for path in environment.folder.rglob("*")) / 1e9
    _say(environment, f"ready after {time.monotonic() - started:.0f} s, {size:.1f} GB")


def _run(environment: Environment, step: str, command: list[str], lock_descriptor: int) -> None:
    """Runs one step and keeps its output to itself unless it fails. Raises SetupError then.

    The child holds the lock as well: should this process be killed, the next one waits until the child has ended.
    """
    started = time.monotonic()
    with tempfile.TemporaryFile() as log:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(lock_descriptor,))
        try:
            while _still_running(child):
                _say(environment, f"… {time.monotonic() - started:.0f} s")
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


def _say(environment: Environment, text: str) -> None:
    print(f"[{environment.name}] {text}", file=sys.stderr, flush=True)


def program_variables() -> dict[str, str]:
    """Environment variables of a program that is run: where the server's Python is, and where the packages are."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {
        "SEGADDON_SERVER_PYTHON": str(server_environment().python),
        "PYTHONPATH": os.pathsep.join(paths),
    }


def run_in_blender(module: str, arguments: list[str]) -> int:
    """Runs a program in Blender's Python, in the folder that the user stands in: relative paths mean what they say."""
    version, rest = take_blender_version(arguments)
    blender = blender_environment(DEFAULT_BLENDER if version is None else version)
    if {"-h", "--help"} & set(rest) and not blender.is_ready():
        python = Path(sys.executable)  # help is no reason to install a gigabyte
    else:
        prepare(server_environment())
        python = prepare(blender).python
    os.execve(python, [str(python), "-P", "-m", module, *rest], program_variables())


def test(arguments: list[str]) -> int:
    """Runs the tests; with a Blender version or --models only those. The exit code of a part that failed."""
    version, rest = take_blender_version([one for one in arguments if one != "--models"])
    if {"-h", "--help"} & set(rest):
        print(TEST_HELP)
        return 0
    parts = [(blender_environment(DEFAULT_BLENDER if version is None else version), ("unit", "blender"))]
    if "--models" in arguments:
        parts = [(models_environment(), ("models",))]
    elif version is None:
        parts.insert(0, (server_environment(), ("unit", "server")))
    paths, options = split_paths(rest)
    work = [(environment, paths_of(folders, paths)) for environment, folders in parts]
    if not any(own for _, own in work):
        known = " or ".join(sorted({f"tests/{folder}" for _, folders in parts for folder in folders}))
        raise SetupError(f"No environment of this run has {' '.join(paths)}. Name something in {known}.")
    prepare(server_environment())  # the tests in Blender start the server too
    failed = 0
    for environment, own in work:
        if own:
            _say(environment, f"pytest {' '.join(own + options)}")
            failed = _pytest(prepare(environment), own + options) or failed
    return failed


def split_paths(arguments: list[str]) -> tuple[list[str], list[str]]:
    """The arguments that name something existing below tests/ (``PATH`` or ``PATH::TEST``), and all others."""
    paths = [
        one for one in arguments if _test_parts(one)[:1] == ("tests",) and (ROOT / one.partition("::")[0]).exists()
    ]
    return paths, [one for one in arguments if one not in paths]


def paths_of(folders: tuple[str, ...], paths: list[str]) -> list[str]:
    """What one part runs: its folders of tests/, or those of the paths that lie in them; "tests" itself means all."""
    if not paths or any(len(_test_parts(path)) == 1 for path in paths):
        return [f"tests/{folder}" for folder in folders]
    return [path for path in paths if _test_parts(path)[1] in folders]


def _test_parts(argument: str) -> tuple[str, ...]:
    return Path(argument.partition("::")[0]).parts


def _pytest(environment: Environment, arguments: list[str]) -> int:
    command = [str(environment.python), "-m", "pytest", *arguments]
    code = subprocess.run(command, cwd=ROOT, env=program_variables(), check=False).returncode
    return 0 if code == 5 else code  # 5: no test matched, which is no failure in one part


TEST_HELP = """\
scripts/test [--blender VERSION | --models] [PATH ...] [options of pytest]

Without --blender: tests/unit and tests/server in .venv, then tests/unit and tests/blender in Blender 4.5.
With it: tests/unit and tests/blender in that Blender only (4.2, 4.5 or 5.0).
With --models: tests/models in .venv-models.
PATH: a folder, file or test below tests/; it runs in each environment that it belongs to.
Set SEGADDON_SCENES to a folder of real scenes for the tests that want some."""


def _stop(signal_number: int, _frame: object) -> None:
    sys.exit(128 + signal_number)


def main(arguments: list[str]) -> int:
    signal.signal(signal.SIGTERM, _stop)  # so that a step in progress is ended too
    try:
        name, *rest = arguments
        if name == "test":
            return test(rest)
        if name == "prepare":
            prepare(server_environment())
        elif name == "missing-packages":
            print(*(package for library, (package, _, _) in SYSTEM_LIBRARIES.items() if not _can_load(library)))
        else:
            return run_in_blender(f"scripts.lib.{name}", rest)
        return 0
    except SetupError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(
            f"{error.filename or ROOT}: {error.strerror}. Free some space, or check who may write there.",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
