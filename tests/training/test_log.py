"""`history.jsonl` as a full disk, a kill or an editor may leave it."""

from __future__ import annotations

import json

from idf.training.log import HISTORY, read_history
from tests.sentences import line_that_says


def test_a_broken_line_costs_that_line_alone(tmp_path, capsys):
    rows = [{"step": step, "loss": 1.0 / step} for step in range(1, 7)]
    lines = [json.dumps(row) for row in rows]
    lines[1], lines[3] = '{"step": 2, "los', "[4]"
    (tmp_path / HISTORY).write_text("\n".join(lines) + "\n")
    assert read_history(tmp_path) == [rows[0], rows[2], rows[4], rows[5]]
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 2
    for number in (2, 4):
        line_that_says(said, tmp_path / HISTORY, f"line {number}", "broken")


def test_a_last_line_that_a_kill_cut_off_is_left_out_in_silence(tmp_path, capsys):
    (tmp_path / HISTORY).write_text('{"step": 1, "loss": 2.0}\n{"step": 2, "lo')
    assert [row["step"] for row in read_history(tmp_path)] == [1]
    assert capsys.readouterr().out == ""
    assert read_history(tmp_path / "nowhere") == []
