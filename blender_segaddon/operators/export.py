# No "from __future__ import annotations" here: Blender reads the annotations themselves.
"""Maps as files."""

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, StringProperty

from .. import api
from ..protocol.errors import InvalidInput
from .generation import has_camera
from .reporting import reported

_FORMATS = ("npz", "png", "id_png", "coco", "exr", "cryptomatte")
"""Each is a check box of the dialog."""


class SEGADDON_OT_export_maps(bpy.types.Operator):
    """Write the maps of the scene to a folder, in formats that other programs read"""

    bl_idname = "segaddon.export_maps"
    bl_label = "Export Maps"

    directory: StringProperty(name="Folder", subtype="DIR_PATH", options={"SKIP_SAVE"})
    filter_folder: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    source: EnumProperty(
        name="Maps Of",
        items=[
            ("SCENE", "Scene", "Capture the scene as it is"),
            ("RENDER", "Render", "The maps that were made with the last render"),
        ],
    )
    npz: BoolProperty(
        name="Exact Maps (.npz)",
        description="Ids, classes, depth, normals, legend and camera; for Python",
        default=True,
    )
    png: BoolProperty(
        name="Pictures (.png)",
        description="For the eye; the semantic map in the exact colors of its vocabulary",
        default=True,
    )
    id_png: BoolProperty(name="Ids (16-bit .png)", description="Instance and category ids as gray values", default=True)
    coco: BoolProperty(
        name="COCO (.json, .png)", description="Panoptic segments and instance annotations; for training"
    )
    exr: BoolProperty(name="Multilayer EXR", description="All maps in one file, ids as integers")
    cryptomatte: BoolProperty(
        name="Cryptomatte EXR", description="Mattes by name for every instance, object and class; for compositing"
    )
    coverage: IntProperty(
        name="Soft Edges",
        description="Rays a pixel for mattes with depth of field, motion blur and hair; 0: sharp masks. 16 is a start",
        default=0,
        min=0,
        max=1024,
        soft_max=64,
    )

    @classmethod
    def poll(cls, context):
        return has_camera(cls, context)

    def invoke(self, context, _event):
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def draw(self, _context):
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(self, "source", expand=True)
        row = layout.row()
        row.enabled = self.source == "SCENE"
        row.prop(self, "coverage")
        layout.separator()
        column = layout.column(heading="Formats")
        for name in _FORMATS:
            column.prop(self, name)

    def execute(self, context):
        with reported(self):
            chosen = [name for name in _FORMATS if getattr(self, name)]
            if not self.directory or not chosen:
                raise InvalidInput("Nothing would be written", "Choose a folder and at least one format")
            rendered = self.source == "RENDER"
            maps = api.maps_of() if rendered else api.capture(context.scene, coverage=self.coverage)
            paths = api.export_maps(maps, bpy.path.abspath(self.directory), chosen)
            self.report({"INFO"}, f"Wrote {len(paths)} files to {self.directory}")
            return {"FINISHED"}
        return {"CANCELLED"}


CLASSES = (SEGADDON_OT_export_maps,)
