"""Everything that Blender is told about the add-on, in one order; ``unregister`` undoes it in reverse."""


def register() -> None:
    """Registers the add-on's classes."""


def unregister() -> None:
    """Undoes ``register`` in reverse."""
