"""Tables in the terminal."""

from __future__ import annotations

from typing import Any

from idf.evaluation import Row, summarize, table
from tests.evaluation.samples import row


def results(rows: list[Row], **run: Any) -> dict[str, Any]:
    return {**summarize(rows), "run": {"evaluated": "me"} | run}


def test_the_table_has_a_line_for_each_world_and_mode_and_the_means():
    rows = [row(correct=True), row(), row(world="moving_box", mode="vqa", error="illegal", official=-2.0)]
    lines = table(results(rows)).splitlines()
    assert lines[0].split()[:5] == ["world", "mode", "difficulty", "n", "accuracy"]
    assert lines[2].split()[:5] == ["cube_rolling", "tqa", "all", "2", "50.0%"]
    assert lines[3].split()[:5] == ["moving_box", "vqa", "all", "1", "0.0%"]
    assert lines[4].startswith("mean over worlds, tqa: 50.0% (")
    assert lines[5] == "mean over worlds, vqa: 0.0% (0.0% - 79.3%)", "a bootstrap of nothing right would be a point"
    assert len(table(results(rows), difficulties=True).splitlines()) == len(lines) + 2


def test_what_is_not_known_is_a_dash():
    line = table(results([row(error="illegal", official=-2.0, completion_tokens=None)])).splitlines()[2].split()
    assert (line[-6], *line[-2:]) == ("-", "-", "-")
