# A picture that sits exactly on the scene, and back on its objects. Run it with Alt P.
import bpy

seg = bpy.context.scene.seg

maps = seg.capture()  # what is where, from the scene's camera, in its render size
picture = seg.generate("a harbour at dawn, soft light", maps=maps, seed=1)[0]
seg.project(picture)  # on the objects, where the camera saw them
seg.backdrop(picture)  # and behind them
