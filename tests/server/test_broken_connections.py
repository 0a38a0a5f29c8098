"""Connections that break while the server lives: nothing is lost, nothing is done twice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from blender_segaddon.client import Bridge
from blender_segaddon.protocol.discovery import read_discovery, read_token
from blender_segaddon.protocol.errors import BridgeUnavailable
from blender_segaddon.protocol.messages import Event

from .cutting_proxy import Cut, CuttingProxy
from .support import rehearsal


@contextmanager
def cut_off(home: Path, folder: Path, cut: Cut) -> Iterator[Bridge]:
    """A bridge whose connections to the server of ``home`` go through a proxy."""
    found = read_discovery(home)
    assert found
    path = folder / "proxy.sock"
    with CuttingProxy(path, found.address.removeprefix("unix:"), cut):
        yield Bridge(address=f"unix:{path}", token=read_token(home), patience=1.0)


def test_a_stream_that_is_cut_misses_no_event(shared: Bridge, shared_home: Path, tmp_path: Path):
    streams: list[bytes] = []

    def cut(request: bytes, piece: bytes) -> bytes | None:
        if b"/events" not in request or b"\ndata:" not in piece:
            return None
        streams.append(request)
        return piece

    heard: list[Event] = []
    with cut_off(shared_home, tmp_path, cut) as bridge:
        _, (image,) = bridge.run(rehearsal("8 0.06", seed=4), on_event=heard.append)
    assert int(image.max()) == 4
    assert [event.number for event in heard] == list(range(1, len(heard) + 1))
    assert heard[-1].state == "succeeded"
    assert len(streams) > 3


def test_a_job_whose_receipt_is_lost_is_not_run_twice(shared: Bridge, shared_home: Path, tmp_path: Path):
    receipts: list[bytes] = []

    def cut(request: bytes, piece: bytes) -> bytes | None:
        if request.startswith(b"POST"):
            found = re.findall(rb'"id":"(\w+)"', piece)  # headers and body may come as two pieces
            receipts.extend(found)
            return b"" if found and len(receipts) == 1 else None
        return None

    with cut_off(shared_home, tmp_path, cut) as bridge:
        _, (image,) = bridge.run(rehearsal("1 0.01", seed=6))
    assert int(image.max()) == 6
    assert len(receipts) == 2
    assert receipts[0] == receipts[1]


def test_a_result_that_breaks_off_is_asked_for_again(shared: Bridge, shared_home: Path, tmp_path: Path):
    results: list[bytes] = []

    def cut(request: bytes, piece: bytes) -> bytes | None:
        if b"/result" in request:
            results.append(piece)
            return piece[:-30] if len(results) == 1 else None
        return None

    with cut_off(shared_home, tmp_path, cut) as bridge:
        _, (image,) = bridge.run(rehearsal(seed=8))
    assert int(image.max()) == 8


def test_a_connection_that_never_holds_is_reported(shared: Bridge, shared_home: Path, tmp_path: Path):
    def cut(request: bytes, _piece: bytes) -> bytes | None:
        return b"" if b"/events" in request else None

    with (
        cut_off(shared_home, tmp_path, cut) as bridge,
        pytest.raises(BridgeUnavailable, match="again and again"),
    ):
        bridge.run(rehearsal())
