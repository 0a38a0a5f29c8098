"""Which server to talk to: the one that runs, or a new one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..protocol.discovery import EXIT_ALREADY_RUNNING, read_discovery, read_token
from ..protocol.errors import BridgeUnavailable, InvalidInput
from ..protocol.framing import check_protocol
from ..protocol.messages import ServerInfo
from .endpoint import ConnectionBrokenError, Endpoint
from .http import RefusedError, exchange
from .launch import ServerProcess, launching

_LOOK_SECONDS = 0.02
"""Between two looks at whether a server that was started answers."""
_RELAUNCH_SECONDS = 0.3
_INSTALL_HINT = "Install the bridge server from the add-on's preferences, or set SEGADDON_SERVER_PYTHON"
_TOKEN_HINT = "Copy the token that the server's own folder holds into the preferences"


class Finder:
    """Finds the user's server by its discovery file, and starts one where none runs; or asks at a fixed address.

    Lives on the network thread, but for ``close``.
    """

    def __init__(
        self, command: Sequence[str] | None, state_dir: Path, remote: Endpoint | None, end_with_us: bool
    ) -> None:
        self._command = command
        self._state_dir = state_dir
        self._remote = remote
        self._end_with_us = end_with_us
        self._starting = asyncio.Lock()
        self._process: ServerProcess | None = None
        self._known: Endpoint | None = None
        """the server that answered last"""

    def close(self) -> None:
        """End the server if it was started here to end with us; else nothing."""
        process, self._process = self._process, None
        if process and self._end_with_us:
            process.end()

    async def probe(self) -> tuple[Endpoint, ServerInfo] | None:
        """The live server, None when there is none or it is ending. Raises BridgeError, ProtocolMismatch."""
        found = read_discovery(self._state_dir) if self._remote is None else None
        if found is None and self._remote is None:
            return None
        endpoint = self._remote or Endpoint(found.address, read_token(self._state_dir))  # pyright: ignore
        try:
            async with exchange(endpoint, "GET", "/v1/info", timeout=5.0) as reply:
                info = await reply.message(ServerInfo)
        except ConnectionBrokenError:
            return None
        except InvalidInput:
            if found:  # asked only of a server that lives: what a dead one left says nothing
                check_protocol(found.protocol_version)
            raise
        except RefusedError as refused:
            if self._remote is None or refused.problem.retryable:
                return None  # ending, or another one has taken its place and our token is the old one's
            raise _refused(refused, endpoint) from None
        check_protocol(info.protocol_version)
        self._known = endpoint
        return endpoint, info

    async def endpoint(self) -> Endpoint:
        """The server that answered last, without asking it again until ``doubt``; else as ``ensure``."""
        return self._known or (await self.ensure())[0]

    def doubt(self) -> None:
        """Whoever talked to the server has heard that it is gone, ending, or another one."""
        self._known = None

    async def ensure(self, timeout: float = 30.0) -> tuple[Endpoint, ServerInfo]:
        """The live server, started if need be. Raises BridgeUnavailable with the end of its log, StorageError, …"""
        async with self._starting:
            return await self.probe() or await self._start(timeout)

    async def _start(self, timeout: float) -> tuple[Endpoint, ServerInfo]:
        if self._remote is not None:
            message = f"No bridge server answers at {self._remote.address}"
            raise BridgeUnavailable(message, "Start it, or check the address")
        if self._command is None:
            raise BridgeUnavailable("No bridge server is running and none is installed", _INSTALL_HINT)
        deadline = time.monotonic() + timeout
        async with launching(self._state_dir, timeout):
            return await self.probe() or await self._launched(self._command, deadline)

    async def _launched(self, command: Sequence[str], deadline: float) -> tuple[Endpoint, ServerInfo]:
        process = self._launch(command)
        while time.monotonic() < deadline:
            if found := await self.probe():
                return found
            if process.exit_status == EXIT_ALREADY_RUNNING:  # another one is starting, or ending
                await asyncio.sleep(_RELAUNCH_SECONDS)
                if found := await self.probe():
                    return found
                process = self._launch(command)
            elif process.exit_status is not None:
                said = process.log_tail() or f"exit status {process.exit_status}"
                raise BridgeUnavailable(f"The bridge server ended at its start: {said}", "See server.log for the rest")
            await asyncio.sleep(_LOOK_SECONDS)
        process.kill()
        raise BridgeUnavailable("The bridge server did not answer in time", "See server.log")

    def _launch(self, command: Sequence[str]) -> ServerProcess:
        if self._process:
            self._process.let_go()
        self._process = ServerProcess(command, self._state_dir, self._end_with_us)
        return self._process


def _refused(refused: RefusedError, endpoint: Endpoint) -> Exception:
    if refused.problem.status == 401:
        text = f"The server at {endpoint.address} refuses the token: it is missing or wrong"
        refused = RefusedError(replace(refused.problem, detail=text, hints=(_TOKEN_HINT,)), refused.retry_after)
    return refused.user_error()
