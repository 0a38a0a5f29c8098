"""What studios ask for: logs for machines, exit statuses, TLS for another host, and not one outbound connection."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from blender_segaddon.core.wire import scene_to_wire
from blender_segaddon.protocol.discovery import read_discovery
from blender_segaddon.protocol.framing import BodyWriter
from blender_segaddon.protocol.messages import GenerateRequest
from scripts.lib.stress import processes_of

from ..unit.test_protocol_wire import some_maps
from .support import REPOSITORY, SERVER, call, post, rehearsal, serve, until

TOKEN = "t" * 40


@contextlib.contextmanager
def running(home: Path, *flags: str, **options: object) -> Iterator[subprocess.Popen[bytes]]:
    """A server that is ended in the end."""
    with serve(home, *flags, **options) as server:
        try:
            until(lambda: read_discovery(home) or server.poll() is not None)
            assert server.poll() is None
            yield server
        finally:
            server.terminate()
            server.wait(10)
    assert not processes_of(server.pid)


def refused(home: Path, *flags: str, **environ: str) -> tuple[int, str]:
    """Exit status and message of a server that does not start."""
    command = [*SERVER, "serve", "--state-dir", str(home), *flags]
    done = subprocess.run(
        command, cwd=REPOSITORY, env=os.environ | environ, capture_output=True, text=True, timeout=20, check=False
    )
    return done.returncode, done.stderr


def test_every_line_of_the_log_is_json(home: Path):
    with running(home, "--log-format", "json", "--enable-test-generator") as server:
        job = post(home, rehearsal("no numbers"))[1]["id"]  # the worker logs the failure, with its traceback
        until(lambda: call(home, "GET", f"/v1/jobs/{job}")[1]["event"]["state"] == "failed")
        server.terminate()
        assert server.stderr
        lines = [json.loads(line) for line in server.stderr.read().decode().splitlines()]
    assert all({"time", "level", "logger", "pid", "message"} <= line.keys() for line in lines)
    assert len({line["pid"] for line in lines}) == 2
    assert [line for line in lines if "ValueError" in line.get("traceback", "")]


def test_the_log_goes_to_a_file_and_a_large_one_is_put_aside(home: Path, tmp_path: Path):
    log = tmp_path / "logs" / "bridge.log"
    log.parent.mkdir()
    log.write_bytes(b"old\n" * (2 << 20))
    with running(home, "--log-file", str(log)) as server:
        assert "listening on" in log.read_text()
        assert log.with_name("bridge.log.1").stat().st_size == 8 << 20
        server.terminate()
        assert server.stderr
        assert server.stderr.read() == b""


@pytest.mark.parametrize(
    ("flags", "environ", "status", "words"),
    [
        (("--log-file", "/proc/none/log"), {}, 2, "Log /proc/none/log cannot be written"),
        (("--config", "/nowhere.toml"), {}, 2, "There is no file /nowhere.toml"),
        ((), {"SEGADDON_MAX_QUEUD": "3"}, 2, "SEGADDON_MAX_QUEUED?"),
        (("--listen", "0.0.0.0:0"), {}, 2, "without TLS"),
        (("--listen", "192.0.2.1:0"), {}, 2, "without TLS"),
        (("--max-queued", "many"), {}, 2, "a whole number is needed"),
        (("--max-que", "3"), {}, 2, "unrecognized arguments"),
        (("--token-file", "/nowhere"), {}, 2, "Token file /nowhere cannot be read"),
        (("--socket", "/" + "x" * 200), {}, 2, "too long"),
        (("--tcp", "99999"), {}, 2, "no HOST:PORT"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_is_said_in_one_line_with_a_status(home: Path, flags, environ, status, words):
    got, said = refused(home, *flags, **environ)
    assert (got, words in said) == (status, True), said
    assert "Traceback" not in said


def test_a_taken_port_and_a_second_server_have_their_statuses(home: Path, tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        status, said = refused(home, "--tcp", str(taken.getsockname()[1]))
    assert (status, "cannot listen" in said) == (1, True)
    with running(home):
        assert refused(home)[0] == 3


def test_token_files_must_be_private_and_long(home: Path, tmp_path: Path):
    file = tmp_path / "token"
    file.write_text(TOKEN)
    file.chmod(0o644)
    assert "chmod 600" in refused(home, "--token-file", str(file))[1]
    file.chmod(0o600)
    with running(home, "--token-file", str(file)):
        assert call(home, "GET", "/v1/health", Authorization=f"Bearer {TOKEN}")[0] == 200
    file.write_text("short")
    assert "too short" in refused(home, "--token-file", str(file))[1]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[trustme.CA, Path]:
    """A certificate authority, and a folder with a certificate for render01.example and 127.0.0.1, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    issued = authority.issue_cert("render01.example", "127.0.0.1")
    for index, blob in enumerate(issued.cert_chain_pems):
        blob.write_to_path(folder / "cert.pem", append=index > 0)
    issued.private_key_pem.write_to_path(folder / "key.pem")
    return authority, folder


def test_a_server_for_other_machines_speaks_tls_under_its_names(home: Path, tmp_path: Path, authority):
    trusted, folder = authority
    token = tmp_path / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    tls = ("--tls-cert", str(folder / "cert.pem"), "--tls-key", str(folder / "key.pem"))
    names = ("--host-names", "render01.example,127.0.0.1", "--token-file", str(token))
    with running(home, "--listen", "0.0.0.0:0", *tls, *names):
        found = read_discovery(home)
        assert found
        assert found.address.startswith("https://render01.example:")
        port = int(found.address.rpartition(":")[2])
        context = ssl.create_default_context()
        trusted.configure_trust(context)
        assert https(port, context, f"render01.example:{port}", TOKEN) == 200
        assert https(port, context, f"127.0.0.1:{port}", TOKEN) == 200
        assert https(port, context, f"127.0.0.1:{port}", "wrong") == 401
        assert https(port, context, f"evil.example:{port}", TOKEN) == 421
        with pytest.raises(ssl.SSLCertVerificationError):
            https(port, ssl.create_default_context(), f"127.0.0.1:{port}", TOKEN)
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trusted.configure_trust(old)
        with pytest.warns(DeprecationWarning):
            old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises(OSError):
            https(port, old, f"127.0.0.1:{port}", TOKEN)
        with socket.create_connection(("127.0.0.1", port), timeout=5) as plain:
            plain.sendall(b"GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n")
            with contextlib.suppress(ConnectionError):
                assert not plain.recv(100).startswith(b"HTTP")


def https(port: int, context: ssl.SSLContext, host: str, token: str) -> int:
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=5, context=context)
    try:
        connection.request("GET", "/v1/health", headers={"Host": host, "Authorization": f"Bearer {token}"})
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can make a network without routes")
def test_a_job_is_done_without_a_network_and_nothing_asks_for_one(home: Path, tmp_path: Path):
    """In a network namespace of its own, where not even the loopback device is up; Python tells of every attempt."""
    inside = subprocess.run(["unshare", "-n", "true"], check=False).returncode
    if inside:
        pytest.skip("this system makes no network namespaces")
    (tmp_path / "sitecustomize.py").write_text(LISTENING_IN.format(log=str(tmp_path / "attempts")))
    with running(home, prefix=["unshare", "-n"], env=os.environ | {"PYTHONPATH": str(tmp_path)}):
        job = post(home, preview_job())[1]["id"]
        until(lambda: call(home, "GET", f"/v1/jobs/{job}")[1]["event"]["state"] == "succeeded", 30)
        for pid in processes_of(server_leader(home)):
            for kind in ("tcp", "tcp6", "udp", "udp6"):
                assert len(Path(f"/proc/{pid}/net/{kind}").read_text().splitlines()) == 1, "more than the heading"

    told = (tmp_path / "attempts").read_text().splitlines()
    assert len([line for line in told if line.startswith("began")]) >= 2, "server and worker"
    assert not [line for line in told if not line.startswith("began")]


LISTENING_IN = """
import os, sys
def tell(text):
    with open({log!r}, "a") as file:
        file.write(text + chr(10))
def hook(event, arguments):
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        tell(event + repr(arguments))
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg") and not isinstance(arguments[1], (str, bytes)):
        tell(event + repr(arguments[1]))
tell("began %d" % os.getpid())
sys.addaudithook(hook)
"""


def server_leader(home: Path) -> int:
    found = read_discovery(home)
    assert found
    return os.getsid(found.pid)


def preview_job() -> bytes:
    writer = BodyWriter()
    return b"".join(writer.finish(GenerateRequest("preview", "fog", scene=scene_to_wire(some_maps(16, 16), writer))))


def test_the_command_has_a_name_of_its_own():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    module, _, function = project["scripts"]["segaddon-bridge"].partition(":")
    script = f"from {module} import {function}; {function}(['--version'])"
    done = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.count(".") == 2
