# Every picture that is made, by whatever button or script, is also written to a folder with how it was made.
import json
from pathlib import Path

import bpy

seg = bpy.context.scene.seg
FOLDER = Path(bpy.app.tempdir) / "pictures"


@bpy.app.handlers.persistent  # also after another file is loaded
def publish(pictures):
    FOLDER.mkdir(exist_ok=True)
    for picture in pictures:
        name = bpy.path.clean_name(picture.image.name)  # a prompt may hold a slash
        seg.save(picture, FOLDER / f"{name}.png")
        (FOLDER / f"{name}.json").write_text(json.dumps(picture.meta, indent=1))


seg.handlers.generated.append(publish)
