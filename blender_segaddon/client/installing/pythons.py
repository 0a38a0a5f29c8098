"""The Python that the server's environment is made with: never changed, only copied from."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...protocol.errors import InstallError
from ..processes import answer_of

LEAST, MOST = (3, 11), (3, 14)
"""Versions that the locked packages have builds for."""
_ASK = "import ensurepip, sys, venv; print(*sys.version_info[:2], sys.executable)"
_HINT = "Install Python 3.11 or newer from python.org, or uv, then try again"


@dataclass(frozen=True)
class Maker:
    """What makes an environment."""

    name: str
    """for people"""
    commands: tuple[tuple[str, ...], ...]
    """one after the other; {folder} stands for the environment, {python} for the Python in it"""


def find_maker(blenders_own: str) -> Maker:
    """uv where it is installed, with a Python of this machine or one that it gets; else a Python of this machine; else
    Blender's own, which stays as it is.

    Args:
        blenders_own: Blender's Python executable, "" for none.

    Raises:
        InstallError: there is none of them.
    """
    python, uv = _python_here(), _uv()
    if uv:
        asked = python[0] if python else "3.12"
        name = f"uv, {f'Python {python[1]}' if python else 'with a Python of its own'}"
        make = (uv, "venv", "--python", asked, "--no-project", "{folder}")
        return Maker(name, (make, ("{python}", "-I", "-m", "ensurepip", "--default-pip")))
    python = python or _checked(blenders_own)
    if python is None:
        raise InstallError("There is no Python here that the server could run on", _HINT)
    return Maker(f"Python {python[1]}", ((python[0], "-I", "-m", "venv", "{folder}"),))


def _python_here() -> tuple[str, str] | None:
    """(executable, version) of the first that can make an environment."""
    return next(filter(None, map(_checked, _candidates())), None)


def _candidates() -> Iterator[str]:
    minors = range(LEAST[1], MOST[1] + 1)
    if sys.platform == "win32":
        roots = [Path(os.environ.get("LOCALAPPDATA", "")) / "Programs/Python", Path("C:/Program Files")]
        yield from (str(root / f"Python3{minor}" / "python.exe") for minor in minors for root in roots)
        return
    yield from filter(None, (shutil.which(f"python3.{minor}") for minor in minors))
    folders = ("/opt/homebrew/bin", "/usr/local/bin", "/usr/bin")  # programs without a terminal have a short PATH
    yield from (f"{folder}/python3.{minor}" for minor in minors for folder in folders)
    yield from filter(None, (shutil.which("python3"),))


def _checked(executable: str) -> tuple[str, str] | None:
    """Where it lies and its version, if it runs, fits, and is whole: some systems leave out what makes environments."""
    if not executable or not Path(executable).exists():
        return None
    major, minor, real = [*answer_of([executable, "-I", "-c", _ASK]).split(" ", 2), "", "", ""][:3]
    if not (major.isdecimal() and minor.isdecimal()) or not LEAST <= (int(major), int(minor)) <= MOST:
        return None
    return real, f"{major}.{minor}"


def _uv() -> str:
    name = "uv.exe" if sys.platform == "win32" else "uv"
    usual = [Path.home() / ".local/bin" / name, Path.home() / ".cargo/bin" / name]
    return shutil.which("uv") or next((str(path) for path in usual if path.exists()), "")
