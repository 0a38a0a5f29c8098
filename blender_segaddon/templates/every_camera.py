# A picture from each camera of the scene, saved beside the file.
from pathlib import Path

import bpy

scene = bpy.context.scene
folder = Path(bpy.path.abspath("//") or bpy.app.tempdir)

cameras = [one for one in scene.objects if one.type == "CAMERA"]
for camera, maps in zip(cameras, scene.seg.capture_views(cameras), strict=True):
    picture = scene.seg.generate("a street after rain", maps=maps, seed=1)[0]
    scene.seg.save(picture, folder / f"{bpy.path.clean_name(camera.name)}.png")
