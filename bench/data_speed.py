"""Writes bench/results/data_speed.json: the processor time of making data, against an earlier commit of this repository.

`.venv/bin/python bench/data_speed.py [--against 82a73e8] [--samples 20000] [--workers 1] [--rounds 5] [--out FILE]`. Both
trees take turns in each round, each in processes of its own, and the medians count: user and system time of a process and all
that it started. So what else the machine does hits both alike. Both must make the same pictures and drafts, which their hashes
show.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from machine import command, machine, source_at

ROOT = Path(__file__).parents[1]

_PARTS = """
import json, sys
from hashlib import sha256
from time import process_time
from idf.drawing import draw
from idf.worlds import DIFFICULTIES, WORLDS, Draw, Rng, sample_problem

scenes = int(sys.argv[1])

def ms(make, number):
    digest, spent = sha256(), 0.0
    for at in range(-20, number):
        begin = process_time()
        made = make(at)
        if at >= 0:  # tables and tiles that are made once are no cost of a picture
            spent += process_time() - begin
            digest.update(made if isinstance(made, bytes) else repr(made).encode())
    return {"ms": 1000 * spent / number, "sha256": digest.hexdigest()}

def difficulty(at):
    return DIFFICULTIES[at % 3]

turned = {at: sample_problem(WORLDS["mental_rotation"], seed=1, split="train", index=at + 20, difficulty=difficulty(at))
          for at in range(-20, scenes)}
box = WORLDS["moving_box"]
print(json.dumps({
    "mental_rotation": ms(lambda at: draw(turned[at]).tobytes(), scenes),
    "mental_rotation_noise": ms(lambda at: draw(turned[at], None, Rng("noise", at)).tobytes(), scenes),
    "moving_box_draft": ms(lambda at: Draw(1, "train", at + 20, difficulty(at)).walk(box), scenes),
}))
"""

_SAMPLES = """
import json, resource, subprocess, sys
idf = "import sys; from idf.cli.main import main; sys.exit(main(sys.argv[1:]))"
command = [sys.executable, "-c", idf, "imagery", *sys.argv[1:]]
subprocess.run(command, check=True, stdout=sys.stderr, stderr=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"cpu_seconds": used.ru_utime + used.ru_stime, "peak_mib": round(used.ru_maxrss / 1024)}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", default="82a73e8", help="commit of this repository (default: %(default)s)")
    parser.add_argument("--samples", type=int, default=20000, help="of `idf imagery` (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="of `idf imagery` (default: %(default)s)")
    parser.add_argument("--scenes", type=int, default=300, help="pictures and drafts (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="the medians count (default: %(default)s)")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    found: dict[str, dict[str, list[Any]]] = {}
    with TemporaryDirectory() as name:
        folder = Path(name)
        trees = {"here": ROOT, arguments.against: source_at(arguments.against, folder / "old")}
        for turn in range(arguments.rounds):
            for tree in sorted(trees, reverse=turn % 2 == 1):
                of_tree = found.setdefault(tree, {"parts": [], "imagery": []})
                of_tree["parts"].append(_run(trees[tree], _PARTS, arguments.scenes))
                out = folder / f"{tree}-{turn}"
                made = ["--out", out, "--samples", arguments.samples, "--workers", arguments.workers]
                of_tree["imagery"].append(_run(trees[tree], _SAMPLES, *made))
                print(turn, tree, {key: values[-1] for key, values in of_tree.items()}, flush=True)
            if arguments.out:
                arguments.out.write_text(json.dumps(_report(found, arguments), indent=2) + "\n")


def _run(tree: Path, code: str, *arguments: object) -> Any:
    python = [sys.executable, "-c", code, *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(tree)}
    return json.loads(subprocess.run(python, cwd=tree, env=environment, check=True, stdout=subprocess.PIPE).stdout)


def _report(found: dict[str, dict[str, list[Any]]], arguments: argparse.Namespace) -> dict[str, Any]:
    """Medians of both trees, how many times as long the older one takes, and whether both made the same."""
    trees: dict[str, dict[str, float]] = {}
    made: dict[str, set[str]] = {}
    for tree, values in found.items():
        trees[tree] = {}
        for part in values["parts"][0]:
            trees[tree][f"{part}_ms"] = median(run[part]["ms"] for run in values["parts"])
            made.setdefault(part, set()).update(run[part]["sha256"] for run in values["parts"])
        for what in ("cpu_seconds", "peak_mib"):
            trees[tree][f"imagery_{what}"] = median(run[what] for run in values["imagery"])
    old, here = trees.get(arguments.against, {}), trees.get("here", {})
    return {
        "command": command(),
        "machine": machine(),
        "against": arguments.against,
        "samples": arguments.samples,
        "workers": arguments.workers,
        "scenes": arguments.scenes,
        "rounds": min(len(values["parts"]) for values in found.values()),
        "medians": {tree: {name: round(value, 3) for name, value in values.items()} for tree, values in trees.items()},
        "times_as_long": {name: round(old[name] / here[name], 2) for name in here if old.get(name)},
        "the_same_pictures_and_drafts": {part: len(digests) == 1 for part, digests in made.items()},
    }


if __name__ == "__main__":
    main()
