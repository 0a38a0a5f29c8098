"""The server as a wheel, the same bytes from the same files: what the zip carries and installs beside Blender.

It holds the server, and of the add-on what the server imports. Pure Python, so it fits every machine; made here and not
by a build backend, since this runs in Blender's Python, which has none.
"""

from __future__ import annotations

import base64
import hashlib
import io
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EPOCH = (1980, 1, 1, 0, 0, 0)
"""Time of every file in an archive, the earliest that the format knows: file times differ between clones."""
_NAME = "segaddon_bridge"
_PARTS = ("blender_segaddon/__init__.py", "blender_segaddon/protocol", "blender_segaddon/core", "bridge_server")


def build(version: str) -> tuple[str, bytes]:
    """(file name, content) of the wheel."""
    info = f"{_NAME}-{version}.dist-info"
    files = {name: path.read_bytes() for name, path in sorted(sources().items())}
    files |= {f"{info}/{name}": text.encode() for name, text in _metadata(version).items()}
    files[f"{info}/licenses/LICENSE"] = (ROOT / "LICENSE").read_bytes()
    record = "".join(f"{name},sha256={_digest(data)},{len(data)}\n" for name, data in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    return f"{_NAME}-{version}-py3-none-any.whl", pack(files)


def sources() -> dict[str, Path]:
    """Name in the wheel → file."""
    roots = [ROOT / part for part in _PARTS]
    paths = [path for root in roots for path in ([root] if root.is_file() else root.rglob("*"))]
    kept = [path for path in paths if path.is_file() and not is_left_out(path.relative_to(ROOT))]
    return {path.relative_to(ROOT).as_posix(): path for path in kept}


def is_left_out(name: Path) -> bool:
    """The same as paths_exclude_pattern in the manifest; a test compares them."""
    return name.suffix == ".pyc" or any(part == "__pycache__" or part.startswith(".") for part in name.parts)


def pack(files: dict[str, bytes]) -> bytes:
    """A zip archive, the same bytes on every machine."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system = 3  # Unix, on every machine
            entry.external_attr = 0o100644 << 16
            method = zipfile.ZIP_STORED if name.endswith(".whl") else zipfile.ZIP_DEFLATED
            archive.writestr(entry, data, method, compresslevel=9)
    return packed.getvalue()


def _metadata(version: str) -> dict[str, str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    needs = [f"Requires-Dist: {one}" for one in project["dependencies"]]
    head = ["Metadata-Version: 2.4", f"Name: {_NAME}", f"Version: {version}", f"Summary: {project['description']}"]
    head += [f"License-Expression: {project['license']}", f"Requires-Python: {project['requires-python']}"]
    scripts = "".join(f"{name} = {target}\n" for name, target in project["scripts"].items())
    return {
        "METADATA": "\n".join([*head, *needs]) + "\n",
        "WHEEL": "Wheel-Version: 1.0\nGenerator: scripts\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "entry_points.txt": f"[console_scripts]\n{scripts}",
    }


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
