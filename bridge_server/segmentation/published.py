"""The networks of the package ``segment-anything``, without the package itself.

``import segment_anything`` would import torchvision, which its networks never use, and which cannot be had beside every
build of torch. Its folder ``modeling`` stands on its own: it is imported here as a package of its own name.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

_PACKAGE = "segment_anything"
_NAME = "segaddon_sam_networks"


class _Finder(MetaPathFinder):
    """Says where the package ``_NAME`` lies: in the folder of the installed one."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """See ``MetaPathFinder``."""
        del path, target
        if fullname != _NAME:
            return None
        folder = _folder()
        return spec_from_file_location(_NAME, folder / "__init__.py", submodule_search_locations=[str(folder)])


def networks() -> ModuleType:
    """``segment_anything.modeling``. Raises ModuleNotFoundError where the package is not installed."""
    if not any(isinstance(one, _Finder) for one in sys.meta_path):
        sys.meta_path.append(_Finder())
    return importlib.import_module(_NAME)


def _folder() -> Path:
    found = find_spec(_PACKAGE)  # looks, and imports nothing
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError(f"No module named {_PACKAGE!r}", name=_PACKAGE)
    return Path(next(iter(found.submodule_search_locations))) / "modeling"
