# No "from __future__ import annotations" here: Blender reads the annotations themselves.
"""The Image Editor's tool, and the same keys without it: mouse and keys become the operators for masks and results."""

from dataclasses import dataclass

import bpy

from .. import api
from . import retouch_masks, retouch_overlay
from .reporting import press as press_button
from .retouch_click import HOW, SOURCE

_WHEEL = {"WHEELUPMOUSE": -1, "WHEELDOWNMOUSE": 1, "WHEELINMOUSE": -1, "WHEELOUTMOUSE": 1}
_ACCEPT, _CLEAR = {"RET", "NUMPAD_ENTER"}, {"ESC", "BACK_SPACE"}


@dataclass
class _Press:
    """A mouse button that is down. Holds names and places alone."""

    image: str
    size: tuple[int, int]
    start: tuple[float, float]
    """pixels of the image, from its top left corner"""
    mouse: tuple[int, int]
    """pixels of the window"""
    how: str
    source: str
    wipes: bool
    """whether the line between before and after goes with the mouse"""
    is_box: bool = False


class _Mouse:
    """Mixin: a press becomes a click, a box, or a shift of the line between before and after."""

    _press: _Press | None = None

    def press(self, context, event, how: str, source: str) -> None:
        """The button went down over the region of ``context``."""
        image = retouch_masks.shown_image(context)
        size = retouch_masks.size_of(image, context.scene)
        start = place(context.region, event, size)
        mouse = (event.mouse_x, event.mouse_y)
        self._press = _Press(image.name, size, start, mouse, how, source, bool(len(image.segaddon.results)))
        if self._press.wipes:
            self._wipe(context, start)

    def move(self, context, event) -> None:
        """The mouse moved, the button being down."""
        press = self._press
        now = place(context.region, event, press.size)
        if press.wipes:
            self._wipe(context, now)
            return
        inputs, scale = context.preferences.inputs, context.preferences.system.ui_scale
        far = max(abs(event.mouse_x - press.mouse[0]), abs(event.mouse_y - press.mouse[1]))
        press.is_box = press.is_box or far > inputs.drag_threshold_mouse * scale
        if press.is_box:
            retouch_overlay.dragged[press.image] = (*press.start, *now)
            api.show_image_overlay()

    def release(self, context, event) -> None:
        """The button went up."""
        press, self._press = self._press, None
        retouch_overlay.dragged.pop(press.image, None)
        api.redraw_image_overlay()
        if press.wipes:
            return
        now = place(context.region, event, press.size)
        options = {"image": press.image, "how": press.how, "source": press.source}
        if press.is_box:
            press_button(self, bpy.ops.segaddon.mask_box, box=(*press.start, *now), **options)
        else:
            press_button(self, bpy.ops.segaddon.mask_click, at=press.start, **options)

    def give_up(self) -> None:
        """Nothing comes of it."""
        if self._press is not None:
            retouch_overlay.dragged.pop(self._press.image, None)
            self._press = None
            api.redraw_image_overlay()

    def _wipe(self, context, now: tuple[float, float]) -> None:
        context.scene.segaddon.retouch.wipe = min(max(now[0] / self._press.size[0], 0.0), 1.0)


def place(region: bpy.types.Region, event: bpy.types.Event, size: tuple[int, int]) -> tuple[float, float]:
    """Where the mouse is: pixels of the image, from its top left corner."""
    x, y = region.view2d.region_to_view(event.mouse_x - region.x, event.mouse_y - region.y)
    return x * size[0], (1 - y) * size[1]


def _works_on(context) -> bool:
    """Whether the Image Editor of the context shows something that can be retouched."""
    space = context.space_data
    image = space.image if space is not None and space.type == "IMAGE_EDITOR" else None
    return image is not None and retouch_masks.refusal(image, context.scene) is None


def on_key(operator: bpy.types.Operator, context, event_type: str) -> bool:
    """Do what a key or the wheel stands for; whether it stood for anything."""
    record = retouch_masks.shown_image(context).segaddon
    step = _WHEEL.get(event_type, 0)
    if len(record.results):
        if step and len(record.results) > 1:
            press_button(operator, bpy.ops.segaddon.result_next, step=step)
        elif event_type in _ACCEPT:
            press_button(operator, bpy.ops.segaddon.result_accept)
        elif event_type in _CLEAR:
            press_button(operator, bpy.ops.segaddon.result_discard)
        else:
            return False
        return True
    mask = retouch_masks.active(retouch_masks.shown_image(context)) if record.is_open else None
    if mask is None:
        return False
    if step and len(mask.candidates) > 1:
        press_button(operator, bpy.ops.segaddon.mask_candidate, step=step)
    elif event_type in _ACCEPT:
        press_button(operator, bpy.ops.segaddon.mask_accept)
    elif event_type in _CLEAR:
        press_button(operator, bpy.ops.segaddon.mask_clear)
    else:
        return False
    return True


class SEGADDON_OT_retouch_point(_Mouse, bpy.types.Operator):
    """Click on a thing to mask it, or draw a box around it"""

    bl_idname = "segaddon.retouch_point"
    bl_label = "Mask"
    bl_options = {"INTERNAL"}

    how: HOW
    source: SOURCE

    @classmethod
    def poll(cls, context):
        return _works_on(context)

    def invoke(self, context, event):
        self.press(context, event, self.how, self.source)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context, event):
        if event.type in {"ESC", "RIGHTMOUSE"}:
            self.give_up()
            return {"CANCELLED"}
        if event.type == "LEFTMOUSE" and event.value == "RELEASE":
            self.release(context, event)
            return {"FINISHED"}
        if event.type == "MOUSEMOVE":
            self.move(context, event)
        return {"RUNNING_MODAL"}

    def cancel(self, _context):
        self.give_up()


class SEGADDON_OT_retouch_key(bpy.types.Operator):
    """Step through what was found, accept it, or clear it"""

    bl_idname = "segaddon.retouch_key"
    bl_label = "Candidates, Accept, Clear"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context):
        return _works_on(context)

    def invoke(self, context, event):
        return {"FINISHED"} if on_key(self, context, event.type) else {"PASS_THROUGH"}


class SEGADDON_OT_retouch_pick(_Mouse, bpy.types.Operator):
    """Mask things by clicks on the picture, without changing the tool, until Enter or Esc"""

    bl_idname = "segaddon.retouch_pick"
    bl_label = "Pick in Picture"

    @classmethod
    def poll(cls, context):
        if not _works_on(context):
            cls.poll_message_set("Open a picture that SegAddon made, or any image")
            return False
        return True

    def invoke(self, context, _event):
        self._area = context.area
        context.window.cursor_modal_set("EYEDROPPER")
        context.workspace.status_text_set(lambda header, there: keys(header.layout, there))
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context, event):
        region = self._region(context)
        if region is None:
            return self._end(context)
        with context.temp_override(area=self._area, region=region):
            if self._press is not None:
                return self._pressed(bpy.context, event)
            inside = 0 <= event.mouse_x - region.x < region.width and 0 <= event.mouse_y - region.y < region.height
            if event.value != "PRESS" or not (inside or event.type in _ACCEPT | _CLEAR):
                return {"PASS_THROUGH"}
            if event.type == "LEFTMOUSE":
                how = "ADD" if event.shift else "TAKE" if event.ctrl else "NEW"
                self.press(bpy.context, event, how, "MODEL" if event.alt else "AUTO")
                return {"RUNNING_MODAL"}
            known = on_key(self, bpy.context, event.type)
            if event.type in _ACCEPT | _CLEAR:
                return self._end(context)
            return {"RUNNING_MODAL"} if known else {"PASS_THROUGH"}

    def cancel(self, context):
        self._end(context)

    def _pressed(self, context, event):
        if event.type == "LEFTMOUSE" and event.value == "RELEASE":
            self.release(context, event)
        elif event.type == "ESC":
            self.give_up()
        elif event.type == "MOUSEMOVE":
            self.move(context, event)
        return {"RUNNING_MODAL"}

    def _region(self, context) -> bpy.types.Region | None:
        """The editor's picture, while that is open and shows one."""
        if self._area not in context.screen.areas[:] or self._area.ui_type != "IMAGE_EDITOR":
            return None
        with context.temp_override(area=self._area):
            if not _works_on(bpy.context):
                return None
        return next(one for one in self._area.regions if one.type == "WINDOW")

    def _end(self, context):
        self.give_up()
        context.window.cursor_modal_restore()
        context.workspace.status_text_set(None)
        return {"FINISHED"}


def _click(how: str, source: str = "AUTO", **modifiers: bool) -> tuple[object, ...]:
    key = {"type": "LEFTMOUSE", "value": "PRESS", **modifiers}
    return "segaddon.retouch_point", key, {"properties": [("how", how), ("source", source)]}


class RetouchTool(bpy.types.WorkSpaceTool):
    bl_space_type = "IMAGE_EDITOR"
    bl_context_mode = "VIEW"
    bl_idname = "segaddon.retouch"
    bl_label = "Retouch"
    bl_description = (
        "Mask things of the picture by a click, or a box around them.\n"
        "Shift: add.  Ctrl: take away.  Alt: ask the model instead of the scene"
    )
    bl_icon = "ops.generic.select_paint"
    bl_cursor = "EYEDROPPER"
    bl_keymap = (
        _click("NEW"),
        _click("ADD", shift=True),
        _click("TAKE", ctrl=True),
        _click("NEW", "MODEL", alt=True),
        _click("ADD", "MODEL", alt=True, shift=True),
        _click("TAKE", "MODEL", alt=True, ctrl=True),
        *(
            ("segaddon.retouch_key", {"type": key, "value": "PRESS"}, None)
            for key in ("WHEELUPMOUSE", "WHEELDOWNMOUSE", "RET", "NUMPAD_ENTER", "ESC", "BACK_SPACE")
        ),
    )

    def draw_settings(context, layout, _tool):  # pyright: ignore[reportSelfClsParameterName]  # called without an instance
        layout.prop(context.window_manager.segaddon_masks, "show")


def keys(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """What mouse and keys do now, for the status bar."""
    results = any(
        len(area.spaces.active.image.segaddon.results)
        for area in context.screen.areas
        if area.ui_type == "IMAGE_EDITOR" and area.spaces.active.image is not None
    )
    row = layout.row(align=True)
    if results:
        texts = (("MOUSE_LMB_DRAG", "Before / After"), ("MOUSE_MMB", "Wheel: Candidates"))
        texts += (("EVENT_RETURN", "Accept"), ("EVENT_ESC", "Discard"))
    else:
        texts = (("MOUSE_LMB", "Mask"), ("MOUSE_LMB_DRAG", "Box"), ("EVENT_SHIFT", "Add"), ("EVENT_CTRL", "Take Away"))
        texts += (("EVENT_ALT", "Ask Model"), ("MOUSE_MMB", "Wheel: Candidates"))
        texts += (("EVENT_RETURN", "Accept"), ("EVENT_ESC", "Clear"))
    for icon, text in texts:
        row.label(text=f" {text}  ", icon=icon)


def _status(self: bpy.types.Header, context: bpy.types.Context) -> None:
    """The keys of the tool, while an Image Editor has it."""
    tool = context.workspace.tools.from_space_image_mode("VIEW")
    editors = [area.spaces.active for area in context.screen.areas if area.ui_type == "IMAGE_EDITOR"]
    open_editor = any(space.ui_mode == "VIEW" for space in editors)
    if open_editor and tool is not None and tool.idname == RetouchTool.bl_idname:
        keys(self.layout, context)


def register() -> None:
    """The tool in the Image Editor's toolbar, its keys in the status bar, and what is drawn over pictures."""
    api.set_image_overlay(retouch_overlay.source)
    bpy.types.STATUSBAR_HT_header.prepend(_status)
    bpy.utils.register_tool(RetouchTool, separator=True)


def unregister() -> None:
    bpy.utils.unregister_tool(RetouchTool)
    bpy.types.STATUSBAR_HT_header.remove(_status)
    api.set_image_overlay(None)
    retouch_masks.forget()
    retouch_overlay.dragged.clear()


CLASSES = (SEGADDON_OT_retouch_point, SEGADDON_OT_retouch_key, SEGADDON_OT_retouch_pick)
