"""reasoning-gym's way: `dataset[i]` is a question, `score_answer(answer, entry)` its score. reasoning-gym need not be there."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from idf.env import Source
from idf.errors import UserError
from idf.scoring import score
from idf.suites import prompt_text
from idf.worlds import WORLDS, problem_from_json, problem_to_json


@dataclass
class SpatialConfig:
    """What is asked, see `idf.env.Source`, and how many items there are."""

    world: str = "cube_rolling"
    difficulty: str = "easy"
    split: str = "train"
    seed: int = 0
    size: int = 500

    def validate(self) -> None:
        """Refuse what cannot be asked, with a sentence."""
        if type(self.seed) is not int or self.size < 1:
            raise UserError(f"seed must be a whole number and size at least 1, not {self.seed!r}, {self.size!r}")


class SpatialDataset:
    """Problems of a world, in words; the same configuration gives the same items everywhere."""

    def __init__(self, config: SpatialConfig) -> None:
        config.validate()
        self.config, self.seed, self.size = config, config.seed, config.size
        self.source = Source(config.world, config.difficulty, config.split, config.seed)

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return map(self.__getitem__, range(self.size))

    def __getitem__(self, index: int) -> dict[str, Any]:
        problem, world = self.source.problem(index), WORLDS[self.source.world]
        told = {"source_dataset": "idf", "source_index": index, "problem": json.dumps(problem_to_json(problem))}
        answer, told = world.answer(problem).write(world.truth(problem)), vars(self.config) | told
        return {"question": prompt_text(problem, "tqa", "idf-long-1"), "answer": answer, "metadata": told}

    def score_answer(self, answer: str | None, entry: dict[str, Any]) -> float:
        """1 if the answer is right by `idf.scoring.score`, else 0: a near miss earns nothing."""
        return float(score(problem_from_json(json.loads(entry["metadata"]["problem"])), answer or "").correct)


def register() -> None:
    """Make it known to reasoning-gym: `create_dataset("idf", world="wood_slide")`, alone or in a mixture."""
    from reasoning_gym.factory import ProceduralDataset, register_dataset

    register_dataset("idf", type("SpatialDataset", (SpatialDataset, ProceduralDataset), {}), SpatialConfig)
