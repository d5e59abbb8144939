"""One run in several modes: what is right in one and wrong in another, why, and where responses first go wrong."""

from __future__ import annotations

import json
from collections import Counter
from itertools import product
from math import comb
from pathlib import Path
from statistics import median
from typing import Any
from xml.etree import ElementTree

import pytest

from idf.evaluation import Row, compare
from idf.evaluation.metrics.first_wrong import first_wrong
from idf.evaluation.metrics.mode_gap import mode_gap
from idf.evaluation.report.charts import gap_chart, step_chart
from idf.evaluation.report.modes import STEPS_TITLE, TITLE, cause_rows, gap_rows, gap_table, size_rows, step_table
from idf.scoring import write_answer
from idf.suites import Item, read_suite
from idf.traces import oracle_response
from idf.worlds import WORLDS, Problem
from tests.cli.running import evaluate, run
from tests.evaluation.samples import row

MODES = ("vtqa", "tqa", "vqa")
PAIRS = [("vtqa", "tqa"), ("vtqa", "vqa"), ("tqa", "vqa")]


# --- responses: the oracle's, whole and damaged ------------------------------------------------------------------------


def wrong_answer(of: Problem[Any, Any]) -> str:
    """An answer line that is wrong: of a plan all moves but the last."""
    world = WORLDS[of.world]
    kind, truth = world.answer_kind(of), world.truth(of)
    if world.plans:
        return f"Answer: {write_answer(kind, truth[:-1])}"
    colour = next((colour for colour in world.colours if colour != truth), None)
    others = {"colour": colour, "count": 0 if truth else 1, "colour_counts": {"red": 27}}
    return f"Answer: {write_answer(kind, others[kind])}"


def with_false_state(of: Problem[Any, Any], number: int) -> list[str]:
    """The oracle's lines, with another state of the walk in the place of that behind a step (0: the start)."""
    world = WORLDS[of.world]
    told = [world.line(state) for state in world.replay(of.start, world.solve(of))]
    head = f"{number}. " if number else "Start: "
    other = next(state for state in told if state != told[number])
    lines = oracle_response(of).splitlines()
    assert any(line.startswith(head) and told[number] in line for line in lines)
    return [line.replace(told[number], other) if line.startswith(head) else line for line in lines]


def said(item: Item, mode: str, at: int) -> dict[str, Any]:
    of, whole = item.problem, oracle_response(item.problem)
    reason, text = "stop", whole
    if mode == "tqa" and at % 3 == 0:  # the first step is false, and the answer
        text = "\n".join([*with_false_state(of, 1)[:-1], wrong_answer(of)])
    elif mode == "vqa" and at % 4 == 0:  # what is seen is false, and the answer
        text = "\n".join([*with_false_state(of, 0)[:-1], wrong_answer(of)])
    elif mode == "vqa" and at % 4 == 1:
        text = wrong_answer(of)
    elif mode == "vqa" and at % 4 == 2:  # the last step is false, and the answer right all the same
        text = "\n".join(with_false_state(of, len(WORLDS[of.world].solve(of))))
    elif mode == "vqa" and at == 3:
        text, reason = whole.rpartition("\n")[0], "length"
    told = {"id": item.id, "mode": mode, "response": text, "finish_reason": reason}
    return told | {"completion_tokens": 100 * at + len(text)}


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("gap") / "s"
    assert run("suite", "--out", out, "--items", 3, "difficulties=[easy, medium]", "max_pixels=3136") == 0
    return out


@pytest.fixture(scope="module")
def stored(suite: Path) -> Path:
    """Responses in three modes, in one file."""
    lines = []
    for at, item in enumerate(read_suite(suite)):
        lines += [json.dumps(said(item, mode, at % 6)) for mode in MODES]
    path = suite.parent / "responses.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def scored(suite: Path, stored: Path) -> Path:
    out = suite.parent / "o"
    assert evaluate("--responses", stored, "--suite", suite, "--modes", "vtqa,tqa,vqa", "--out", out) == 0
    return out


def lines_of(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "samples.jsonl").read_text().splitlines()]


def results_of(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "results.json").read_text())
    return found


# --- the gap ----------------------------------------------------------------------------------------------------------


def counted(lines: list[dict[str, Any]], first: str, second: str) -> dict[str, Any]:
    """The counts of pairs, in plain loops over the lines of samples.jsonl."""
    told: dict[str, Any] = {"n": 0}
    for cell in ("both", "only_first", "only_second", "neither"):
        told[cell] = {"n": 0, "causes": {}}
    for one, other in product(lines, lines):
        if one["id"] != other["id"] or one["mode"] != first or other["mode"] != second:
            continue
        if one["correct"]:
            cell = "both" if other["correct"] else "only_first"
        else:
            cell = "only_second" if other["correct"] else "neither"
        told["n"] += 1
        told[cell]["n"] += 1
        for each in (one, other):
            if not each["correct"]:
                causes = told[cell]["causes"].setdefault(each["mode"], {})
                causes[each["cause"]] = causes.get(each["cause"], 0) + 1
    return told


def test_items_are_counted_by_the_modes_in_which_they_are_right_by_world_and_size(scored):
    lines, gap = lines_of(scored), results_of(scored)["mode_gap"]
    assert gap["modes"] == list(MODES)
    assert [(pair["first"], pair["second"]) for pair in gap["pairs"]] == PAIRS
    for pair in gap["pairs"]:
        assert pair["unpaired"] == 0
        assert set(pair["worlds"]) == {line["world"] for line in lines}
        for world, told in pair["worlds"].items():
            mine = [line for line in lines if line["world"] == world]
            expected = counted(mine, pair["first"], pair["second"])
            assert {key: told[key] for key in expected} == expected
            assert told["n"] == 6
            assert [size for size, _ in told["by_size"]] == sorted({line["size"] for line in mine})
            for size, counts in told["by_size"]:
                assert counts == counted([line for line in mine if line["size"] == size], pair["first"], pair["second"])


def test_causes_are_those_of_the_faults_that_were_planted(scored):
    told = {(pair["first"], pair["second"]): pair["worlds"] for pair in results_of(scored)["mode_gap"]["pairs"]}
    for world in told["vtqa", "vqa"]:
        seen = told["vtqa", "vqa"][world]["only_first"]["causes"]["vqa"]
        assert seen["perception"] == 2
        assert seen["format"] == 1
        assert sum(seen.values()) == 5
        assert told["vtqa", "tqa"][world]["only_first"] == {"n": 2, "causes": {"tqa": {"transformation": 2}}}


def test_the_difference_is_that_of_a_comparison_of_two_runs(suite, stored, scored, tmp_path):
    """The responses of one mode as a run, those of another relabelled as a second: `idf compare` finds the same."""
    kept = [json.loads(line) for line in stored.read_text().splitlines()]
    for mode in ("tqa", "vqa"):
        relabelled = [json.dumps(line | {"mode": "tqa"}) for line in kept if line["mode"] == mode]
        (tmp_path / f"{mode}.jsonl").write_text("\n".join(relabelled) + "\n")
        given = ("--responses", tmp_path / f"{mode}.jsonl", "--suite", suite)
        assert evaluate(*given, "--out", tmp_path / mode) == 0
        assert not {"mode_gap", "first_wrong"} & set(results_of(tmp_path / mode)), "a run in one mode stays as it was"
        for report in ("report.html", "report.md"):
            assert TITLE not in (tmp_path / mode / report).read_text()
    found = compare(tmp_path / "tqa", tmp_path / "vqa")
    (pair,) = (p for p in results_of(scored)["mode_gap"]["pairs"] if (p["first"], p["second"]) == ("tqa", "vqa"))
    for task in found["tasks"]:
        mine = pair["worlds"][task["world"]]["compared"]
        for key in ("n", "accuracy_a", "accuracy_b", "difference", "interval", "test", "p", "wins", "losses"):
            assert mine[key] == task[key], key
        assert mine["ci95"] == list(task["ci95"])
    assert pair["macro"]["difference"] == pytest.approx(found["macro"]["tqa"]["difference"])


def test_p_is_mcnemars_and_holm_is_over_all_worlds_and_pairs(scored):
    compared = []
    for pair in results_of(scored)["mode_gap"]["pairs"]:
        for told in pair["worlds"].values():
            up, down = told["only_second"]["n"], told["only_first"]["n"]
            tail = sum(comb(up + down, i) for i in range(min(up, down) + 1))
            assert told["compared"]["p"] == pytest.approx(min(1.0, 2 * tail / 2 ** (up + down)))
            assert told["compared"]["difference"] == pytest.approx((up - down) / told["n"])
            compared.append(told["compared"])
    ordered = sorted(compared, key=lambda task: task["p"])
    assert len(ordered) == 15
    least = 0.0
    for rank, task in enumerate(ordered):
        least = max(least, min(1.0, (15 - rank) * task["p"]))
        assert task["p_holm"] == pytest.approx(least)


def test_samples_are_paired_by_their_numbers_and_what_has_no_pair_is_counted():
    rows = [row(id="a", mode="tqa", sample=s, correct=s == 0, cause=None if s == 0 else "strategic") for s in range(3)]
    rows += [row(id="a", mode="vqa", sample=s, correct=False) for s in range(2)]
    gap = mode_gap(rows, draws=20)
    assert gap is not None
    (pair,) = gap["pairs"]
    assert pair["unpaired"] == 1
    told = pair["worlds"]["cube_rolling"]
    assert [told[cell]["n"] for cell in ("both", "only_first", "only_second", "neither")] == [0, 1, 0, 1]
    assert told["neither"]["causes"] == {"tqa": {"strategic": 1}, "vqa": {"undiagnosed": 1}}
    assert "without one in the other of tqa and vqa: 1" in gap_table({"mode_gap": gap})
    assert mode_gap(rows[:3]) is None


# --- the first wrong step -----------------------------------------------------------------------------------------------


def planted(item: Item, mode: str, at: int) -> str:
    """Where the response of `said` first goes wrong, by how it was made."""
    if mode == "tqa" and at % 3 == 0:
        return "1"
    if mode == "vqa" and at % 4 == 0:
        return "0"
    if mode == "vqa" and at % 4 == 1:
        return (
            "none"
            if WORLDS[item.problem.world].plans and len(WORLDS[item.problem.world].solve(item.problem)) > 1
            else "unstated"
        )
    if mode == "vqa" and at % 4 == 2:
        return str(len(WORLDS[item.problem.world].solve(item.problem)))
    return "none"


def test_responses_are_grouped_by_the_step_at_which_they_first_go_wrong(suite, scored):
    lines, found = lines_of(scored), results_of(scored)["first_wrong"]
    of = {(line["id"], line["mode"]): line for line in lines}
    groups: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for at, item in enumerate(read_suite(suite)):
        for mode in MODES:
            place = planted(item, mode, at % 6)
            groups.setdefault((item.problem.world, mode, place), []).append(of[item.id, mode])
    told = {
        (world, mode, group["step"]): group
        for world, modes in found.items()
        for mode, by in modes.items()
        for group in by["steps"]
    }
    assert set(told) == set(groups)
    for key, mine in groups.items():
        right, tokens = sum(line["correct"] for line in mine), median(line["completion_tokens"] for line in mine)
        group = told[key]
        assert (group["n"], group["correct"], group["tokens_median"]) == (len(mine), right, tokens)
        assert group["accuracy"] == right / len(mine)
    lucky = [
        group for (_, mode, step), group in told.items() if mode == "vqa" and step not in ("0", "none", "unstated")
    ]
    assert sum(group["correct"] for group in lucky) == 5, "an answer may be right although a step is wrong"


def test_ranges_hold_all_rows_in_their_order(scored):
    for modes in results_of(scored)["first_wrong"].values():
        for by in modes.values():
            assert sum(group["n"] for group in by["ranges"]) == sum(group["n"] for group in by["steps"]) == 6
            names = [group["step"] for group in by["steps"]]
            numbers = [int(name) for name in names if name.isdigit()]
            assert names == [*map(str, sorted(numbers)), *(n for n in ("none", "unstated") if n in names)]


def test_episodes_have_no_first_wrong_step(suite):
    (item, *_) = read_suite(suite)
    rows = [row(id=item.id, world=item.problem.world, turns=[]), row(id=item.id, world=item.problem.world, mode="vqa")]
    found = first_wrong(rows, {item.id: item.problem})
    assert {mode for modes in found.values() for mode in modes} == {"vqa"}


# --- what is shown ------------------------------------------------------------------------------------------------------


def test_terminal_and_both_reports_show_the_gap(suite, stored, scored, capsys, tmp_path):
    results = results_of(scored)
    assert evaluate("--responses", stored, "--suite", suite, "--out", tmp_path / "o") == 0
    told = capsys.readouterr().out
    assert gap_table(results) in told
    assert step_table(results) in told
    for name in ("report.md", "report.html"):
        text = (scored / name).read_text()
        assert TITLE in text
        assert STEPS_TITLE in text
        for cell in gap_rows(results)[1]:
            assert cell.capitalize().replace("_", " ") in text or cell in text
    assert (scored / "report.html").read_text().count('class="gap g-') == sum(
        counts[cell]["n"] > 0
        for pair in results["mode_gap"]["pairs"]
        for world in pair["worlds"].values()
        for _, counts in world["by_size"]
        for cell in ("both", "only_first", "only_second", "neither")
    )


@pytest.mark.parametrize("width", [1280, 390])
def test_the_gap_is_as_wide_as_the_screen_and_its_last_column_can_be_reached(page, scored, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.goto((scored / "report.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == width
    table = page.locator("#gap .scroll").first
    table.evaluate("element => element.scrollLeft = element.scrollWidth")
    last = table.locator("thead th").last
    assert last.inner_text() == "Holm"
    box = last.bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= width


def test_tables_say_the_counts_the_sizes_and_the_causes(scored):
    results = results_of(scored)
    rows = gap_rows(results)
    assert len(rows) == 1 + 3 * (5 + 1)
    assert rows[1][:8] == ("cube_rolling", "vtqa", "tqa", "6", "4", "2", "0", "0")
    assert rows[6][:8] == ("mean over worlds", "vtqa", "tqa", "30", "20", "10", "0", "0")
    assert rows[6][8] == "-33.3"
    sizes = [line for line in size_rows(results)[1:] if line[2:4] == ("tqa", "vqa")]
    assert sum(int(line[4]) for line in sizes) == 30
    causes = Counter(line[1:3] for line in cause_rows(results)[1:])
    assert causes["vtqa", "tqa"] == 5
    assert causes["neither tqa nor vqa", "tqa"] == causes["neither tqa nor vqa", "vqa"]


def test_a_run_that_is_judged_again_has_its_gap_anew(scored, capsys, tmp_path):
    before = results_of(scored)
    assert evaluate("--rescore", scored, "--out", tmp_path / "again") == 0
    after = results_of(tmp_path / "again")
    assert (after["mode_gap"], after["first_wrong"]) == (before["mode_gap"], before["first_wrong"])
    assert TITLE in capsys.readouterr().out


def test_a_bar_of_each_size_is_whole(scored):
    told = results_of(scored)["mode_gap"]["pairs"][2]["worlds"]["wood_slide"]
    drawn = ElementTree.fromstring(gap_chart(told["by_size"], "tqa", "vqa"))
    heights: dict[str, float] = {}
    for bar in drawn.iter("rect"):
        heights[bar.attrib["x"]] = heights.get(bar.attrib["x"], 0.0) + float(bar.attrib["height"])
    assert len(heights) == len(told["by_size"])
    assert list(heights.values()) == pytest.approx([120.0] * len(heights), abs=0.3)


def test_each_group_is_a_mark_and_one_without_tokens_is_none():
    groups = {"n": 4, "correct": 1, "accuracy": 0.25, "wilson95": (0.05, 0.7), "tokens_known": 0, "tokens_median": None}
    said_of = {"tqa": {"ranges": [{"step": "3 to 4", **groups}, {"step": "none", **groups, "tokens_median": 80}]}}
    titles = [str(title.text) for title in ElementTree.fromstring(step_chart(said_of, tokens=False)).iter("title")]
    assert titles[0] == "tqa, first wrong step 3 to 4: 25.0%, 1 of 4 [5.0%, 70.0%]"
    assert len(titles) == 2
    tokens = [str(title.text) for title in ElementTree.fromstring(step_chart(said_of, tokens=True)).iter("title")]
    assert tokens == ["tqa, first wrong step none: 25.0%, 1 of 4, 80 tokens"]


def test_a_row_of_an_older_version_needs_no_cause():
    rows: list[Row] = [row(mode=mode, correct=mode == "tqa") for mode in ("tqa", "vqa")]
    gap = mode_gap(rows, draws=20)
    assert gap is not None
    assert cause_rows({"mode_gap": gap})[1] == ("cube_rolling", "tqa", "vqa", "1", "undiagnosed 1")
