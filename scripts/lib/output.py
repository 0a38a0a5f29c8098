"""A folder of results that is there whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from blender_segaddon.core.atomic import storage_error
from blender_segaddon.protocol.errors import StorageError


@contextmanager
def staging(target: Path) -> Iterator[Path]:
    """Give a scratch folder beside the results; its files move into ``target`` only when the block ends without error.

    Raises:
        StorageError: ``target`` is a file or cannot be written, or the disk is full; nothing is left behind.
    """
    created = [folder for folder in (target, *target.parents) if not folder.exists()]
    scratch = None
    try:
        target.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".making-", dir=target))
        yield scratch
        for made in sorted(scratch.iterdir()):
            made.replace(target / made.name)
    except OSError as error:  # the temporary files of others can fill the disk too: name what could not be written
        raise storage_error(Path(str(error.filename or target)), error) from error
    except StorageError as error:  # of a file in the scratch folder, which people need not know of
        raise StorageError(error.message.replace(str(scratch), str(target)), error.hint) from error
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)
        for folder in created:
            with suppress(OSError):  # it holds the results, or something that another program put there
                folder.rmdir()
