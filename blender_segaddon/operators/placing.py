# No "from __future__ import annotations" here: Blender reads the annotations themselves.
"""Pictures into the scene, and out of it again."""

import bpy
from bpy.props import StringProperty

from .. import api
from ..protocol.errors import InvalidInput
from .generation import keep, knows_maps
from .reporting import reported


def placement_named(context: bpy.types.Context, name: str) -> api.Placement:
    """The placement of the active scene. Raises InvalidInput where it is gone."""
    for one in api.placements(context.scene):
        if one.name == name:
            return one
    raise InvalidInput(f"'{name}' is not in this scene", "It may have been removed already")


class SEGADDON_OT_project(bpy.types.Operator):
    """Put the picture on the objects that it shows; surfaces that the camera did not see keep their material"""

    bl_idname = "segaddon.project"
    bl_label = "Project on Objects"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context):
        return knows_maps(cls, context)

    def execute(self, context):
        with reported(self):
            placement = api.project(context.scene.segaddon.picture, scene=context.scene)
            self.report({"INFO"}, f"Placed '{placement.name}'")
            return {"FINISHED"}
        return {"CANCELLED"}


class SEGADDON_OT_backdrop(bpy.types.Operator):
    """Put the picture behind everything, exactly as the camera sees it"""

    bl_idname = "segaddon.backdrop"
    bl_label = "Set as Backdrop"
    bl_options = {"UNDO"}

    @classmethod
    def poll(cls, context):
        return knows_maps(cls, context)

    def execute(self, context):
        with reported(self):
            placement = api.backdrop(context.scene.segaddon.picture, scene=context.scene)
            self.report({"INFO"}, f"Placed '{placement.name}'")
            return {"FINISHED"}
        return {"CANCELLED"}


class SEGADDON_OT_update_placement(bpy.types.Operator):
    """After moving things: keep what stayed, paint again what changed"""

    bl_idname = "segaddon.update_placement"
    bl_label = "Update"
    bl_options = {"UNDO"}

    name: StringProperty(name="Placement")

    def execute(self, context):
        with reported(self):
            placement = api.update(placement_named(context, self.name))
            picture = api.picture_of(placement)
            if picture is not None:
                keep(context, context.scene, picture)
            self.report({"INFO"}, f"Placed '{placement.name}'")
            return {"FINISHED"}
        return {"CANCELLED"}


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
    SEGADDON_OT_update_placement,
    SEGADDON_OT_remove_placement,
    SEGADDON_OT_view_result,
)
