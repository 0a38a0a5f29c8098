"""Settings from file, environment and flags: which is stronger, what is refused, and that the documents tell all."""

from __future__ import annotations

import argparse
import dataclasses
import tomllib
from pathlib import Path
from typing import Any

import pytest

from blender_segaddon.protocol.errors import InvalidInput
from bridge_server import configuration
from bridge_server.settings import Settings

from .support import REPOSITORY


def load(folder: Path, text: str = "", flags: tuple[str, ...] = (), **environ: str) -> Settings:
    """The settings of a start with this file, these flags and this environment."""
    file = folder / "server.toml"
    file.write_text(text)
    parser = argparse.ArgumentParser(exit_on_error=False)
    configuration.add_flags(parser)
    given = vars(parser.parse_args(["--config", str(file), "--state-dir", str(folder), *flags]))
    return configuration.load(given, environ)


def test_flags_beat_the_environment_which_beats_the_file(tmp_path: Path):
    text = "max_queued = 1\nheartbeat = 1\nread_timeout = 1.5"
    environ = {"SEGADDON_HEARTBEAT": "2", "SEGADDON_READ_TIMEOUT": "2"}
    settings = load(tmp_path, text, ("--read-timeout", "3"), **environ)
    assert (settings.max_queued, settings.heartbeat, settings.read_timeout) == (1, 2.0, 3.0)
    assert settings.max_results == Settings(tmp_path).max_results


def test_every_setting_can_be_given_in_every_way(tmp_path: Path):
    samples: dict[Any, tuple[str, str, Any]] = {
        bool: ("true", "true", True),
        int: ("5", '"5"', 5),
        float: ("0.5", "0.5", 0.5),
        str: ("x", '"x"', "x"),
        Path: ("/x", '"/x"', Path("/x").absolute()),
    }
    for option in configuration.options():
        if option.choices:
            text, toml, value = option.choices[-1].upper(), f'"{option.choices[-1]}"', option.choices[-1]
        else:
            text, toml, value = samples[option.kind]
        want = (value,) if option.many else value
        assert option.from_text(text) == want
        assert option.from_file([tomllike(toml)] if option.many else tomllike(toml)) == want


def tomllike(text: str) -> Any:
    return tomllib.loads(f"x = {text}")["x"]


def test_sizes_have_units_and_lists_their_separators(tmp_path: Path):
    text = 'max_body_bytes = "3 GiB"\nmodels_dirs = ["/a", "~/b"]'
    settings = load(tmp_path, text, SEGADDON_HOST_NAMES="one.example, two.example", SEGADDON_MAX_QUEUED_BYTES="5MiB")
    assert (settings.max_body_bytes, settings.max_queued_bytes) == (3 << 30, 5 << 20)
    assert settings.models_dirs == (Path("/a").absolute(), Path.home() / "b")
    assert settings.host_names == ("one.example", "two.example")
    assert load(tmp_path, "", ("--models-dirs", "/x:/y")).models_dirs == (Path("/x"), Path("/y"))


def test_a_flag_turns_off_what_the_file_turns_on(tmp_path: Path):
    assert load(tmp_path, "exit_with_stdin = true").exit_with_stdin
    assert not load(tmp_path, "exit_with_stdin = true", ("--no-exit-with-stdin",)).exit_with_stdin


@pytest.mark.parametrize(
    ("text", "environ", "words"),
    [
        ("max_qeued = 1", {}, r"server\.toml: max_qeued is no setting.*max_queued"),
        ("nonsense = 1", {}, r"nonsense is no setting.*docs/server\.md"),
        ("[server]\nmax_queued = 1", {}, "server is no setting"),
        ("max_queued = ", {}, r"server\.toml is no TOML"),
        ('max_queued = "many"', {}, "max_queued: a whole number is needed, not 'many'"),
        ("max_queued = 1.5", {}, "max_queued: a whole number"),
        ("max_queued = true", {}, "max_queued: a whole number"),
        ("max_queued = -1", {}, "max_queued: a"),
        ("heartbeat = inf", {}, "heartbeat: a number from 0 on"),
        ("heartbeat = nan", {}, "heartbeat: a number from 0 on"),
        ("listen = 80", {}, "listen: text is needed"),
        ('models_dirs = "/a"', {}, "models_dirs: a list"),
        ('log_level = "loud"', {}, "one of debug, info, warning, error"),
        ('state_dir = "/x"', {}, "does not belong into the file.*SEGADDON_STATE_DIR"),
        ("test_generator = true", {}, "test_generator is no setting"),
        ("", {"SEGADDON_MAX_QEUED": "1"}, "SEGADDON_MAX_QEUED is no setting.*SEGADDON_MAX_QUEUED"),
        ("", {"SEGADDON_TLS_CRET": "1"}, "SEGADDON_TLS_CERT"),
        ("", {"SEGADDON_EXIT_WITH_STDIN": "maybe"}, "SEGADDON_EXIT_WITH_STDIN: true or false"),
        ("", {"SEGADDON_LISTEN": "0.0.0.0:80"}, "without TLS"),
        ("", {"SEGADDON_LISTEN": "nowhere"}, "no HOST:PORT"),
        ("", {"SEGADDON_LISTEN": "127.0.0.1:99999"}, "no HOST:PORT"),
        ("", {"SEGADDON_TLS_CERT": "/c"}, "certificate and its key"),
        ("", {"SEGADDON_TLS_CERT": "/c", "SEGADDON_TLS_KEY": "/k"}, "TLS is for TCP"),
        ("", {"SEGADDON_LISTEN": "[::]:1", "SEGADDON_TLS_CERT": "/c", "SEGADDON_TLS_KEY": "/k"}, "host_names"),
        ("", {"SEGADDON_LISTEN": "127.0.0.1:1", "SEGADDON_SOCKET": "/s"}, "Both socket and listen"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(tmp_path: Path, text: str, environ: dict[str, str], words: str):
    with pytest.raises(InvalidInput, match=words) as error:
        load(tmp_path, text, **environ)
    assert error.value.hint
    assert error.value.exit_code == 2
    assert "\n" not in str(error.value)


def test_variables_of_other_programs_are_left_alone(tmp_path: Path):
    load(tmp_path, SEGADDON_SCENES="/x", SEGADDON_SERVER_PYTHON="/x", SEGADDON_COLOUR="red", PATH="/bin")


def test_a_named_file_must_be_there_and_the_default_one_need_not(tmp_path: Path):
    with pytest.raises(InvalidInput, match="There is no file"):
        configuration.load({"config": tmp_path / "missing.toml", "state_dir": tmp_path}, {})
    with pytest.raises(InvalidInput, match="There is no file"):
        configuration.load({"state_dir": tmp_path}, {"SEGADDON_CONFIG": str(tmp_path / "missing.toml")})
    empty = {"XDG_CONFIG_HOME": str(tmp_path), "APPDATA": str(tmp_path)}
    assert configuration.load({"state_dir": tmp_path}, empty) == Settings(tmp_path)
    file = tmp_path / "segaddon" / "server.toml"
    file.parent.mkdir()
    file.write_text("max_queued = 7")
    assert configuration.default_file(empty) == file
    assert configuration.load({"state_dir": tmp_path}, empty).max_queued == 7


def test_every_field_is_explained_and_stands_in_the_document():
    for option in configuration.options():
        assert option.help, option.name
    assert {option.name for option in configuration.options()} == {one.name for one in dataclasses.fields(Settings)}
    assert configuration.table() in (REPOSITORY / "docs/server.md").read_text("utf-8"), "paste configuration.table()"


def test_the_test_generator_is_nothing_for_users():
    assert "test_generator" not in configuration.table()
