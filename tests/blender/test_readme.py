"""What the README shows works as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def test_the_script_runs_in_a_fresh_blender(tmp_path: Path):
    (example,) = re.findall(r"^```python\n(.*?)^```", README, re.S | re.M)
    leave = "\nimport os; os._exit(0)\n"  # the bpy wheel frees its data at the end, and can hang there
    done = subprocess.run(
        [sys.executable, "-c", example + leave],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "maps" / "maps.npz").exists()


def test_files_that_it_points_to_are_there():
    targets = re.findall(r"\]\(([\w./-]+)\)", README)
    assert [target for target in targets if not (ROOT / target).exists()] == []
