"""What a monitoring system reads: counters and gauges in Prometheus' text format (0.0.4), written by hand.

Nothing in it names a job, a prompt or a user.
"""

from __future__ import annotations

import os
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from blender_segaddon.protocol.version import ADDON_VERSION, PROTOCOL_VERSION

if TYPE_CHECKING:
    from .routes.service import Service

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE"})
Labels = tuple[tuple[str, str], ...]
Samples = Iterable[tuple[Labels, float]]


class Metrics:
    """Counts the requests of a server."""

    def __init__(self) -> None:
        self.requests: Counter[Labels] = Counter()
        """by method, route and status"""
        self.seconds: defaultdict[Labels, float] = defaultdict(float)
        """time until the reply began, by method and route"""
        self.encodings: Counter[str] = Counter()
        """how often each segmenter looked at a picture"""
        self.under_way = 0

    def around(self, app: ASGIApp) -> ASGIApp:
        """ASGI middleware that counts the requests of ``app``."""

        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            began = time.perf_counter()

            async def noted(message: Message) -> None:
                if message["type"] == "http.response.start":
                    self._note(scope, message["status"], time.perf_counter() - began)
                await send(message)

            self.under_way += 1
            try:
                await app(scope, receive, noted)
            finally:
                self.under_way -= 1

        return counted

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        labels = (("method", method), ("route", scope.get("segaddon.route", "none")))
        self.requests[(*labels, ("status", str(status)))] += 1
        self.seconds[labels] += seconds


def text(service: Service) -> str:
    """Everything that is measured, as one page."""
    lines: list[str] = []
    for name, kind, help, samples in _families(service):
        lines += [f"# HELP {name} {help}", f"# TYPE {name} {kind}"]
        lines += [f"{name}{_labels(labels)} {value:.10g}" for labels, value in samples]
    return "\n".join([*lines, ""])


def resident_bytes() -> int:
    """Memory of this process, 0 where the system does not say it simply."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def _families(service: Service) -> Iterable[tuple[str, str, str, Samples]]:
    """(name, kind, help, samples) of each."""
    jobs, counted = service.jobs.snapshot(), service.metrics
    versions = (("version", ADDON_VERSION), ("protocol", ".".join(map(str, PROTOCOL_VERSION))))
    yield "segaddon_info", "gauge", "Versions.", _one(1, versions)
    yield "segaddon_uptime_seconds", "gauge", "Since the start.", _one(time.monotonic() - service.started)
    yield "segaddon_jobs_waiting", "gauge", "Jobs that wait.", _by("priority", jobs.queued)
    yield "segaddon_jobs_waiting_bytes", "gauge", "Their bodies.", _one(jobs.queued_bytes)
    yield "segaddon_jobs_oldest_wait_seconds", "gauge", "How long the oldest has waited.", _one(jobs.oldest_wait)
    yield "segaddon_jobs_running", "gauge", "Jobs that run.", _one(jobs.running)
    yield "segaddon_jobs_ended_total", "counter", "Jobs that ended, by how.", _by("state", jobs.ended)
    yield "segaddon_jobs_kept", "gauge", "Finished jobs that are remembered.", _one(jobs.kept)
    yield "segaddon_results_bytes", "gauge", "Their results on disk.", _one(jobs.kept_bytes)
    yield "segaddon_requests_total", "counter", "Requests answered.", counted.requests.items()
    yield "segaddon_request_seconds_total", "counter", "Time until replies began.", counted.seconds.items()
    yield "segaddon_requests_under_way", "gauge", "Requests being answered.", _one(counted.under_way)
    yield "segaddon_encodings_total", "counter", "Looks at pictures for masks.", _by("segmenter", counted.encodings)
    yield "segaddon_resident_bytes", "gauge", "Memory of the server, without its workers.", _one(resident_bytes())


def _one(value: float, labels: Labels = ()) -> Samples:
    return [(labels, value)]


def _by(label: str, values: Mapping[Any, float]) -> Samples:
    return [(((label, str(name)),), value) for name, value in sorted(values.items())]


def _labels(labels: Labels) -> str:
    inner = ",".join(f'{name}="{value}"' for name, value in labels)  # no value of ours needs escaping
    return f"{{{inner}}}" if inner else ""
