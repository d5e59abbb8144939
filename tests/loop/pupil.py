"""A pupil: a checkpoint without weights, that solves Cube Rolling the better the shorter it is, and learns from what it is given.

Its folder holds `skill.json`: the chance to get one roll right. It reads the problem from the short prompt, so it can be asked by
`idf-eval` and as a teacher; what it answers depends on its skill, the prompt and the number of the sample alone.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from idf.backends import Backend, ModelSpec, Request, Response, Sampling
from idf.backends._registry import OURS
from idf.data import open_dataset
from idf.worlds import WORLDS, Problem, Rng
from idf.worlds.cube_rolling import FACES, Query

NAME = "pupil"
OURS[NAME] = "tests.loop.pupil:Pupil"


class Pupil(Backend):
    """See above."""

    def __init__(self, model: str, *, sampling: Sampling) -> None:
        self.name, self.seed = f"{NAME}:{model}", sampling.seed
        self.skill = skill_of(model)

    def generate(self, requests: Sequence[Request]) -> Iterator[tuple[int, Response]]:
        for i in range(len(requests)):
            text = self.render(requests[i])
            problem = _problem(text)
            rolls = len(problem.query.path.split())
            solved = Rng("pupil", self.skill, self.seed, text, requests[i].sample).chance(self.skill**rolls)
            time.sleep(0.004)
            yield i, Response(_worked(problem) if solved else "Answer: I do not know", 50, 20, "stop")

    @classmethod
    def fingerprint(cls, spec: ModelSpec, *, whole: bool = False) -> str:
        return f"{NAME} {(Path(spec.model) / 'skill.json').read_text()}"


def skill_of(model: str) -> float:
    """What a pupil's folder says."""
    return float(json.loads((Path(model) / "skill.json").read_text())["skill"])


def _problem(prompt: str) -> Problem[Any, Any]:
    told = re.search(r"Cube: (.*)\. It rolls (.*)\. Which colour is the (\w+) face", prompt)
    assert told is not None, prompt
    colours = dict(pair.split() for pair in told[1].split(", "))
    world = WORLDS["cube_rolling"]
    start = world.read(" ".join(colours[face] for face in FACES) + " at 0,0")
    return Problem("cube_rolling", "easy", start, Query(told[2].replace(",", ""), told[3]))


def _worked(problem: Problem[Any, Any]) -> str:
    from idf.traces import oracle_response

    return oracle_response(problem)


def make_pupil(folder: Path, skill: float, step: int = 0) -> None:
    """Write a pupil as a checkpoint, in one piece."""
    part = folder.with_name(f".{folder.name}")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    (part / "skill.json").write_text(json.dumps({"skill": skill}))
    (part / "idf.json").write_text(json.dumps({"step": step, "recipe": {"max_pixels": 12544}}))
    part.rename(folder)


def train(stage: str, recipe: str, overrides: Sequence[str], nproc: int, run: Path) -> Path:
    """In the place of `idf.loop._train.train`: the pupil gets better with the number of samples."""
    told = dict(change.split("=", 1) for change in overrides)
    model, data = json.loads(told["model"]), json.loads(told["data"])
    assert json.loads(told["run"]) == str(run)
    (run / "half").mkdir(parents=True, exist_ok=True)
    time.sleep(0.3)
    skill = skill_of(model)
    samples = len(open_dataset(Path(data), made_by="-"))
    make_pupil(run / "final", skill + (1 - skill) * samples / (samples + 200), step=samples)
    return run / "final"


if __name__ == "__main__":
    from idf.cli.main import main
    from idf.loop import _round

    _round.train = train  # type: ignore[assignment]
    main(sys.argv[1:])
