"""The command line: segaddon-bridge or python -m bridge_server.

Exit status: 0 done; 1 a fault in the server, or doctor found one; 2 settings, arguments or files that cannot be used;
3 a server for this state folder runs already; 4 out of memory (run); 130 interrupted (run).
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
from pathlib import Path
from typing import Any

from blender_segaddon.protocol.errors import SegAddonError
from blender_segaddon.protocol.version import ADDON_VERSION

from . import configuration, logs
from .models import commands as models
from .settings import LOOPBACK, Settings


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit status. Errors are one line on standard error."""
    options = _parser().parse_args(arguments)
    terminal = os.dup(2)  # the log may take standard error away
    try:
        settings = _settings(options)
        logs.configure(settings.log_level, settings.log_format, settings.log_file)
        return options.run(settings, options)
    except SegAddonError as error:
        os.write(terminal, f"{error}\n".encode(errors="replace"))
        return error.exit_code
    finally:
        os.close(terminal)


def _serve(settings: Settings, _options: argparse.Namespace) -> int:
    from .serving import serve

    serve(settings)
    return 0


def _doctor(settings: Settings, options: argparse.Namespace) -> int:
    from . import doctor

    findings = doctor.examine(settings)
    sys.stdout.write(doctor.as_json(findings) if options.json else doctor.as_text(findings))
    return doctor.exit_status(findings)


def _run(settings: Settings, options: argparse.Namespace) -> int:
    from . import run

    return run.run(settings, options)


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
    run = commands.add_parser("run", parents=[common], help="do a job from a file, with no server", allow_abbrev=False)
    run.add_argument("bundle", type=Path, metavar="BUNDLE", help="the body of a job's POST, in a file")
    run.add_argument("--out", type=Path, metavar="DIR", help="folder for the pictures (default: BUNDLE-result)")
    run.set_defaults(run=_run)
    models.add_to(commands, common)
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
