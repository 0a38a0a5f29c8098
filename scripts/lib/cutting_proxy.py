"""A connection to the server that breaks where a test wants it to."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from pathlib import Path

Cut = Callable[[bytes, bytes], bytes | None]
"""(request line, a piece of the reply) -> what of the piece is passed on before the connection breaks; None: all of it,
and the connection stays."""


class CuttingProxy:
    """Listens on ``path`` and passes every connection on to the Unix socket ``target``; a context manager."""

    def __init__(self, path: Path, target: str, cut: Cut) -> None:
        self._target = target
        self._cut = cut
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(16)
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def __enter__(self) -> CuttingProxy:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept
        self._listener.close()
        for thread in self._threads:
            thread.join(5)
            assert not thread.is_alive()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                thread = threading.Thread(target=self._serve, args=(client,))
                self._threads.append(thread)
                thread.start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server, contextlib.suppress(OSError):
            server.connect(self._target)
            first = client.recv(65536)
            server.sendall(first)
            upward = threading.Thread(target=self._pump_up, args=(client, server))
            upward.start()
            self._pump_down(first.partition(b"\r\n")[0], server, client)
            for end in (client, server):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            upward.join()

    def _pump_up(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                server.sendall(data)
            server.shutdown(socket.SHUT_RDWR)

    def _pump_down(self, request: bytes, server: socket.socket, client: socket.socket) -> None:
        while data := server.recv(65536):
            passed = self._cut(request, data)
            client.sendall(data if passed is None else passed)
            if passed is not None:
                return
