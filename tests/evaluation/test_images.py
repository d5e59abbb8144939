"""Suites that ask each item with its images under symmetries, and what is counted of them."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import fmean

import pytest

from idf.evaluation.metrics.images import image_cells
from idf.evaluation.metrics.results import read_samples
from idf.evaluation.run.items import spread
from idf.suites import read_suite
from idf.worlds import WORLDS
from tests.cli.running import evaluate, one_sentence, run
from tests.sentences import says


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images") / "s"
    assert run("suite", "--out", folder, "--items", 3, "difficulties=[easy, medium]", "symmetric=true") == 0
    return folder


def test_each_item_is_followed_by_its_images(suite):
    items = read_suite(suite)
    groups: dict[str, list] = {}
    for item in items:
        groups.setdefault(item.group, []).append(item)
    assert len(groups) == 5 * 2 * 3
    for group, mine in groups.items():
        assert mine[0].id == group
        world = WORLDS[mine[0].problem.world]
        assert {item.problem for item in mine} == set(world.images(mine[0].problem))
        assert all(item.picture.exists() for item in mine)
    assert len({item.problem for item in items}) == len(items)


def test_a_suite_without_images_says_nothing_of_them(tmp_path):
    assert run("suite", "--out", tmp_path / "s", "--items", 1, "worlds=[cube_rolling]") == 0
    assert "group" not in (tmp_path / "s" / "items.jsonl").read_text()
    out = tmp_path / "o"
    assert evaluate("--baseline", "oracle", "--suite", tmp_path / "s", "--out", out) == 0
    assert "group" not in (out / "samples.jsonl").read_text()
    assert "images" not in json.loads((out / "results.json").read_text())
    assert "All images right" not in (out / "report.html").read_text() + (out / "report.md").read_text()


def test_trivial_players_stand_beside_with_what_they_have_of_all_images(capsys, suite, tmp_path):
    """`idf-eval --baseline` is another way to the same figures: it writes answers and reads them."""
    cells = {}
    for name in ("oracle", "initial"):
        assert evaluate("--baseline", name, "--suite", suite, "--modes", "tqa", "--out", tmp_path / name) == 0
        cells[name] = json.loads((tmp_path / name / "results.json").read_text())["images"]
    assert "all images right" in capsys.readouterr().out
    for world, modes in cells["oracle"].items():
        for part, cell in modes["tqa"].items():
            assert cell["all_right"] == cell["accuracy"] == 1
            assert cell["items"] == (6 if part == "all" else 3)
            assert cell["initial"] == cells["initial"][world]["tqa"][part]["all_right"]
    for page in ("report.html", "report.md"):
        assert "All images right" in (tmp_path / "oracle" / page).read_text()


def test_an_item_counts_only_if_all_its_images_are_right(suite, tmp_path):
    """One response in ten false: counted by hand, item by item, in the rows that came out."""
    items = read_suite(suite)
    path = tmp_path / "r.jsonl"
    lines = []
    for at, item in enumerate(items):
        world = WORLDS[item.problem.world]
        said = world.answer(item.problem).write(world.truth(item.problem))
        lines.append(
            {"id": item.id, "mode": "tqa", "response": "Answer: nothing" if at % 10 == 0 else f"Answer: {said}"}
        )
    path.write_text("\n".join(map(json.dumps, lines)) + "\n")
    assert evaluate("--responses", path, "--suite", suite, "--out", tmp_path / "o") == 0
    false = {item.group for at, item in enumerate(items) if at % 10 == 0}
    cells = json.loads((tmp_path / "o" / "results.json").read_text())["images"]
    for world, modes in cells.items():
        mine = {item.group for item in items if item.problem.world == world}
        assert modes["tqa"]["all"]["all_right"] == pytest.approx(1 - len(mine & false) / len(mine))
        assert modes["tqa"]["all"]["all_right"] < modes["tqa"]["all"]["accuracy"] < 1
        low, high = modes["tqa"]["all"]["wilson95"]
        assert low < modes["tqa"]["all"]["all_right"] < high
    again = image_cells(read_samples(tmp_path / "o"), items)
    assert json.loads(json.dumps(again)) == cells, "the rows on disk say the same"


def test_intervals_count_items_and_not_their_images(suite, tmp_path):
    assert evaluate("--baseline", "random", "--suite", suite, "--modes", "tqa", "--out", tmp_path / "o") == 0
    results = json.loads((tmp_path / "o" / "results.json").read_text())
    for modes in results["worlds"].values():
        assert modes["tqa"]["all"]["items"] == 6 < modes["tqa"]["all"]["n"]
        assert modes["tqa"]["all"]["effective_n"] <= modes["tqa"]["all"]["n"]


def test_a_limit_keeps_an_item_and_its_images_together(suite):
    kept = spread(read_suite(suite), 2)
    groups = {item.group for item in kept}
    assert len(groups) == 5 * 2
    assert kept == [item for item in read_suite(suite) if item.group in groups]


def test_a_guess_is_rarely_right_in_all_images(suite):
    items = read_suite(suite)
    shares = {cells["tqa"]["all"]["random"] for cells in image_cells(rows_of(items), items).values()}
    assert fmean(shares) < 0.1


def rows_of(items):
    from idf.backends import Response
    from idf.evaluation.run.queries import Ask
    from idf.evaluation.run.score import scored

    return [scored(Ask(item, "tqa"), Response("")) for item in items]


def test_a_group_that_is_no_name_is_refused(capsys, suite, tmp_path):
    lines = (suite / "items.jsonl").read_text().splitlines()
    (tmp_path / "items.jsonl").write_text(json.dumps(json.loads(lines[0]) | {"group": 7}) + "\n")
    assert evaluate("--baseline", "oracle", "--suite", tmp_path, "--out", tmp_path / "o") == 1
    says(one_sentence(capsys, "idf-eval"), tmp_path / "items.jsonl", "line 1", "group", 7)


@pytest.mark.parametrize("options", [(), ("--episodes", "--max-moves", 40)])
def test_a_run_on_images_is_judged_again(capsys, suite, tmp_path, options):
    out = tmp_path / "o"
    played = ("--baseline", "random", "--suite", suite, "--modes", "tqa", "--limit", 1, *options, "--out", out)
    assert evaluate(*played) == 0
    before = (out / "samples.jsonl").read_bytes(), json.loads((out / "results.json").read_text())["images"]
    assert evaluate("--rescore", out) == 0
    assert ((out / "samples.jsonl").read_bytes(), json.loads((out / "results.json").read_text())["images"]) == before
    other = tmp_path / "other"
    made = ("--items", 3, "difficulties=[easy, medium]", "symmetric=true", "max_pixels=3136", "seed=1")
    assert run("suite", "--out", other, *made) == 0
    capsys.readouterr()
    assert evaluate("--rescore", out, "--suite", other) == 1
    says(one_sentence(capsys, "idf-eval"), other, "--suite")


def test_episodes_of_images_are_grouped_as_answers_are(suite, tmp_path):
    """Over turns trivial players play otherwise, so none stands beside."""
    out = tmp_path / "o"
    played = ("--baseline", "oracle", "--suite", suite, "--modes", "tqa", "--limit", 1, "--episodes", "--out", out)
    assert evaluate(*played) == 0
    results = json.loads((out / "results.json").read_text())
    groups = {item.id: item.group for item in read_suite(suite)}
    rows = read_samples(out)
    assert all(row.group == groups[row.id] for row in rows)
    assert len({row.cluster for row in rows}) == len({row.group for row in rows}) == 5
    for world, modes in results["images"].items():
        cell = modes["tqa"]["all"]
        assert (cell["items"], cell["all_right"]) == (1, 1)
        assert "random" not in cell
        assert results["worlds"][world]["tqa"]["all"]["items"] == 1 < results["worlds"][world]["tqa"]["all"]["n"]


def test_the_page_of_an_audit_shows_the_questions_of_images(capsys, suite, tmp_path):
    assert (
        evaluate("--baseline", "random", "--suite", suite, "--modes", "tqa", "--limit", 1, "--out", tmp_path / "o") == 0
    )
    capsys.readouterr()
    assert run("audit", tmp_path / "o", "--out", tmp_path / "a.html") == 0
    assert "no questions" not in "".join(capsys.readouterr())
