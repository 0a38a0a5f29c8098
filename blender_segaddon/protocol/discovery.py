"""Where a user's bridge server is found: the state folder and the files in it, for both sides."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from .codec import from_json, load
from .errors import InvalidInput, StorageError
from .messages import Discovery

DISCOVERY_FILE = "server.json"
TOKEN_FILE = "token"
LOG_FILE = "server.log"
"""What a server writes that a client has started."""

EXIT_ALREADY_RUNNING = 3
"""Exit status of a server that found another one in charge of its state folder."""


def default_state_dir() -> Path:
    """The user's own folder for the server's socket, token and log; SEGADDON_STATE_DIR overrides it.

    Linux: $XDG_RUNTIME_DIR or $XDG_STATE_HOME; macOS: ~/Library/Application Support; Windows: %LOCALAPPDATA%.
    The folder need not exist yet. Raises StorageError for a user without a home folder.
    """
    if override := os.environ.get("SEGADDON_STATE_DIR"):
        return Path(override).absolute()
    return _state_home() / "segaddon"


def _state_home() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or _home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return _home() / "Library" / "Application Support"
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if Path(runtime).is_absolute() and Path(runtime).is_dir():
        return Path(runtime)
    return Path(os.environ.get("XDG_STATE_HOME") or _home() / ".local" / "state")


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError as error:  # HOME is not set, and the system knows no user of this number
        raise StorageError("There is no home folder for the server's files", "Set SEGADDON_STATE_DIR") from error


def read_discovery(state_dir: Path) -> Discovery | None:
    """What the server of this folder wrote, None when there is none. The server may be dead: ask it."""
    try:
        return from_json(Discovery, load((state_dir / DISCOVERY_FILE).read_bytes()), ignore_unknown=True)
    except (OSError, InvalidInput):
        return None


def read_token(state_dir: Path) -> str:
    """The bearer token of the server of this folder, "" when there is none."""
    try:
        return (state_dir / TOKEN_FILE).read_text("ascii").strip()
    except (OSError, ValueError):
        return ""
