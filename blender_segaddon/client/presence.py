"""Being counted by the server, and hearing how it does, for as long as this program may want it."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import Future

from ..protocol.codec import from_json, load
from ..protocol.errors import SegAddonError
from ..protocol.messages import ModelInfo, ServerInfo, ServerState
from .endpoint import ConnectionBrokenError
from .finding import Finder
from .http import RefusedError, exchange
from .launch import reap
from .network import network

_SILENCE_SECONDS = 10.0
"""Five of the server's states."""
_MODELS_SECONDS = 20.0
"""Between two looks at which models there are: they may be got while the server runs."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 5.0
"""Between two looks for a server; one starts only with a job."""


class Presence:
    """A stream that is held open to whatever server runs. Starts none."""

    def __init__(self, finder: Finder) -> None:
        self._finder = finder
        self._future: Future[None] | None = None
        self.state: ServerState | None = None
        """what the server said last; None while there is none"""
        self.models: tuple[ModelInfo, ...] = ()
        """what the server can draw with, or could; kept while it is away"""
        self.loras: tuple[str, ...] = ()
        """names of the LoRAs that it has"""
        self.segmenters: tuple[str, ...] = ()
        """what it makes masks with, the best first; kept while it is away"""
        self.problem = ""
        """why a server that runs cannot be used, one line"""

    def start(self) -> None:
        """Begin; nothing where it has begun."""
        if self._future is None or self._future.done():
            self._future = network.start(self._run())

    def stop(self) -> None:
        """Be present no more."""
        future, self._future = self._future, None
        if future:
            future.cancel()

    async def _run(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            heard = await self._attend()
            reap()
            self.state = None
            pause = _FIRST_PAUSE if heard else min(pause * 2, _LONGEST_PAUSE)
            await asyncio.sleep(pause)

    async def _attend(self) -> bool:
        """Listen to the server until it ends; whether there was one."""
        try:
            found = await self._finder.probe()
            self.problem = ""
            if found is None:
                return False
            looked = self._note(found[1])
            async with exchange(found[0], "GET", "/v1/presence", timeout=_SILENCE_SECONDS) as reply:
                async for line in reply.lines():
                    if line.startswith(b"data:"):
                        self.state = from_json(ServerState, load(line[5:]), ignore_unknown=True)
                    if time.monotonic() - looked > _MODELS_SECONDS and (found := await self._finder.probe()):
                        looked = self._note(found[1])
        except ConnectionBrokenError:
            return self.state is not None
        except RefusedError as refused:
            self.problem = str(refused.user_error())
        except SegAddonError as error:
            self.problem = str(error)
        return self.state is not None

    def _note(self, info: ServerInfo) -> float:
        """Note what the server has; when that was."""
        self.models, self.loras, self.segmenters = info.models, info.loras, info.segmenters
        return time.monotonic()
