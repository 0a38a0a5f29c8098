# No "from __future__ import annotations" here: Blender reads the annotations themselves.
"""Where the bridge server is: on this machine, started on demand, or on another one."""

from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from . import api
from .panels.setup import draw_installation

_NAMES = {
    "cuda": ("NVIDIA (CUDA)", "For NVIDIA's cards, from the GTX 10 series on"),
    "rocm": ("AMD (ROCm)", "For AMD's cards under Linux"),
    "mps": ("Apple Silicon (MPS)", "For the GPU of M1 and newer"),
    "cpu": ("CPU", "No GPU: minutes for a picture"),
}
_ACCELERATORS = [
    ("AUTO", "Automatic", "What is found in this machine"),
    *((one.upper(), *_NAMES[one]) for one in api.accelerators()),
]


def apply(preferences: "Preferences") -> None:
    """Hand the values down to the scripting interface."""
    python = preferences.server_python
    folder = preferences.state_dir
    api.configure(
        api.Connection(
            server_command=(bpy.path.abspath(python), "-m", "bridge_server") if python else None,
            state_dir=Path(bpy.path.abspath(folder)) if folder else None,
            address=preferences.address.strip() or None,
            token=preferences.token.strip() or None,
            certificate=Path(bpy.path.abspath(preferences.certificate)) if preferences.certificate else None,
            fingerprint=preferences.fingerprint,
            end_with_us=bpy.app.background,
        )
    )
    api.configure_storing(api.Storing(preferences.storing.lower(), preferences.storing_template))


class Preferences(bpy.types.AddonPreferences):
    bl_idname = __package__ or "blender_segaddon"

    server_python: StringProperty(
        name="Server Python",
        description="Python where the bridge server is installed; empty to paint previews in Blender",
        subtype="FILE_PATH",
        update=lambda self, _context: apply(self),
    )
    state_dir: StringProperty(
        name="Server Folder",
        description="Where the server keeps its socket and token; empty for the usual place",
        subtype="DIR_PATH",
        update=lambda self, _context: apply(self),
    )

    address: StringProperty(
        name="Remote Server",
        description="https://host:port of a server on another machine; empty to use one on this machine",
        update=lambda self, _context: apply(self),
    )
    token: StringProperty(
        name="Token",
        description="The remote server's token: the content of the file 'token' in its folder",
        subtype="PASSWORD",
        update=lambda self, _context: apply(self),
    )
    certificate: StringProperty(
        name="Certificate",
        description="File (PEM) with the certificate of the remote server or its authority; empty to ask the system",
        subtype="FILE_PATH",
        update=lambda self, _context: apply(self),
    )
    fingerprint: StringProperty(
        name="Fingerprint",
        description="SHA-256 of the remote server's certificate, instead of a certificate file",
        update=lambda self, _context: apply(self),
    )

    with_models: BoolProperty(
        name="For Models",
        description="With torch and diffusers, which models run on; without, the server paints previews, fills and "
        "masks by clicks",
        default=True,
    )
    accelerator: EnumProperty(
        name="Compute On",
        description="What models run on: decides which build of torch is installed",
        items=_ACCELERATORS,
    )
    torch_source: EnumProperty(
        name="Torch From",
        description="Package index with the build of torch; all other packages come from where pip is set to look",
        items=[
            ("MAKERS", "pytorch.org", "The index of its makers, or the usual package index where that has the build"),
            ("PIP", "As pip is Set", "Where pip is configured to look: a mirror, a folder of wheels"),
            ("OTHER", "Other Address", "A package index of your choice"),
        ],
    )
    torch_index: StringProperty(name="Address", description="Package index that has torch, https://…/simple")
    install_folder: StringProperty(
        name="Install Into",
        description="Folder for the server and what it runs on; empty for the usual one in your folder for data",
        subtype="DIR_PATH",
    )
    show_guide: BoolProperty(name="First Steps", description="Show the first steps in the sidebar", default=True)

    storing: EnumProperty(
        name="Accepted Pictures",
        description="Where pictures that you accept are kept; packed while the file has not been saved",
        items=[
            ("BESIDE", "Beside the File", "In the folder <name>_seg beside the .blend, with version numbers"),
            (
                "PACKED",
                "In the File",
                "Packed into the .blend: it grows by 4 MB (22 MB in 32 bits) for a 1080p picture",
            ),
            ("TEMPLATE", "By Template", "Where the template says"),
        ],
        default="BESIDE",
        update=lambda self, _context: apply(self),
    )
    storing_template: StringProperty(
        name="Template",
        description="Path without suffix; {blend} and {title} are names, {version} is 001, 002, …",
        default="//{blend}_seg/{title}_v{version}",
        update=lambda self, _context: apply(self),
    )

    def draw(self, context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "storing")
        if self.storing == "TEMPLATE":
            layout.prop(self, "storing_template")
        box = layout.box()
        box.label(text="Server on This Machine")
        draw_installation(box, self, context.region.width)
        self._draw_other(layout)

    def _draw_other(self, layout) -> None:
        """A server that somebody else installed, here or elsewhere."""
        header, body = layout.panel("segaddon_other_server", default_closed=True)
        header.label(text="Another Server")
        if body is None:
            return
        local = body.column()
        local.enabled = not self.address
        local.prop(self, "server_python")
        folder = local.column()
        folder.enabled = bool(self.server_python)
        folder.prop(self, "state_dir")
        body.prop(self, "address", placeholder="https://host:port")
        if self.address:
            remote = body.column()
            remote.prop(self, "token")
            remote.prop(self, "certificate")
            remote.prop(self, "fingerprint")
        if self.server_python or self.address:
            row = body.split(factor=0.4)  # as wide as the labels above
            row.label()
            row.operator("segaddon.check_server", icon="CHECKMARK")
        body.prop(self, "show_guide")


CLASSES = (Preferences,)


def register() -> None:
    addon = bpy.context.preferences.addons.get(__package__ or "")
    if addon is not None and addon.preferences is not None:
        apply(addon.preferences)


def unregister() -> None:
    api.configure(api.DEFAULT_CONNECTION)
    api.configure_storing(api.Storing())
