"""A program for Blender's Python: what somebody does who has just installed the zip, up to a picture by the server.

    python server_install.py ZIP OUT

Prints one JSON object. BLENDER_USER_RESOURCES and XDG_DATA_HOME must name empty folders.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import bpy

MODULE = "bl_ext.user_default.blender_segaddon"


def main(archive: str) -> dict[str, object]:
    bpy.ops.extensions.package_install_files(filepath=archive, repo="user_default", enable_on_install=True)
    api = sys.modules[f"{MODULE}.api"]
    values = bpy.context.preferences.addons[MODULE].preferences
    values.with_models = False
    told: dict[str, object] = {"before": api.installation_state(), "offline": bpy.ops.segaddon.install_server.poll()}
    bpy.context.preferences.system.use_online_access = True
    try:
        bpy.ops.segaddon.install_server()
    except RuntimeError as error:
        return told | {"failed": str(error)}
    bpy.context.preferences.system.use_online_access = False  # from here on nothing needs it
    info = api.check_server()
    picture = api.generate("sunset", maps=api.capture(size=(96, 64)), seed=1)[0]
    told |= {"state": api.installation_state(), "python": values.server_python, "version": info.version}
    told |= {"from_server": "understood" in picture.metadata, "shape": picture.pixels.shape}
    bpy.ops.segaddon.remove_server()
    return told | {"after": api.installation_state(), "python_after": values.server_python, "left": left()}


def left() -> list[str]:
    return [str(path) for path in Path(os.environ["XDG_DATA_HOME"]).rglob("*") if path.is_file()]


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
    sys.stdout.flush()
    os._exit(0)  # the bpy wheels now and then hang in their own end
