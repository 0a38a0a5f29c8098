"""The server's state folder: private, locked by one server, with the files by which clients find it."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import socket
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from blender_segaddon.protocol.codec import dump, to_json
from blender_segaddon.protocol.discovery import DISCOVERY_FILE, EXIT_ALREADY_RUNNING, TOKEN_FILE
from blender_segaddon.protocol.errors import BridgeError, InvalidInput, StorageError
from blender_segaddon.protocol.messages import Discovery

LOCK_FILE = "lock"
SOCKET_FILE = "bridge.sock"
MAX_SOCKET_PATH = 103
"""Bytes of a Unix socket's path on macOS, the shortest limit of all systems (Linux: 107)."""


_TAKEN = {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK}
"""What the system says of a lock that somebody else holds."""


class AlreadyRunningError(BridgeError):
    """Another server is in charge of this state folder."""

    code = "already_running"
    exit_code = EXIT_ALREADY_RUNNING


def private_folder(path: Path) -> Path:
    """Make a folder that only this user can enter. Raises StorageError, also when it exists and is open to others."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        facts = path.stat()
    except OSError as error:
        raise StorageError(f"Folder {path} cannot be made: {error.strerror}", "Choose another folder") from error
    if sys.platform == "win32":  # the profile folder is private there
        return path
    if facts.st_uid != os.getuid() or stat.S_IMODE(facts.st_mode) & 0o077:
        shared = facts.st_uid != os.getuid() or facts.st_mode & stat.S_ISVTX  # /tmp and the like: not to be closed
        hint = "Choose a folder of your own" if shared else f"Run: chmod 700 {path} (or choose another folder)"
        raise StorageError(f"Folder {path} is open to other users", hint)
    return path


@contextlib.contextmanager
def locked(state_dir: Path) -> Iterator[None]:
    """Hold the folder's lock, which the system frees when the process dies. Raises AlreadyRunningError."""
    path = state_dir / LOCK_FILE
    handle = _take(path)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # removed while it is held, so that nobody can lock a file that is going
            path.unlink()
        os.close(handle)


def is_locked(state_dir: Path) -> bool:
    """True while a server is in charge of the folder; changes nothing."""
    try:
        handle = os.open(state_dir / LOCK_FILE, os.O_RDWR)
    except OSError:  # no such file, or another user's
        return False
    try:
        _lock(handle)
    except OSError as error:
        return error.errno in _TAKEN
    finally:
        os.close(handle)
    return False


@contextlib.contextmanager
def published(state_dir: Path, discovery: Discovery) -> Iterator[None]:
    """Let clients find the server, until the block ends."""
    path = state_dir / DISCOVERY_FILE
    _write_private(path, dump(to_json(discovery)))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def published_token(state_dir: Path, token: str | None = None) -> Iterator[str]:
    """The bearer token (a fresh one if none is given), in a file that only this user can read until the block ends."""
    token = token or secrets.token_urlsafe(32)
    path = state_dir / TOKEN_FILE
    _write_private(path, token.encode())
    try:
        yield token
    finally:
        path.unlink(missing_ok=True)


def socket_path(state_dir: Path, asked: Path | None) -> Path:
    """Where the Unix socket goes, its folder made and private. Raises InvalidInput for an asked path that is too long.

    A state folder deep down gets a short path in the folder for temporary files.
    """
    if asked is None:
        asked = state_dir / SOCKET_FILE
        if len(os.fsencode(asked)) > MAX_SOCKET_PATH:
            name = hashlib.sha256(os.fsencode(state_dir)).hexdigest()[:12]
            asked = _runtime_dir() / f"segaddon-{os.getuid()}-{name}" / SOCKET_FILE
    if len(os.fsencode(asked)) > MAX_SOCKET_PATH:
        raise InvalidInput(f"The socket's path {asked} is too long", f"Use at most {MAX_SOCKET_PATH} bytes")
    private_folder(asked.parent)
    return asked


def remove_stale_socket(path: Path) -> None:
    """Remove what a server that was killed left at ``path``; nothing else is ever removed.

    Raises InvalidInput for a file or folder that is no socket, AlreadyRunningError for a socket that answers.
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise InvalidInput(f"{path} is in the way of the server's socket", "Choose another --socket, or move it away")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            path.unlink(missing_ok=True)
            return
    raise AlreadyRunningError(f"A server listens at {path} already", "Use that server, or another --socket")


def remove_socket(path: Path, state_dir: Path) -> None:
    """Remove the socket, and the folder that was made for a short path."""
    path.unlink(missing_ok=True)
    if path.parent != state_dir and path.parent.name.startswith("segaddon-"):
        with contextlib.suppress(OSError):
            path.parent.rmdir()


def _runtime_dir() -> Path:
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
    return runtime if runtime.is_absolute() and runtime.is_dir() else Path(tempfile.gettempdir())


def _write_private(path: Path, data: bytes) -> None:
    """Write a whole file at once, readable by this user alone. Raises StorageError."""
    new = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
        new.replace(path)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise StorageError(f"File {path} cannot be written: {error.strerror}", "Free some disk space") from error


def _take(path: Path) -> int:
    """Open and lock a file; the handle. Raises AlreadyRunningError, StorageError."""
    while True:
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StorageError(f"File {path} cannot be written: {error.strerror}", "Check the folder") from error
        try:
            _lock(handle)
            if os.path.samestat(os.fstat(handle), path.stat()):
                return handle
        except FileNotFoundError:
            pass
        except OSError as error:
            os.close(handle)
            raise _lock_error(path, error) from error
        os.close(handle)  # the server before us removed the file between open and lock


def _lock_error(path: Path, error: OSError) -> Exception:
    if error.errno in _TAKEN:
        hint = "Use that server, or another --state-dir"
        return AlreadyRunningError(f"A server for {path.parent} is running already", hint)
    hint = "Choose a --state-dir on a disk of this machine; network file systems often cannot lock"
    return StorageError(f"File {path} cannot be locked: {error.strerror}", hint)


if sys.platform == "win32":

    def _lock(handle: int) -> None:
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:

    def _lock(handle: int) -> None:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
