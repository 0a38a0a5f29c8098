"""The add-on's side of the bridge: finds or starts the server, hands it jobs. No bpy; any thread may call."""

from __future__ import annotations

from ..protocol.discovery import default_state_dir
from .bridge import Bridge
from .jobs import JobHandle
from .journal import Entry, Journal, new_entry
from .launch import default_server_command
from .network import network

settle = network.settle

__all__ = [
    "Bridge",
    "Entry",
    "JobHandle",
    "Journal",
    "default_server_command",
    "default_state_dir",
    "new_entry",
    "settle",
]
