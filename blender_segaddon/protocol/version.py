"""The one place where the versions stand."""

ADDON_VERSION = "0.1.0"
"""Version of the add-on and the bridge server, which are released together (semantic versioning)."""

PROTOCOL_VERSION = (1, 0)
"""(major, minor) of the wire. Another major version is refused on both sides. A minor one adds optional fields: in a
request they travel only when they are set, and a server that does not know one that is set refuses the request (it
would make another picture than the one asked for); in a reply a client passes over what it does not know."""
