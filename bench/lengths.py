"""Writes bench/results/lengths.json: how long the oracle's traces are in each length, and what `idf filter` keeps of a mixture.

`python bench/lengths.py [--problems 300] [--candidates 600] [--out FILE]`. Tokens are estimated as `idf stats` estimates them.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any

from machine import command, machine

from idf.data import EstimatedTokens, Sample
from idf.traces import FilterRecipe, TeacherRecipe, TracesRecipe, build_traces, filter_traces, oracle_trace
from idf.worlds import DIFFICULTIES, LENGTHS, WORLDS, sample_problem


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--problems", type=int, default=300, help="of each world and difficulty")
    parser.add_argument("--candidates", type=int, default=600, help="traces of the mixture that is filtered")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    result = {
        "problems": arguments.problems,
        "lengths": {world: {d: measure(world, d, arguments.problems) for d in DIFFICULTIES} for world in WORLDS},
        "candidates": arguments.candidates,
        "kept": {level: kept(level, arguments.candidates) for level in ("consistent", "process")},
        "command": command(),
        "machine": machine(),
    }
    print(table(result["lengths"]))
    print(json.dumps(result["kept"], indent=2))
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=2) + "\n")


def measure(world: str, difficulty: str, number: int) -> dict[str, Any]:
    """Mean tokens and words of each length, and how many of those drawn in it are told in a longer one."""
    tokens: dict[str, list[int]] = {length: [] for length in LENGTHS}
    words: dict[str, list[int]] = {length: [] for length in LENGTHS}
    longer: Counter[str] = Counter()
    for index in range(number):
        problem = sample_problem(WORLDS[world], seed=0, split="train", index=index, difficulty=difficulty)
        for length in LENGTHS:
            text, told = oracle_trace(problem, length=length)
            said = {"role": "assistant", "content": [{"type": "text", "text": text}]}
            tokens[length].append(EstimatedTokens()(Sample("", world, difficulty, "trace", [], [said], {})).answer)
            words[length].append(len(text.split()))
            longer[length] += told != length
    return {
        "tokens": {length: round(fmean(tokens[length]), 1) for length in LENGTHS},
        "words": {length: round(fmean(words[length]), 1) for length in LENGTHS},
        "told_longer": {length: longer[length] for length in LENGTHS},
    }


def kept(level: str, candidates: int) -> dict[str, Any]:
    """What the filter keeps of equal parts of all lengths and worlds: the funnel's counts, and the lengths of what is kept."""
    teacher = TeacherRecipe(lengths={length: 1.0 for length in LENGTHS})
    with TemporaryDirectory() as place:
        made = build_traces(
            TracesRecipe(problems=candidates, max_pixels=112 * 112, teacher=teacher), Path(place, "made")
        )
        recipe = FilterRecipe(keep=candidates, level=level)
        _, funnel = filter_traces(made, Path(place, "kept"), recipe, allow_fewer=True)
    return {"counts": funnel.counts, "lengths": funnel.kept_by_length, "proofs": funnel.proofs}


def table(lengths: dict[str, Any]) -> str:
    """Mean tokens by world and difficulty, as docs/teachers.md shows them."""
    lines = [f"| world | {' | '.join(f'{length}: easy, medium, hard' for length in LENGTHS)} |", "|" + " --- |" * 4]
    for world, found in lengths.items():
        cells = [", ".join(f"{found[d]['tokens'][length]:.0f}" for d in DIFFICULTIES) for length in LENGTHS]
        lines.append(f"| {world} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
