"""The bench that is meant for a GPU runs, in a small form: its figures here mean nothing."""

from __future__ import annotations

from bridge_server.generation import pipelines
from scripts import bench_generate


def test_models_of_the_real_layout_beside_stock(tmp_path, monkeypatch):
    monkeypatch.setattr(pipelines, "compile_blocks", lambda net: 0)  # takes a minute without a GPU
    rows = bench_generate.real(tmp_path, "sd15", bench_generate.CPU, 64, 1, 2)
    beside = [row for row in rows if "pictures" in row]
    assert [row["pictures"] for row in beside] == [1, 4]
    assert beside[0]["db_to_stock"] == 120.0, "nothing is added: the same picture"
    lines = {row["line"]: row["db_to_stock"] for row in rows if "line" in row}
    assert lines["A: ours"] == lines["A: ours, compiled"] == 120.0
    assert sum(name.startswith("B: ") for name in lines) == 2
    assert [row["mode"] for row in rows if "mode" in row] == ["fast", "tiled"]
