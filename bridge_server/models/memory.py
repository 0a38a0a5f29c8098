"""Free memory of a device, as system and driver tell it, without torch. Blender shares it: ask before each job."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Memory:
    """Of a device, in bytes, all programs together; 0 when the system does not say."""

    free: int
    total: int


RESERVE = 2 << 30
"""Bytes of a GPU that are left to Blender, which may draw on it at any time."""


def room(device: str, held: int) -> int:
    """Bytes that a model may take of a device, 0 when the system does not say.

    Args:
        held: what the model holds there already.
    """
    free = read(device).free
    if not free:
        return 0
    return max(free + held - (RESERVE if device.startswith("cuda") else 0), 1)


def choose(needs: Sequence[int], room: int) -> int:
    """Index of the first mode that fits, the last where none does; the first where needs or room are not known (0).

    Args:
        needs: bytes in each mode, falling.
        room: bytes.
    """
    if not room:
        return 0
    return next((index for index, need in enumerate(needs) if need <= room), len(needs) - 1)


def read(device: str) -> Memory:
    """Memory of "cpu" (what the system could give to a program) or "cuda:N" (N as the driver counts)."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        return _gpu(int(device.removeprefix("cuda:"))) if device.startswith("cuda:") else _system()
    return Memory(0, 0)


def gpus() -> tuple[str, ...]:
    """The NVIDIA GPUs of this machine, "cuda:0" and so on, those that CUDA_VISIBLE_DEVICES leaves."""
    try:
        with _driver() as nvml:
            count = ctypes.c_uint()
            nvml.nvmlDeviceGetCount_v2(ctypes.byref(count))
    except OSError:
        return ()
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    numbers = range(count.value) if chosen is None else [int(n) for n in chosen.split(",") if n.strip().isdigit()]
    return tuple(f"cuda:{number}" for number in numbers if number < count.value)


def _system() -> Memory:
    if sys.platform == "win32":
        status = _MemoryStatus(dwLength=ctypes.sizeof(_MemoryStatus))
        ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))
        return Memory(status.ullAvailPhys, status.ullTotalPhys)
    facts = Path("/proc/meminfo")
    if not facts.exists():  # macOS tells only the total without a further program
        return Memory(0, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    kib = {line.split(":")[0]: int(line.split()[1]) for line in facts.read_text().splitlines()}
    return Memory(kib["MemAvailable"] << 10, kib["MemTotal"] << 10)


class _MemoryStatus(ctypes.Structure):
    """MEMORYSTATUSEX of the Windows API."""

    _fields_ = [
        ("dwLength", ctypes.c_ulong),
        ("dwMemoryLoad", ctypes.c_ulong),
        ("ullTotalPhys", ctypes.c_ulonglong),
        ("ullAvailPhys", ctypes.c_ulonglong),
        ("ullTotalPageFile", ctypes.c_ulonglong),
        ("ullAvailPageFile", ctypes.c_ulonglong),
        ("ullTotalVirtual", ctypes.c_ulonglong),
        ("ullAvailVirtual", ctypes.c_ulonglong),
        ("ullAvailExtendedVirtual", ctypes.c_ulonglong),
    ]


class _GpuMemory(ctypes.Structure):
    """nvmlMemory_t of NVIDIA's management library."""

    _fields_ = [("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong)]


def _gpu(number: int) -> Memory:
    with _driver() as nvml:
        handle, memory = ctypes.c_void_p(), _GpuMemory()
        _demand(nvml.nvmlDeviceGetHandleByIndex_v2(number, ctypes.byref(handle)))
        _demand(nvml.nvmlDeviceGetMemoryInfo(handle, ctypes.byref(memory)))
        return Memory(memory.free, memory.total)


@contextlib.contextmanager
def _driver():
    """NVIDIA's management library, which comes with the driver. Raises OSError where there is none."""
    nvml = ctypes.CDLL("nvml.dll" if sys.platform == "win32" else "libnvidia-ml.so.1")
    _demand(nvml.nvmlInit_v2())
    try:
        yield nvml
    finally:
        nvml.nvmlShutdown()


def _demand(status: int) -> None:
    if status:
        raise OSError(f"the GPU's driver answers {status}")
