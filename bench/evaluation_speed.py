"""Writes bench/results/evaluation_speed.json: the processor time of idf-eval, against an earlier commit of this repository.

`.venv/bin/python bench/evaluation_speed.py CHECKPOINT [--against 82a73e8] [--rounds 5] [--out FILE]`. A checkpoint answers 300
items of mixed lengths, and 3,150 stored responses are scored. Both trees take turns in each round, in processes of their own
with one thread; the medians of user and system time count. The time of asking one item of each world is taken for a checkpoint's
start. Both trees must say the same texts, which is counted.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from machine import command, machine, source_at

ROOT = Path(__file__).parents[1]
_EVALUATE = """
import json, resource, subprocess, sys
words = [sys.executable, "-m", "idf.cli.evaluate", *sys.argv[1:]]
subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"cpu_seconds": used.ru_utime + used.ru_stime, "peak_mib": round(used.ru_maxrss / 1024)}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path, help="such as that of the quickstart")
    parser.add_argument("--against", default="82a73e8", help="commit of this repository (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="the medians count (default: %(default)s)")
    parser.add_argument("--max-new-tokens", type=int, default=256, help="longest response (default: %(default)s)")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    with TemporaryDirectory() as name:
        result = measure(arguments, Path(name))
    print(json.dumps(result, indent=2))
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=2) + "\n")


def measure(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """All rounds, and what they come to."""
    trees = {"here": ROOT, arguments.against: source_at(arguments.against, folder / "old")}
    # The tree that is compared with makes the items: both read them.
    make = "import sys; from idf.cli.main import main; sys.exit(main(sys.argv[1:]))"
    for suite, items in (("asked", "20"), ("scored", "70")):
        words = ["suite", "--out", str(folder / suite), "--items", items, "max_pixels=50176"]
        _run([sys.executable, "-c", make, *words], trees[arguments.against])
    _store(folder / "scored", folder / "responses.jsonl")
    asked = ["--suite", str(folder / "asked"), "--max-new-tokens", str(arguments.max_new_tokens)]
    asked += ["--prompts", "idf-short-1", "--max-pixels", "50176", "--other-pixels"]
    checkpoint = str(arguments.checkpoint.resolve())
    stored = [
        "--responses",
        str(folder / "responses.jsonl"),
        "--suite",
        str(folder / "scored"),
        "--modes",
        "vtqa,tqa,vqa",
    ]
    ways = {
        "start": [checkpoint, *asked, "--limit", "1"],
        "300 items": [checkpoint, *asked],
        "3,150 stored responses": stored,
    }
    found: dict[str, dict[str, list[dict[str, Any]]]] = {way: {tree: [] for tree in trees} for way in ways}
    for turn in range(arguments.rounds):
        for way, words in ways.items():
            for tree, home in trees.items():
                out = folder / f"{way} {tree} {turn}"
                found[way][tree].append(
                    json.loads(_run([sys.executable, "-c", _EVALUATE, *words, "--out", str(out)], home))
                )
                print(way, tree, found[way][tree][-1], file=sys.stderr, flush=True)
    seconds = {
        way: {tree: median(run["cpu_seconds"] for run in runs) for tree, runs in of.items()}
        for way, of in found.items()
    }
    asking = {tree: seconds["300 items"][tree] - seconds["start"][tree] for tree in trees}
    old, scored = arguments.against, seconds["3,150 stored responses"]
    return {
        "command": command(),
        "machine": machine(),
        "against": old,
        "runs": found,
        "median_cpu_seconds": seconds,
        "300 items, start-up aside": {**asking, "times": asking[old] / asking["here"]},
        "300 items, whole process": {"times": seconds["300 items"][old] / seconds["300 items"]["here"]},
        "3,150 stored responses": {"times": scored[old] / scored["here"]},
        "same_texts": _same([folder / f"300 items {tree} 0" / "samples.jsonl" for tree in trees]),
    }


def _run(words: Sequence[str], tree: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    return subprocess.run(words, cwd=tree, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


def _store(suite: Path, out: Path) -> None:
    """Responses of solvers and of players that guess, to every item in three modes."""
    from idf.evaluation import baseline_response
    from idf.suites import open_suite
    from idf.traces import oracle_response

    chance, items = random.Random(0), open_suite(str(suite))
    with out.open("w") as file:
        for mode in ("vtqa", "tqa", "vqa"):
            for item in items:
                name = chance.choice(["oracle", "oracle", "initial", "random"])
                said = (
                    oracle_response(item.problem) if name == "oracle" else baseline_response(name, item.problem, mode)
                )
                row = {"id": item.id, "mode": mode, "response": said, "completion_tokens": len(said) // 4}
                file.write(json.dumps(row) + "\n")


def _same(files: Sequence[Path]) -> str:
    texts = []
    for path in files:
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        texts.append({(row["id"], row["mode"]): row["response"] for row in rows})
    same = sum(texts[0][key] == texts[1][key] for key in texts[0])
    return f"{same} of {len(texts[0])}"


if __name__ == "__main__":
    main()
