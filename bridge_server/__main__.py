"""The command line: ``python -m bridge_server serve`` and ``doctor``."""

from __future__ import annotations

import argparse
import logging
import socket
import sys
from pathlib import Path

from blender_segaddon.protocol.discovery import default_state_dir
from blender_segaddon.protocol.errors import SegAddonError

from .settings import Settings


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit status. Errors are one line on standard error."""
    try:
        options = _parser().parse_args(arguments)
        logging.basicConfig(
            level=options.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
        )
        if options.command == "doctor":
            from . import doctor

            sys.stdout.write("\n".join(doctor.report(options.state_dir)) + "\n")
        else:
            from .serving import serve

            serve(_settings(options))
    except SegAddonError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--state-dir", type=_path, default=default_state_dir(), metavar="DIR", help="default: %(default)s"
    )
    common.add_argument("--log-level", default="info", choices=("debug", "info", "warning", "error"))
    parser = argparse.ArgumentParser(prog="bridge_server", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("doctor", parents=[common], help="say what works here")
    serve = commands.add_parser("serve", parents=[common], help="run the server")
    where = serve.add_mutually_exclusive_group()
    where.add_argument("--socket", type=_path, metavar="PATH", help="Unix socket to listen on")
    where.add_argument(
        "--tcp", type=int, nargs="?", const=0, metavar="PORT", help="listen on 127.0.0.1 instead (default on Windows)"
    )
    serve.add_argument("--idle-seconds", type=float, default=600.0, help="end after this long unused (%(default)s)")
    serve.add_argument("--exit-with-stdin", action="store_true", help="end at once when standard input closes")
    serve.add_argument("--cancel-grace", type=float, default=5.0, help="seconds to stop at a step (%(default)s)")
    serve.add_argument("--enable-test-generator", action="store_true", help="for tests of the server itself")
    return parser


def _path(text: str) -> Path:
    return Path(text).absolute()


def _settings(options: argparse.Namespace) -> Settings:
    tcp_port = options.tcp
    if tcp_port is None and not hasattr(socket, "AF_UNIX"):
        tcp_port = 0
    return Settings(
        state_dir=options.state_dir,
        socket=options.socket,
        tcp_port=tcp_port,
        idle_seconds=options.idle_seconds,
        exit_with_stdin=options.exit_with_stdin,
        cancel_grace=options.cancel_grace,
        test_generator=options.enable_test_generator,
    )


if __name__ == "__main__":
    sys.exit(main())
