"""Builds the extension's zip, the same bytes from the same files, and has Blender's own tool check it.

    scripts/build_extension [FOLDER]

Writes FOLDER/blender_segaddon-VERSION.zip (default FOLDER: dist). Runs in a Blender environment: its bpy wheel brings
the tool.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
import tomllib
from pathlib import Path

from blender_segaddon.core.atomic import write_atomic
from blender_segaddon.protocol.errors import SegAddonError
from scripts.lib import server_wheel
from scripts.lib.server_wheel import is_left_out, pack

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "blender_segaddon"
LOCKS = ("server.txt", "server-models.txt")
"""What the installer of the server installs, of scripts/locks."""
SERVER = "server"
"""Folder in the zip with the server, as data."""


def build(folder: Path) -> Path:
    """Writes the zip into the folder, which is made where it is missing, and returns its path. Raises StorageError."""
    manifest = tomllib.loads((SOURCE / "blender_manifest.toml").read_text())
    target = folder / f"{manifest['id']}-{manifest['version']}.zip"
    files = {name: path.read_bytes() for name, path in extension_files().items()}
    write_atomic(target, pack(dict(sorted((files | server_files(manifest["version"])).items()))))
    return target


def extension_files() -> dict[str, Path]:
    """What Blender installs: name in the zip → file. The license goes along, as it asks for itself."""
    files = {path.relative_to(SOURCE): path for path in SOURCE.rglob("*") if path.is_file()}
    kept = {name.as_posix(): path for name, path in files.items() if not is_left_out(name)}
    return kept | {"LICENSE": ROOT / "LICENSE"}


def server_files(version: str) -> dict[str, bytes]:
    """The server's wheel and its locks: name in the zip → content."""
    name, wheel = server_wheel.build(version)
    locks = {lock: (ROOT / "scripts/locks" / lock).read_bytes() for lock in LOCKS}
    return {f"{SERVER}/{one}": data for one, data in (locks | {name: wheel}).items()}


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
