"""The command line: ``segaddon-bridge`` or ``python -m bridge_server``.

Exit status: 0 done; 1 a fault in the server, or doctor found one; 2 settings, arguments or files that cannot be used;
3 a server for this state folder runs already.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
from typing import Any

from blender_segaddon.protocol.errors import SegAddonError
from blender_segaddon.protocol.version import ADDON_VERSION

from . import configuration, logs
from .settings import LOOPBACK, Settings


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit status. Errors are one line on standard error."""
    options = _parser().parse_args(arguments)
    try:
        settings = _settings(options)
        logs.configure(settings.log_level, settings.log_format, settings.log_file)
        return options.run(settings, options)
    except SegAddonError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code


def _serve(settings: Settings, _options: argparse.Namespace) -> int:
    from .serving import serve

    serve(settings)
    return 0


def _doctor(settings: Settings, options: argparse.Namespace) -> int:
    from . import doctor

    findings = doctor.examine(settings)
    sys.stdout.write(doctor.as_json(findings) if options.json else doctor.as_text(findings))
    return doctor.exit_status(findings)


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    configuration.add_flags(common)
    parser = argparse.ArgumentParser(prog="segaddon-bridge", description=__doc__, allow_abbrev=False)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--version", action="version", version=ADDON_VERSION)
    commands = parser.add_subparsers(dest="command", required=True)
    epilog = f"Every setting can also stand in a TOML file ({configuration.default_file()}) or in a variable SEGADDON_…"
    serve = commands.add_parser("serve", parents=[common], help="run the server", epilog=epilog, allow_abbrev=False)
    serve.add_argument(
        "--tcp", type=int, nargs="?", const=0, metavar="PORT", help="short for --listen 127.0.0.1:PORT (any free port)"
    )
    serve.set_defaults(run=_serve)
    doctor = commands.add_parser("doctor", parents=[common], help="say what works here", allow_abbrev=False)
    doctor.add_argument("--json", action="store_true", help="for programs")
    doctor.set_defaults(run=_doctor)
    return parser


def _settings(options: argparse.Namespace) -> Settings:
    flags: dict[str, Any] = vars(options)
    if flags.get("tcp") is not None:
        flags["listen"] = f"{LOOPBACK}:{flags['tcp']}"
    if not hasattr(socket, "AF_UNIX"):  # Windows
        flags["listen"] = flags.get("listen") or os.environ.get("SEGADDON_LISTEN") or f"{LOOPBACK}:0"
    return configuration.load(flags, os.environ)


if __name__ == "__main__":
    sys.exit(main())
