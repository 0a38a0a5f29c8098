"""Servers that are killed in the middle: every acknowledged job ends right, with one event after the other."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from blender_segaddon.protocol.framing import read_body
from blender_segaddon.protocol.messages import GenerateResult
from scripts.lib.stress import processes_of

from .support import REPOSITORY, call, post, rehearsal, serve, server_pid, until

FLAGS = ("--enable-test-generator", "--cancel-grace", "0.4")


Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start(home: Path) -> Iterator[Start]:
    """Starts servers; those that live are ended afterwards."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(*flags: str) -> subprocess.Popen[bytes]:
        started.append(serve(home, *FLAGS, *flags, stderr=subprocess.DEVNULL))
        until(lambda: server_pid(home) == started[-1].pid)
        return started[-1]

    yield begin
    for server in started:
        server.terminate()
        server.wait(10)


def end(server: subprocess.Popen[bytes]) -> None:
    """Kill a server; its worker must follow."""
    server.kill()
    server.wait()
    until(lambda: not processes_of(server.pid), 1.0)


def status(home: Path, job: str) -> dict[str, Any]:
    return call(home, "GET", f"/v1/jobs/{job}")[1]["event"]


def events(home: Path, job: str) -> list[dict[str, Any]]:
    """All events, to the job's end."""
    lines = call(home, "GET", f"/v1/jobs/{job}/events")[1].decode().splitlines()
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]


def grey(home: Path, job: str) -> int:
    """The colour of the job's picture, its bytes held against the hash that the server names."""
    code, data, headers = call(home, "GET", f"/v1/jobs/{job}/result")
    assert code == 200
    assert headers["etag"] == f'"{hashlib.sha256(data).hexdigest()}"'
    body = read_body(data)
    (image,) = body.message(GenerateResult).images
    return int(body.array(image).max())


@pytest.mark.parametrize(
    ("prompt", "state"),
    [("1 0.3 loading", "loading"), ("6 0.05", "running"), ("0 0", "succeeded")],
    ids=["loading", "running", "succeeded"],
)
def test_a_server_killed_in_any_state_loses_no_job(home: Path, start: Start, prompt: str, state: str):
    first = start()
    job = post(home, rehearsal(prompt, seed=7), Idempotency_Key="k")[1]["id"]
    waiting = post(home, rehearsal(seed=8))[1]["id"]
    until(lambda: status(home, job)["state"] == state)
    seen = status(home, job)["number"]
    end(first)
    start()
    assert post(home, rehearsal(prompt, seed=7), Idempotency_Key="k")[1]["id"] == job
    heard = events(home, job)
    assert [event["number"] for event in heard] == list(range(1, len(heard) + 1))
    assert len(heard) >= seen
    assert heard[-1]["state"] == "succeeded"
    assert (grey(home, job), events(home, waiting)[-1]["state"], grey(home, waiting)) == (7, "succeeded", 8)


def test_a_job_whose_server_dies_twice_ends_as_failed(home: Path, start: Start):
    server = start()
    job = post(home, rehearsal("400 0.05"))[1]["id"]
    for _ in range(2):
        until(lambda: status(home, job)["state"] == "running")
        end(server)
        server = start()
    assert (events(home, job)[-1]["state"], events(home, job)[-1]["code"]) == ("failed", "interrupted")
    assert not list((home / "jobs" / "bodies").iterdir())


def test_a_cancelled_job_is_not_run_again(home: Path, start: Start):
    pid = start("--cancel-grace", "30")
    job = post(home, rehearsal("1 30 deaf"))[1]["id"]
    until(lambda: status(home, job)["state"] == "running")
    assert call(home, "DELETE", f"/v1/jobs/{job}")[0] == 202
    end(pid)
    start()
    assert status(home, job)["state"] == "cancelled"


def test_a_body_that_was_on_its_way_leaves_nothing(home: Path, start: Start):
    pid = start()
    whole = b"".join(rehearsal())
    script = (
        "import socket, sys, time; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);"
        "s.sendall(bytes.fromhex(sys.argv[2])); print(flush=True); time.sleep(60)"
    )
    head = (
        f"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {(home / 'token').read_text()}\r\n"
        f"Content-Type: application/octet-stream\r\nContent-Length: {len(whole)}\r\n\r\n"
    ).encode()
    command = [sys.executable, "-c", script, str(home / "bridge.sock"), (head + whole[:-1]).hex()]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as client:
        until(lambda: list((home / "jobs" / "bodies").iterdir()))
        end(pid)
        client.kill()
    start()
    assert not list((home / "jobs" / "bodies").iterdir())


def test_a_worker_in_the_middle_of_its_start_dies_with_its_server(home: Path, start: Start):
    with serve(home, *FLAGS, stderr=subprocess.DEVNULL) as server:
        until(lambda: len(processes_of(server.pid)) == 2)
        end(server)
    start()  # cleans up after it


def _mounting(home: Path, megabytes: int) -> list[str]:
    """A command that starts a server whose jobs lie on a small disk of its own."""
    command = [*(sys.executable, "-m", "bridge_server", "serve", "--state-dir", str(home)), *FLAGS]
    mount = f"mkdir -p {home}/jobs && mount -t tmpfs -o size={megabytes}m,mode=700 none {home}/jobs"
    return ["unshare", "-m", "sh", "-c", f'{mount} && exec "$@"', "sh", *command]


@pytest.mark.skipif(sys.platform != "linux" or os.getuid() != 0 or not shutil.which("unshare"), reason="needs root")
def test_a_full_disk_is_said_and_nothing_is_half_written(home: Path):
    home.mkdir(mode=0o700)
    probe = subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("no namespace may be made here")
    with subprocess.Popen(_mounting(home, 24), cwd=REPOSITORY, start_new_session=True) as server:
        until(lambda: server_pid(home))
        disk = Path(f"/proc/{server.pid}/root") / str(home).lstrip("/") / "jobs"  # as the server sees it
        assert post(home, rehearsal())[0] == 202
        (disk / "ballast").write_bytes(bytes(12 << 20))
        code, problem, headers = post(home, rehearsal())
        assert (code, problem["code"], problem["retryable"]) == (507, "disk_full", True)
        assert headers["retry-after"]
        until(lambda: not list((disk / "bodies").iterdir()))
        (disk / "ballast").unlink()
        job = post(home, rehearsal(seed=3))[1]["id"]
        assert events(home, job)[-1]["state"] == "succeeded"
        assert grey(home, job) == 3
        server.terminate()


def test_the_worker_of_a_killed_server_ends_while_it_computes(home: Path, start: Start):
    server = start()
    job = post(home, rehearsal("1 30 deaf"))[1]["id"]
    until(lambda: status(home, job)["state"] == "running")
    assert len(processes_of(server.pid)) == 2
    end(server)
    start()  # cleans up after it
