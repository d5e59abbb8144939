"""An exercise: a held-out imagery sample that a suite asks, in the words that stage 1 trains. `idf.imagery` makes them.

It is kept as data (prompts, true response), so that whoever reads a suite or judges a response needs nothing of imagery.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from idf.errors import UserError
from idf.worlds import DIFFICULTIES, WORDINGS, WORLDS, Problem, Walk, problem_from_json, problem_to_json


@dataclass(frozen=True)
class Exercise:
    """An imagery sample that is asked.

    Attributes:
        world: Name of the world.
        difficulty: "easy", "medium" or "hard".
        kind: The kind of the sample, "rollout" for example.
        shown: What its picture shows: a walk, whose question and answer are empty here, or the problem that a way is asked for.
        steps: Actions of what has to be imagined.
        prompts: Wording -> mode -> the text of the prompt; the modes are those in which the kind is shown.
        response: The whole true response.
        answer: What it comes down to.
        initial: The answer read off the start; None where that makes no sense.
        key: Equal for samples that ask the same, of training data as well (`key` in their `meta`).
        scene: Equal for samples about the same scene (`scene` in their `meta`).
    """

    world: str
    difficulty: str
    kind: str
    shown: Problem[Any, Any] | Walk[Any]
    steps: int
    prompts: Mapping[str, Mapping[str, str]]
    response: str
    answer: str
    initial: str | None
    key: str
    scene: str

    def prompt(self, mode: str, wording: str) -> str:
        """The text part of the prompt.

        Args:
            mode: What is shown.
            wording: "long" states the rule of the world first, "short" only asks.

        Raises:
            UserError: The kind is not shown in that mode.
        """
        texts = self.prompts[wording]
        if mode not in texts:
            raise UserError(
                f"exercises of kind {self.kind} are asked in mode {', '.join(texts)} alone, not in {mode}: leave the mode out, "
                "or make a suite without the kind"
            )
        return texts[mode]


def exercise_to_json(exercise: Exercise) -> dict[str, Any]:
    """An exercise as plain JSON values; `exercise_from_json` reads it back."""
    shown = exercise.shown
    if isinstance(shown, Problem):
        told: dict[str, Any] = {"problem": problem_to_json(shown)}
    else:
        told = {"start": WORLDS[shown.world].write(shown.start), "actions": list(shown.actions)}
    names = ("world", "difficulty", "kind", "steps", "response", "answer", "initial", "key", "scene")
    prompts = {wording: dict(texts) for wording, texts in exercise.prompts.items()}
    return {name: getattr(exercise, name) for name in names} | {"shown": told, "prompts": prompts}


def exercise_from_json(data: dict[str, Any]) -> Exercise:
    """The exercise that `exercise_to_json` wrote.

    Raises:
        ValueError: A field is missing, or means nothing in its world.
    """
    try:
        if data["world"] not in WORLDS:
            raise ValueError(f"unknown world {data['world']!r}, use one of {', '.join(WORLDS)}")
        if data["difficulty"] not in DIFFICULTIES:
            raise ValueError(f"unknown difficulty {data['difficulty']!r}, use one of {', '.join(DIFFICULTIES)}")
        texts = [data[name] for name in ("kind", "response", "answer", "key", "scene")]
        texts += [text for wording in WORDINGS for text in data["prompts"][wording].values()]
        if not all(isinstance(text, str) for text in texts) or not isinstance(data["initial"], str | None):
            raise ValueError("kind, prompts, response, answer, initial, key and scene are texts")
        return Exercise(**{**data, "shown": _shown(data["world"], data["difficulty"], data["shown"])})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not an exercise: {data!r}: {type(error).__name__} {error}") from error


def _shown(name: str, difficulty: str, told: dict[str, Any]) -> Problem[Any, Any] | Walk[Any]:
    if "problem" in told:
        return problem_from_json(told["problem"])
    world = WORLDS[name]
    start, actions = world.read(told["start"]), tuple(told["actions"])
    world.replay(start, actions)  # raises where an action breaks a rule
    return Walk(name, difficulty, start, actions, "", "", "", "")
