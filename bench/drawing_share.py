"""Writes bench/results/drawing_share.json: how much of the time of Mental Rotation's pictures is aggdraw's own.

`python bench/drawing_share.py [--scenes 150] [--out FILE]`, by cProfile, which makes Python look slower than it is: the true
share is larger.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
from pathlib import Path

from machine import command, machine

from idf.drawing import draw
from idf.worlds import DIFFICULTIES, WORLDS, Rng, sample_problem


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--scenes", type=int, default=150, help="(default: %(default)s)")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    told = {"command": command(), "machine": machine(), "scenes": arguments.scenes}
    result = told | {
        "aggdraw": {name: share(arguments.scenes, noise) for name, noise in (("clean", False), ("noise", True))}
    }
    print(json.dumps(result["aggdraw"]))
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=2) + "\n")


def share(scenes: int, noise: bool) -> float:
    """The share of aggdraw's methods in the time of drawing."""
    world = WORLDS["mental_rotation"]
    problems = [
        sample_problem(world, seed=1, split="train", index=at, difficulty=DIFFICULTIES[at % 3]) for at in range(scenes)
    ]
    draw(problems[0], None, Rng("noise", 0))  # tables that are made once are no cost of a picture
    profile = cProfile.Profile()
    profile.enable()
    for at, problem in enumerate(problems):
        draw(problem, None, Rng("noise", at) if noise else None)
    profile.disable()
    stats = pstats.Stats(profile)
    own = sum(times[2] for (_, _, name), times in stats.stats.items() if "'Draw' objects" in name)  # type: ignore[attr-defined]
    return round(own / stats.total_tt, 3)  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
