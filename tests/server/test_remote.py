"""A server that is reached by address and token, over TLS; what people read when that does not work."""

from __future__ import annotations

import hashlib
import os
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme

from blender_segaddon.client import Bridge
from blender_segaddon.protocol.discovery import read_discovery, read_token
from blender_segaddon.protocol.errors import BridgeError, BridgeUnavailable, InvalidInput

from .support import rehearsal, serve, server_pid, until


@dataclass(frozen=True)
class Remote:
    """A server with TLS."""

    address: str
    token: str
    certificate: Path
    fingerprint: str
    elsewhere: Path

    def bridge(self, **changes: Any) -> Bridge:
        """A client on a machine that knows nothing but what it is told."""
        options = {"address": self.address, "token": self.token, "state_dir": self.elsewhere, "patience": 1.0}
        return Bridge(**{**options, **changes})


@pytest.fixture(scope="module")
def remote(tmp_path_factory: pytest.TempPathFactory, shared_home: Path) -> Iterator[Remote]:
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    for blob in issued.cert_chain_pems:
        blob.write_to_path(folder / "cert.pem", append=True)
    (folder / "key.pem").chmod(0o600)
    authority.cert_pem.write_to_path(folder / "ca.pem")
    shown = ssl.PEM_cert_to_DER_cert(issued.cert_chain_pems[0].bytes().decode())
    flags = ("--tls-cert", str(folder / "cert.pem"), "--tls-key", str(folder / "key.pem"))
    with serve(shared_home, "--listen", "127.0.0.1:0", *flags, "--enable-test-generator") as server:
        until(lambda: server_pid(shared_home))
        found = read_discovery(shared_home)
        assert found
        digest = hashlib.sha256(shown).hexdigest()
        elsewhere = folder / "elsewhere"
        yield Remote(found.address, read_token(shared_home), folder / "ca.pem", digest, elsewhere)
        server.terminate()
        server.communicate(timeout=10)
        assert not elsewhere.exists(), "nothing is written for a server on another machine"


@pytest.mark.parametrize("proof", ["certificate", "fingerprint", "with colons"])
def test_a_job_on_a_remote_server(remote: Remote, proof: str, monkeypatch: pytest.MonkeyPatch):
    for name in ("http_proxy", "https_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setitem(os.environ, name, "http://127.0.0.1:9")
    colons = ":".join(remote.fingerprint[k : k + 2] for k in range(0, 64, 2)).upper()
    options: dict[str, dict[str, Any]] = {
        "certificate": {"certificate": remote.certificate},
        "fingerprint": {"fingerprint": remote.fingerprint},
        "with colons": {"fingerprint": colons},
    }
    _, (image,) = remote.bridge(**options[proof]).run(rehearsal("2 0.01", seed=3))
    assert int(image.max()) == 3


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({}, BridgeError, r"certificate is not trusted.*fingerprint"),
        ({"fingerprint": "ab" * 32}, BridgeError, r"another certificate.*fingerprint"),
        ({"token": "guess", "fingerprint": "right"}, BridgeError, r"token.*missing or wrong"),
        ({"address": "https://127.0.0.1:9"}, BridgeUnavailable, r"No bridge server answers at https://127\.0\.0\.1:9"),
        ({"address": "plain"}, BridgeUnavailable, r"No bridge server answers|does not answer"),
    ],
    ids=["not trusted", "other certificate", "wrong token", "refused", "http to a TLS port"],
)
def test_what_is_wrong_is_one_clear_line(remote: Remote, changes: dict[str, str], error: type, said: str):
    if changes.get("fingerprint") == "right":
        changes = {**changes, "fingerprint": remote.fingerprint}
    if changes.get("address") == "plain":
        changes = {"address": remote.address.replace("https", "http")}
    with pytest.raises(error, match=said) as failure:
        remote.bridge(**changes).run(rehearsal())
    assert "\n" not in str(failure.value)


def test_tls_where_none_is_spoken_is_one_clear_line(home: Path):
    with serve(home, "--tcp") as server:
        until(lambda: server_pid(home))
        found = read_discovery(home)
        assert found
        with pytest.raises(BridgeError, match="must speak TLS"):
            Bridge(address=found.address.replace("http:", "https:"), token="x", state_dir=home).run(rehearsal())
        server.terminate()
        server.communicate(timeout=10)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://render01.studio.example:8188", "https"),
        ("http://10.0.0.5:80", "https"),
        ("ftp://127.0.0.1", "no address"),
        ("https://host:port", "no address"),
        ("render01", "no address"),
        ("", "no address"),
    ],
)
def test_an_address_that_cannot_be_used(tmp_path: Path, address: str, said: str):
    with pytest.raises(InvalidInput, match=said):
        Bridge(address=address, token="x", state_dir=tmp_path)
