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
        seg.save(picture, FOLDER / f"{picture.image.name}.png")
        (FOLDER / f"{picture.image.name}.json").write_text(json.dumps(picture.meta, indent=1))


seg.handlers.generated.append(publish)
