"""How well the reader reads: answers of a small pretrained model, judged twice by readers who saw question and truth alone.

bash bench/judged.sh DIR                                 the answers: a suite, a model before and after training, eight runs
python bench/judged.py draw SUITE RUN... --out FILE      300 answers of idf-eval's runs; FILE.blind is what a judge is given
python bench/judged.py join FILE FIRST SECOND            two judges' verdicts, JSON lines of {"case", "verdict"}, into FILE
python bench/judged.py report FILE [--out RESULT.json]   agreement of the judges, and where the reader differs from both

A verdict is "right" (the truth is stated as the final answer; for moves: moves that reach the goal), "wrong" (another answer
is stated) or "none" (no answer is committed to).
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from machine import command

from idf.scoring import score
from idf.suites import prompt_text, read_suite
from idf.worlds import WORLDS, problem_from_json, problem_to_json

VERDICTS = ("right", "wrong", "none")
ANSWERS = 300


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    commands = parser.add_subparsers(required=True)
    sub = commands.add_parser("draw")
    sub.add_argument("suite", type=Path)
    sub.add_argument("runs", type=Path, nargs="+", help="folders called MODEL-PROMPTS-SAMPLING: base-short-greedy, ...")
    sub.add_argument("--out", type=Path, required=True)
    sub.set_defaults(run=lambda given: draw(given.suite, given.runs, given.out))
    sub = commands.add_parser("join")
    sub.add_argument("cases", type=Path)
    sub.add_argument("judges", type=Path, nargs=2)
    sub.set_defaults(run=lambda given: join(given.cases, given.judges))
    sub = commands.add_parser("report")
    sub.add_argument("cases", type=Path)
    sub.add_argument("--out", type=Path)
    sub.set_defaults(run=lambda given: tell(given.cases, given.out))
    given = parser.parse_args()
    given.run(given)


def draw(suite: Path, runs: Sequence[Path], out: Path) -> None:
    """Write so many answers of the runs, in random order, and what a judge may see of them."""
    problems = {item.id: item.problem for item in read_suite(suite)}
    rows = [
        {"run": run.name, "problem": problem_to_json(problems[row["id"]])}
        | {key: row[key] for key in ("response", "finish_reason")}
        for run in runs
        for row in read_lines(run / "samples.jsonl")
    ]
    drawn = random.Random(0).sample(rows, ANSWERS)
    cases = [{"case": f"j{number:03}", **row} for number, row in enumerate(drawn)]
    write_lines(out, cases)
    write_lines(out.with_suffix(".blind"), [blind(case) for case in cases])
    print(f"{len(cases)} of {len(rows)} answers in {out}; {out.with_suffix('.blind')} is for the judges")


def blind(case: dict[str, Any]) -> dict[str, Any]:
    """What a judge is given: the question as the model saw it, the truth, the response; nothing of ours about it."""
    problem = problem_from_json(case["problem"])
    world = WORLDS[problem.world]
    prompts = f"idf-{case['run'].split('-')[1]}-1"
    return {
        "case": case["case"],
        "question": prompt_text(problem, "tqa", prompts),
        "truth": world.answer(problem).write(world.truth(problem)),
        "other_moves_may_do": world.plans,
        "response": case["response"],
        "cut off": case["finish_reason"] == "length",
    }


def join(path: Path, judges: Sequence[Path]) -> None:
    """Write what two judges said beside each answer."""
    said = [{row["case"]: row["verdict"] for row in read_lines(judge)} for judge in judges]
    cases = read_lines(path)
    for judge, verdicts in zip(judges, said, strict=True):
        if odd := [case["case"] for case in cases if verdicts.get(case["case"]) not in VERDICTS]:
            raise SystemExit(f"{judge}: {odd[0]} needs one of {', '.join(VERDICTS)}")
    write_lines(path, [case | {"verdicts": [verdicts[case["case"]] for verdicts in said]} for case in cases])


def report(cases: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Agreement of the judges, and how often the reader differs from what both say."""
    pairs = [tuple(case["verdicts"]) for case in cases]
    read = [score(problem_from_json(c["problem"]), c["response"], c["finish_reason"]).correct for c in cases]
    both_right = [ok for pair, ok in zip(pairs, read, strict=True) if pair == ("right", "right")]
    neither = [ok for pair, ok in zip(pairs, read, strict=True) if "right" not in pair]
    split = [ok for pair, ok in zip(pairs, read, strict=True) if pair.count("right") == 1]
    return {
        "answers": len(cases),
        "by_run": dict(sorted(Counter(case["run"] for case in cases).items())),
        "agreement": {
            "three_verdicts": share([a == b for a, b in pairs]),
            "kappa": round(kappa(pairs), 3),
            "right_or_not": share([(a == "right") == (b == "right") for a, b in pairs]),
        },
        "both_say_right": {"answers": len(both_right), "not_read": both_right.count(False)},
        "neither_says_right": {"answers": len(neither), "read_falsely": neither.count(True)},
        "one_says_right": {"answers": len(split), "read_as_right": split.count(True)},
        "by_verdicts": {" ".join(pair): number for pair, number in sorted(Counter(pairs).items())},
    }


def share(those: Sequence[bool]) -> float:
    """The share of true ones."""
    return round(sum(those) / len(those), 4)


def kappa(pairs: Sequence[tuple[str, ...]]) -> float:
    """Cohen's kappa: agreement beyond that of two who draw from their own shares of verdicts."""
    n = len(pairs)
    first, second = (Counter(pair[side] for pair in pairs) for side in (0, 1))
    expected = sum(first[verdict] * second[verdict] for verdict in VERDICTS) / n**2
    return (sum(a == b for a, b in pairs) / n - expected) / (1 - expected)


def tell(path: Path, out: Path | None) -> None:
    """Print the report, and each answer that the reader takes otherwise than both judges."""
    cases = read_lines(path)
    found = report(cases)
    print(json.dumps(found, indent=2))
    for case in cases:
        correct = score(problem_from_json(case["problem"]), case["response"], case["finish_reason"]).correct
        if correct != ("right" in case["verdicts"]) or len(set(case["verdicts"])) == 2:
            print(
                f"{case['case']} {case['run']} {case['verdicts']} read as right: {correct}: {case['response'][-200:]!r}"
            )
    if out:
        out.write_text(json.dumps(found | {"command": command()}, indent=2) + "\n")


def read_lines(path: Path) -> list[dict[str, Any]]:
    """JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def write_lines(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """JSON lines."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


if __name__ == "__main__":
    main()
