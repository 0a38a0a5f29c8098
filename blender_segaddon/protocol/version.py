"""The one place where the versions stand."""

ADDON_VERSION = "0.1.0"
"""Version of the add-on and the bridge server, which are released together (semantic versioning)."""

PROTOCOL_VERSION = (1, 0)
"""(major, minor) of the wire. Another major version is refused on both sides. A minor one adds optional fields,
which travel only when they are set; a side that does not know one that is set refuses the request."""
