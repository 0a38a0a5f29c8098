"""What works on this machine, in a few honest lines."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import socket
from pathlib import Path

from blender_segaddon.protocol.discovery import read_discovery
from blender_segaddon.protocol.errors import SegAddonError
from blender_segaddon.protocol.version import ADDON_VERSION, PROTOCOL_VERSION

from . import state
from .generators import GENERATORS


def report(state_dir: Path) -> list[str]:
    """The lines of the report; nothing is changed, no server is started."""
    protocol = ".".join(map(str, PROTOCOL_VERSION))
    packages = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("numpy", "starlette", "uvicorn"))
    return [
        f"bridge server {ADDON_VERSION}, protocol {protocol}",
        f"Python {platform.python_version()} on {platform.platform()}, {os.cpu_count()} cores; {packages}",
        f"generators: {', '.join(generator.name for generator in GENERATORS)} (procedural, no model, no GPU needed)",
        f"models: none yet; torch is {'installed' if importlib.util.find_spec('torch') else 'not installed'}",
        f"transport: {'Unix socket' if hasattr(socket, 'AF_UNIX') else 'loopback TCP'}",
        f"state folder: {state_dir} ({_folder(state_dir)})",
        f"server: {_server(state_dir)}",
    ]


def _folder(state_dir: Path) -> str:
    if not state_dir.exists():
        return "will be made at the first start"
    try:
        state.private_folder(state_dir)
    except SegAddonError as error:
        return str(error)
    return "private"


def _server(state_dir: Path) -> str:
    found = read_discovery(state_dir)
    if not state.is_locked(state_dir):
        return "not running" + (", but one was killed here; the next start cleans up" if found else "")
    return f"running at {found.address}, pid {found.pid}" if found else "starting or ending"
