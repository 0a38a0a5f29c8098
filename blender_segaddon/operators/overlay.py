# No "from __future__ import annotations" here: Blender reads the annotations themselves.
"""What things are, said by clicking on them in the 3D View."""

import bpy
from bpy.props import StringProperty

from .. import api
from .classes import SetsClass, select


class SEGADDON_OT_class_by_click(bpy.types.Operator):
    """Click on things in the 3D View to say what they are; Shift-click for all copies of a thing at once"""

    bl_idname = "segaddon.class_by_click"
    bl_label = "Set Class by Click"

    @classmethod
    def poll(cls, context):
        if context.area is None or context.area.type != "VIEW_3D":
            cls.poll_message_set("Works in a 3D View")
        elif context.mode != "OBJECT":
            cls.poll_message_set("Works in Object Mode")
        else:
            return True
        return False

    def invoke(self, context, _event):
        self.was_shown = api.overlay() is not None
        if not self.was_shown:
            context.window_manager.segaddon_overlay.show = True
        context.window.cursor_modal_set("EYEDROPPER")
        context.workspace.status_text_set("Click: say what a thing is    Shift-click: all its copies    Esc: done")
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context, event):
        shown = api.overlay()
        if shown is None or (event.type in {"ESC", "RIGHTMOUSE"} and event.value == "PRESS"):
            self.end(context)
            return {"FINISHED"}
        if event.type not in {"MOUSEMOVE", "LEFTMOUSE"}:
            return {"PASS_THROUGH"}
        under = _view_under(context, event)
        if under is None:
            return {"PASS_THROUGH"}
        with context.temp_override(**under):
            place = event.mouse_x - under["region"].x, event.mouse_y - under["region"].y
            found = shown.thing_at(bpy.context, *place)
            _mark(shown, found[0] if found else 0)
            if event.type == "LEFTMOUSE" and event.value == "PRESS":
                if found is not None:
                    _ask(bpy.context, found[1], event.shift)
                return {"RUNNING_MODAL"}
        return {"PASS_THROUGH"}

    def cancel(self, context):
        self.end(context)

    def end(self, context):
        shown = api.overlay()
        if shown is not None:
            _mark(shown, 0)
            if not self.was_shown:
                context.window_manager.segaddon_overlay.show = False
        context.window.cursor_modal_restore()
        context.workspace.status_text_set(None)


def _view_under(context: bpy.types.Context, event: bpy.types.Event) -> dict[str, object] | None:
    """The region of a 3D View under the mouse, as a context; None over anything else, also over a sidebar."""
    for area in context.screen.areas:
        if area.type == "VIEW_3D":
            for region in area.regions:
                inside = 0 <= event.mouse_x - region.x < region.width and 0 <= event.mouse_y - region.y < region.height
                if inside and region.type != "WINDOW" and region.width > 1 and region.height > 1:
                    break
                if inside and region.type == "WINDOW":
                    return {"area": area, "region": region}
    return None


def _mark(shown: api.Overlay, number: int) -> None:
    if shown.marked != number:
        shown.marked = number
        api.redraw_overlay()


def _ask(context: bpy.types.Context, thing: api.Thing, copies: bool) -> None:
    """Select what was clicked, and let the person choose a class for it."""
    told_by = thing.told_by(context.scene)
    if told_by is None:
        return
    select(context, [told_by.name])
    bpy.ops.segaddon.set_class_of("INVOKE_DEFAULT", name=told_by.name, to="COPIES" if copies else "SELECTED")


class SEGADDON_OT_set_class_of(SetsClass, bpy.types.Operator):
    """Say what this object is"""

    bl_idname = "segaddon.set_class_of"
    bl_label = "Set Class"
    bl_options = {"INTERNAL"}
    bl_property = "choice"  # Blender does not look for it in a base

    name: StringProperty(name="Object", options={"HIDDEN"})

    def objects(self, context):
        return [one for one in (context.scene.objects.get(self.name),) if one is not None]


CLASSES = (SEGADDON_OT_class_by_click, SEGADDON_OT_set_class_of)
