"""`idf compare` and `idf leaderboard`: what is printed, what is written, what is refused."""

from __future__ import annotations

import json

from tests.cli.running import one_sentence, run
from tests.evaluation.folders import folder, told
from tests.sentences import line_that_says, says


def test_two_runs_are_compared(capsys, tmp_path):
    a, b = folder(tmp_path / "a", told(range(4))), folder(tmp_path / "b", told(range(18)))
    assert run("compare", a, b, "--json", tmp_path / "found.json") == 0
    said = capsys.readouterr().out
    line_that_says(said, "B", "wins", 14, 9, "--list")
    (task,) = json.loads((tmp_path / "found.json").read_text())["tasks"]
    assert (len(task["wins"]), task["losses"]) == (14, [])
    assert run("compare", a, b, "--list") == 0
    assert "cube_rolling:easy:17" in capsys.readouterr().out


def test_runs_that_cannot_be_compared_are_one_sentence(capsys, tmp_path):
    a, b = folder(tmp_path / "a", told([])), folder(tmp_path / "b", told([]), prompts="idf-short-1")
    assert run("compare", a, b) == 1
    says(one_sentence(capsys, "idf"), "different", "prompts", "idf-long-1", "idf-short-1")
    assert run("compare", a, tmp_path) == 1
    says(one_sentence(capsys, "idf"), "no results", tmp_path)


def test_a_file_that_cannot_be_written_is_one_sentence(capsys, tmp_path):
    a = folder(tmp_path / "a", told([]))
    assert run("compare", a, a, "--json", tmp_path / "no" / "such.json") == 1
    assert one_sentence(capsys, "idf").startswith("--json ")


def test_a_leaderboard_is_printed_and_written(capsys, tmp_path):
    folders = [folder(tmp_path / name, told(range(n))) for name, n in (("a", 4), ("b", 9))]
    assert run("leaderboard", *folders) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[3:]] == ["b", "a"]
    assert run("leaderboard", f"first={folders[0]}", folders[1], "--out", tmp_path / "out") == 0
    said = capsys.readouterr().out
    assert "\nfirst " in said
    assert said.endswith(f"{tmp_path / 'out' / 'leaderboard.png'}\n")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "leaderboard.md",
        "leaderboard.csv",
        "leaderboard.png",
    }


def test_a_leaderboard_of_one_name_for_two_no_results_or_a_file_is_one_sentence(capsys, tmp_path):
    one, other = folder(tmp_path / "x" / "a", told([])), folder(tmp_path / "y" / "a", told([]))
    assert run("leaderboard", one, other) == 1
    says(one_sentence(capsys, "idf"), "two", "folders", "'a'", "a2=")
    assert run("leaderboard", tmp_path) == 1
    says(one_sentence(capsys, "idf"), "no results", tmp_path)
    assert run("leaderboard", one, "--out", one / "results.json") == 1
    says(one_sentence(capsys, "idf"), one / "results.json", "file", "folder")
