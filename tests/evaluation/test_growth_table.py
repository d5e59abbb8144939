"""`idf table --growth WORLD --figure FILE`: the paper's third experiment, from stored responses to table and figure."""

from __future__ import annotations

import csv
import io
import json
from math import exp
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from idf.evaluation.report.growth import growths
from idf.evaluation.report.plots import growth_figure
from idf.suites import read_suite
from idf.traces import oracle_response
from idf.worlds import WORLDS
from tests.cli.running import evaluate, one_sentence, run
from tests.evaluation.folders import folder, told
from tests.sentences import says

LIMIT = 900


def tokens(size: int, at: int) -> int:
    """Some 100 + 60 a move, 10 % more or less."""
    return round((100 + 60 * size) * (0.9, 1.0, 1.1)[at % 3])


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The oracle's responses to Wood Slide, with tokens that grow with the moves: as long as they are, and cut off."""
    place = tmp_path_factory.mktemp("growth")
    assert run("suite", "--out", place / "s", "--items", 8, "worlds=[wood_slide]", "max_pixels=3136") == 0
    made = {}
    for name, limit in (("whole", 10**6), ("cut", LIMIT)):
        lines = []
        for at, item in enumerate(read_suite(place / "s")):
            response, count = oracle_response(item.problem), tokens(WORLDS["wood_slide"].size(item.problem), at)
            line = {"id": item.id, "mode": "tqa", "response": response, "completion_tokens": min(count, limit)}
            line |= (
                {"finish_reason": "stop"} if count <= limit else {"finish_reason": "length", "response": response[:60]}
            )
            lines.append(json.dumps(line))
        (place / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
        made[name] = place / name
        assert evaluate("--responses", place / f"{name}.jsonl", "--suite", place / "s", "--out", made[name]) == 0
    return made


def lines_of(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "samples.jsonl").read_text().splitlines()]


def test_the_table_has_every_size_and_the_fit_of_the_results(capsys, runs):
    capsys.readouterr()
    assert run("table", *runs.values(), "--growth", "wood_slide", "--format", "csv") == 0
    lines = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    for name, out in runs.items():
        mine, rows = [line for line in lines if line["run"] == name], lines_of(out)
        assert [int(line["size"]) for line in mine] == sorted({row["size"] for row in rows})
        fit = json.loads((out / "results.json").read_text())["efficiency"]["wood_slide"]["tqa"]["growth"]
        for line in mine:
            size = int(line["size"])
            same = [row for row in rows if row["size"] == size]
            assert int(line["n"]) == len(same)
            assert int(line["right"]) == sum(row["correct"] for row in same)
            assert int(line["cut_off"]) == sum(row["finish_reason"] == "length" for row in same)
            assert float(line["tokens_median"]) == median(row["completion_tokens"] for row in same)
            start, by = fit["linear"]["at"]
            assert float(line["linear"]) == pytest.approx(start + by * size)
            start, by = fit["exponential"]["at"]
            assert float(line["exponential"]) == pytest.approx(exp(start + by * size))
            assert float(line["slope"]) == fit["linear"]["slope"]
    assert sum(int(line["cut_off"]) for line in lines if line["run"] == "cut") > 2
    assert all(line["cut_off"] == "0" for line in lines if line["run"] == "whole")


def test_without_a_cut_the_slope_is_least_squares_and_with_one_it_does_not_bend(runs):
    """By plain sums over samples.jsonl."""
    rows = lines_of(runs["whole"])
    x, y = [row["size"] for row in rows], [row["completion_tokens"] for row in rows]
    middle_x, middle_y = sum(x) / len(x), sum(y) / len(y)
    slope = sum((a - middle_x) * (b - middle_y) for a, b in zip(x, y)) / sum((a - middle_x) ** 2 for a in x)
    whole, cut = growths(runs, "wood_slide").runs
    assert whole.fit is not None
    assert cut.fit is not None
    assert whole.fit["linear"]["slope"] == pytest.approx(slope)
    rows = lines_of(runs["cut"])
    x, y = [row["size"] for row in rows], [row["completion_tokens"] for row in rows]
    middle_x, middle_y = sum(x) / len(x), sum(y) / len(y)
    naive = sum((a - middle_x) * (b - middle_y) for a, b in zip(x, y)) / sum((a - middle_x) ** 2 for a in x)
    assert naive < cut.fit["linear"]["slope"], "a limit taken for a length bends the line"


@pytest.mark.parametrize(
    ("name", "begin"), [("t.md", "| run |"), ("t.tex", "% \\usepackage{booktabs}"), ("t.txt", "run ")]
)
def test_table_and_figure_come_from_one_command(capsys, runs, tmp_path, name, begin):
    given = ("table", *runs.values(), "--growth", "wood_slide", "--out", tmp_path / name, "--figure")
    for suffix in (".png", ".svg"):
        assert run(*given, tmp_path / f"a{suffix}") == 0
        assert run(*given, tmp_path / f"b{suffix}") == 0
        assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()
    assert (tmp_path / name).read_text().startswith(begin)
    says(capsys.readouterr().err, tmp_path / name, tmp_path / "b.svg")


def test_the_figure_shows_every_response(runs):
    found = growths(runs, "wood_slide")
    (axis,) = growth_figure(found).axes
    most = max(row["completion_tokens"] for out in runs.values() for row in lines_of(out))
    assert axis.get_ylim()[0] == 0
    assert axis.get_ylim()[1] > most * 0.9
    cut = [line for line in axis.lines if line.get_marker() == "^" and len(line.get_xdata())]
    assert sum(len(line.get_xdata()) for line in cut) == sum(
        r["finish_reason"] == "length" for r in lines_of(runs["cut"])
    )


def test_what_cannot_be_drawn_is_one_sentence(capsys, runs, tmp_path):
    out = next(iter(runs.values()))
    for given, words in (
        (("--growth", "wood"), ("--growth", "'wood'", "wood_slide")),
        (("--growth", "moving_box"), ("moving_box", "wood_slide")),
        (("--figure", tmp_path / "a.png"), ("--figure", "--growth wood_slide")),
        (("--growth", "wood_slide", "--figure", tmp_path / "a.gif"), ("a.gif", ".png", ".pdf", ".svg")),
    ):
        assert run("table", out, *given) == 1
        says(one_sentence(capsys, "idf"), *words)
    silent = folder(tmp_path / "silent", told([], completion_tokens=None))
    assert run("table", silent, "--growth", "cube_rolling") == 1
    says(one_sentence(capsys, "idf"), "completion_tokens")


def test_too_few_responses_are_shown_without_a_fit_and_silent_ones_are_counted(capsys, tmp_path):
    rows = told([0, 1], n=3, size=4) + told([], n=1, size=5, mode="vqa", completion_tokens=None)
    assert run("table", folder(tmp_path / "few", rows), "--growth", "cube_rolling") == 0
    said = capsys.readouterr().out
    says(said, "too little to fit", "left out: 1")
