"""Where a server is, what opens it, and how to know that it is the right one."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import ssl
import sys
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

from ..protocol.errors import BridgeError, InvalidInput

_READ_AHEAD = 1 << 20
"""Bytes of a reply that are taken from the system before they are asked for."""


class ConnectionBrokenError(Exception):
    """Nobody answers, or the server went away in the middle. Never leaves this package."""


@dataclass(frozen=True)
class Endpoint:
    """A server's address and the token that opens it."""

    address: str
    """unix:/path, http://127.0.0.1:port, or https://host:port"""
    token: str
    certificate: Path | None = None
    """PEM file of the server's certificate or of its authority; None: what the system trusts"""
    fingerprint: str = ""
    """SHA-256 of the server's certificate in hex, colons allowed; nothing else of it is checked then"""

    def __post_init__(self) -> None:
        parts = self._parts
        if parts.scheme == "http" and parts.hostname and not is_loopback(parts.hostname):
            raise InvalidInput(
                f"{self.address} is another machine, and http would show it the token and every picture in clear",
                "Use https, with the server's certificate",
            )
        usable = parts.path if parts.scheme == "unix" else parts.hostname and parts.scheme in ("http", "https")
        if not usable:
            raise InvalidInput(f"{self.address!r} is no address", "Use unix:/path, http://127.0.0.1:port or https://…")

    @property
    def host(self) -> str:
        """What the server is called in a request."""
        return "localhost" if self._parts.scheme == "unix" else self._parts.netloc

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """An open connection to the right server. Raises OSError, BridgeError."""
        parts = self._parts
        if parts.scheme == "unix":
            if sys.platform == "win32":
                raise InvalidInput("Unix sockets are not served on Windows", "Use http://127.0.0.1:port")
            return await asyncio.open_unix_connection(parts.path, limit=_READ_AHEAD)
        secure = self._context() if parts.scheme == "https" else None
        port = self._parts.port or (443 if secure else 80)
        reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=secure, limit=_READ_AHEAD)
        if secure and self.fingerprint:
            self._check_fingerprint(writer)
        return reader, writer

    @property
    def _parts(self) -> urllib.parse.SplitResult:
        try:
            parts = urllib.parse.urlsplit(self.address)
            _ = parts.port  # raises for what is no port
        except ValueError as error:
            raise InvalidInput(f"{self.address!r} is no address: {error}", "Use https://host:port") from error
        return parts

    def _context(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self.certificate)
        except (OSError, ssl.SSLError) as error:
            raise InvalidInput(f"{self.certificate} cannot be used: {error}", "Give a PEM file") from error
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.fingerprint:  # the certificate itself is known: no name, authority or date says more
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def _check_fingerprint(self, writer: asyncio.StreamWriter) -> None:
        """Before a byte is sent: the token must not reach another server."""
        shown = hashlib.sha256(writer.get_extra_info("ssl_object").getpeercert(binary_form=True)).hexdigest()
        wanted = self.fingerprint.replace(":", "").replace(" ", "").lower()
        if not hmac.compare_digest(shown.encode(), wanted.encode()):
            writer.transport.abort()
            raise BridgeError(
                f"The server at {self.address} shows another certificate ({shown[:16]}…) than the known one",
                "Check that it is your server, then give its new fingerprint",
            )


def is_loopback(host: str) -> bool:
    """True for this machine under a name that cannot lead elsewhere."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
