"""What README.md and docs/ show works as it stands; what they point to is there; every error has its line."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import bpy
import pytest

from scripts.lib.error_codes import codes

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs").glob("*.md"))
WITH_EXAMPLES = [page for page in PAGES if "```python" in page.read_text("utf-8")]
STAGE = Path(__file__).with_name("docs_stage.py")


@pytest.mark.skipif(bpy.app.version[:2] != (4, 5), reason="once is enough: in Blender 4.5")
def test_every_example_runs_as_it_stands(tmp_path: Path) -> None:
    variables = {"SEGADDON_SERVER_PYTHON": str(ROOT / ".venv/bin/python")} | os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, str(STAGE), *map(str, WITH_EXAMPLES)],
        env=variables,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(done.stdout.splitlines()[-1]) == sum(one.read_text("utf-8").count("```python") for one in WITH_EXAMPLES)


def test_what_pages_point_to_is_there() -> None:
    missing = [
        f"{page.name}: {target}"
        for page in PAGES
        for target in re.findall(r"\]\(([\w./-]+)\)", page.read_text("utf-8"))
        if not (page.parent / target).exists()
    ]
    assert missing == []


def test_every_page_is_on_the_site_and_every_picture_is_small() -> None:
    index = (ROOT / "docs/index.md").read_text("utf-8")
    assert [page.stem for page in PAGES if page.stem != "index" and f"\n{page.stem}\n" not in index] == []
    new = ("first_steps.png", "preferences.png", "scripting.png")
    assert [name for name in new if (ROOT / "docs" / name).stat().st_size > 500_000] == []


def test_troubleshooting_has_every_code_that_the_sources_have() -> None:
    page = (ROOT / "docs/troubleshooting.md").read_text("utf-8")
    listed = {code for row in re.findall(r"^\| (`.*?) \|", page, re.M) for code in re.findall(r"`(\w+)`", row)}
    assert listed == codes()
