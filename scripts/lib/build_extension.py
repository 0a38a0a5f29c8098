"""Builds the extension's zip, the same bytes from the same files, and has Blender's own tool check it.

    scripts/build_extension [FOLDER]

Writes FOLDER/blender_segaddon-VERSION.zip (default FOLDER: dist). Runs in a Blender environment: its bpy wheel brings
the tool.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

from blender_segaddon.core.atomic import write_atomic
from blender_segaddon.protocol.errors import SegAddonError

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "blender_segaddon"
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""Time of every file in the zip, the earliest that the format knows: file times differ between clones."""


def build(folder: Path) -> Path:
    """Writes the zip into the folder, which is made where it is missing, and returns its path. Raises StorageError."""
    manifest = tomllib.loads((SOURCE / "blender_manifest.toml").read_text())
    target = folder / f"{manifest['id']}-{manifest['version']}.zip"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, path in sorted(extension_files().items()):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = 3  # Unix, on every machine
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED, compresslevel=9)
    write_atomic(target, packed.getbuffer())
    return target


def extension_files() -> dict[str, Path]:
    """What Blender installs: name in the zip → file. The license goes along, as it asks for itself."""
    files = {path.relative_to(SOURCE): path for path in SOURCE.rglob("*") if path.is_file()}
    kept = {name.as_posix(): path for name, path in files.items() if not _is_left_out(name)}
    return kept | {"LICENSE": ROOT / "LICENSE"}


def _is_left_out(name: Path) -> bool:
    """The same as paths_exclude_pattern in the manifest; a test compares them."""
    return name.suffix == ".pyc" or any(part == "__pycache__" or part.startswith(".") for part in name.parts)


def extension_tool() -> Path:
    """Blender's command-line tool for extensions, in the bpy wheel of the running Python. Raises FileNotFoundError."""
    spec = importlib.util.find_spec("bpy")
    folders = [Path(folder) for folder in (spec.submodule_search_locations or [])] if spec else []
    for folder in folders:
        for tool in folder.glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py"):
            return tool
    raise FileNotFoundError("blender_ext.py: this Python has no bpy wheel")


def validate(archive: Path) -> str:
    """Runs Blender's own check; returns what it says against the zip, "" for nothing."""
    command = [sys.executable, str(extension_tool()), "validate", str(archive)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else (done.stdout + done.stderr).strip()


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="scripts/build_extension", description="Builds and checks the extension's zip."
    )
    parser.add_argument("folder", nargs="?", type=Path, default=Path("dist"), help="where it goes (default: dist)")
    try:
        archive = build(parser.parse_args(arguments).folder)
    except SegAddonError as error:
        print(f"scripts/build_extension: {error}", file=sys.stderr)
        return error.exit_code
    complaints = validate(archive)
    if complaints:
        print(complaints, file=sys.stderr)
        return 1
    print(f"{archive} ({archive.stat().st_size / 1000:.0f} kB) passes Blender's check")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
