"""How Sphinx makes the site; scripts/docs runs it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from blender_segaddon.protocol.version import ADDON_VERSION

project = "SegAddon"
author = "SegAddon maintainers"
copyright = "SegAddon maintainers, GPL-3.0-or-later"
version = release = ADDON_VERSION
extensions = ["myst_parser"]
html_theme = "furo"
html_title = f"SegAddon {ADDON_VERSION}"
myst_heading_anchors = 3
suppress_warnings = ["myst.xref_missing", "misc.highlighting_failure"]  # links to files of the repository; settings
exclude_patterns = ["_build"]
