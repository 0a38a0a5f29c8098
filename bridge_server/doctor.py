"""What works on this machine, and what to do about what does not. Nothing is changed, no server is started."""

from __future__ import annotations

import http.client
import importlib.metadata
import importlib.util
import json
import os
import platform
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from blender_segaddon.protocol.discovery import TOKEN_FILE, read_discovery
from blender_segaddon.protocol.errors import SegAddonError
from blender_segaddon.protocol.version import ADDON_VERSION, PROTOCOL_VERSION

from . import configuration, listening, probe, state
from .generators import GENERATORS
from .models import memory
from .settings import Settings

Level = Literal["ok", "warn", "fail"]

_LOW_MEMORY = 4 << 30
_LOW_DISK = 4 << 30
_NO_DISK = 256 << 20
_REMOTE_DISKS = {"nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "9p", "afs"}
_TORCH_SECONDS = 120
_TORCH = (
    "import json, torch; c = torch.cuda.is_available();"
    "print(json.dumps([torch.__version__, torch.cuda.get_device_name(0) if c else '']))"
)


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    level: Level
    about: str
    text: str
    hint: str = ""
    """what to do, for warn and fail"""


Check = Callable[[Settings], Iterator[Finding]]


def examine(settings: Settings) -> list[Finding]:
    """Every check, in order. A check that fails by itself is a finding too."""
    findings: list[Finding] = []
    for check in CHECKS:
        try:
            findings += check(settings)
        except SegAddonError as error:
            findings.append(Finding("fail", check.__name__.strip("_"), error.message, error.hint))
        except OSError as error:
            findings.append(
                Finding("fail", check.__name__.strip("_"), str(error), "Check the machine's rights and disks")
            )
    return findings


def as_text(findings: list[Finding]) -> str:
    """For people: level, subject and text, the advice below."""
    lines = []
    for one in findings:
        lines.append(f"{one.level:4}  {one.about:12} {one.text}")
        if one.hint:
            lines.append(f"{'':18} → {one.hint}")
    return "\n".join([*lines, ""])


def as_json(findings: list[Finding]) -> str:
    """For programs: {"ok": bool, "findings": [{level, about, text, hint}, …]}."""
    return (
        json.dumps({"ok": exit_status(findings) == 0, "findings": [asdict(one) for one in findings]}, indent=1) + "\n"
    )


def exit_status(findings: list[Finding]) -> int:
    """1 when something fails, else 0."""
    return int(any(one.level == "fail" for one in findings))


def _versions(_: Settings) -> Iterator[Finding]:
    protocol = ".".join(map(str, PROTOCOL_VERSION))
    names = ("numpy", "pydantic", "starlette", "uvicorn")
    packages = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    yield Finding("ok", "server", f"bridge server {ADDON_VERSION}, protocol {protocol}")
    yield Finding("ok", "python", f"Python {platform.python_version()}, {packages}")
    yield Finding("ok", "system", f"{platform.platform()}, {os.cpu_count()} processors")


def _gpu(_: Settings) -> Iterator[Finding]:
    devices = memory.gpus()
    for device in devices:
        seen = memory.read(device)
        yield Finding("ok", "gpu", f"{device}: {_gib(seen.free)} of {_gib(seen.total)} free")
    if devices and shutil.which("nvidia-smi"):
        query = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
        said = subprocess.run(query, capture_output=True, text=True, timeout=20, check=False).stdout.strip()
        yield Finding("ok", "gpu", "; ".join(line.strip() for line in said.splitlines()) or "nvidia-smi says nothing")
    if not devices:
        hint = "The preview needs none; models want a GPU (an NVIDIA one with its driver), see docs/models.md"
        yield Finding("warn", "gpu", "no NVIDIA GPU was found", hint)


def _torch(_: Settings) -> Iterator[Finding]:
    """Asked in a process of its own: this one never loads torch."""
    if importlib.util.find_spec("torch") is None:
        yield Finding("ok", "torch", "not installed; the preview needs none")
        return
    command = [sys.executable, "-c", _TORCH]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TORCH_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        yield Finding("fail", "torch", f"its import takes more than {_TORCH_SECONDS} s", "Install it anew")
        return
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        yield Finding("fail", "torch", f"cannot be imported: {last:.200}", "Install torch anew")
        return
    version, device = json.loads(done.stdout)
    if not device and memory.gpus():
        hint = "Install torch for CUDA, and a driver that is new enough for it"
        yield Finding("warn", "torch", f"torch {version} does not see the GPU", hint)
    else:
        yield Finding("ok", "torch", f"torch {version} on {device or 'the CPU'}")


def _memory(_: Settings) -> Iterator[Finding]:
    seen = memory.read("cpu")
    text = f"{_gib(seen.free)} of {_gib(seen.total)} free" if seen.free else "the system does not say how much is free"
    low = 0 < seen.free < _LOW_MEMORY
    yield Finding("warn", "memory", text, "Close other programs") if low else Finding("ok", "memory", text)


def _models(settings: Settings) -> Iterator[Finding]:
    names = ", ".join(one.name for one in GENERATORS)
    yield Finding("ok", "generators", f"{names} (procedural: no model, no GPU needed)")
    for folder in settings.models_dirs:
        if not os.access(folder, os.R_OK | os.X_OK) or not folder.is_dir():
            yield Finding(
                "fail", "models", f"{folder} cannot be read", "Check models_dirs and the rights of the folder"
            )
        else:
            yield Finding("ok", "models", f"{folder}: {sum(1 for _ in folder.iterdir())} entries")


def _configuration(_: Settings) -> Iterator[Finding]:
    path = Path(os.environ.get(configuration.CONFIG_VARIABLE) or configuration.default_file())
    if not path.is_file():
        yield Finding("ok", "settings", f"no file {path}: defaults, variables and flags")
    elif sys.platform != "win32" and path.stat().st_mode & 0o022:
        yield Finding("warn", "settings", f"Other users can change {path}", f"Run: chmod go-w {path}")
    else:
        yield Finding("ok", "settings", f"from {path}, variables and flags")


def _disk(settings: Settings) -> Iterator[Finding]:
    for folder in dict.fromkeys((settings.state_dir, settings.data_dir or settings.state_dir)):
        existing = _existing(folder)
        free, kind = shutil.disk_usage(existing).free, _file_system(existing)
        text = f"{_gib(free)} free for {folder}" + (f" ({kind})" if kind else "")
        if free < _NO_DISK:
            yield Finding("fail", "disk", text, "Free some space, or choose another folder")
        elif kind in _REMOTE_DISKS:
            yield Finding(
                "warn", "disk", text, "Choose a folder on a disk of this machine: locks and the job store need it"
            )
        elif free < _LOW_DISK:
            yield Finding("warn", "disk", text, "Pictures are kept for a day, up to max_result_bytes: free some space")
        else:
            yield Finding("ok", "disk", text)


def _state(settings: Settings) -> Iterator[Finding]:
    folder = settings.state_dir
    if not folder.exists():
        yield Finding("ok", "state", f"{folder} will be made at the first start")
        return
    state.private_folder(folder)
    yield Finding("ok", "state", f"{folder} is private")
    token = folder / TOKEN_FILE
    if sys.platform != "win32" and token.exists() and stat.S_IMODE(token.stat().st_mode) & 0o077:
        yield Finding(
            "fail", "token", f"Other users can read {token}", f"Run: chmod 600 {token}, then restart the server"
        )


def _socket(settings: Settings) -> Iterator[Finding]:
    """A real bind, in a folder of its own next to where the server would."""
    if settings.listen:
        listening.tls_context(settings)
        if settings.token_file:
            listening.read_token(settings.token_file)
        yield Finding("ok", "socket", f"TCP at {settings.listen}{' with TLS' if settings.tls_cert else ''}")
        return
    path = state.planned_socket_path(settings.state_dir, settings.socket)
    with tempfile.TemporaryDirectory(prefix=".doctor-", dir=_existing(path.parent)) as folder:
        short = os.path.relpath(Path(folder) / "s")  # what is tried is the file system, not the length of the path
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.bind(min(short, str(Path(folder) / "s"), key=len))
    yield Finding("ok", "socket", f"Unix socket {path} ({len(os.fsencode(path))} of {state.MAX_SOCKET_PATH} bytes)")


def _server(settings: Settings) -> Iterator[Finding]:
    found = read_discovery(settings.state_dir)
    if not state.is_locked(settings.state_dir):
        killed = "; one was killed here, the next start cleans up" if found else ""
        yield Finding("ok", "running", f"server: not running, it is started on demand{killed}")
        return
    if found is None:
        yield Finding("warn", "running", "server: starting or ending", "Try again in a few seconds")
        return
    where = f"server: running at {found.address}, pid {found.pid}, version {found.version}"
    try:
        status, answer = probe.ask(found, settings, "/v1/health/ready")
    except (OSError, http.client.HTTPException, ValueError) as error:
        hint = f"Look at the end of its log, then end process {found.pid}"
        yield Finding("fail", "running", f"{where}, does not answer: {error}", hint)
        return
    if status == 200:
        yield Finding("ok", "running", f"{where}, {answer['queued']} jobs wait, {answer['running']} run")
    else:
        yield Finding("warn", "running", f"{where}: {answer['detail']}", ". ".join(answer["hints"]))


def _existing(path: Path) -> Path:
    """The folder itself or the nearest one above it that exists."""
    while not path.is_dir() and path != path.parent:
        path = path.parent
    return path


def _file_system(folder: Path) -> str:
    """Type of the file system, "" where the system does not say it simply."""
    try:
        lines = Path("/proc/mounts").read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    mounts = {fields[1].replace("\\040", " "): fields[2] for fields in (line.split() for line in lines)}
    return next((mounts[str(parent)] for parent in (folder, *folder.parents) if str(parent) in mounts), "")


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"


CHECKS: tuple[Check, ...] = (
    _versions,
    _gpu,
    _torch,
    _memory,
    _models,
    _configuration,
    _disk,
    _state,
    _socket,
    _server,
)
