"""AI image generation that understands the 3D scene, inside Blender.

No bpy at import: the server imports protocol and core from here.
"""


def register() -> None:
    """Called by Blender when the add-on is enabled."""
    from . import registration

    registration.register()


def unregister() -> None:
    """Called by Blender when the add-on is disabled; undoes ``register`` in reverse."""
    from . import registration

    registration.unregister()
