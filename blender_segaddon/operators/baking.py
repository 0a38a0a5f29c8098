# No "from __future__ import annotations" here: Blender reads the annotations themselves.
"""Textures in the place of projections, and files of them."""

from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, StringProperty

from .. import api
from . import running
from .reporting import reported
from .views import has_projection


class SEGADDON_OT_apply_bake(running.Modal, bpy.types.Operator):
    """Bake all projected pictures into textures, on a UV layer of their own, and let the objects show those"""

    bl_idname = "segaddon.apply_bake"
    bl_label = "Bake to Textures"
    bl_options = {"UNDO"}

    side: IntProperty(
        name="Texels",
        description="All textures together have as many texels as one square image with this side",
        min=64,
        max=16384,
        default=4096,
    )
    colours: EnumProperty(
        name="Colors",
        items=[
            ("scene", "For Blender", "Float images: renders of this scene show the pictures exactly"),
            ("display", "For Export", "8-bit images as you see them: for glTF, USD, FBX and game engines"),
        ],
        default="scene",
    )
    lighting: EnumProperty(
        name="Lighting",
        items=[
            ("unlit", "Unlit", "The textures shine, as the pictures were"),
            ("lit", "Lit", "The textures are base colors, which the scene's lights light"),
        ],
        default="unlit",
    )
    roughness: BoolProperty(
        name="Roughness by Class",
        description="Surfaces also reflect, as roughly as things of their class usually do: a start, not a measurement",
        default=False,
    )
    local_copies: BoolProperty(
        name="Make Linked Meshes Local",
        description="Objects whose mesh is linked from a library get a copy of it; the library stays as it is",
        default=False,
    )

    @classmethod
    def poll(cls, context):
        return running.is_idle(cls) and has_projection(cls, context)

    def invoke(self, context, _event):
        if bpy.app.background:
            return self.execute(context)
        return context.window_manager.invoke_props_dialog(self, width=360)

    def draw(self, context):
        column = self.layout.column()
        column.use_property_split = True
        for name in ("side", "colours", "lighting"):
            column.prop(self, name)
        if self.lighting == "lit":
            column.prop(self, "roughness")
        try:
            rows = api.plan_bake(budget=self.side**2, scene=context.scene)
        except api.SegAddonError as error:
            column.label(text=error.message, icon="ERROR")
            return
        column.label(text=f"{len(rows)} objects get a texture each, on the UV layer 'Seg Bake'")
        linked = [row for row in rows if row.copies_mesh]
        if linked:
            column.prop(self, "local_copies")
            for row in linked[:6]:
                column.label(text=f"'{row.object}': local copy of '{row.mesh}'", icon="LIBRARY_DATA_OVERRIDE")

    def execute(self, context):
        return super().execute(context) if bpy.app.background else super().invoke(context, None)

    def start(self, context):
        return api.start_bake(
            budget=self.side**2,
            colours=self.colours,
            lighting=self.lighting,
            roughness=self.roughness and self.lighting == "lit",
            local_copies=self.local_copies,
            scene=context.scene,
        )

    def finish(self, _context, _scene, made):
        self.report({"INFO"}, f"{len(made)} objects show their textures")


class SEGADDON_OT_remove_bake(bpy.types.Operator):
    """Give the selected objects their own materials back"""

    bl_idname = "segaddon.remove_bake"
    bl_label = "Remove Textures"
    bl_options = {"UNDO"}

    def execute(self, context):
        with reported(self):
            names = api.remove_bake([one.name for one in context.selected_objects], scene=context.scene)
            self.report({"INFO"}, f"{len(names)} objects have their own materials again")
            return {"FINISHED"}
        return {"CANCELLED"}


class SEGADDON_OT_export_usd(bpy.types.Operator):
    """Write the scene as USD, with its baked textures in a layer of their own, which a pipeline can mute"""

    bl_idname = "segaddon.export_usd"
    bl_label = "Export USD with Textures"

    filepath: StringProperty(name="File", subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: StringProperty(default="*.usda;*.usd", options={"HIDDEN"})
    check_existing: BoolProperty(default=True, options={"HIDDEN"})

    @classmethod
    def poll(cls, _context):
        if not bpy.app.build_options.usd:
            cls.poll_message_set("This Blender was built without USD")
            return False
        if not api.has_bakes():
            cls.poll_message_set("Bake to textures first")
            return False
        return True

    def invoke(self, context, _event):
        if not self.filepath:
            self.filepath = bpy.path.ensure_ext(Path(bpy.data.filepath).stem or "untitled", ".usda")
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context):
        with reported(self):
            path = bpy.path.abspath(self.filepath)
            if not path.endswith((".usd", ".usda")):
                path += ".usda"
            written = api.export_usd(path, scene=context.scene)
            self.report({"INFO"}, f"Wrote {written[0]} and {len(written) - 1} files beside it")
            return {"FINISHED"}
        return {"CANCELLED"}


CLASSES = (
    SEGADDON_OT_apply_bake,
    SEGADDON_OT_remove_bake,
    SEGADDON_OT_export_usd,
)
