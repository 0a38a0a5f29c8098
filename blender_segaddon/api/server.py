"""The bridge server: where it is, how it does, and what it still works on."""

from __future__ import annotations

import bpy

from ..client import settle
from ..flows import generating
from ..flows.generating import Connection
from ..flows.jobs import Job
from ..flows.picture import Picture
from ..flows.sending import Unfinished
from ..protocol.errors import InvalidInput
from ..protocol.messages import ModelInfo, ServerInfo, ServerState
from . import handlers

DEFAULT_CONNECTION = Connection(end_with_us=bpy.app.background)
"""The server is found or started by itself; one that a script started ends with the script."""

_connection = DEFAULT_CONNECTION
_SETTLE_SECONDS = 0.5


def configure(connection: Connection) -> None:
    """Say where the bridge server is; the preferences call this. Without it, it is found or started by itself."""
    global _connection  # noqa: PLW0603  # one add-on, one set of preferences
    if connection != _connection:
        attend_server(False)
        _connection = connection


def connection() -> Connection:
    """What ``configure`` was told last."""
    return _connection


def has_server() -> bool:
    """Whether a server is set up; without one, previews are painted in Blender."""
    return generating.is_installed(_connection)


def check_server() -> ServerInfo | None:
    """Ask the bridge server what it is; it is started when it does not run. None where pictures are painted here.

    Raises:
        BridgeError: it cannot be started or does not answer; the text says why.
    """
    return generating.server_info(_connection)


def attend_server(attend: bool) -> None:
    """Be counted by whatever server runs, so that it stays and ``server_state`` tells how it does. Starts none."""
    sender = generating.sender(_connection)
    if sender is not None:
        presence = sender.bridge.presence
        if attend:
            presence.start()
        else:
            presence.stop()


def leave_server() -> None:
    """Be present no more, and take back what was lent; the network thread ends once no job needs it."""
    sender = generating.sender(_connection)
    if sender is not None:
        sender.bridge.presence.stop()
        sender.bridge.lend_gpu(False)
    settle(_SETTLE_SECONDS)


def end_server() -> None:
    """End the server that this session started to end with it, at once; other programs' servers stay."""
    sender = generating.sender(_connection)
    if sender is not None:
        sender.bridge.close()


def server_state() -> ServerState | str | None:
    """How the server does: what it said last, or one line on why it cannot be used. None where none runs.

    Known only between ``attend_server(True)`` and ``attend_server(False)``; never waits.
    """
    sender = generating.sender(_connection)
    if sender is None:
        return None
    return sender.bridge.presence.problem or sender.bridge.presence.state


def models() -> tuple[ModelInfo, ...]:
    """The models that the server knows, here or not; () where no server has been seen.

    Known as ``server_state`` is, up to 20 seconds old; never waits.
    """
    sender = generating.sender(_connection)
    return () if sender is None else sender.bridge.presence.models


def loras() -> tuple[str, ...]:
    """Names of the LoRAs that the server has, for ``generate``; known as ``models`` is."""
    sender = generating.sender(_connection)
    return () if sender is None else sender.bridge.presence.loras


def lend_gpu(lend: bool) -> None:
    """Have the server keep off the GPU while Blender renders, or take it back. Never waits, starts nothing."""
    sender = generating.sender(_connection)
    if sender is not None:
        sender.bridge.lend_gpu(lend)


def free_gpu() -> None:
    """Free the GPU now: the server ends its worker after the picture under way. The next picture starts it again.

    Raises:
        BridgeUnavailable: no server runs, so that it holds nothing either.
    """
    sender = generating.sender(_connection)
    if sender is not None:
        sender.bridge.free_gpu()


def unfinished() -> list[Unfinished]:
    """Pictures that earlier sessions of any Blender asked for and that nobody has got, oldest first.

    They go on at the server when Blender ends, another file is loaded or the add-on is disabled; a day long.
    """
    sender = generating.sender(_connection)
    return [] if sender is None else sender.unfinished()


def resume(job: Unfinished | str, *, wait: bool = True) -> list[Picture] | Job[list[Picture]]:
    """Wait for pictures that were asked for before, with the maps that they were asked with.

    Args:
        job: one of ``unfinished()``, or its id.
        wait: False returns a ``Job`` at once, whose ``result()`` gives the list.

    Raises:
        InvalidInput: an id that is not among them. BridgeError: the server failed. Cancelled.
    """
    one, there = find_unfinished(job), _connection
    handle = Job(
        lambda on_event, wishes: generating.resume(one, there, on_event, wishes),
        lambda made: handlers.tell(handlers.generated, made),
    )
    return handle.result() if wait else handle


def discard(job: Unfinished | str) -> None:
    """Do not want them any more: the server is told to stop. Raises InvalidInput as ``resume``."""
    sender = generating.sender(_connection)
    if sender is not None:
        sender.forget(find_unfinished(job))


def find_unfinished(job: Unfinished | str) -> Unfinished:
    """One of ``unfinished()`` by its id, or by its own key. Raises InvalidInput."""
    if isinstance(job, Unfinished):
        return job
    for one in unfinished():
        if job and job in (one.id, one.key):
            return one
    raise InvalidInput(f"There is no unfinished picture '{job}'", "unfinished() lists them")
