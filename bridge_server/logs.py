"""The log: lines for people or JSON for machines, on standard error or in a file."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from pathlib import Path

from blender_segaddon.protocol.errors import StorageError

FORMAT_VARIABLE = "SEGADDON_LOG_FORMAT"

_FILE_BYTES = 5 << 20
"""A larger file is put aside at the start."""
_TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class JsonLines(logging.Formatter):
    """One JSON object a line: time (UTC, RFC 3339), level, logger, process, message and, of an error, its traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        entry = {
            "time": f"{moment}.{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "pid": os.getpid(),
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def configure(level: str, format: str, file: Path | None = None) -> None:
    """Set up this process's log, and that of the processes that it starts. Raises StorageError.

    With a file, all of standard error goes there: what libraries and dying workers say too.
    """
    logging.raiseExceptions = False  # a full disk or a closed terminal is no reason to fail
    if file is not None:
        _redirect(file)
    os.environ[FORMAT_VARIABLE] = format
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if format == "json" else logging.Formatter(_TEXT))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


def _redirect(path: Path) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.is_file() and path.stat().st_size > _FILE_BYTES:
            path.replace(path.with_name(f"{path.name}.1"))
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    except OSError as error:
        message = f"Log {path} cannot be written: {error.strerror}"
        raise StorageError(message, "Choose another log_file, or leave it out to log on standard error") from error
    os.dup2(handle, 2)
    os.close(handle)
