"""The user's folders on each system. They need not exist."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

_NAME = "segaddon"


def configuration(environ: Mapping[str, str] = os.environ) -> Path:
    """For what the user writes: server.toml, models.toml."""
    return _folder(environ, "APPDATA", "Library/Application Support", "XDG_CONFIG_HOME", ".config")


def models(environ: Mapping[str, str] = os.environ) -> Path:
    """For models that were downloaded, where no other folder is set."""
    return _folder(environ, "LOCALAPPDATA", "Library/Application Support", "XDG_DATA_HOME", ".local/share") / "models"


def cache(environ: Mapping[str, str] = os.environ) -> Path:
    """For what can be made again."""
    return _folder(environ, "LOCALAPPDATA", "Library/Caches", "XDG_CACHE_HOME", ".cache")


def _folder(environ: Mapping[str, str], windows: str, mac: str, variable: str, default: str) -> Path:
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - without a home Path would raise
    if sys.platform == "win32":
        base = Path(environ.get(windows) or home)
    elif sys.platform == "darwin":
        base = home / mac
    else:
        base = Path(environ.get(variable) or home / default)
    return base / _NAME
