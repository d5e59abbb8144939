"""What came out of every run, item by item, small enough to be committed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from idf.errors import UserError
from idf.evaluation import Row, read_samples, tokens_of
from idf.scoring import diagnose, score, steps_right
from idf.suites import Item

T = TypeVar("T")
CAUSES = {None: ".", "perception": "p", "transformation": "t", "strategic": "s", "format": "f", "unstated": "u"}
"""Cause of an error -> its letter; a right answer is a dot."""
LETTERS = {letter: cause for cause, letter in CAUSES.items()}


@dataclass(frozen=True)
class Answered:
    """The answers of one run to all items in one mode, in the order of the items.

    Attributes:
        causes: A letter of CAUSES for each item; a dot is a right answer.
        tokens: Generated tokens; None if unknown.
        right: Steps on the way with the right state.
        steps: Steps that there are.
    """

    causes: str
    tokens: list[int | None]
    right: list[int]
    steps: list[int]


def read_answers(folder: Path, items: Sequence[Item], mode: str) -> Answered:
    """Read an evaluation, and judge its responses once more: all runs are judged by the rules of today, or not at all.

    Raises:
        UserError: It is missing or broken, an item has no response, or a verdict is not what it was.
    """
    rows = {row.id: row for row in read_samples(folder) if row.mode == mode}
    if lacking := [item.id for item in items if item.id not in rows]:
        raise UserError(f"{folder} has no response to {lacking[0]} in mode {mode}: remove it and start the study again")
    ordered = [rows[item.id] for item in items]
    for item, row in zip(items, ordered, strict=True):
        _judge_again(folder, item, row)
    ways = [steps_right(item.problem, row.response) for item, row in zip(items, ordered, strict=True)]
    return Answered(
        causes="".join(CAUSES[row.cause] for row in ordered),
        tokens=[tokens_of(row) for row in ordered],
        right=[way.right for way in ways],
        steps=[way.steps for way in ways],
    )


def _judge_again(folder: Path, item: Item, row: Row) -> None:
    verdict = score(item.problem, row.response, row.finish_reason)
    cause = diagnose(item.problem, row.response, verdict).cause
    if (verdict.correct, cause) != (row.correct, row.cause):
        raise UserError(
            f"{folder}: {row.id} in mode {row.mode} is {'right' if verdict.correct else cause} now and was "
            f"{'right' if row.correct else row.cause} when it was evaluated: remove the folder and start the study again"
        )


@dataclass(frozen=True)
class Study:
    """The outcomes of a study.

    Attributes:
        plan: What was fixed before the first run.
        items: {"id", "world", "steps"} of each item.
        answers: Run -> seed -> mode -> what was answered.
        updates: Run -> seed -> {"updates", "label_tokens"} that it had, its parent's included; nothing of the base model.
        players: World -> mode -> the accuracy of the trivial players on the same items: "initial", "random".
    """

    plan: dict[str, Any]
    items: list[dict[str, Any]]
    answers: dict[str, dict[str, dict[str, Answered]]]
    updates: dict[str, dict[str, dict[str, int]]]
    players: dict[str, dict[str, dict[str, float]]]

    def of_world(self, world: str) -> list[int]:
        """The places of a world's items."""
        return [place for place, item in enumerate(self.items) if item["world"] == world]

    @property
    def seeds(self) -> list[int]:
        """The seeds that there are outcomes of."""
        return [int(seed) for seed in next(iter(self.answers.values()))]

    def joined(self, other: Study) -> Study:
        """This study with the outcomes of another one's seeds; both are of the same plan."""
        order = [str(seed) for seed in self.plan["recipe"]["seeds"]]
        answers = {run: _in_order(self.answers[run] | other.answers[run], order) for run in self.answers}
        updates = {run: _in_order(self.updates[run] | other.updates[run], order) for run in self.updates}
        return replace(self, answers=answers, updates=updates)

    def write(self, folder: Path) -> None:
        """Write `plan.json`, `outcomes.json`."""
        folder.mkdir(parents=True, exist_ok=True)
        answers = {
            run: {seed: {mode: vars(one) for mode, one in modes.items()} for seed, modes in seeds.items()}
            for run, seeds in self.answers.items()
        }
        write_json(folder / "plan.json", self.plan, indent=2)
        write_json(
            folder / "outcomes.json",
            {"items": self.items, "players": self.players, "updates": self.updates, "answers": answers},
        )


def _in_order(seeds: dict[str, T], order: Sequence[str]) -> dict[str, T]:
    return {seed: seeds[seed] for seed in order if seed in seeds}


def write_json(path: Path, value: dict[str, Any], indent: int | None = None) -> None:
    """Write an object as JSON, in one piece; without indentation, each entry of its values is a line of its own."""
    part = path.with_name(f".{path.name}")
    text = json.dumps(value, indent=indent) if indent is not None else _by_lines(value)
    part.write_text(text + "\n")
    part.replace(path)


def read_seeds(results: Path, seeds: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Seed -> what its arms came to, of the seeds that there is anything of."""
    paths = {seed: results / f"seed{seed}.json" for seed in seeds}
    return {seed: json.loads(path.read_text()) for seed, path in paths.items() if path.exists()}


def weights_hash(folder: Path) -> str:
    """Hash of the weights in a model's folder, by their bytes: which model an arm began with, and which one was asked."""
    found = hashlib.sha256()
    for file in sorted(folder.glob("*.safetensors")):
        found.update(file.read_bytes())
    return found.hexdigest()[:16]


def asked_of(answers: Path, checkpoint: Path) -> bool:
    """Whether a file of answers is there and this checkpoint gave them."""
    if not answers.exists() or not checkpoint.exists():
        return False
    return bool(json.loads(answers.read_text())["checkpoint"] == weights_hash(checkpoint))


def keep_arms(path: Path, told: Mapping[str, Mapping[str, Any]]) -> None:
    """Write what the arms of a seed came to beside those that the file has already.

    Args:
        path: The seed's file.
        told: Arm -> its results, with `base`, the hash of the weights that it began with.

    Raises:
        UserError: The arms of the file began with other weights.
    """
    before = json.loads(path.read_text()) if path.exists() else {}
    together: dict[str, Any] = {**before, **told}
    if len({one["base"] for one in together.values()}) > 1:
        raise UserError(
            f"{path} has arms that began with another model than those of this run, and they can't be compared: remove it, or "
            "name another folder with results=DIR"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, together)


def fix_plan(path: Path, facts: Mapping[str, Any]) -> None:
    """Write a study's plan down; it may not change afterwards.

    Raises:
        UserError: It has.
    """
    said = json.loads(json.dumps(facts))
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, said, indent=2)
        return
    before = json.loads(path.read_text())
    if changed := [key for key in said if said[key] != before.get(key)]:
        raise UserError(
            f"the study was begun with another plan ({path}), with other {', '.join(changed)}: set it back, or name another "
            "folder with results=DIR work=DIR"
        )


def _by_lines(value: dict[str, Any]) -> str:
    entries = []
    for key, found in value.items():
        if isinstance(found, dict):
            lines = [f"{json.dumps(name)}: {json.dumps(one)}" for name, one in found.items()]
            text = "{\n" + ",\n".join(lines) + "\n}"
        elif isinstance(found, list):
            text = "[\n" + ",\n".join(json.dumps(one) for one in found) + "\n]"
        else:
            text = json.dumps(found)
        entries.append(f"{json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(entries) + "\n}"


def read_study(folder: Path) -> Study:
    """Read what `Study.write` wrote."""
    told = json.loads((folder / "outcomes.json").read_text())
    answers = {
        run: {seed: {mode: Answered(**one) for mode, one in modes.items()} for seed, modes in seeds.items()}
        for run, seeds in told["answers"].items()
    }
    return Study(
        json.loads((folder / "plan.json").read_text()), told["items"], answers, told["updates"], told["players"]
    )
