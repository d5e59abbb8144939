"""`idf compare`, `idf table` and `idf leaderboard`: what is printed, what is written, what is refused."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from idf.cli.several_runs import named_folders
from tests.cli.running import one_sentence, run
from tests.evaluation.folders import folder, told
from tests.sentences import line_that_says, refused, says


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
    assert [line.split()[0] for line in lines[3:5]] == ["b", "a"]
    line_that_says(lines[5:], "95 % intervals", "Wilson", "bootstrap")
    line_that_says(lines[5:], "tokens per right", "each right answer")
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
    assert run("leaderboard", f"a={one}", f"a={other}") == 1
    says(one_sentence(capsys, "idf"), "two", "folders", "'a'", "a2=")
    assert run("leaderboard", tmp_path) == 1
    says(one_sentence(capsys, "idf"), "no results", tmp_path)
    assert run("leaderboard", one, "--out", one / "results.json") == 1
    says(one_sentence(capsys, "idf"), one / "results.json", "file", "folder")


# --- idf table ----------------------------------------------------------------------------------------------------


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    return [folder(tmp_path / name, told(range(n))) for name, n in (("a", 4), ("b", 9))]


def test_a_table_takes_folders_with_and_without_names(capsys, runs):
    assert run("table", runs[0], f"second={runs[1]}") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["world", "mode", "n", "a", "a:", "tokens", "second", "second:", "tokens"]
    assert lines[2].split()[:4] == ["cube_rolling", "tqa", "20", "20.0%"]
    says(lines[2], "45.0% (25.8% - 65.8%)")
    says(lines[3], "mean over worlds", "20.0%", "45.0%")


@pytest.mark.parametrize(
    ("name", "begin"),
    [("t.md", "| world |"), ("t.tex", "% \\usepackage{booktabs}"), ("t.csv", "run,"), ("t.TXT", "world ")],
)
def test_a_table_is_written_in_the_form_of_its_name_and_printed_as_text(capsys, runs, tmp_path, name, begin):
    out = tmp_path / "new" / name
    assert run("table", *runs, "--out", out) == 0
    assert out.read_text().startswith(begin)
    said = capsys.readouterr()
    assert said.out.startswith("world ")
    says(said.err, out)


def test_a_form_that_is_printed_has_nothing_else_on_standard_output(capsys, runs, tmp_path):
    twin = folder(tmp_path / "other" / "a", told([]))
    assert run("table", runs[0], twin, "--format", "csv", "--out", tmp_path / "t.tex") == 0
    said = capsys.readouterr()
    lines = list(csv.DictReader(io.StringIO(said.out)))
    assert [line["run"] for line in lines] == [f"{tmp_path.name}/a"] * 2 + ["other/a"] * 2
    line_that_says(said.err, runs[0], f"{tmp_path.name}/a", "NAME=DIR")
    line_that_says(said.err, twin, "other/a", "NAME=DIR")


def test_a_file_of_no_known_form_a_folder_and_a_name_for_two_are_one_sentence(capsys, runs, tmp_path):
    for out in (tmp_path / "t.docx", tmp_path):
        assert run("table", *runs, "--out", out) == 1
        says(one_sentence(capsys, "idf"), "--out", out, ".md", ".tex", ".csv")
    assert run("table", f"x={runs[0]}", f"x={runs[1]}") == 1
    says(one_sentence(capsys, "idf"), "two folders", "'x'", "x2=")
    assert run("table", runs[0], tmp_path) == 1
    says(one_sentence(capsys, "idf"), "no results", tmp_path)


def test_folders_of_one_name_are_told_apart_by_as_much_of_their_paths_as_it_takes(tmp_path, monkeypatch):
    def names(*entries: str) -> list[str]:
        return list(named_folders(entries)[0])

    assert names("runs/a", "runs/b/") == ["a", "b"]
    assert names("x/final", "y/final", "final2") == ["x/final", "y/final", "final2"]
    assert names("p/x/final", "q/x/final", "y/final") == ["p/x/final", "q/x/final", "y/final"]
    assert names("first=x/final", "y/final") == ["first", "final"]
    assert named_folders(["runs/a", "runs/b"])[1] == []
    for twice in (["x/a", "x/a"], ["a=x", "y/a"], ["x/a", "./x/a"]):
        with refused("two folders", "'a'" if "x/a" not in twice else "a", "a2="):
            named_folders(twice)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lr=1e-5").mkdir()
    assert named_folders(["lr=1e-5", "b=lr=1e-5"])[0] == {"lr=1e-5": Path("lr=1e-5"), "b": Path("lr=1e-5")}


def test_a_leaderboard_tells_folders_of_one_name_apart(capsys, tmp_path):
    assert run("leaderboard", *(folder(tmp_path / name / "a", told([])) for name in ("x", "y"))) == 0
    said = capsys.readouterr()
    assert [line.split()[0] for line in said.out.splitlines()[3:5]] == ["x/a", "y/a"]
    line_that_says(said.err, "x/a", "another folder", "NAME=DIR")
