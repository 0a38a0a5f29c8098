"""POST /v1/shutdown: the running job may end first, nothing new is taken in, and what is left the next server runs."""

from __future__ import annotations

import time
from pathlib import Path

from blender_segaddon.protocol.discovery import read_discovery
from scripts.lib.stress import processes_of

from .support import call, post, rehearsal, serve, until


def state_of(home: Path, job: str) -> str:
    return call(home, "GET", f"/v1/jobs/{job}")[1]["event"]["state"]


def test_the_running_job_ends_first_and_the_waiting_one_waits_for_the_next_server(home: Path):
    with serve(home, "--enable-test-generator") as server:
        until(lambda: read_discovery(home))
        first, second = (post(home, rehearsal("30 0.05"))[1]["id"] for _ in range(2))
        until(lambda: state_of(home, first) == "running")
        assert call(home, "POST", "/v1/shutdown")[0] == 202
        _, problem, headers = until(lambda: (answer := post(home, rehearsal()))[0] == 503 and answer)
        assert (problem["code"], problem["retryable"], headers["retry-after"]) == ("server_stopping", True, "1")
        assert call(home, "GET", "/v1/health/ready")[0] == call(home, "GET", "/v1/info")[0] == 503
        assert call(home, "GET", "/v1/health/live")[0] == 200
        server.communicate(timeout=10)
    with serve(home, "--enable-test-generator") as server:
        until(lambda: read_discovery(home))
        assert state_of(home, first) == "succeeded"
        assert call(home, "GET", f"/v1/jobs/{first}/result")[0] == 200
        until(lambda: state_of(home, second) == "succeeded")
        server.terminate()
        server.communicate(timeout=10)


def test_a_job_that_takes_too_long_is_kept_for_the_next_server(home: Path):
    with serve(home, "--enable-test-generator", "--drain-seconds", "0.3") as server:
        until(lambda: read_discovery(home))
        job = post(home, rehearsal("400 0.05"))[1]["id"]
        until(lambda: state_of(home, job) == "running")
        asked = time.monotonic()
        call(home, "POST", "/v1/shutdown")
        server.communicate(timeout=10)
        assert 0.3 < time.monotonic() - asked < 5
        assert not processes_of(server.pid)
    with serve(home, "--enable-test-generator") as server:
        until(lambda: read_discovery(home))
        until(lambda: state_of(home, job) == "running")
        call(home, "DELETE", f"/v1/jobs/{job}")
        until(lambda: state_of(home, job) == "cancelled")
        server.terminate()
        server.communicate(timeout=10)


def test_a_signal_during_a_drain_ends_it_at_once(home: Path):
    with serve(home, "--enable-test-generator") as server:
        until(lambda: read_discovery(home))
        job = post(home, rehearsal("400 0.05"))[1]["id"]
        until(lambda: state_of(home, job) == "running")
        call(home, "POST", "/v1/shutdown")
        server.terminate()
        began = time.monotonic()
        server.communicate(timeout=10)
        assert time.monotonic() - began < 5
    with serve(home, "--enable-test-generator") as server:
        until(lambda: read_discovery(home))
        call(home, "DELETE", f"/v1/jobs/{job}")
        server.terminate()
        server.communicate(timeout=10)
