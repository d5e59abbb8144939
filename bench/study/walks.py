"""What did imagery teach? Runs of the miniature study are asked new walks in the form that imagery itself has.

`python -m bench.study.walks`, after `bash bench/study/run.sh`: makes walks with another seed, leaves out every scene that any run
learned from, asks each run (greedy), and compares its response line by line with the true one. Not part of the study's plan: it
was added to explain its results. Writes walks.json beside them; finished runs are kept when it is started again.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from idf.backends import HFBackend, Request, Sampling
from idf.data import Sample, open_dataset
from idf.drawing import decode_picture

SEED = 4321
STEP = re.compile(r"^\d+\. ")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.study.walks", description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--work", type=Path, default=Path("runs/study"), help="the study's folder (default: %(default)s)"
    )
    parser.add_argument("--out", type=Path, default=Path("bench/results/study/walks.json"))
    parser.add_argument("--each", type=int, default=60, help="walks of each world (default: %(default)s)")
    arguments = parser.parse_args()
    plan = json.loads((arguments.work / "plan.json").read_text())
    walks = new_walks(arguments.work, plan["recipe"]["imagery"], arguments.each)
    found = json.loads(arguments.out.read_text()) if arguments.out.exists() else {}
    same = {"seed": SEED, "walks": dict(Counter(walk.world for walk in walks))}
    runs = found["runs"] if {key: found.get(key) for key in same} == same else {}
    for arm in ("imagery", "imagery_then_traces", "mixed"):
        for budget, run in plan["arms"][arm].items():
            for seed in plan["recipe"]["seeds"]:
                final = arguments.work / "runs" / f"{run}-seed{seed}" / "final"
                if f"{run} seed {seed}" in runs or not final.exists():
                    continue
                worlds = asked(final, walks, plan["recipe"]["max_new_tokens"], plan["recipe"]["batch_size"])
                runs[f"{run} seed {seed}"] = {"arm": arm, "budget": int(budget), "seed": seed, "worlds": worlds}
                arguments.out.parent.mkdir(parents=True, exist_ok=True)
                arguments.out.write_text(json.dumps({**same, "runs": runs}, indent=1) + "\n")
                print(f"{run} seed {seed}: {worlds}", flush=True)
    print(table(runs))


def new_walks(work: Path, recipe: str, each: int) -> list[Sample]:
    """Walks of imagery's kind, of scenes that are in no dataset of the study."""
    made = work / "data" / "walks"
    if not (made / "dataset.json").exists():
        words = ["imagery", "--recipe", recipe, "--samples", str(30 * each), "--out", str(made), f"seed={SEED}"]
        subprocess.run([str(Path(sys.executable).with_name("idf")), *words], check=True)
    learned = {
        sample.meta["scene"]
        for name in ("imagery", "traces")
        for sample in open_dataset(work / "data" / name, made_by="bench/study/run.sh").samples()
    }
    kept: list[Sample] = []
    counts: Counter[str] = Counter()
    for sample in open_dataset(made, made_by="python -m bench.study.walks").samples():
        if sample.meta["scene"] not in learned and counts[sample.world] < each:
            counts[sample.world] += 1
            kept.append(sample)
    if min(counts.values(), default=0) < each:
        raise SystemExit(f"only {dict(counts)} new walks, {each} of each world are wanted: raise how many are made")
    return kept


def asked(checkpoint: Path, walks: list[Sample], max_new_tokens: int, batch_size: int) -> dict[str, dict[str, int]]:
    """World -> steps, those that are stated rightly at their place, walks, those with every step right, right answers."""
    backend = HFBackend(str(checkpoint), sampling=Sampling(max_new_tokens), batch_size=batch_size)
    requests = [Request(walk.messages[:1], decode_picture(walk.images[0]) if walk.images else None) for walk in walks]
    found: dict[str, Counter[str]] = {}
    for place, response in backend.generate(requests):
        found.setdefault(walks[place].world, Counter()).update(counted(walks[place], response.text))
    return {world: dict(sorted(counts.items())) for world, counts in sorted(found.items())}


def counted(walk: Sample, response: str) -> dict[str, int]:
    """What of a response is right: a step is, if its line is the true one, in its place."""
    truth, said = (text.split("\n") for text in (walk.messages[-1]["content"][0]["text"], response))
    steps = [place for place, line in enumerate(truth) if STEP.match(line)]
    right = sum(place < len(said) and said[place] == truth[place] for place in steps)
    return {
        "walks": 1,
        "steps": len(steps),
        "steps_right": right,
        "all_right": int(right == len(steps)),
        "answers_right": int(said[-1] == truth[-1]),
    }


def table(runs: dict[str, dict[str, Any]]) -> str:
    """Shares over all seeds, as Markdown."""
    groups: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for run in runs.values():
        groups.setdefault((run["arm"], run["budget"]), []).append(run)
    worlds = list(next(iter(runs.values()))["worlds"]) if runs else []
    lines = ["| arm | budget | seeds | " + " | ".join(f"{world}: steps, answers" for world in worlds) + " |"]
    lines.append("| --- " * (3 + len(worlds)) + "|")
    for (arm, budget), mine in groups.items():
        cells = []
        for world in worlds:
            total: Counter[str] = Counter()
            for run in mine:
                total.update(run["worlds"][world])
            cells.append(f"{total['steps_right'] / total['steps']:.1%}, {total['answers_right'] / total['walks']:.1%}")
        lines.append(f"| {arm} | {budget:,} | {len(mine)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
