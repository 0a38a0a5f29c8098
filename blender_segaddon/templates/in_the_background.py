# Pictures are made while Blender goes on; a timer looks whether they are there. Run it with Alt P.
import bpy

job = bpy.context.scene.seg.generate("a winter evening", count=4, wait=False)


def look():
    if not job.done():
        bpy.context.workspace.status_text_set(f"Pictures: {job.message}")
        return 0.5
    bpy.context.workspace.status_text_set(None)
    for picture in job.result():
        picture.image.use_fake_user = True  # kept with the file
    return None


bpy.app.timers.register(look)
