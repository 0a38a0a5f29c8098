"""The phases of the stress of the bridge server, each a function that gives its figures. See ``scripts.stress``."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import signal
import statistics
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from blender_segaddon.client import Bridge, JobHandle, settle
from blender_segaddon.protocol.discovery import read_discovery, read_token
from blender_segaddon.protocol.errors import BridgeError, Cancelled, JobFailed
from blender_segaddon.protocol.messages import Event

from . import raw_http
from .cutting_proxy import CuttingProxy
from .stress_jobs import Work, digest, rehearsal, works
from .stress_jobs import work as numbered

COMMAND = (sys.executable, "-m", "bridge_server")
_TEST_COMMAND = (
    sys.executable,
    "-c",
    "import sys; from bridge_server.__main__ import main; sys.exit(main([*sys.argv[1:], '--enable-test-generator']))",
)
_IDLE_SECONDS = 20
"""Should this program itself be killed, its servers end soon after."""
_ORDER = ("queued", "loading", "running", "finalizing", "succeeded")
_KILLED = ("worker_died", "interrupted")
"""How a job ends whose worker or server was killed under it twice."""


@dataclass
class Figures:
    """What a phase has counted. Anything in ``wrong`` is a fault."""

    counts: Counter[str] = field(default_factory=Counter)
    values: dict[str, float] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, name: str) -> None:
        """Count one; any thread."""
        with self._lock:
            self.counts[name] += 1

    def fault(self, text: str) -> None:
        """Note what must not be; any thread."""
        with self._lock:
            self.wrong.append(text)


@contextlib.contextmanager
def server(home: Path, command: tuple[str, ...] = COMMAND, **settings: object) -> Iterator[Bridge]:
    """A bridge to a server of this folder, started on demand with these settings; it ends with the block."""
    before = dict(os.environ)
    settings = {"idle_seconds": _IDLE_SECONDS, **settings}
    os.environ |= {f"SEGADDON_{name.upper()}": str(value) for name, value in settings.items()}
    try:
        with Bridge(state_dir=home, server_command=command, end_with_us=True) as bridge:
            bridge.ensure_running()
            yield bridge
            stop(home)
    finally:
        for name in settings:
            del os.environ[f"SEGADDON_{name.upper()}"]
        os.environ |= before


def stop(home: Path) -> None:
    """End the folder's server and wait until it is gone."""
    found = read_discovery(home)
    if found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(found.pid, signal.SIGTERM)
        _until(lambda: not is_alive(found.pid), 30.0)


def mixed_jobs(home: Path, clients: int, jobs: int, seed: int = 0) -> Figures:
    """``jobs`` jobs of all kinds from ``clients`` clients at once: some sent twice, some left and found again, some
    cancelled. Every result is held against one painted here."""
    figures = Figures()
    todo = iter(works(jobs, seed))
    taking = threading.Lock()

    def client(number: int) -> None:
        rng = random.Random(seed * 1000 + number)
        bridge = Bridge(state_dir=home, server_command=COMMAND)
        while True:
            with taking:
                work = next(todo, None)
            if work is None:
                return
            _one_job(bridge, work, rng, figures)

    began = time.monotonic()
    _all_at_once(client, clients)
    figures.values["jobs a second"] = round(jobs / (time.monotonic() - began), 1)
    if sum(figures.counts[name] for name in ("right", "cancelled", "killed twice")) != jobs:
        figures.fault(f"{jobs} jobs were given, these came to an end: {dict(figures.counts)}")
    return figures


def kills(home: Path, clients: int, times: int, seed: int = 0) -> Figures:
    """kill -9 of the worker or the server at ``times`` random moments, while clients keep them busy."""
    figures, rng = Figures(), random.Random(seed)
    over = threading.Event()

    def client(number: int) -> None:
        chance, works = random.Random(seed * 1000 + number), itertools.count()
        bridge = Bridge(state_dir=home, server_command=COMMAND)
        while not over.is_set():
            work = numbered(chance.randrange(1 << 30) + next(works))
            _one_job(bridge, work, chance, figures, killed=True)

    def killer() -> None:
        watch = Bridge(state_dir=home, server_command=COMMAND)
        for _ in range(times):
            _some_jobs(figures)
            time.sleep(rng.uniform(0.0, 0.3))
            info = watch.ensure_running()
            pid = info.worker_pid if rng.random() < 0.5 and info.worker_pid else info.pid
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            figures.add("server killed" if pid == info.pid else "worker killed")
        over.set()

    _all_at_once(lambda number: killer() if number == clients else client(number), clients + 1)
    suffered = figures.counts["killed twice"]
    if suffered > times // 2:
        figures.fault(f"{suffered} jobs say that they were killed twice, {times} kills are enough for {times // 2}")
    return figures


def cuts(home: Path, times: int, followers: int = 10) -> Figures:
    """Cut event streams ``times`` times: no follower may miss or repeat a number. Needs the generator for tests."""
    figures = Figures()
    with server(home, _TEST_COMMAND) as bridge:
        found = read_discovery(home)
        if found is None:
            raise BridgeError("The server cannot be found", "Look at its log")
        path = Path(found.address.removeprefix("unix:")).with_name("cut.sock")
        left = Counter({number: times // followers for number in range(followers)})

        def cut(request: bytes, piece: bytes) -> bytes | None:
            if b"/events" not in request or b"data:" not in piece or not +left:
                return None
            left[next(iter(+left))] -= 1
            figures.add("streams cut")
            return piece[: len(piece) // 2] if figures.counts["streams cut"] % 2 else piece

        job = bridge.submit(rehearsal("40 0.06"))
        with CuttingProxy(path, found.address.removeprefix("unix:"), cut):
            through = Bridge(address=f"unix:{path}", token=read_token(home), state_dir=home)
            handles = [through.resume(job.id) for _ in range(followers)]
            for handle in handles:
                _check_numbers([event for event in handle.follow() if event], figures)
        job.result()
    return figures


def overload(home: Path, asked: int, limit_ms: float = 50.0) -> Figures:
    """Fill the queue, then ask for room ``asked`` times: 429 with Retry-After, fast. Needs the generator for tests."""
    figures = Figures()
    with server(home, _TEST_COMMAND, max_queued=8):
        found = read_discovery(home)
        if found is None:
            raise BridgeError("The server cannot be found", "Look at its log")
        where = raw_http.Where(found.address, read_token(home))
        body = b"".join(rehearsal("600 0.1"))
        waiting = _filled(where, body)

        def ask(_: int) -> float:
            began = time.perf_counter()
            status, headers, _body = raw_http.post_job(where, body)
            if status != 429 or "retry-after" not in headers:
                figures.fault(f"a full queue answers {status} {headers}")
            return (time.perf_counter() - began) * 1000

        with ThreadPoolExecutor(8) as pool:
            taken = sorted(pool.map(ask, range(asked)))
        figures.counts["answered 429"] = len(taken)
        figures.values |= {"429 p50 ms": round(statistics.median(taken), 2)}
        figures.values["429 p99 ms"] = round(taken[int(len(taken) * 0.99)], 2)
        if figures.values["429 p99 ms"] > limit_ms:
            figures.fault(f"429 took {figures.values['429 p99 ms']} ms (p99)")
        for job in waiting:
            raw_http.request(where, "DELETE", f"/v1/jobs/{job}")
    return figures


def _filled(where: raw_http.Where, body: bytes) -> list[str]:
    """Fill the queue behind a job that runs; the ids of all."""
    jobs: list[str] = []
    while True:
        runs = raw_http.field(raw_http.request(where, "GET", "/v1/health")[2], "running")
        status, _, data = raw_http.post_job(where, body)
        if status == 202:
            jobs.append(raw_http.field(data, "id"))
        elif runs:
            return jobs


def starts(home: Path, times: int) -> Figures:
    """Start and stop a server ``times`` times: no process, socket, file or descriptor may be left."""
    figures, taken = Figures(), []
    open_before = _descriptors()
    for number in range(times):
        began = time.monotonic()
        with Bridge(state_dir=home, server_command=COMMAND, end_with_us=True) as bridge:
            pid = bridge.ensure_running().pid
        taken.append(time.monotonic() - began)
        try:
            _until(lambda pid=pid: not processes_of(pid), 5.0)
        except TimeoutError:
            figures.fault(f"start {number}: processes {processes_of(pid)} are left")
        left = {path.name for path in home.iterdir()} - {"server.log"}
        if left:
            figures.fault(f"start {number}: files {sorted(left)} are left")
        if number == 0:
            settle(5.0)
            open_before = _descriptors()
        figures.add("started and stopped")
    settle(5.0)
    more = len(_descriptors() - open_before)
    if more:
        figures.fault(f"{more} descriptors are left open")
    figures.values["start s"] = round(statistics.median(taken), 3)
    return figures


def _descriptors() -> set[str]:
    return {path.name for path in Path("/proc/self/fd").iterdir()}


def processes_of(leader: int) -> list[int]:
    """The live processes of a session: a server and its worker (Linux)."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == leader and fields[0] != "Z":
            found.append(int(path.parent.name))
    return found


def memory(home: Path, early: int, late: int, clients: int = 4, most_percent: float = 2.0) -> Figures:
    """Resident memory of server and worker after ``early`` and after ``late`` jobs: it must not grow."""
    figures = Figures()
    with server(home) as bridge:
        sizes = [_resident_after(bridge, home, jobs, clients, figures) for jobs in (early, late - early)]
        for name, before, after in zip(("server", "worker"), *sizes, strict=True):
            grown = 100 * (after - before) / before
            figures.values |= {f"{name} MiB": round(after / 2**20, 1), f"{name} growth %": round(grown, 2)}
            if grown > most_percent:
                figures.fault(f"the {name} grew by {grown:.1f} % from {early} to {late} jobs")
    return figures


def _resident_after(bridge: Bridge, home: Path, jobs: int, clients: int, figures: Figures) -> tuple[int, int]:
    done = mixed_jobs(home, clients, jobs)
    figures.counts.update(done.counts)
    figures.wrong += done.wrong
    info = bridge.info()
    return resident(info.pid), resident(info.worker_pid)


def resident(pid: int) -> int:
    """Bytes of a process that are in memory (Linux)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmRSS"))


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that waits to be reaped does not."""
    try:
        os.kill(pid, 0)
        status = Path(f"/proc/{pid}/stat")
        return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def _one_job(bridge: Bridge, work: Work, rng: random.Random, figures: Figures, killed: bool = False) -> None:
    """Have one job done in one of the ways in which people do, and check all that comes back."""
    body, way, key = work.body(), rng.random(), uuid.uuid4().hex
    priority = "batch" if rng.random() < 0.5 else "interactive"
    handle = bridge.submit(body, key=key, priority=priority)
    try:
        if way < 0.1:
            again = bridge.submit(body, key=key, priority=priority)
            figures.add("sent twice")
            if again.id != handle.id:
                figures.fault(f"one key, two jobs: {handle.id} and {again.id}")
            again.let_go()
        elif way < 0.2:
            handle.let_go()
            handle = bridge.resume(handle.id)
            figures.add("found again")
        elif way < 0.25:
            _cancel(bridge, handle, figures)
            return
        _check_job(handle, work, figures, killed)
    except JobFailed as error:
        if killed and error.job_code in _KILLED:
            figures.add("killed twice")
        else:
            figures.fault(f"job {handle.id} of {work}: {error.job_code}: {error}")
    except BridgeError as error:
        figures.fault(f"job {handle.id} of {work}: {error}")


def _some_jobs(figures: Figures, seconds: float = 5.0) -> None:
    """Let the clients come to work between two kills."""
    enough, end = figures.counts["right"] + 10, time.monotonic() + seconds
    while figures.counts["right"] < enough and time.monotonic() < end:
        time.sleep(0.02)


def _cancel(bridge: Bridge, handle: JobHandle, figures: Figures) -> None:
    """The caller is free at once; the server's job must come to an end too."""
    began = time.monotonic()
    handle.cancel()
    with contextlib.suppress(Cancelled):
        handle.result()
    took = time.monotonic() - began
    if took > 0.3:
        figures.fault(f"cancel took {took:.2f} s")
    followed = bridge.resume(handle.id)
    with contextlib.suppress(Cancelled):
        followed.result()
    figures.add("cancelled")


def _check_job(handle: JobHandle, work: Work, figures: Figures, killed: bool) -> None:
    events = [event for event in handle.follow() if event]
    _, pictures = handle.result()
    _check_numbers(events, figures)
    ranks = [_ORDER.index(event.state) for event in events]
    if ranks != sorted(ranks):
        figures.add("run again")
        if not killed:
            figures.fault(f"job {handle.id} was run twice: {[event.state for event in events]}")
    if digest(pictures) != work.expected():
        figures.fault(f"job {handle.id} of {work} came back wrong")
    figures.add("right")


def _check_numbers(events: list[Event], figures: Figures) -> None:
    numbers = [event.number for event in events]
    if numbers != list(range(1, len(numbers) + 1)):
        figures.fault(f"numbers of events: {numbers}")


def _all_at_once(client, count: int) -> None:
    """Run ``client(number)`` on ``count`` threads; the first exception of any goes on."""
    with ThreadPoolExecutor(count) as pool:
        for done in [pool.submit(client, number) for number in range(count)]:
            done.result()


def _until(condition, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds} s")
        time.sleep(0.01)
