"""What this machine can compute pictures with, and which build of torch that takes."""

from __future__ import annotations

import platform
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..processes import answer_of

Accelerator = Literal["cuda", "rocm", "mps", "cpu"]

TORCH = "torch==2.13.0"
"""The version that the lock of the models was made for."""
_PYTORCH = "https://download.pytorch.org/whl/"
_BUILDS = {
    ("linux", "cuda"): "",
    ("linux", "rocm"): f"{_PYTORCH}rocm7.1",
    ("linux", "cpu"): f"{_PYTORCH}cpu",
    ("win32", "cuda"): f"{_PYTORCH}cu130",
    ("win32", "cpu"): "",
    ("darwin", "mps"): "",
    ("darwin", "cpu"): "",
}
"""(system, accelerator) → address of the index with that build; "": the usual package index has it."""
_DOWNLOADS = {"cuda": 3.2e9, "rocm": 4.5e9, "mps": 0.1e9, "cpu": 0.25e9}
"""Bytes of torch with what it brings, about."""
_GROWS = 2.1
"""Installed, packages take this many times their download."""


@dataclass(frozen=True)
class Machine:
    """What was found."""

    accelerator: Accelerator
    device: str
    """its name for people"""
    memory: float = 0.0
    """GB of its own, 0 where that is not known"""


def detect() -> Machine:
    """Look for a GPU that models can use. Runs the makers' tools, up to some seconds: not in Blender's thread."""
    names = answer_of([_nvidia_tool(), "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"])
    if names:
        name, _, memory = names.splitlines()[0].partition(",")
        size = int(memory) / 1024 if memory.strip().isdigit() else 0.0
        return Machine("cuda", name.strip() + (f", {size:.0f} GB" if size else ""), size)
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return Machine("mps", "Apple silicon")
    if sys.platform == "linux" and Path("/dev/kfd").exists():
        return Machine("rocm", _amd_name() or "AMD GPU")
    return Machine("cpu", "no GPU that models can use")


def accelerators() -> tuple[Accelerator, ...]:
    """Those that this system has builds of torch for."""
    return tuple(kind for system, kind in _BUILDS if system == sys.platform)  # pyright: ignore[reportReturnType]


def torch_index(accelerator: Accelerator) -> str:
    """Address of torch's own index with the build for it; "" where the usual package index has it."""
    return _BUILDS.get((sys.platform, accelerator), "")


def torch_download(accelerator: Accelerator) -> float:
    """Bytes to download for it, about."""
    return _DOWNLOADS[accelerator]


def disk_for(download: float) -> float:
    """Bytes of disk that so large a download takes in the end, with itself."""
    return download * (1 + _GROWS)


def _nvidia_tool() -> str:
    beside = Path("C:/Windows/System32/nvidia-smi.exe")
    return shutil.which("nvidia-smi") or str(beside)


def _amd_name() -> str:
    for line in answer_of(["rocminfo"]).splitlines():
        label, _, name = line.partition(":")
        if label.strip() == "Marketing Name" and ("Radeon" in name or "Instinct" in name):
            return name.strip()
    return ""
