# No "from __future__ import annotations" here: Blender reads the annotations themselves.
"""Shots: cameras with the words and the seed that belong to them. A view becomes one with a click."""

import bpy
from bpy.props import CollectionProperty, IntProperty, PointerProperty, StringProperty
from mathutils import Matrix

from .. import api
from . import running
from .reporting import press

_SENSOR = 36.0
_VIEW_SENSOR = 72.0
"""mm; what Blender reckons a viewport's lens with, at the longer side of the region"""
_KEPT = ("prompt", "model", "seed", "background")
"""Settings of the panel that a shot has of its own."""


class Shot(bpy.types.PropertyGroup):
    """One of ``scene.segaddon_shots``; its name is shown."""

    camera: PointerProperty(type=bpy.types.Object, poll=lambda _self, one: one.type == "CAMERA")
    prompt: StringProperty()
    model: StringProperty()
    seed: IntProperty()
    background: StringProperty()


def shot_of(scene: bpy.types.Scene) -> Shot | None:
    """The shot of the scene's camera."""
    return next((one for one in scene.segaddon_shots if one.camera is not None and one.camera == scene.camera), None)


def _keep(scene: bpy.types.Scene, shot: Shot) -> None:
    for name in _KEPT:
        setattr(shot, name, getattr(scene.segaddon, name))


@bpy.app.handlers.persistent
def _on_generated(pictures: list[api.Picture]) -> None:
    """The shot keeps what its picture was made with, the seed by which it can be made again among it. What is painted
    under a mask is not its picture."""
    made = pictures[0]
    maps = made.maps if made.recipe.mask is None else None
    scene = bpy.data.scenes.get(maps.scene) if maps is not None else None
    shot = shot_of(scene) if scene is not None else None
    if shot is not None and maps.camera.name == shot.camera.name:
        _keep(scene, shot)
        shot.seed = made.meta["seed"] % 2**31


def _view(context) -> bpy.types.SpaceView3D | None:
    return context.space_data if context.space_data and context.space_data.type == "VIEW_3D" else None


def _can_keep(cls, context) -> bool:
    if _view(context) is None:
        cls.poll_message_set("Only in a 3D View")
        return False
    return running.is_idle(cls)


def _camera_of_view(scene: bpy.types.Scene, view: bpy.types.SpaceView3D) -> bpy.types.Object:
    """A camera that sees what the viewport shows; linked to the scene."""
    seen, data = view.region_3d, bpy.data.cameras.new("Shot")
    camera = bpy.data.objects.new(data.name, data)
    scene.collection.objects.link(camera)
    if seen.view_perspective == "CAMERA" and scene.camera is not None:
        camera.data = scene.camera.data.copy()
        camera.matrix_world = scene.camera.matrix_world
        return camera
    camera.matrix_world = seen.view_matrix.inverted()
    data.clip_start, data.clip_end = view.clip_start, view.clip_end
    data.lens = view.lens * _SENSOR / _VIEW_SENSOR
    if seen.view_perspective == "ORTHO":
        data.type = "ORTHO"
        data.ortho_scale = seen.view_distance * _VIEW_SENSOR / view.lens
        # an orthographic viewport sees what is behind it, too
        camera.matrix_world @= Matrix.Translation((0.0, 0.0, view.clip_end / 2))
    return camera


class SEGADDON_OT_shot_from_view(bpy.types.Operator):
    """Keep this view as a shot: a camera that sees what the viewport shows, with the words and the seed of the panel"""

    bl_idname = "segaddon.shot_from_view"
    bl_label = "Shot from This View"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context):
        return _can_keep(cls, context)

    def execute(self, context):
        scene, view = context.scene, _view(context)
        camera = _camera_of_view(scene, view)
        shot = scene.segaddon_shots.add()
        shot.name, shot.camera = camera.name, camera
        _keep(scene, shot)
        scene.camera = camera
        view.region_3d.view_perspective = "CAMERA"
        self.report({"INFO"}, f"'{camera.name}' is the camera now")
        return {"FINISHED"}


class SEGADDON_OT_generate_from_view(bpy.types.Operator):
    """Keep this view as a shot and make a picture of it"""

    bl_idname = "segaddon.generate_from_view"
    bl_label = "Generate from This View"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context):
        return _can_keep(cls, context)

    def execute(self, _context):
        bpy.ops.segaddon.shot_from_view()
        press(self, bpy.ops.segaddon.generate)
        return {"FINISHED"}  # the shot is there, and a step of undo of its own, whatever comes of the picture


class _OfShot:
    """For one shot, by its place in the list."""

    index: IntProperty(name="Shot", min=0, options={"HIDDEN", "SKIP_SAVE"})

    def shot(self, context) -> Shot | None:
        shots = context.scene.segaddon_shots
        return shots[self.index] if self.index < len(shots) else None


class SEGADDON_OT_use_shot(_OfShot, bpy.types.Operator):
    """Look through this shot's camera, with its words and its seed in the panel"""

    bl_idname = "segaddon.use_shot"
    bl_label = "Use Shot"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    def execute(self, context):
        shot = self.shot(context)
        if shot is None or shot.camera is None or shot.camera.name not in context.scene.objects:
            self.report({"ERROR"}, "The camera of this shot is gone. Remove the shot, or keep a view anew")
            return {"CANCELLED"}
        left = shot_of(context.scene)
        if left is not None and left != shot:
            _keep(context.scene, left)
        context.scene.camera = shot.camera
        for name in _KEPT:
            setattr(context.scene.segaddon, name, getattr(shot, name))
        view = _view(context)
        if view is not None:
            view.region_3d.view_perspective = "CAMERA"
        return {"FINISHED"}


class SEGADDON_OT_remove_shot(_OfShot, bpy.types.Operator):
    """Take this shot from the list; its camera stays"""

    bl_idname = "segaddon.remove_shot"
    bl_label = "Remove Shot"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    def execute(self, context):
        context.scene.segaddon_shots.remove(self.index)
        return {"FINISHED"}


CLASSES = (
    Shot,
    SEGADDON_OT_shot_from_view,
    SEGADDON_OT_generate_from_view,
    SEGADDON_OT_use_shot,
    SEGADDON_OT_remove_shot,
)


def register() -> None:
    bpy.types.Scene.segaddon_shots = CollectionProperty(type=Shot)
    api.handlers.generated.append(_on_generated)


def unregister() -> None:
    del bpy.types.Scene.segaddon_shots
    if _on_generated in api.handlers.generated:
        api.handlers.generated.remove(_on_generated)
