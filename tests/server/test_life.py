"""How servers start, are found, die and end; and what clients make of it."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from blender_segaddon.client import Bridge
from blender_segaddon.protocol import version
from blender_segaddon.protocol.codec import dump, to_json
from blender_segaddon.protocol.discovery import read_discovery, read_token
from blender_segaddon.protocol.errors import BridgeError, BridgeUnavailable, Cancelled, JobFailed, ProtocolMismatch
from blender_segaddon.protocol.messages import Discovery, Event
from scripts.lib.stress import processes_of

from .support import (
    REPOSITORY,
    SERVER,
    alive,
    bridge,
    call,
    kill,
    post,
    rehearsal,
    serve,
    server_pid,
    until,
)


def test_two_clients_at_once_get_one_server(home: Path):
    clients = [bridge(home) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        pids = set(pool.map(lambda client: client.ensure_running().pid, clients))
    assert pids == {server_pid(home)}


def test_a_second_server_for_the_folder_is_refused(home: Path):
    pid = bridge(home).ensure_running().pid
    with serve(home) as second:
        _, said = second.communicate(timeout=10)
    assert second.returncode == 3
    assert said.decode().count("\n") == 1
    assert "already" in said.decode()
    assert server_pid(home) == pid


def test_a_client_has_it_ended_and_that_is_no_fault_where_none_runs(home: Path):
    client = bridge(home)
    assert client.shut_down()
    pid = client.ensure_running().pid
    assert client.shut_down()
    until(lambda: not alive(pid))
    assert client.ensure_running().pid != pid


def test_it_is_told_to_have_ended_when_its_last_job_and_its_workers_have(home: Path):
    client = bridge(home)
    pid = client.ensure_running().pid
    client.submit(rehearsal("10 0.1"))
    until(lambda: client.health().running == 1)
    workers = [one for one in processes_of(pid) if one != pid]
    assert workers
    assert not client.shut_down(timeout=0.2), "the job goes on"
    assert all(map(alive, (pid, *workers)))
    until(lambda: not alive(pid))
    pid = client.ensure_running().pid
    until(lambda: len(processes_of(pid)) > 1)
    assert client.shut_down()
    assert processes_of(pid) in ([], [pid]), "the server itself may need a moment"
    until(lambda: not alive(pid))


def test_everything_in_the_state_folder_is_private(home: Path):
    bridge(home).ensure_running()
    post(home, rehearsal("1 30"))
    inside = [path for path in home.rglob("*") if path.name != "server.log"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in inside if not path.is_dir()} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in inside if path.is_dir()} == {0o700}
    assert {path.name for path in inside if path.parent == home} == {
        "bridge.sock",
        "jobs",
        "lock",
        "server.json",
        "token",
    }
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_a_folder_that_others_can_read_is_refused(home: Path):
    home.mkdir()
    home.chmod(0o755)
    with pytest.raises(BridgeUnavailable, match=r"open to other users.*chmod 700"):
        bridge(home).ensure_running()
    (home / "server.log").unlink()


def test_a_server_that_nobody_uses_ends(home: Path):
    with serve(home, "--idle-seconds", "0.5") as server:
        until(lambda: server_pid(home))
        for _ in range(4):  # use keeps it alive
            time.sleep(0.2)
            assert call(home, "GET", "/v1/health")[0] == 200
        server.communicate(timeout=5)
    assert server.returncode == 0
    assert not processes_of(server.pid)


def test_a_long_job_is_use(home: Path):
    with serve(home, "--idle-seconds", "0.2", "--enable-test-generator") as server:
        until(lambda: server_pid(home))
        job = post(home, rehearsal("8 0.1"))[1]["id"]
        time.sleep(0.7)
        assert call(home, "GET", f"/v1/jobs/{job}")[1]["event"]["state"] == "running"
        server.communicate(timeout=5)
    assert server.returncode == 0


def test_a_server_ends_with_its_standard_input(home: Path):
    with serve(home, "--exit-with-stdin", "--enable-test-generator", stdin=subprocess.PIPE) as server:
        until(lambda: server_pid(home))
        post(home, rehearsal("1 30 deaf"))
        assert server.stdin
        server.stdin.close()
        closed = time.monotonic()
        until(lambda: not processes_of(server.pid), 5)
        assert time.monotonic() - closed < 1.0


def test_a_bridge_that_ends_its_server(home: Path):
    with bridge(home, end_with_us=True) as client:
        client.run(rehearsal())
        pid = client.info().pid
    assert not processes_of(pid)
    with bridge(home, end_with_us=True) as client:
        assert client.ensure_running().pid != pid


def test_a_server_dies_with_the_process_that_started_it(home: Path):
    script = (
        "import sys, time; from pathlib import Path; from blender_segaddon.client import Bridge;"
        f"b = Bridge(server_command={SERVER!r}, state_dir=Path({str(home)!r}), end_with_us=True);"
        "print(b.ensure_running().pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script], cwd=REPOSITORY, stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        kill(parent.pid)
    until(lambda: not processes_of(pid), 1.0)


def test_sigterm_in_a_job_leaves_nothing_and_the_job_moves_on(home: Path):
    client = bridge(home)
    ended: list[int] = []

    def on_event(event: Event) -> None:
        if event.step == 1 and not ended:
            ended.append(client.info().pid)
            os.kill(ended[0], signal.SIGTERM)

    _, (image,) = client.run(rehearsal("4 0.05", seed=3), on_event=on_event)
    assert int(image.max()) == 3
    assert server_pid(home) not in (0, ended[0])
    until(lambda: not processes_of(ended[0]), 3)


def test_shutdown_is_a_request_too(home: Path):
    pid = bridge(home).ensure_running().pid
    assert call(home, "POST", "/v1/shutdown")[0] == 202
    until(lambda: not processes_of(pid), 3)
    assert {path.name for path in home.iterdir()} == {"server.log"}


def test_a_killed_server_is_replaced_and_its_worker_ends(home: Path):
    client = bridge(home)
    killed: list[int] = []
    gone: list[float] = []

    def on_event(event: Event) -> None:
        if event.step == 1 and not killed:
            info = client.info()
            killed.extend((info.pid, info.worker_pid))
            kill(info.pid)
            start = time.monotonic()
            until(lambda: not alive(info.worker_pid), 5)
            gone.append(time.monotonic() - start)

    _, (image,) = client.run(rehearsal("10 0.05", seed=7), on_event=on_event)
    assert int(image.max()) == 7
    assert gone[0] < 1.0
    assert client.info().pid != killed[0]


def test_a_server_that_is_killed_again_is_reported(home: Path):
    client = bridge(home)
    killed: list[int] = []

    def on_event(event: Event) -> None:
        if event.step == 1:
            killed.append(client.info().pid)
            kill(killed[-1])

    with pytest.raises(JobFailed, match="died twice") as failure:
        client.run(rehearsal("10 0.05"), on_event=on_event)
    assert failure.value.job_code == "interrupted"
    assert len(killed) == 2
    client.run(rehearsal())


def test_cancel_while_the_server_starts(home: Path):
    start = time.monotonic()
    with pytest.raises(Cancelled):
        bridge(home).run(rehearsal(), cancelled=lambda: True)
    assert time.monotonic() - start < 0.3
    until(lambda: server_pid(home))


def test_a_server_that_cannot_start_says_why(home: Path):
    home.mkdir(mode=0o700)
    (home / "bridge.sock").mkdir()
    with pytest.raises(BridgeUnavailable, match=r"ended at its start: .*bridge\.sock"):
        bridge(home).ensure_running()
    (home / "bridge.sock").rmdir()


def test_no_server_to_start(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("SEGADDON_SERVER_PYTHON", raising=False)
    with pytest.raises(BridgeUnavailable, match="SEGADDON_SERVER_PYTHON"):
        Bridge(state_dir=home).ensure_running()
    with pytest.raises(BridgeUnavailable, match="No bridge server is running"):
        Bridge(state_dir=home).info()
    with pytest.raises(BridgeUnavailable, match="cannot be run"):
        Bridge(state_dir=home, server_command=["/nowhere/python"]).ensure_running()
    monkeypatch.setenv("SEGADDON_SERVER_PYTHON", sys.executable)
    assert Bridge(state_dir=home).ensure_running().pid == server_pid(home)


def test_a_given_address_is_used_and_nothing_started(home: Path, tmp_path: Path):
    pid = bridge(home).ensure_running().pid
    found = read_discovery(home)
    assert found
    elsewhere = tmp_path / "elsewhere"
    there = Bridge(address=found.address, token=read_token(home), state_dir=elsewhere)
    assert there.ensure_running().pid == pid
    assert there.run(rehearsal())[1]
    with pytest.raises(BridgeError, match="missing or wrong") as refused:
        Bridge(address=found.address, token="guess", state_dir=elsewhere).run(rehearsal())
    assert refused.value.code == "wrong_token"
    with pytest.raises(BridgeUnavailable, match="No bridge server answers at unix:/nowhere"):
        Bridge(address="unix:/nowhere", token="x", server_command=SERVER, state_dir=elsewhere).run(rehearsal())
    assert not elsewhere.exists()


def test_loopback_tcp(home: Path):
    with serve(home, "--tcp", "--enable-test-generator") as server:
        until(lambda: server_pid(home))
        client = bridge(home)
        assert client.run(rehearsal())[1]
        found = read_discovery(home)
        assert found
        assert found.address.startswith("http://127.0.0.1:")
        assert not list(home.glob("*.sock"))
        server.terminate()
        server.communicate(timeout=5)


def test_a_folder_deep_down_gets_a_short_socket(home: Path, tmp_path: Path):
    deep = home / ("d" * 60) / ("e" * 60)
    client = bridge(deep)
    pid = client.ensure_running().pid
    found = read_discovery(deep)
    assert found
    socket_file = Path(found.address.removeprefix("unix:"))
    assert len(str(socket_file)) < 104
    assert stat.S_IMODE(socket_file.parent.stat().st_mode) == 0o700
    os.kill(pid, signal.SIGTERM)
    until(lambda: not processes_of(pid))
    assert not socket_file.parent.exists()
    (deep / "server.log").unlink()
    deep.rmdir()
    deep.parent.rmdir()


def test_an_asked_socket_path_that_is_too_long_is_one_clear_line(home: Path):
    with serve(home, "--socket", "/tmp/" + "x" * 120) as server:
        _, said = server.communicate(timeout=10)
    assert server.returncode == 2
    assert said.decode().count("\n") == 1
    assert "too long" in said.decode()


def test_another_protocol_version_is_told(home: Path, monkeypatch: pytest.MonkeyPatch):
    bridge(home).ensure_running()
    monkeypatch.setattr(version, "PROTOCOL_VERSION", (9, 0))
    with pytest.raises(ProtocolMismatch, match=r"protocol 1\.0, this one 9\.0"):
        bridge(home).run([b""])


def test_many_threads_share_a_bridge_through_a_restart(home: Path):
    client = bridge(home)
    client.ensure_running()
    first = server_pid(home)
    threading.Timer(0.15, kill, (first,)).start()

    def run(seed: int) -> int:
        try:
            return int(client.run(rehearsal("3 0.02", seed=seed))[1][0].max())
        except JobFailed as error:
            raise AssertionError(str(error)) from error

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(run, range(8))) == list(range(8))


def test_a_socket_path_that_is_taken_by_a_file_stays_as_it_is(home: Path, tmp_path: Path):
    folder = tmp_path / "private"
    folder.mkdir(mode=0o700)
    (folder / "scene.blend").write_text("precious")
    with serve(home, "--socket", str(folder / "scene.blend")) as server:
        _, said = server.communicate(timeout=10)
    assert (server.returncode, said.decode().count("\n")) == (2, 1)
    assert (folder / "scene.blend").read_text() == "precious"


def test_a_socket_that_another_server_listens_at_stays_its_own(home: Path, tmp_path: Path):
    bridge(home).ensure_running()
    with serve(tmp_path / "other", "--socket", str(home / "bridge.sock")) as second:
        _, said = second.communicate(timeout=10)
    assert (second.returncode, said.decode().count("\n")) == (3, 1)
    assert call(home, "GET", "/v1/health")[0] == 200


def test_nobody_is_told_to_close_a_folder_that_all_share(home: Path, tmp_path: Path):
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    with serve(home, "--socket", str(shared / "bridge.sock")) as server:
        _, said = server.communicate(timeout=10)
    assert server.returncode == 2
    assert "chmod" not in said.decode()


def test_what_a_killed_server_of_another_protocol_left_is_in_nobodys_way(home: Path):
    home.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(home / "bridge.sock"))
    left = Discovery(f"unix:{home / 'bridge.sock'}", pid=1, protocol_version=(0, 9), version="0.0.1")
    (home / "server.json").write_bytes(dump(to_json(left)))
    found = bridge(home).ensure_running().pid
    until(lambda: server_pid(home) == found)  # it answers a moment before it says where it is


def test_a_user_without_a_home_folder_is_told_what_to_set():
    nobody = {name: value for name, value in os.environ.items() if name not in ("HOME", "XDG_RUNTIME_DIR")}
    script = (
        "import os, pwd\n"
        "def unknown(_): raise KeyError\n"
        "pwd.getpwuid = unknown\n"
        "from bridge_server.__main__ import main\n"
        "raise SystemExit(main(['doctor']))"
    )
    for name in ("SEGADDON_STATE_DIR", "XDG_STATE_HOME"):
        nobody.pop(name, None)
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=REPOSITORY, env=nobody, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "SEGADDON_STATE_DIR" in done.stderr
