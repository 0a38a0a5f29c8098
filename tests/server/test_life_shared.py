"""One server for several programs: who starts it, who keeps it, and what is left when all have gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from blender_segaddon.client import Bridge, settle
from blender_segaddon.protocol.messages import ServerState
from scripts.lib.stress import processes_of

from .support import REHEARSAL, REPOSITORY, alive, bridge, call, kill, rehearsal, serve, server_pid, until


def _program(home: Path, then: str) -> subprocess.Popen[str]:
    """Another program with a bridge ``b`` of its own; what it prints can be read."""
    script = (
        "import sys, time; from pathlib import Path; from blender_segaddon.client import Bridge;"
        "from tests.server.support import rehearsal;"
        f"b = Bridge(server_command={REHEARSAL!r}, state_dir=Path({str(home)!r}), end_with_us=True);"
    )
    command = [sys.executable, "-c", script + then]
    return subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)


def test_programs_that_start_at_once_start_one_server(home: Path):
    programs = [_program(home, "print(b.ensure_running().pid, flush=True); time.sleep(30)") for _ in range(4)]
    try:
        pids = {program.stdout.readline() for program in programs if program.stdout}
    finally:
        for program in programs:
            program.kill()
            program.communicate()
    assert len(pids) == 1
    assert (home / "server.log").read_text().count("listening on") == 1
    pid = int(pids.pop())
    until(lambda: not processes_of(pid), 5.0)


def test_a_server_stays_for_the_others_when_the_script_that_started_it_dies(home: Path):
    program = _program(home, "print(b.ensure_running().pid, flush=True); time.sleep(30)")
    assert program.stdout
    pid = int(program.stdout.readline())
    client = bridge(home)
    handle = client.submit(rehearsal("12 0.05", seed=5))
    program.kill()
    program.communicate()
    _, (image,) = handle.result(10)
    assert int(image.max()) == 5
    assert server_pid(home) == pid


def test_presence_keeps_a_server_and_tells_how_it_does(home: Path):
    with serve(home, "--idle-seconds", "0.5") as server:
        until(lambda: server_pid(home))
        first, second = Bridge(state_dir=home), Bridge(state_dir=home)
        first.presence.start()
        second.presence.start()
        state = until(lambda: first.presence.state if (first.presence.state or _NOBODY).clients == 2 else None)
        assert (state.queued, state.running, state.lent) == (0, 0, False)
        time.sleep(1.0)
        assert server.poll() is None
        second.presence.stop()
        until(lambda: (first.presence.state or _NOBODY).clients == 1)
        first.presence.stop()
        left = time.monotonic()
        server.wait(5)
        assert time.monotonic() - left > 0.4
    assert settle(2.0)
    assert not [thread for thread in threading.enumerate() if thread.name == "segaddon network"]


_NOBODY = ServerState("", 0, 0, 0)


def test_presence_finds_the_next_server(home: Path):
    client = bridge(home)
    client.presence.start()
    first = client.ensure_running().pid
    until(lambda: client.presence.state)
    kill(first)
    until(lambda: client.presence.state is None)
    assert client.ensure_running().pid != first
    until(lambda: client.presence.state)
    client.close()
    assert settle(2.0)


def test_presence_starts_nothing(home: Path):
    client = bridge(home)
    client.presence.start()
    time.sleep(0.3)
    client.close()
    assert settle(2.0)
    assert not home.exists()


def test_the_worker_steps_aside_and_comes_back(home: Path):
    client = bridge(home)
    client.presence.start()
    client.run(rehearsal())
    began = time.monotonic()
    client.lend_gpu(True)
    assert time.monotonic() - began < 0.05
    until(lambda: client.presence.state and client.presence.state.lent)
    handle = client.submit(rehearsal(seed=4))
    time.sleep(0.3)
    assert handle.event
    assert handle.event.state == "queued"
    client.lend_gpu(False)
    _, (image,) = handle.result(10)
    assert int(image.max()) == 4
    client.free_gpu()
    assert client.info().worker_pid == 0
    client.run(rehearsal())
    client.close()


def test_a_job_is_found_again_by_its_id(home: Path):
    program = _program(home, "print(b.submit(rehearsal('20 0.05', seed=9)).id, flush=True); time.sleep(30)")
    assert program.stdout
    job = program.stdout.readline().strip()
    pid = server_pid(home)
    program.kill()
    program.communicate()
    until(lambda: not alive(pid), 2.0)
    client = bridge(home)
    handle = client.resume(job)
    _, (image,) = handle.result(20)
    assert int(image.max()) == 9
    assert job in [status.id for status in client.jobs()]
    numbers = [event.number for event in handle.follow() if event]
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_server_that_is_told_to_end_in_a_job_ends_soon_and_the_job_goes_on(home: Path):
    client = bridge(home)
    handle = client.submit(rehearsal("1 60 deaf"))
    pid = server_pid(home)
    until(lambda: handle.event and handle.event.state == "running")
    handle.let_go()
    told = time.monotonic()
    os.kill(pid, signal.SIGTERM)
    until(lambda: not processes_of(pid), 30)
    assert time.monotonic() - told < 30
    again = client.resume(handle.id)
    until(lambda: again.event and again.event.state == "running")  # one that loads is given more time to stop
    again.cancel()
    until(lambda: call(home, "GET", f"/v1/jobs/{handle.id}")[1]["event"]["state"] == "cancelled", 10)
