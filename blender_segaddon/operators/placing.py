# No "from __future__ import annotations" here: Blender reads the annotations themselves.
"""Pictures into the scene, and out of it again."""

import bpy
from bpy.props import EnumProperty, FloatProperty, StringProperty

from .. import api
from ..protocol.errors import InvalidInput
from . import running
from .generation import keep, knows_maps
from .reporting import reported


def placement_named(context: bpy.types.Context, name: str) -> api.Placement:
    """The placement of the active scene. Raises InvalidInput where it is gone."""
    for one in api.placements(context.scene):
        if one.name == name:
            return one
    raise InvalidInput(f"'{name}' is not in this scene", "It may have been removed already")


def has_picture(cls: type, context: bpy.types.Context) -> bool:
    """For ``poll``: whether there is a picture; says so if not."""
    if context.scene.segaddon.picture is None:
        cls.poll_message_set("Generate a picture first")  # pyright: ignore[reportAttributeAccessIssue]
        return False
    return True


def keep_picture_of(context: bpy.types.Context, scene: bpy.types.Scene, placement: api.Placement) -> None:
    """Make a placement's picture the one that the panel shows."""
    picture = api.picture_of(placement)
    if picture is not None:
        keep(context, scene, picture)


class _Placing:
    """Mixin of operators that put the picture into the scene."""

    def place(self, picture: bpy.types.Image, scene: bpy.types.Scene) -> api.Placement:
        """Where it belongs."""
        raise NotImplementedError

    @classmethod
    def poll(cls, context):
        return knows_maps(cls, context)

    def execute(self, context):
        with reported(self):
            placement = self.place(context.scene.segaddon.picture, context.scene)
            self.report({"INFO"}, f"Placed '{placement.name}'")
            return {"FINISHED"}
        return {"CANCELLED"}


class SEGADDON_OT_project(_Placing, bpy.types.Operator):
    """Put the picture on the objects that it shows; surfaces that the camera did not see keep their material"""

    bl_idname = "segaddon.project"
    bl_label = "Project on Objects"
    bl_options = {"UNDO"}

    def place(self, picture, scene):
        return api.project(picture, scene=scene)


class SEGADDON_OT_backdrop(_Placing, bpy.types.Operator):
    """Put the picture behind everything, exactly as the camera sees it"""

    bl_idname = "segaddon.backdrop"
    bl_label = "Set as Backdrop"
    bl_options = {"UNDO"}

    def place(self, picture, scene):
        return api.backdrop(picture, scene=scene)


class SEGADDON_OT_image_plane(_Placing, bpy.types.Operator):
    """Put the picture on a plane across the view, behind all that the camera sees or at a depth of your choice"""

    bl_idname = "segaddon.image_plane"
    bl_label = "Image Plane"
    bl_options = {"REGISTER", "UNDO"}

    depth: FloatProperty(
        name="Depth",
        description="Distance from the camera; 0: just behind all that it sees",
        subtype="DISTANCE",
        min=0.0,
        default=0.0,
    )

    def place(self, picture, scene):
        return api.image_plane(picture, depth=self.depth or None, scene=scene)


class SEGADDON_OT_reference(_Placing, bpy.types.Operator):
    """Show the picture over the view through the camera, to model by; it never renders"""

    bl_idname = "segaddon.reference"
    bl_label = "Camera Reference"
    bl_options = {"REGISTER", "UNDO"}

    opacity: FloatProperty(name="Opacity", subtype="FACTOR", min=0.0, max=1.0, default=0.5)

    @classmethod
    def poll(cls, context):
        return has_picture(cls, context)

    def place(self, picture, scene):
        return api.reference(picture, opacity=self.opacity, scene=scene)


class SEGADDON_OT_compositor_input(bpy.types.Operator):
    """Add the picture to the compositor as an image node"""

    bl_idname = "segaddon.compositor_input"
    bl_label = "To Compositor"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context):
        return has_picture(cls, context)

    def execute(self, context):
        with reported(self):
            placement = api.compositor_input(context.scene.segaddon.picture, scene=context.scene)
            self.report({"INFO"}, f"Added '{placement.name}' to the compositor")
            return {"FINISHED"}
        return {"CANCELLED"}


class SEGADDON_OT_use_camera(bpy.types.Operator):
    """Look through the camera that the picture was captured with, if the scene's was moved since"""

    bl_idname = "segaddon.use_camera"
    bl_label = "Use Stored Camera"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context):
        return knows_maps(cls, context)

    def execute(self, context):
        with reported(self):
            camera = api.use_camera_of(context.scene.segaddon.picture, scene=context.scene)
            self.report({"INFO"}, f"Looking through '{camera.name}'")
            return {"FINISHED"}
        return {"CANCELLED"}


class SEGADDON_OT_update_placement(running.Modal, bpy.types.Operator):
    """After moving things: keep what stayed, paint again what changed"""

    bl_idname = "segaddon.update_placement"
    bl_label = "Update"
    bl_options = {"UNDO"}

    name: StringProperty(name="Placement")

    @classmethod
    def poll(cls, _context):
        return running.is_idle(cls)

    def start(self, context):
        return api.start_update(placement_named(context, self.name))

    def finish(self, context, scene, placed):
        keep_picture_of(context, scene, placed[0])
        self.report({"INFO"}, f"Placed '{placed[0].name}'")


class SEGADDON_OT_remove_placement(bpy.types.Operator):
    """Take this picture out of the scene again, without a trace"""

    bl_idname = "segaddon.remove_placement"
    bl_label = "Remove"
    bl_options = {"UNDO"}

    name: StringProperty(name="Placement")

    def execute(self, context):
        with reported(self):
            api.remove_placement(placement_named(context, self.name))
            return {"FINISHED"}
        return {"CANCELLED"}


class SEGADDON_OT_set_lighting(bpy.types.Operator):
    """How the surfaces that show this picture are lit"""

    bl_idname = "segaddon.set_lighting"
    bl_label = "Lighting"
    bl_options = {"UNDO"}

    name: StringProperty(name="Placement")
    lighting: EnumProperty(
        name="Lighting",
        items=[
            ("unlit", "Unlit", "The picture as it is; it lights and shades nothing"),
            ("shadows", "Unlit with Shadows", "The picture as it is, with the shadows of real objects on it"),
            ("lit", "Lit", "The picture is the base color of the surface"),
        ],
    )

    def execute(self, context):
        with reported(self):
            api.set_lighting(placement_named(context, self.name), self.lighting)
            return {"FINISHED"}
        return {"CANCELLED"}


class SEGADDON_OT_view_result(bpy.types.Operator):
    """Look through the scene's camera, with materials and world as they render"""

    bl_idname = "segaddon.view_result"
    bl_label = "Show Rendered"

    @classmethod
    def poll(cls, context):
        return context.space_data is not None and context.space_data.type == "VIEW_3D"

    def execute(self, context):
        context.space_data.shading.type = "RENDERED"
        if context.scene.camera is not None:
            context.space_data.region_3d.view_perspective = "CAMERA"
        return {"FINISHED"}


CLASSES = (
    SEGADDON_OT_project,
    SEGADDON_OT_backdrop,
    SEGADDON_OT_image_plane,
    SEGADDON_OT_reference,
    SEGADDON_OT_compositor_input,
    SEGADDON_OT_use_camera,
    SEGADDON_OT_update_placement,
    SEGADDON_OT_remove_placement,
    SEGADDON_OT_set_lighting,
    SEGADDON_OT_view_result,
)
