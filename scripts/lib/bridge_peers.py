"""Ways to send maps up and a picture down, to compare the bridge with: their servers, and their clients.

``python -m scripts.lib.bridge_peers FOLDER`` serves all of them: a raw framed TCP socket (its port in FOLDER/port) and
HTTP over the Unix socket FOLDER/http.sock, with the settings of the bridge server. PNGs are written at level 1; ids and
depth travel as RGBA, byte for byte. Every way carries the same values exactly.
"""

from __future__ import annotations

import base64
import http.client
import io
import json
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
from PIL import Image

from blender_segaddon.client.endpoint import Endpoint
from blender_segaddon.client.http import exchange
from blender_segaddon.client.network import network
from bridge_server.serving import http_config
from bridge_server.settings import Settings

NAMES = ("rgb", "ids", "depth")
_BOUNDARY = b"\r\n--segaddon-bench\r\n"


@dataclass(frozen=True)
class Maps:
    """What goes up."""

    rgb: np.ndarray
    """uint8 H×W×3; as large as the picture that comes down"""
    ids: np.ndarray
    """uint32 H×W"""
    depth: np.ndarray
    """float32 H×W"""

    @property
    def parts(self) -> list[memoryview]:
        """The bytes of the three."""
        return [array.reshape(-1).view(np.uint8).data for array in (self.rgb, self.ids, self.depth)]


def png(array: np.ndarray) -> bytes:
    """A PNG at level 1; 32-bit values as RGBA."""
    pixels = array if array.ndim == 3 else array.view(np.uint8).reshape(*array.shape, 4)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=1)
    return out.getvalue()


def unpng(data: bytes) -> np.ndarray:
    """The pixels of a PNG."""
    return np.asarray(Image.open(io.BytesIO(data)))


def receive(connected: socket.socket, size: int) -> bytearray:
    """Exactly ``size`` bytes into fresh memory."""
    data = bytearray(size)
    view = memoryview(data)
    while view:
        count = connected.recv_into(view)
        if not count:
            raise ConnectionError("the other side is gone")
        view = view[count:]
    return data


class Peers:
    """The clients. ``folder``: where the servers are."""

    def __init__(self, folder: Path) -> None:
        self._port = int((folder / "port").read_text())
        self._socket = folder / "http.sock"

    def raw(self, maps: Maps) -> np.ndarray:
        """Length and bytes over TCP, the same back: what any transport has to pay."""
        with socket.create_connection(("127.0.0.1", self._port)) as connected:
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connected.sendall(np.array([maps.rgb.nbytes, sum(map(len, maps.parts))], "<u8").tobytes())
            for part in maps.parts:
                connected.sendall(part)
            return np.frombuffer(receive(connected, maps.rgb.nbytes), np.uint8).reshape(maps.rgb.shape)

    def transport(self, maps: Maps) -> np.ndarray:
        """The bridge's own way, without a job: raw buffers over HTTP."""

        async def call() -> bytearray:
            body = [maps.rgb.nbytes.to_bytes(16, "little"), *maps.parts]
            async with exchange(Endpoint(f"unix:{self._socket}", ""), "POST", "/transport", body=body) as reply:
                return await reply.bytes()

        return np.frombuffer(network.start(call()).result(), np.uint8).reshape(maps.rgb.shape)

    def base64_png(self, maps: Maps) -> np.ndarray:
        """JSON that holds PNGs in base64, as most web interfaces do it."""
        pngs = {name: base64.b64encode(png(getattr(maps, name))).decode() for name in NAMES}
        return unpng(base64.b64decode(json.loads(self._post("/base64", json.dumps(pngs).encode()))["image"]))

    def multipart_png(self, maps: Maps) -> np.ndarray:
        """PNGs as the parts of a form."""
        return unpng(self._post("/multipart", _BOUNDARY.join(png(getattr(maps, name)) for name in NAMES)))

    def _post(self, path: str, body: bytes) -> bytes:
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(self._socket))
        connection.request("POST", path, body)
        try:
            return connection.getresponse().read()
        finally:
            connection.close()


def _answer_raw(listener: socket.socket) -> None:
    while True:
        connected, _ = listener.accept()
        with connected:
            down, up = np.frombuffer(receive(connected, 16), "<u8").tolist()
            connected.sendall(receive(connected, up)[:down])


def _answer_transport(body: bytearray) -> memoryview:
    return memoryview(body)[16 : 16 + int.from_bytes(body[:16], "little")]


def _answer_base64(body: bytearray) -> bytes:
    maps = {name: unpng(base64.b64decode(text)) for name, text in json.loads(bytes(body)).items()}
    return json.dumps({"image": base64.b64encode(png(maps["rgb"])).decode()}).encode()


def _answer_multipart(body: bytearray) -> bytes:
    rgb, *_ = [unpng(part) for part in bytes(body).split(_BOUNDARY)]
    return png(rgb)


_ANSWERS: dict[str, Callable[[bytearray], bytes | memoryview]] = {
    "/transport": _answer_transport,
    "/base64": _answer_base64,
    "/multipart": _answer_multipart,
}


async def _app(scope: dict[str, Any], receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
    """ASGI: the whole body, then the whole answer in slices."""
    body, more = bytearray(), True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    answer = memoryview(_ANSWERS[scope["path"]](body))
    headers = [(b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for start in range(0, len(answer), 1 << 20):
        await send({"type": "http.response.body", "body": answer[start : start + (1 << 20)], "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def serve(folder: Path) -> None:
    """Serve until standard input closes."""
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_answer_raw, args=(listener,), daemon=True).start()
    (folder / "port").write_text(str(listener.getsockname()[1]))
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(folder / "http.sock"))
        unix.listen()
        server = uvicorn.Server(http_config(_app, Settings(folder)))
        threading.Thread(target=lambda: (sys.stdin.read(), setattr(server, "should_exit", True)), daemon=True).start()
        server.run([unix])


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
