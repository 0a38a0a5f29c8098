"""Wrong requests by the thousand at a real server: no 5xx, no hang, bounded memory.

    python -m scripts.fuzz [--requests 5000] [--full] [--seconds 600] [--seed 0] [--json FILE]

Run from the repository root in the server's environment. A server is started for it on the loopback device, and ended.
Nine of ten requests come from scripts/lib/mutations.py, the rest from schemathesis, out of the OpenAPI document.
Ends with status 1 when anything is found; `--only NUMBER` sends one mutated request again and prints what comes back.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from blender_segaddon.protocol.discovery import read_discovery, read_token
from blender_segaddon.protocol.framing import MAX_UNPACKED_BYTES

from .lib import mutations
from .lib.mutations import Wrong

REPOSITORY = Path(__file__).resolve().parents[1]
ALLOWED_5XX = (503, 507)
"""Documented: the server is ending or has no room."""
MAX_BODY = 64 << 20
SLACK = 256 << 20
_THREADS = 8
_NOT_ASKED = ("/v1/shutdown", "/v1/presence")
"""Routes that end the server, or never end themselves."""
_HANG_SECONDS = 10.0
_FLAGS = ("--tcp", "--header-timeout", "0.3", "--read-timeout", "0.3", "--max-queued", "1000000")
_MORE = ("--max-body-bytes", str(MAX_BODY), "--max-queued-bytes", str(1 << 40), "--log-level", "error")


@dataclass
class Report:
    """What a run showed."""

    seed: int
    sent: int = 0
    from_schema: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    """by kind and status"""
    findings: list[str] = field(default_factory=list)
    jobs: int = 0
    """accepted in spite of all, and run to their end"""
    server_bytes: int = 0
    """the most memory that the server took above what it started with"""
    worker_bytes: int = 0
    """the most memory that a worker took"""
    seconds: float = 0.0


class Target:
    """A server to be sent wrong requests."""

    def __init__(self, process: subprocess.Popen[bytes], state_dir: Path, log: Path) -> None:
        found = read_discovery(state_dir)
        if found is None:
            raise RuntimeError("the server did not start")
        self.process = process
        self.address = found.address
        self.port = int(found.address.rpartition(":")[2])
        self.token = read_token(state_dir)
        self.log = log

    def head(self, method: str, path: str, headers: dict[str, str]) -> bytes:
        """The head of a request that is honest but for what it is given."""
        own = {"Host": f"127.0.0.1:{self.port}", "Authorization": f"Bearer {self.token}", "Connection": "close"}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in {**own, **headers}.items())]
        return "\r\n".join([*lines, "", ""]).encode("utf-8")

    def answer(self, wrong: Wrong) -> tuple[int, bytes]:
        """Status (0: the connection was ended without a word) and body. Raises TimeoutError."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=_HANG_SECONDS) as connected:
            said = b""
            with contextlib.suppress(ConnectionError):
                connected.sendall(wrong.data)
                for piece in wrong.pieces:
                    time.sleep(0.5)
                    connected.sendall(piece)
            with contextlib.suppress(ConnectionError):
                while data := connected.recv(1 << 16):
                    said += data
        return _status_and_body(said)

    def get(self, path: str) -> Any:
        """JSON of an honest GET."""
        status, body = self.answer(Wrong("", self.head("GET", path, {})))
        if status != 200:
            raise RuntimeError(f"{path} answers {status}")
        return json.loads(body)


def _status_and_body(said: bytes) -> tuple[int, bytes]:
    while said.startswith(b"HTTP/1.1 100"):
        said = said.partition(b"\r\n\r\n")[2]
    head, _, body = said.partition(b"\r\n\r\n")
    if length := re.search(rb"(?i)\ncontent-length: (\d+)", head):
        body = body[: int(length[1])]  # what follows answers what came after the first request
    words = head.split(b" ", 2)
    return (int(words[1]) if said.startswith(b"HTTP/1.1 ") else 0), body


@contextlib.contextmanager
def target() -> Iterator[Target]:
    """A server with little patience, ended afterwards."""
    with tempfile.TemporaryDirectory(prefix="segaddon-fuzz-") as folder:
        state_dir, log = Path(folder) / "state", Path(folder) / "log"
        command = [sys.executable, "-m", "bridge_server", "serve", "--state-dir", str(state_dir), "--exit-with-stdin"]
        command += [*_FLAGS, *_MORE, "--enable-test-generator"]
        with (
            log.open("wb") as errors,
            subprocess.Popen(
                command, cwd=REPOSITORY, stdin=subprocess.PIPE, stderr=errors, start_new_session=True
            ) as process,
        ):
            try:
                while read_discovery(state_dir) is None and process.poll() is None:
                    time.sleep(0.01)
                yield Target(process, state_dir, log)
            finally:
                process.communicate(timeout=30)  # closes its standard input, at which it ends


def mutate(server: Target, report: Report, count: int, deadline: float) -> None:
    """Send the mutated requests with these numbers, by several threads."""
    numbers = itertools.count()
    lock = threading.Lock()

    def work() -> None:
        while (number := next(numbers)) < count and time.monotonic() < deadline:
            wrong = mutations.request(report.seed, number, server.head)
            found, status = _judged(server, wrong)
            with lock:
                report.sent += 1
                report.statuses[f"{wrong.kind} {status or 'ended'}"] += 1
                report.findings += [f"request {number} ({wrong.kind}): {one}" for one in found]

    with ThreadPoolExecutor(_THREADS) as pool:
        for future in [pool.submit(work) for _ in range(_THREADS)]:
            future.result()


def _judged(server: Target, wrong: Wrong) -> tuple[list[str], int]:
    """What is wrong with the answer to a wrong request, and its status."""
    began = time.monotonic()
    try:
        status, body = server.answer(wrong)
    except TimeoutError:
        return [f"no end within {_HANG_SECONDS:.0f} s"], 0
    except OSError as error:
        return [f"the server is gone: {error}"], 0
    found = []
    if status >= 500 and status not in ALLOWED_5XX:
        found.append(f"status {status}; the end of the log:\n{server.log.read_text()[-2000:]}")
    if status >= 400 and body and not _is_problem(body):
        found.append(f"status {status} with no problem: {body[:80]!r}")
    if time.monotonic() - began > _HANG_SECONDS:
        found.append(f"took {time.monotonic() - began:.0f} s")
    return found, status


def _is_problem(body: bytes) -> bool:
    try:
        problem = json.loads(body)
    except ValueError:
        return False
    return isinstance(problem, dict) and {"type", "title", "status", "code", "detail", "hints"} <= problem.keys()


def from_schema(server: Target, report: Report, count: int, deadline: float) -> None:
    """Send what schemathesis makes out of the document, right and wrong, and hold the replies against the document."""
    import hypothesis
    import requests
    import schemathesis
    from schemathesis.specs.openapi import checks as known

    checks: list[Any] = [
        known.status_code_conformance,
        known.content_type_conformance,
        known.response_schema_conformance,
    ]
    schema = schemathesis.openapi.from_dict(server.get("/v1/openapi.json"))
    operations = [one.ok() for one in schema.get_all_operations()]
    operations = [one for one in operations if one.path not in _NOT_ASKED]
    modes = list(schemathesis.GenerationMode)
    each = max(1, count // (len(operations) * len(modes)))
    settings = hypothesis.settings(
        max_examples=each,
        deadline=None,
        database=None,
        derandomize=False,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    session = requests.Session()
    session.trust_env = False

    def send(case: Any) -> None:
        if time.monotonic() > deadline:
            return
        headers = {"Authorization": f"Bearer {server.token}"}
        reply = case.call(base_url=server.address, session=session, headers=headers, timeout=_HANG_SECONDS)
        report.from_schema += 1
        report.statuses[f"schema {reply.status_code}"] += 1
        if reply.status_code >= 500 and reply.status_code not in ALLOWED_5XX:
            raise AssertionError(f"status {reply.status_code}")
        case.validate_response(reply, checks=checks)

    for operation, mode in itertools.product(operations, modes):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                strategy = operation.as_strategy(generation_mode=mode)
                hypothesis.seed(report.seed)(settings(hypothesis.given(strategy)(send)))()
            except hypothesis.errors.Unsatisfiable:  # nothing wrong can be made of a route without input
                continue
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt):
                    raise
                report.findings.append(f"{operation.label} ({mode.value}): {error}"[:600])


class Memory:
    """Watches a server and its workers, ten times a second."""

    def __init__(self, leader: int) -> None:
        self._leader = leader
        self._start = _resident(leader)
        self.server = self.worker = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.1):
            self.server = max(self.server, _resident(self._leader) - self._start)
            self.worker = max([self.worker, *map(_resident, _children(self._leader))])


def _resident(pid: int) -> int:
    """Bytes of a process's own memory (not of the files that it has mapped), 0 when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith(("RssAnon", "RssShmem")))


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def run(requests: int, seconds: float, seed: int = 0) -> Report:
    """Send ``requests`` requests within ``seconds``, as many as that allows."""
    began = time.monotonic()
    report = Report(seed)
    with target() as server, Memory(server.process.pid) as memory:
        from_schema(server, report, requests // 10, began + seconds * 0.5)
        mutate(server, report, requests * 9 // 10, began + seconds)
        _wait_for_jobs(server, report)
        if server.process.poll() is not None:
            report.findings.append(f"the server ended with {server.process.returncode}")
    report.server_bytes, report.worker_bytes = memory.server, memory.worker
    if report.server_bytes > SLACK:
        report.findings.append(f"the server took {report.server_bytes >> 20} MiB more than at its start")
    if report.worker_bytes > MAX_UNPACKED_BYTES + SLACK:
        report.findings.append(f"a worker took {report.worker_bytes >> 20} MiB")
    report.seconds = time.monotonic() - began
    return report


def _wait_for_jobs(server: Target, report: Report) -> None:
    """Every job that was taken in has to end."""
    server.answer(Wrong("", server.head("POST", "/v1/memory/resume", {"Content-Length": "0"})))
    end = time.monotonic() + 60
    while (health := server.get("/v1/health"))["queued"] + health["running"]:
        if time.monotonic() > end:
            report.findings.append(f"jobs do not end: {health}")
            return
        time.sleep(0.05)
    report.jobs = sum(count for name, count in report.statuses.items() if name.endswith(" 202"))


def main() -> int:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("--full", action="store_true", help="100,000 requests, within an hour")
    parser.add_argument("--seconds", type=float, default=600.0, help="stop after this long (%(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, metavar="NUMBER", help="send one mutated request again")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    if options.only is not None:
        with target() as server:
            wrong = mutations.request(options.seed, options.only, server.head)
            print(wrong.kind, wrong.data[:2000], *server.answer(wrong), sep="\n")
        return 0
    count, seconds = (100_000, 3600.0) if options.full else (options.requests, options.seconds)
    report = run(count, seconds, options.seed)
    for name, times in sorted(report.statuses.items()):
        print(f"{times:7}  {name}")
    print(
        f"{report.sent} mutated, {report.from_schema} from the document, {report.seconds:.0f} s; {report.jobs} jobs run"
    )
    print(f"memory: server +{report.server_bytes >> 20} MiB, worker {report.worker_bytes >> 20} MiB")
    print(*(report.findings or ["nothing found"]), sep="\n")
    if options.json:
        options.json.write_text(json.dumps(asdict(report), indent=1))
    return int(bool(report.findings))


if __name__ == "__main__":
    sys.exit(main())
