"""The server's installer: what it says, what it leaves alone, and that it can be stopped. The real installation is in
tests/blender/test_server_install.py."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path

import pytest

from blender_segaddon.client import processes
from blender_segaddon.client.installing import Installation, Payload, Step, Task, Wanted, environment, machine, pythons
from blender_segaddon.client.installing.reading import Reader, explained
from blender_segaddon.protocol.errors import Cancelled, InstallError, SegAddonError


@pytest.fixture
def payload(tmp_path: Path) -> Payload:
    """What a zip would carry, with nothing in it."""
    folder = tmp_path / "zip"
    folder.mkdir()
    (folder / "segaddon_bridge-9.9.9-py3-none-any.whl").write_bytes(b"none")
    for name in ("server.txt", "server-models.txt"):
        (folder / name).write_text("numpy==2.0.0 \\\n    --hash=sha256:00\n")
    return Payload(folder)


def task(tmp_path: Path, *programs: str, **options) -> Task:
    steps = [Step(f"Program {number}", (sys.executable, "-c", one), **options) for number, one in enumerate(programs)]
    return Task("The test", lambda: steps, tmp_path / "log.txt")


def test_steps_run_in_order_and_are_logged(tmp_path: Path) -> None:
    two = task(tmp_path, "print('first')", "print('second')")
    two.result()
    assert (two.progress, two.done()) == (1.0, True)
    log = (tmp_path / "log.txt").read_text()
    assert log.index("first") < log.index("second")


def test_a_step_that_fails_ends_it_and_says_why(tmp_path: Path) -> None:
    failing = task(tmp_path, "raise SystemExit('it is too cold')", "open('second', 'w')")
    with pytest.raises(InstallError, match=r"Program 0 failed: it is too cold\. The log tells more"):
        failing.result()
    assert not (tmp_path / "second").exists()


_DEAF = "" if sys.platform == "win32" else "signal.signal(signal.SIGTERM, signal.SIG_IGN); "


@pytest.mark.parametrize("deaf", ["", _DEAF])
def test_cancel_ends_all_that_was_started(tmp_path: Path, deaf: str) -> None:
    child = f"import signal, time; {deaf}print('on', flush=True); time.sleep(1); open('late', 'w')"
    program = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}])"
    long = task(tmp_path, program)
    while not (tmp_path / "log.txt").exists() or "on\n" not in (tmp_path / "log.txt").read_text():
        time.sleep(0.01)
    long.cancel()
    assert long.message == "Cancelling"
    with pytest.raises(Cancelled):
        long.result()
    time.sleep(1.2)
    assert not (tmp_path / "late").exists()


def test_a_program_that_is_not_there_is_said(tmp_path: Path) -> None:
    absent = Task("The test", lambda: [Step("Nothing", ("/no/such/program",))], tmp_path / "log.txt")
    with pytest.raises(InstallError, match=r"/no/such/program cannot be run"):
        absent.result()


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, payload: Payload) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InstallError, match="choose a folder that you may write to"):
        Installation(tmp_path / "file" / "server").install(payload, Wanted(False), sys.executable).result()


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk is full"),
        ("[WinError 112] There is not enough space on the disk", "disk is full"),
        ("NewConnectionError: Failed to establish a new connection: [Errno -2]", "cannot be reached"),
        ("ProxyError('Cannot connect to proxy.', OSError('407 Proxy Authentication Required'))", "proxy does not let"),
        ("SSLError(SSLCertVerificationError(1, 'CERTIFICATE_VERIFY_FAILED'))", "does not trust"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES", "not the one"),
        ("ERROR: No matching distribution found for torch==2.13.0", "no torch==2.13.0 for this machine"),
        ("The virtual environment was not created because ensurepip is not available", "cannot make environments"),
        ("PermissionError: [Errno 13] Permission denied: '/x'", "cannot be written"),
        ("Traceback: something new", "^$"),
    ],
)
def test_what_pip_says_is_explained(output: str, message: str) -> None:
    said, hint = explained(output)
    if message == "^$":
        assert (said, hint) == ("", "")
    else:
        assert message in said and hint and not (said + hint).endswith(".")


def test_progress_is_read_from_pip() -> None:
    reader = Reader(total=200e6)
    assert not reader.take("Downloading torch-2.13.0-cp311-cp311-linux_x86_64.whl (190.1 MB)")
    assert reader.take("Progress 100000000 of 190000000")
    assert (reader.fraction, reader.detail) == (0.5, "torch 100 of 190 MB")
    reader.take("Progress 190000000 of 190000000")
    reader.take("Progress 50000000 of 60000000")
    assert reader.fraction == 0.97


def test_progress_is_read_from_packages_and_model_downloads() -> None:
    reader = Reader(packages=4)
    reader.take("Collecting numpy==2.4.6 (from -r server.txt (line 3))")
    reader.take("  Downloading numpy-2.4.6-cp311-cp311-linux.whl (16 MB)")
    assert (round(reader.fraction, 3), reader.detail) == (0.175, "numpy")
    reader = Reader(total=1.0)
    assert reader.take("sd15  1.20 GB of 4.80 GB, 5 MB/s, 12 min 1 s left\n")
    assert reader.fraction == 0.25
    assert "12 min" in reader.detail


def test_a_python_that_does_not_fit_is_passed_over(tmp_path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("shell scripts stand for Pythons")
    whole = f"3 12 {tmp_path}/a b/python3.12"
    told = {"python3.9": "3 9 /x", "broken": "", "chatty": "hello\n3 12 /x", "python3.12": whole}
    for name, said in told.items():
        (tmp_path / name).write_text(f"#!/bin/sh\necho '{said}'\n")
        (tmp_path / name).chmod(0o755)
    assert pythons._checked(str(tmp_path / "python3.9")) is None
    assert pythons._checked(str(tmp_path / "broken")) is None
    assert pythons._checked(str(tmp_path / "chatty")) is None
    assert pythons._checked(str(tmp_path / "python3.12")) == (f"{tmp_path}/a b/python3.12", "3.12")


def test_without_any_python_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pythons, "_candidates", lambda: iter(()))
    monkeypatch.setattr(pythons, "_uv", lambda: "")
    with pytest.raises(InstallError, match=r"python\.org, or uv"):
        pythons.find_maker("")
    assert "3.11" in pythons.find_maker(sys.executable).name or sys.version_info[:2] != (3, 11)


def test_uv_makes_the_environment_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pythons, "_uv", lambda: "/opt/{mine}/uv")
    monkeypatch.setattr(pythons, "_candidates", lambda: iter(()))
    make, pip = pythons.find_maker("").commands
    assert make[:4] == ("/opt/{mine}/uv", "venv", "--python", "3.12")
    assert "ensurepip" in pip
    there = Installation(tmp_path)
    made = [step.command for step in there._making("")]
    assert made == [(*make[:-1], str(there.environment)), (str(there.python), *pip[1:])]


def test_a_folder_of_somebody_else_stays(tmp_path: Path, payload: Payload) -> None:
    mine = tmp_path / "server" / "env" / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.touch()
    there = Installation(tmp_path / "server")
    with pytest.raises(InstallError, match="was not made by this add-on"):
        there.install(payload, Wanted(False), sys.executable).result()
    assert there.remove() == 0.0
    assert mine.exists()


def test_a_full_disk_is_said_before_anything_is_made(
    tmp_path: Path, payload: Payload, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "_GROWS", 1e9)
    there = Installation(tmp_path / "server")
    with pytest.raises(InstallError, match=r"needs .* GB in .*, and .* GB are free\. Free some space"):
        there.install(payload, Wanted(False), sys.executable).result()
    assert there.state(payload) == "none"


def test_an_update_needs_no_room_for_all_of_it(
    tmp_path: Path, payload: Payload, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, wanted = Installation(tmp_path / "server"), Wanted(True, "cpu")
    there.python.parent.mkdir(parents=True)
    there.python.touch()
    there._record(environment.Installed(True, wanted, "9.9.8", "older"))
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(environment.shutil, "disk_usage", lambda _: usage._replace(free=10**9))
    assert there._steps(payload, wanted, sys.executable, anew=False)[0].title == "Getting packages"
    with pytest.raises(InstallError, match=r"1\.0 GB are free"):
        there._steps(payload, wanted, sys.executable, anew=True)


def test_an_update_that_was_cut_off_before_it_changed_anything_leaves_the_old_server_usable(
    tmp_path: Path, payload: Payload
) -> None:
    there = Installation(tmp_path / "server")
    packages = there.environment / "lib/python3.12/site-packages"
    (packages / "numpy").mkdir(parents=True)
    (packages / "numpy-1.0.0.dist-info").mkdir()
    there.python.parent.mkdir(parents=True, exist_ok=True)
    there.python.touch()
    there._record(environment.Installed(True, Wanted(False), "0.0.1", "old"))
    there._steps(payload, Wanted(False), sys.executable, anew=False)  # and then nothing of it is done
    assert (there.state(payload), there.read().complete) == ("outdated", False)
    again = there._steps(payload, Wanted(False), sys.executable, anew=False)
    assert not any("environment" in one.title for one in again)
    (packages / "numpy" / "__pycache__").mkdir()  # what runs from it writes such things
    assert there.state(payload) == "outdated"
    (packages / "numpy").rename(packages / "~umpy")  # pip takes the first package away
    assert there.state(payload) == "broken"


def test_states(tmp_path: Path, payload: Payload) -> None:
    there = Installation(tmp_path / "server")
    there.python.parent.mkdir(parents=True)
    known = environment.Installed(True, Wanted(False), "9.9.9", payload.fingerprint(False))
    there._record(known)
    assert there.state(payload) == "broken"  # its Python is gone
    there.python.touch()
    assert there.state(payload) == "ready"
    there._record(environment.Installed(False, Wanted(False), "9.9.9", known.fingerprint))
    assert there.state(payload) == "broken"  # cut off
    there._record(environment.Installed(True, Wanted(False), "9.9.8", "older"))
    assert there.state(payload) == "outdated"
    there.remove()
    assert there.state(payload) == "none" and not there.environment.exists()


OKAY = '{\n "ok": true,\n "findings": []\n}\n'
NO_GPU = '{\n "findings": [{"level": "fail", "text": "The GPU is too old", "hint": "Use cpu"}]\n}\n'


@pytest.mark.parametrize(
    ("doctor", "said", "state"),
    [
        (f"a warning {{at first}}\n{OKAY}UserWarning: later\n", "", "ready"),
        (NO_GPU, r"The GPU is too old\. Use cpu", "ready"),
        ("Traceback (most recent call last):\nImportError: no libstdc++\n", "does not run: ImportError", "broken"),
        ("", "it said nothing", "broken"),
    ],
)
def test_a_server_that_does_not_even_start_is_not_taken_for_whole(
    tmp_path: Path, payload: Payload, doctor: str, said: str, state: str
) -> None:
    there = Installation(tmp_path / "server")
    there.python.parent.mkdir(parents=True)
    there.python.touch()
    there._record(environment.Installed(False, Wanted(False), "9.9.9", payload.fingerprint(False)))
    if said:
        with pytest.raises(InstallError, match=said):
            there._complete(doctor)
    else:
        there._complete(doctor)
    assert there.state(payload) == state


def test_what_can_only_be_deleted_in_part_is_not_used_any_more(
    tmp_path: Path, payload: Payload, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = Installation(tmp_path / "server")
    there.python.parent.mkdir(parents=True)
    there.python.touch()
    there._record(environment.Installed(True, Wanted(False), "9.9.9", payload.fingerprint(False)))

    def in_use(path: Path) -> None:
        raise PermissionError(13, "in use", str(path / "python.dll"))

    monkeypatch.setattr(environment, "_HELD_SECONDS", 0.0)
    monkeypatch.setattr(environment.shutil, "rmtree", in_use)
    with pytest.raises(InstallError, match=r"python\.dll cannot be deleted: in use"):
        there.remove()
    assert there.state(payload) == "broken"


def test_a_record_that_cannot_be_written_leaves_the_one_before(
    tmp_path: Path, payload: Payload, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = Installation(tmp_path)
    known = environment.Installed(False, Wanted(False), "9.9.9", "")
    there._record(known)
    with monkeypatch.context() as full:
        full.setattr(Path, "write_text", _full_disk)
        full.setattr(Path, "replace", _full_disk)
        with pytest.raises((SegAddonError, OSError)):
            there._record(environment.Installed(True, Wanted(False), "9.9.9", ""))
    assert there.read() == known


def _full_disk(path: Path, *_: object) -> None:
    if path.name == "install.json":
        path.touch()
        os.truncate(path, 0)
    raise OSError(28, "No space left on device")


def test_a_fault_of_our_own_is_told_as_one_line(tmp_path: Path) -> None:
    faulty = Task("The test", lambda: [Step("Program", (sys.executable, "-c", ""))], tmp_path / "log", lambda _: 1 / 0)
    with pytest.raises(InstallError, match="The test failed: ZeroDivisionError"):
        faulty.result()


def test_a_copy_without_the_server_says_where_it_is(tmp_path: Path) -> None:
    with pytest.raises(InstallError, match="from its zip"):
        Installation(tmp_path).install(Payload(tmp_path / "none"), Wanted(False), sys.executable).result()


def test_blenders_own_variables_do_not_reach_other_pythons(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHOME", "/blender/python")
    asked = "import os; print(os.environ.get('PYTHONHOME', 'none'))"
    assert processes.answer_of([sys.executable, "-c", asked]) == "none"


def test_an_nvidia_card_is_known_by_its_makers_tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform == "win32":
        pytest.skip("a shell script stands for nvidia-smi")
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\necho 'NVIDIA GeForce RTX 4090, 24564'\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    found = machine.detect()
    assert (found.accelerator, found.device) == ("cuda", "NVIDIA GeForce RTX 4090, 24 GB")
    assert round(found.memory) == 24
    assert environment.download_size(Wanted(accelerator="cuda")) > environment.download_size(Wanted()) > 0


def test_torch_comes_from_where_it_is_asked_for(tmp_path: Path, payload: Payload) -> None:
    there = Installation(tmp_path)
    for index, expected in (
        (None, machine.torch_index("cpu")),
        ("", ""),
        ("https://mirror/simple", "https://mirror/simple"),
    ):
        steps = there._packages(payload, Wanted(True, "cpu", index))
        (torch,) = [step for step in steps if "torch" in step.title]
        given = torch.command[torch.command.index("--index-url") + 1] if "--index-url" in torch.command else ""
        assert given == expected
    assert [step.title for step in there._packages(payload, Wanted(False))] == [
        "Getting packages",
        "Installing the server",
        "Checking",
    ]


def test_detection_says_something_everywhere() -> None:
    found = machine.detect()
    assert found.accelerator in machine.accelerators() and found.device
