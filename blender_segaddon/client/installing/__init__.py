"""Installs the bridge server beside Blender, into an environment of its own. No bpy."""

from __future__ import annotations

from .environment import Installation, Installed, Payload, Wanted, default_folder, download_size
from .machine import Accelerator, Machine, accelerators, detect, disk_for, torch_index
from .task import Step, Task

__all__ = [
    "Accelerator",
    "Installation",
    "Installed",
    "Machine",
    "Payload",
    "Step",
    "Task",
    "Wanted",
    "accelerators",
    "default_folder",
    "detect",
    "disk_for",
    "download_size",
    "torch_index",
]
