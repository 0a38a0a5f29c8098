# No "from __future__ import annotations" here: Blender reads the annotations themselves.
"""Where the bridge server is: on this machine, started on demand, or on another one."""

from pathlib import Path

import bpy
from bpy.props import EnumProperty, StringProperty

from . import api


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

    def draw(self, _context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "storing")
        if self.storing == "TEMPLATE":
            layout.prop(self, "storing_template")
        local = layout.column()
        local.enabled = not self.address
        local.prop(self, "server_python")
        folder = local.column()
        folder.enabled = bool(self.server_python)
        folder.prop(self, "state_dir")
        layout.prop(self, "address", placeholder="https://host:port")
        if self.address:
            remote = layout.column()
            remote.prop(self, "token")
            remote.prop(self, "certificate")
            remote.prop(self, "fingerprint")
        row = layout.split(factor=0.4)  # as wide as the labels above
        row.label()
        if self.server_python or self.address:
            row.operator("segaddon.check_server", icon="CHECKMARK")
        else:
            row.label(text="Previews are painted in Blender", icon="INFO")


CLASSES = (Preferences,)


def register() -> None:
    addon = bpy.context.preferences.addons.get(__package__ or "")
    if addon is not None and addon.preferences is not None:
        apply(addon.preferences)


def unregister() -> None:
    api.configure(api.DEFAULT_CONNECTION)
    api.configure_storing(api.Storing())
