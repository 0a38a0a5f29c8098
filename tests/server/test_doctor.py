"""What ``doctor`` finds, in a good state and in bad ones."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from .support import REPOSITORY, SERVER, bridge


def doctor(home: Path, *flags: str, **environ: str) -> tuple[int, str]:
    """Exit status and standard output."""
    arguments = [*SERVER, "doctor", "--state-dir", str(home), *flags]
    done = subprocess.run(
        arguments, cwd=REPOSITORY, env=os.environ | environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert not done.stderr
    return done.returncode, done.stdout


def findings(home: Path, *flags: str, **environ: str) -> tuple[int, dict[str, Any]]:
    """Exit status and the findings that are not ok, by subject."""
    status, text = doctor(home, "--json", *flags, **environ)
    report = json.loads(text)
    assert report["ok"] is (status == 0)
    bad = {one["about"]: one for one in report["findings"] if one["level"] != "ok"}
    assert all(one["hint"] for one in bad.values())
    return status, bad


def test_doctor_changes_nothing_and_finds_a_running_server(home: Path):
    status, text = doctor(home)
    assert status == 0
    assert "server: not running" in text
    assert not home.exists()
    home.mkdir(mode=0o700)
    (home / "lock").touch()  # of a server that was killed
    assert "server: not running" in doctor(home)[1]
    assert {path.name for path in home.iterdir()} == {"lock"}
    pid = bridge(home).ensure_running().pid
    assert f"pid {pid}, version" in doctor(home)[1]


def test_doctor_says_what_is_wrong_and_what_to_do(home: Path, tmp_path: Path):
    home.mkdir(mode=0o755)
    home.chmod(0o755)
    status, bad = findings(home, "--models-dirs", str(tmp_path / "none"))
    assert status == 1
    assert "chmod 700" in bad["state"]["hint"]
    assert "none cannot be read" in bad["models"]["text"]
    home.chmod(0o700)
    (home / "token").write_text("secret")
    (home / "token").chmod(0o644)
    long = tmp_path / ("x" * 120)
    status, bad = findings(home, "--socket", str(long))
    assert "chmod 600" in bad["token"]["hint"]
    assert "too long" in bad["socket"]["text"]
    (home / "token").unlink()


def test_doctor_tries_certificate_and_key(home: Path, tmp_path: Path):
    junk = tmp_path / "junk.pem"
    junk.write_text("no certificate")
    flags = ("--listen", "10.0.0.1:8443", "--tls-cert", str(junk), "--tls-key", str(junk))
    status, bad = findings(home, *flags)
    assert (status, "TLS cannot be set up" in bad["socket"]["text"]) == (1, True)


def test_doctor_mistrusts_a_file_that_others_can_change(home: Path, tmp_path: Path):
    file = tmp_path / "server.toml"
    file.write_text("max_queued = 3")
    file.chmod(0o666)
    status, bad = findings(home, SEGADDON_CONFIG=str(file))
    assert (status, bad["settings"]["level"]) == (0, "warn")
