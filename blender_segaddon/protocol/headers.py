"""HTTP headers and media types of the wire, besides those that HTTP itself defines."""

from __future__ import annotations

BODY_TYPE = "application/octet-stream"
"""A framed body (see ``framing``), or the bytes of a blob."""

PROTOCOL_HEADER = "X-SegAddon-Protocol"
""""major.minor" in every reply; a request that has it is refused when its major version is another."""

PRIORITY_HEADER = "X-SegAddon-Priority"
"""Of a submitted job: interactive (somebody waits for it, the default) or batch."""

DEADLINE_HEADER = "X-SegAddon-Deadline"
"""Of a submitted job: seconds from now after which nobody wants its result; it then ends as expired."""

KEY_HEADER = "Idempotency-Key"
"""Of a submitted job: sent again with the same key (at most 200 characters) it is the same job."""
MAX_KEY = 200
MAX_DEADLINE = 30 * 24 * 3600.0
"""seconds"""
