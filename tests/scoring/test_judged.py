"""Answers of a small pretrained model, judged twice by readers who saw question and truth alone (bench/judged.py)."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))
from judged import kappa, read_lines, report

from tests.sentences import says

ROOT = Path(__file__).parents[2]
CASES = read_lines(Path(__file__).parent / "cases_judged.jsonl")


def test_they_are_of_all_worlds_of_both_models_greedy_and_sampled_short_and_worked():
    assert len({case["case"] for case in CASES}) == len(CASES) == 300
    runs = Counter(case["run"] for case in CASES)
    wanted = {f"{m}-{p}-{s}" for m in ("base", "trained") for p in ("short", "long") for s in ("greedy", "sampled")}
    assert set(runs) == wanted
    assert min(runs.values()) > 30
    assert min(Counter(case["problem"]["world"] for case in CASES).values()) > 40


def test_the_reader_takes_nothing_for_right_that_neither_judge_does():
    assert report(CASES)["neither_says_right"]["read_falsely"] == 0


def test_the_figures_are_those_of_the_file_and_of_the_page():
    found = report(CASES)
    told = json.loads((ROOT / "bench/results/judged.json").read_text())
    assert {key: told[key] for key in found} == found
    right, others, agreed = found["both_say_right"], found["neither_says_right"], found["agreement"]
    section = (ROOT / "docs/scoring.md").read_text().partition("## How well it reads")[2]
    says(
        " ".join(section.split()),
        f"same verdict of {agreed['three_verdicts'] * 300:.0f} (kappa {agreed['kappa']:.2f})",
        f"Of {right['answers']} that both call right {right['not_read']} is not read",
        f"Of {others['answers']} that neither does {others['read_falsely']} are read as right",
    )


def test_kappa_is_0_at_chance_and_1_where_all_agree():
    assert kappa([("right", "right"), ("wrong", "wrong")]) == 1
    assert kappa([(a, b) for a in ("right", "none") for b in ("right", "none")]) == 0
    pairs = {("right", "right"): 20, ("right", "none"): 5, ("none", "right"): 10, ("none", "none"): 15}
    assert round(kappa([pair for pair, number in pairs.items() for _ in range(number)]), 4) == 0.4
