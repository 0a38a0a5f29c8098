"""A program for Blender's Python: runs the Python examples of pages of docs/ as they stand, each on a small stage.

    python docs_stage.py PAGE …

Prints how many it ran. The add-on goes by both of its names: as people import it in Blender and next to the bpy wheel.
The working folder is one for files.
"""

from __future__ import annotations

import os
import re
import sys
import traceback
import types
from pathlib import Path

import bpy

import blender_segaddon
from blender_segaddon import api as seg

SIZES = {"formats.md": (32, 18), "image_editor.md": (640, 360), "masks.md": (640, 360)}
"""(width, height) of the pictures of a page, where the examples name places in them; else ``SIZE``"""
SIZE = (160, 90)
_MODEL = re.compile(r'model="(sd15-seg|best)"')
"""Weights are too large for tests: the preview draws in their place, clicks go to what needs none."""
_WITHOUT_WEIGHTS = {"sd15-seg": 'model="preview"', "best": 'model="classical"'}


def stage(size: tuple[int, int]) -> dict[str, object]:
    """A room with a fridge and a cube, an animation of one frame; the names that examples may use."""
    bpy.ops.wm.read_factory_settings()
    scene = bpy.context.scene
    for name, place in (("Fridge", (2.0, 1.0, 1.0)), ("Wall", (0.0, 4.0, 0.0))):
        bpy.ops.mesh.primitive_cube_add(location=place)
        bpy.context.object.name = name
    bpy.ops.mesh.primitive_grid_add(x_subdivisions=6, y_subdivisions=6, size=12, location=(0, 0, -1))
    scene.frame_end = scene.frame_start = 1
    render = scene.render
    render.engine, scene.cycles.samples = "CYCLES", 1
    render.resolution_x, render.resolution_y = size
    render.filepath = str(Path.cwd() / "render_")
    bpy.ops.wm.save_as_mainfile(filepath=str(Path.cwd() / "shot.blend"))
    return {"C": bpy.context, "bpy": bpy}


def prepare(page: str, names: dict[str, object]) -> None:
    """What the page's text says is there."""
    names["seg"] = seg
    if page in ("image_editor.md", "masks.md", "retouching.md"):
        picture = seg.generate("sunset", maps=seg.capture(), seed=1)[0]
        picture.image.name = "Seg sunset"
        mask = seg.segment(picture, objects=["Fridge"])[0]
        names |= {"picture": picture, "image": picture.image, "mask": mask}
    if page == "retouching.md":
        bpy.ops.render.render()


def run(page: Path) -> int:
    examples = re.findall(r"^( *)```python\n(.*?)^ *```", page.read_text("utf-8"), re.S | re.M)
    for indent, example in examples:
        names = stage(SIZES.get(page.name, SIZE))
        prepare(page.name, names)
        text = re.sub(f"^{indent}", "", example, flags=re.M)
        text = _MODEL.sub(lambda found: _WITHOUT_WEIGHTS[found[1]], text)
        exec(compile(text, str(page), "exec"), names)  # an error ends the program, with the line of the page
    return len(examples)


def main(pages: list[str]) -> int:
    for name in ("bl_ext", "bl_ext.user_default"):
        sys.modules[name] = types.ModuleType(name)
    sys.modules["bl_ext.user_default.blender_segaddon"] = blender_segaddon
    blender_segaddon.register()
    return sum(run(Path(page)) for page in pages)


if __name__ == "__main__":
    failed = 1
    try:
        print(main(sys.argv[1:]))
        failed = 0
    except BaseException:  # noqa: BLE001 - told here: after it the bpy wheels would hang in their own end
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(failed)
