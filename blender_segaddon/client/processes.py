"""Programs beside Blender, the same on every system: how they are started, told apart from us, and ended with all that
they started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_PYTHON_OF_OURS = ("PYTHONHOME", "PYTHONPATH", "PYTHONSAFEPATH", "PYTHONUSERBASE")
"""Blender's own settings of these would break another Python."""
_END_SECONDS = 3.0


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Our environment variables without what is meant for Blender's Python alone, and ``more``."""
    return {name: value for name, value in os.environ.items() if name not in _PYTHON_OF_OURS} | dict(more or {})


def creation_flags() -> int:
    """For ``Popen``: a group of its own and no console window (Windows); 0 elsewhere."""
    if sys.platform == "win32":
        return subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    return 0


def start(command: Sequence[str], folder: Path) -> subprocess.Popen[str]:
    """Start a program in ``folder`` whose output, errors among it, is read line by line. Raises OSError."""
    return subprocess.Popen(
        [*command],
        cwd=folder,
        env=environment({"PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
        creationflags=creation_flags(),
    )


def end(process: subprocess.Popen[str]) -> None:
    """End it with everything that it started; returns when it has ended."""
    if process.poll() is not None:
        return
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True, check=False)
        process.wait()
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_END_SECONDS)
    with contextlib.suppress(ProcessLookupError):  # what it started may live on, and would hold its output open
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def answer_of(command: Sequence[str], seconds: float = 10.0) -> str:
    """What a short command writes; "" where it cannot be run, fails or takes longer."""
    try:
        done = subprocess.run(
            [*command],
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
            creationflags=creation_flags(),
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
