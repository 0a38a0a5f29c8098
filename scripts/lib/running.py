"""Runs the project's programs and tests in the environments that they need. Standard library only.

Progress and errors go to stderr; what cannot go on ends with one line that says what to do and exit code 2.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from .environments import (
    ROOT,
    Environment,
    SetupError,
    blender_environment,
    docs_environment,
    models_environment,
    prepare,
    say,
    server_environment,
)
from .system_libraries import DRAWING_LIBRARIES, SYSTEM_LIBRARIES, can_load

DEFAULT_BLENDER = "4.5"


_WITHOUT_BLENDER = {"bridge", "fuzz", "names", "preview", "stress"}
_WITH_MODELS = {"generate"}
_BENCH_BLENDER = {"maps": "4.2"}
"""Those that run neither in the server's environment, nor in that of the models, nor in the default Blender"""

SHIPPED = "tiny-scenes"
"""Our own small model, in the repository itself."""

RANDOM = ("tiny-sd15", "tiny-sdxl", "tiny-zimage", "tiny-flux2")
"""Models with random weights, made on the spot."""


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


def program_variables(generator: str = "") -> dict[str, str]:
    """Environment variables of a program that is run: where the server's Python is, and where the packages are.

    With a model for a generator, the server has what models run on; what this needs is made first.
    """
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    variables = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    if generator not in known_models():
        return variables | {"SEGADDON_SERVER_PYTHON": str(server_environment().python)}
    server = prepare(models_environment())
    if generator in RANDOM:
        folder = ROOT / "build/models"
        command = [str(server.python), "-m", "scripts.lib.tiny_models", str(folder), generator]
        subprocess.run(command, cwd=ROOT, env=variables, check=True, stderr=subprocess.DEVNULL)
        variables["SEGADDON_MODELS_DIRS"] = str(folder)
    # A server of its own: one that runs already may be without models.
    state = {"SEGADDON_STATE_DIR": str(ROOT / "build/models-server")}
    return state | variables | {"SEGADDON_SERVER_PYTHON": str(server.python)}


def known_models() -> set[str]:
    """Names that a program takes for ``--generator`` besides those without weights."""
    files = [ROOT / "bridge_server" / name for name in ("models/catalogue.toml", "shipped/models.toml")]
    text = "\n".join(path.read_text("utf-8") for path in files if path.is_file())
    return {*RANDOM, *re.findall(r"^\[([\w-]+)\]$", text, re.M)}


def default_generator() -> str:
    """The best that needs no download: our own small model where the server can run models and it is there, else the
    painter."""
    ours, models = ROOT / "bridge_server/shipped" / SHIPPED, models_environment()
    server = Path(os.environ.get("SEGADDON_SERVER_PYTHON") or models.python)
    return SHIPPED if ours.is_dir() and server == models.python and models.is_ready() else "preview"


def run_in_blender(module: str, arguments: list[str]) -> int:
    """Runs a program in Blender's Python, in the folder that the user stands in: relative paths mean what they say."""
    version, rest = take_blender_version(arguments)
    generator = _value_of("--generator", rest) or (default_generator() if module.endswith(".demo") else "")
    blender = blender_environment(DEFAULT_BLENDER if version is None else version)
    if {"-h", "--help"} & set(rest) and not blender.is_ready():
        python = Path(sys.executable)  # help is no reason to install a gigabyte
    else:
        prepare(server_environment())
        python = prepare(blender).python
    _become(python, module, rest, program_variables(generator))


def _value_of(option: str, arguments: Sequence[str]) -> str:
    """What follows an option, or its "="; the last one counts, "" where it is not given."""
    value = ""
    for one, following in zip(arguments, [*arguments[1:], ""], strict=False):
        value = following if one == option else one.partition("=")[2] if one.startswith(f"{option}=") else value
    return value


def bench(arguments: list[str]) -> int:
    """Runs scripts/bench_NAME.py, or the stress or the fuzzing of the server, in the environment that it needs."""
    version, rest = take_blender_version(arguments)
    modules = {path.stem.removeprefix("bench_"): path.stem for path in sorted((ROOT / "scripts").glob("bench_*.py"))}
    modules |= {"stress": "stress", "fuzz": "fuzz"}
    name = rest[0] if rest else ""
    if name in ("", "-h", "--help"):
        print(f"scripts/bench NAME [--blender VERSION] [options; --help tells them]\n\nNAME: {', '.join(modules)}")
        return 0
    if name not in modules:
        raise SetupError(f"There is no bench '{name}'. Choose one of: {', '.join(modules)}.")
    prepare(server_environment())
    python = prepare(_bench_environment(name, version)).python
    return _become(python, f"scripts.{modules[name]}", rest[1:], program_variables())


def _bench_environment(name: str, version: str | None) -> Environment:
    if name in _WITHOUT_BLENDER:
        return server_environment()
    if name in _WITH_MODELS:
        return models_environment()
    return blender_environment(version or _BENCH_BLENDER.get(name, DEFAULT_BLENDER))


def _become(python: Path, module: str, arguments: list[str], variables: dict[str, str]) -> NoReturn:
    os.execve(python, [str(python), "-P", "-m", module, *arguments], variables)


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
            say(environment, f"pytest {' '.join(own + options)}")
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


def docs(arguments: list[str]) -> int:
    """Makes the site of docs/ in build/docs, or in the folder that is named. Warnings are errors."""
    target = Path(arguments[0]).absolute() if arguments else ROOT / "build/docs"
    python = prepare(docs_environment()).python
    options = ["-b", "html", "-q", "-W", "--keep-going", str(ROOT / "docs"), str(target)]
    code = subprocess.run([str(python), "-m", "sphinx", *options], cwd=ROOT, check=False).returncode
    if code == 0:
        print(f"{target / 'index.html'}")
    return code


_COMMANDS = {"bench": bench, "docs": docs, "test": test}


def _stop(signal_number: int, _frame: object) -> None:
    sys.exit(128 + signal_number)


def main(arguments: list[str]) -> int:
    signal.signal(signal.SIGTERM, _stop)  # so that a step in progress is ended too
    try:
        name, *rest = arguments
        if name in _COMMANDS:
            return _COMMANDS[name](rest)
        if name == "prepare":
            prepare(server_environment())
        elif name == "missing-packages":
            print(*(package for library, (package, _, _) in SYSTEM_LIBRARIES.items() if not can_load(library)))
        elif name == "optional-packages":
            print(*(packages for library, packages in DRAWING_LIBRARIES.items() if not can_load(library)))
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
