"""Two evaluations: the numbers by hand, and what is refused."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from statistics import stdev
from typing import Any

import pytest

from idf.errors import UserError
from idf.evaluation import Row, compare, comparison_text, write_results
from idf.evaluation.metrics.power import detectable_flips, detectable_pairs
from idf.evaluation.metrics.statistics import Table, holm, mcnemar, newcombe_paired, sign_flip
from idf.scoring.rules_version import RULES_VERSION
from tests.evaluation.folders import RUN, folder, told, without_rules
from tests.sentences import line_that_says, refused, says


def compared(tmp_path: Path, a: list[Row], b: list[Row], **of_b: Any) -> dict[str, Any]:
    return compare(folder(tmp_path / "a", a), folder(tmp_path / "b", b, **of_b))


def test_one_sample_of_each_item_is_compared_by_mcnemar_and_newcombe(tmp_path):
    found = compared(tmp_path, told(range(8)), told([*range(2, 8), *range(10, 17)]))
    (task,) = found["tasks"]
    assert (task["world"], task["mode"], task["n"], task["test"], task["interval"]) == (
        "cube_rolling",
        "tqa",
        20,
        "mcnemar",
        "newcombe",
    )
    assert (task["accuracy_a"], task["accuracy_b"]) == (8 / 20, 13 / 20)
    assert task["difference"] == pytest.approx(5 / 20)
    assert task["wins"] == [f"cube_rolling:easy:{i}" for i in range(10, 17)]
    assert task["losses"] == ["cube_rolling:easy:0", "cube_rolling:easy:1"]
    assert task["p"] == task["p_holm"] == mcnemar(7, 2)
    assert task["ci95"] == newcombe_paired(Table(6, 7, 2, 5))
    assert found["macro"]["tqa"]["difference"] == pytest.approx(5 / 20)
    low, high = found["macro"]["tqa"]["bootstrap95"]
    assert low < 5 / 20 < high
    json.dumps(found, allow_nan=False)


def test_turning_the_runs_turns_the_signs(tmp_path):
    a, b = folder(tmp_path / "a", told(range(8))), folder(tmp_path / "b", told(range(2, 15)))
    (there,), (back,) = compare(a, b)["tasks"], compare(b, a)["tasks"]
    assert (back["difference"], back["p"]) == (-there["difference"], there["p"])
    assert back["ci95"] == (pytest.approx(-there["ci95"][1]), pytest.approx(-there["ci95"][0]))
    assert (back["wins"], back["losses"]) == (there["losses"], there["wins"])


def test_the_order_of_rows_does_not_matter(tmp_path):
    a = [replace(one, sample=s) for s in (0, 1) for one in told(range(9) if s else [3])]
    b = [replace(one, sample=s) for s in (0, 1) for one in told(range(5, 12) if s else range(7))]
    (one,), (other,) = compared(tmp_path / "1", a, b)["tasks"], compared(tmp_path / "2", a[::-1], b)["tasks"]
    for key in ("p", "ci95", "difference", "tokens"):
        assert one[key] == other[key]
    assert set(one["wins"]) == set(other["wins"])


def test_several_samples_are_averaged_and_problems_are_drawn(tmp_path):
    # Item 0 gains 1/2, item 1 gains 1, item 2 loses 1/2, the rest is equal.
    a = [replace(one, sample=s) for s in (0, 1) for one in told([3, 4, *([2] if s else [])])]
    b = [replace(one, sample=s) for s in (0, 1) for one in told([3, 4, 1, *([0] if s else [])])]
    (task,) = compared(tmp_path, a, b)["tasks"]
    assert (task["test"], task["interval"], task["samples"], task["problems"]) == ("sign flip", "bootstrap", [2, 2], 20)
    assert task["difference"] == pytest.approx((0.5 + 1 - 0.5) / 20)
    assert task["p"] == sign_flip([1, 2, -1])
    assert (task["wins"], task["losses"]) == (["cube_rolling:easy:0", "cube_rolling:easy:1"], ["cube_rolling:easy:2"])
    assert task["ci95"][0] < task["difference"] < task["ci95"][1]


def test_runs_with_different_numbers_of_samples_can_be_compared(tmp_path):
    b = [replace(one, sample=s) for s in range(3) for one in told([0] if s else [0, 1])]
    (task,) = compared(tmp_path, told([0, 1]), b)["tasks"]
    assert task["samples"] == [1, 3]
    assert task["difference"] == pytest.approx((1 / 3 - 1) / 20)


def test_a_problem_that_is_posed_twice_counts_once(tmp_path):
    def twins(rows: list[Row]) -> list[Row]:
        return [replace(one, cluster=f"problem {i // 2}") for i, one in enumerate(rows)]

    (task,) = compared(tmp_path, twins(told([])), twins(told(range(10))))["tasks"]
    assert (task["n"], task["problems"], task["test"]) == (20, 10, "sign flip")
    assert task["p"] == pytest.approx(mcnemar(5, 0)), "five problems changed, not ten items"


def test_runs_that_do_not_differ_anywhere_have_an_interval_that_is_no_point(tmp_path):
    rows = [replace(one, sample=s) for s in (0, 1) for one in told(range(10))]
    (task,) = compared(tmp_path, rows, rows)["tasks"]
    assert (task["p"], task["difference"]) == (1.0, 0)
    assert task["ci95"] == newcombe_paired(Table(10, 0, 0, 10))
    better = [replace(one, correct=True, sample=s) for s in (0, 1) for one in told([])]
    half = [replace(one, sample=s, correct=s == 0) for s in (0, 1) for one in told([])]
    (task,) = compared(tmp_path / "half", half, better)["tasks"]
    assert task["ci95"][0] < 0.5 < task["ci95"][1], "every problem gained the same"


def test_holm_corrects_for_all_worlds_and_modes(tmp_path):
    def all_tasks(right: int) -> list[Row]:
        return [
            one
            for world, known in (("cube_rolling", right), ("wood_slide", right // 2))
            for mode in ("tqa", "vqa")
            for one in told(range(known), world=world, mode=mode)
        ]

    found = compared(tmp_path, all_tasks(0), all_tasks(12))
    assert [(task["world"], task["mode"]) for task in found["tasks"]] == [
        (world, mode) for world in ("cube_rolling", "wood_slide") for mode in ("tqa", "vqa")
    ]
    assert [task["p_holm"] for task in found["tasks"]] == holm([task["p"] for task in found["tasks"]])
    assert found["tasks"][0]["p_holm"] == 4 * mcnemar(12, 0)
    assert set(found["macro"]) == {"tqa", "vqa"}


def test_the_token_ratio_is_that_of_items_that_both_have_right(tmp_path):
    a = [replace(one, completion_tokens=100 * (1 + i)) for i, one in enumerate(told(range(10)))]
    b = [replace(one, completion_tokens=50 * (1 + i) if i < 10 else 1) for i, one in enumerate(told(range(2, 20)))]
    tokens = compared(tmp_path, a, b)["tasks"][0]["tokens"]
    assert tokens == {"items": 8, "ratio": pytest.approx(0.5), "ci95": (pytest.approx(0.5), pytest.approx(0.5))}
    none = [replace(one, completion_tokens=None) for one in told(range(10))]
    assert compared(tmp_path / "none", a, none)["tasks"][0]["tokens"] is None
    few = compared(tmp_path / "few", told(range(4)), told(range(4)))["tasks"][0]["tokens"]
    assert few == {"items": 4, "ratio": pytest.approx(1), "ci95": None}


@pytest.mark.parametrize(
    ("rows", "run", "said"),
    [
        (told([], mode="vqa"), {}, ("no mode in common", "A ({a})", "tqa", "B ({b})", "vqa", "same modes")),
        (
            told([]),
            {"prompts": "idf-short-1"},
            ("different prompts", "A ({a})", "idf-long-1", "B ({b})", "idf-short-1", "same"),
        ),
        (told([]), {"pictures": "drawn"}, ("different pictures", "A ({a})", "auto", "B ({b})", "drawn", "same")),
        (told([], 18), {}, ("different items", "2 of A ({a})", "not in B ({b})", "cube_rolling:easy:18 in mode tqa")),
        (told([], 21), {}, ("different items", "1 of B ({b})", "not in A ({a})", "cube_rolling:easy:20 in mode tqa")),
        (told([], cluster="another"), {}, ("different items", "cube_rolling:easy:0", "another problem", "B ({b})")),
        (
            [replace(one, world="wood_slide") for one in told([])],
            {},
            ("different items", "cube_rolling:easy:0", "another problem", "same suite"),
        ),
    ],
)
def test_runs_that_were_asked_different_things_are_refused_with_what_differs(tmp_path, rows, run, said):
    words = [word.format(a=tmp_path / "a", b=tmp_path / "b") for word in said]
    with refused(*words) as refusal:
        compared(tmp_path, told([]), rows, **run)
    assert re.search(".*".join(map(re.escape, words)), str(refusal.value)), "which run has which is told by the order"


def test_the_modes_that_both_have_are_compared_and_the_others_named(tmp_path):
    modes = {"a": ("tqa", "vqa"), "b": ("vtqa", "tqa")}
    a, b = (
        folder(tmp_path / name, [one for mode in mine for one in told(range(8 if name == "a" else 12), mode=mode)])
        for name, mine in modes.items()
    )
    found = compare(a, b)
    assert [(task["mode"], task["accuracy_a"], task["accuracy_b"]) for task in found["tasks"]] == [("tqa", 0.4, 0.6)]
    assert found["tasks"][0]["p_holm"] == found["tasks"][0]["p"], "one question, not four"
    assert list(found["macro"]) == ["tqa"]
    assert (found["a"]["left_out"], found["b"]["left_out"]) == (["vqa"], ["vtqa"])
    text = comparison_text(found)
    line_that_says(text, "note", "left out", "vqa", f"A ({a})", f"B ({b})", "not asked")
    line_that_says(text, "note", "left out", "vtqa", f"B ({b})")
    alone = compare(a, folder(tmp_path / "c", told(range(8))))
    assert (alone["a"]["left_out"], alone["b"]["left_out"], len(alone["warnings"])) == (["vqa"], [], 1)


def test_items_may_differ_in_a_mode_that_is_left_out_but_in_no_other(tmp_path):
    a = folder(tmp_path / "a", told([]) + told([], 18, mode="vqa"))
    assert compare(a, folder(tmp_path / "b", told([])))["tasks"]
    with refused("different items", "2 of A", "not in B", "in mode tqa"):
        compare(a, folder(tmp_path / "c", told([], 18)))


def test_another_fingerprint_of_the_suite_is_refused(tmp_path):
    a = folder(tmp_path / "a", told([]), suite_sha256="11")
    with pytest.raises(UserError, match=r"different suite_sha256: A .*\b11\b.* B .*\b22\b"):
        compare(a, folder(tmp_path / "b", told([]), suite_sha256="22"))
    assert not compare(a, folder(tmp_path / "c", told([]), suite_sha256="11", suite="elsewhere"))["warnings"]


def test_what_a_comparison_may_be_about_is_noted(tmp_path):
    a = folder(tmp_path / "a", told([]), max_pixels=100, max_new_tokens=7)
    found = compare(a, folder(tmp_path / "b", told([]), max_pixels=200, max_new_tokens=7))
    (warning,) = found["warnings"]
    says(warning, "max_pixels", "differs", f"A ({a})", 100, f"B ({tmp_path / 'b'})", 200)
    assert warning.index("100") < warning.index("B (") < warning.index("200")
    silent = tmp_path / "silent"
    write_results(told([]), silent, {key: value for key, value in RUN.items() if key != "prompts"})
    (warning,) = compare(a, silent)["warnings"]
    says(warning, f"B ({silent})", "not say", "prompts", f"A ({a}) has idf-long-1")


def test_the_text_says_who_what_how_and_which_items(tmp_path):
    found = compared(tmp_path, told([19]), told(range(12)), max_pixels=5, evaluated="another")
    lines = comparison_text(found).splitlines()
    assert lines[0] == f"A: {tmp_path / 'a'} (me)"
    assert lines[1] == f"B: {tmp_path / 'b'} (another)"
    assert next(line for line in lines if line.startswith("cube_rolling")).split()[:6] == [
        "cube_rolling",
        "tqa",
        "20",
        "5.0%",
        "60.0%",
        "+55.0",
    ]
    text = "\n".join(lines)
    assert "McNemar's exact test" in text
    line_that_says(lines, "different", "5 %", "Holm", "1 task", "cube_rolling tqa (B better)")
    line_that_says(lines, "cube_rolling tqa", "12 wins of B", "cube_rolling:easy:0", "cube_rolling:easy:4", 7, "--list")
    assert lines[-1] == "cube_rolling tqa, 1 loss of B: cube_rolling:easy:19"
    mean = line_that_says(lines, "mean over worlds", "tqa")
    assert mean.split()[4:8] == ["20", "5.0%", "60.0%", "+55.0"]
    line_that_says(lines, "p:", "luck")
    line_that_says(lines, "Holm:", "corrected", "1 question")
    line_that_says(lines, "wins, losses", "B has more right")
    assert "cube_rolling:easy:11" in comparison_text(found, every=True)


def test_the_text_of_several_samples_says_that_problems_were_drawn(tmp_path):
    rows = [replace(one, sample=s) for s in (0, 1) for one in told([])]
    text = comparison_text(compared(tmp_path, rows, rows))
    line_that_says(text, "sign-flip test", "bootstrap over problems")
    assert "McNemar" not in text
    says(text.splitlines()[-1], "Holm", "1 task")
    assert text.endswith(": none")


def test_who_found_the_answers_is_noted_but_not_how_often(tmp_path):
    quotes = {"name": "openai:m", "agreed": 3}
    a = folder(tmp_path / "a", told([]), parser=quotes)
    assert not compare(a, folder(tmp_path / "b", told([]), parser=quotes | {"agreed": 4}))["warnings"]
    rules = folder(tmp_path / "c", told([]))
    assert compare(a, rules)["warnings"] == [f"parser differs: A ({a}) has openai:m, B ({rules}) has rules"]


def test_the_mean_over_worlds_of_runs_that_agree_has_an_interval_of_some_width(tmp_path):
    found = compared(tmp_path, told([1]), told([1]))
    assert found["macro"]["tqa"]["bootstrap95"] == (0, 0)
    low, high = found["macro"]["tqa"]["joined95"]
    assert low < -0.05 < 0.05 < high
    line_that_says(comparison_text(found), "mean over worlds", "tqa", "+0.0", f"{100 * low:+.1f} to {100 * high:+.1f}")


def test_runs_judged_by_other_rules_are_refused(tmp_path):
    a, b = folder(tmp_path / "a", told([])), folder(tmp_path / "b", told([]))
    results = json.loads((b / "results.json").read_text())
    results["run"]["scoring_rules"] = 7
    (b / "results.json").write_text(json.dumps(results))
    with refused(
        "scoring rules", f"A ({a})", f"version {RULES_VERSION}", f"B ({b})", "version 7", "idf-eval --rescore"
    ):
        compare(a, b)
    without_rules(b)
    with refused("scoring rules", "version before 1", "idf-eval --rescore"):
        compare(a, b)
    without_rules(a)
    says(compare(a, b)["warnings"][0], "neither", "scoring rules", "--rescore")


def test_half_a_samples_file_is_refused_although_both_are_the_same(tmp_path):
    a = folder(tmp_path / "a", told([]))
    lines = (a / "samples.jsonl").read_text().splitlines(keepends=True)
    (a / "samples.jsonl").write_text("".join(lines[:10]))
    with refused(a / "samples.jsonl", "10 rows", 20):
        compare(a, a)


def test_what_is_stated_to_be_found_is_of_the_test_that_was_made(tmp_path):
    found = compared(tmp_path, told(range(8)), told([*range(2, 8), *range(10, 17)]))
    assert found["tasks"][0]["detectable"] == detectable_pairs(20)
    line_that_says(comparison_text(found), "tokens B/A:", "both have right")
    power = ("80 % of the time", "5 % level", "before Holm")
    line_that_says(
        comparison_text(found), "With 20 problems", "only detect gaps above 36.6 points", "McNemar's exact test", *power
    )
    a = [replace(one, sample=s) for s in (0, 1) for one in told([3, 4, *([2] if s else [])])]
    b = [replace(one, sample=s) for s in (0, 1) for one in told([3, 4, 1, *([0] if s else [])])]
    found = compared(tmp_path / "several", a, b)
    (task,) = found["tasks"]
    assert task["detectable"] == pytest.approx(detectable_flips(20, stdev([0.5, 1, -0.5, *[0.0] * 17])))
    line_that_says(
        comparison_text(found), "20 problems of cube_rolling tqa", "gaps", "sign-flip test", "spread", *power
    )
    (task,) = compared(tmp_path / "few", told([], 4), told([0], 4))["tasks"]
    assert task["detectable"] is None
    line_that_says(
        comparison_text(compared(tmp_path / "4", told([], 4), told([0], 4))), "With 4 problems", "detect no gap"
    )
