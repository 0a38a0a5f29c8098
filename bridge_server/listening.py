"""Where the server listens: its socket, the address that clients are told, the names it goes by, TLS."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from blender_segaddon.protocol.errors import BridgeError, InvalidInput, StorageError

from . import state
from .settings import Settings, is_loopback

_BACKLOG = 128
_MIN_TOKEN = 32


@dataclass(frozen=True)
class Listener:
    """An open listening socket."""

    socket: socket.socket
    address: str
    """as in ``Discovery``"""
    hosts: tuple[str, ...]
    """what requests may name as Host"""
    tls: ssl.SSLContext | None = None


@contextlib.contextmanager
def listening(settings: Settings) -> Iterator[Listener]:
    """Listen until the block ends. Raises InvalidInput, StorageError, BridgeError, AlreadyRunningError."""
    tls = tls_context(settings)
    if settings.listen:
        with _bound_tcp(*settings.address) as sock:
            names = _names(settings)
            port = sock.getsockname()[1]
            address = f"{'https' if tls else 'http'}://{names[0]}:{port}"
            yield Listener(sock, address, tuple(f"{name}:{port}" for name in names), tls)
        return
    path = state.socket_path(settings.state_dir, settings.socket)
    state.remove_stale_socket(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        _bind_private(sock, path)
        sock.listen(_BACKLOG)
        try:
            yield Listener(sock, f"unix:{path}", ("localhost",))
        finally:
            state.remove_socket(path, settings.state_dir)


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """TLS 1.2 and newer with the certificate of the settings, None without one. Raises InvalidInput."""
    if settings.tls_cert is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(settings.tls_cert, settings.tls_key, password=_no_password)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        reason = getattr(error, "strerror", None) or str(error)
        raise InvalidInput(
            f"TLS cannot be set up with {settings.tls_cert} and {settings.tls_key}: {reason}",
            "Check that both are PEM files that belong together, the key without a password",
        ) from error
    return context


def read_token(path: Path) -> str:
    """The token of a file that this user alone can read. Raises InvalidInput, StorageError."""
    try:
        mode, text = path.stat().st_mode, path.read_text("ascii").strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no ASCII text"
        raise StorageError(f"Token file {path} cannot be read: {reason}", "Check token_file") from error
    if sys.platform != "win32" and stat.S_IMODE(mode) & 0o077:
        raise InvalidInput(f"Other users can read the token file {path}", f"Run: chmod 600 {path}")
    if len(text) < _MIN_TOKEN or not text.isprintable() or " " in text:
        hint = f"Put at least {_MIN_TOKEN} random letters and digits there, for example from: openssl rand -hex 32"
        raise InvalidInput(f"The token in {path} is too short or holds spaces", hint)
    return text


def _names(settings: Settings) -> tuple[str, ...]:
    """The names of a server on TCP, the one for its address first."""
    host, _ = settings.address
    if is_loopback(host):
        return ("[::1]" if host == "::1" else "127.0.0.1" if host == "localhost" else host, "localhost")
    own = () if host in ("0.0.0.0", "::") else (f"[{host}]" if ":" in host else host,)
    return tuple(dict.fromkeys((*own, *settings.host_names)))


def _no_password() -> str:
    """Called for an encrypted key; without it OpenSSL would ask at the terminal."""
    raise ValueError("the key has a password")


def _bind_private(sock: socket.socket, path: Path) -> None:
    mask = os.umask(0o177)
    try:
        sock.bind(str(path))
    except OSError as error:
        raise StorageError(f"Socket {path} cannot be made: {error.strerror}", "Choose another --socket") from error
    finally:
        os.umask(mask)


def _bound_tcp(host: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":  # there it would let another program take the port over
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        message = f"The server cannot listen at {host}, port {port}: {error.strerror}"
        raise BridgeError(message, "Choose an address of this machine and a free port, or port 0") from error
    return sock
