"""AI image generation that understands the 3D scene, inside Blender. No bpy here: the server imports protocol and core."""


def register() -> None:
    """Called by Blender when the add-on is enabled."""
    from . import registration

    registration.register()


def unregister() -> None:
    """Called by Blender when the add-on is disabled; undoes ``register`` in reverse."""
    from . import registration

    registration.unregister()
