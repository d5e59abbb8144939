"""Suites that idf generates: any size and seed, from scenes that never occur in training data."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from idf.errors import UserError
from idf.files import read_lines
from idf.recipe import check_names, check_pixels, to_plain
from idf.version import VERSION
from idf.worlds import DIFFICULTIES, PARTS, WORLDS, Draw, Problem, World, problem_from_json, problem_to_json

from ._exercise import Exercise, exercise_from_json, exercise_to_json
from ._item import Item
from ._published import published


@dataclass(frozen=True)
class SuiteRecipe:
    """What a suite consists of.

    Attributes:
        items: Items for each world and difficulty.
        seed: Another seed gives other items of the same kind.
        worlds: The worlds to ask; those that show a scene in part (`idf.worlds.PARTS`) if they are named.
        difficulties: The difficulties to ask.
        kinds: The kinds of `idf imagery` to ask, in the words that stage 1 trains (exercises); none for the benchmark's problems.
        steps: Least and most actions on the way to the answer; None for all that the difficulties have.
        max_pixels: Largest picture; None for the default size of each world.
        symmetric: Whether each item is asked with its images under the symmetries of its world.
    """

    items: int = 20
    seed: int = 0
    worlds: list[str] = field(default_factory=lambda: list(WORLDS))
    difficulties: list[str] = field(default_factory=lambda: list(DIFFICULTIES))
    kinds: list[str] = field(default_factory=list)
    steps: list[int] | None = None
    max_pixels: int | None = None
    symmetric: bool = False

    def check(self) -> None:
        """Refuse what cannot be generated, with a sentence."""
        check_names("worlds", self.worlds, {**WORLDS, **PARTS})
        check_names("difficulties", self.difficulties, DIFFICULTIES)
        check_pixels(self.max_pixels)
        if self.items < 1:
            raise UserError(f"items must be at least 1, not {self.items}")
        if self.steps is not None and not (len(self.steps) == 2 and 0 <= self.steps[0] <= self.steps[1]):
            raise UserError(f"steps must be the least and the most, such as [6, 8], not {self.steps}")
        if self.symmetric and self.kinds:
            raise UserError("symmetric: exercises have no images under symmetries: leave it out, or kinds")
        if self.symmetric and (alone := [name for name in self.worlds if type(WORLDS[name]).images is World.images]):
            raise UserError(
                f"symmetric: {alone[0]} has no images under symmetries: leave it out of worlds, or make it without symmetric"
            )

    def fits(self, steps: int) -> bool:
        """Whether an item of so many actions is wanted."""
        return self.steps is None or self.steps[0] <= steps <= self.steps[1]

    def too_few(self, what: str) -> UserError:
        """The sentence for when no more different items are found."""
        at = "" if self.steps is None else f" of {self.steps[0]} to {self.steps[1]} steps"
        return UserError(f"fewer than {self.items} different items of {what}{at} were found: ask for less")


Drawing = Callable[[SuiteRecipe], tuple[list[Item], int]]
"""What draws the items of a suite: `draw_items`, or `idf.imagery.draw_suite`, which knows kinds as well."""


def draw_items(recipe: SuiteRecipe) -> tuple[list[Item], int]:
    """The items of a suite, without picture files.

    Every problem comes from the split "eval", so no training data of any seed holds its scene; no two are the same, and
    none is a published one. That holds for images under symmetries as well: they share the problem's canonical key.

    Args:
        recipe: What it consists of.

    Returns:
        The items, and how many repeated problems were drawn again.

    Raises:
        UserError: A world has too few different problems, or the recipe names kinds, which `idf.imagery.draw_suite` draws.
    """
    if recipe.kinds:
        raise UserError(
            f"kinds {', '.join(recipe.kinds)}: only the benchmark's problems can be asked here, leave them out"
        )
    items: list[Item] = []
    repeats = 0
    avoid = published().avoid
    for world in recipe.worlds:
        for difficulty in recipe.difficulties:
            seen: set[str] = set()
            index, patience, drawn = -1, 100 * recipe.items, 0
            while drawn < recipe.items:
                index += 1
                if index > patience:
                    raise recipe.too_few(f"{world} ({difficulty})")
                problem = Draw(recipe.seed, "eval", index, difficulty, avoid).problem(WORLDS[world]).scene
                if recipe.steps is not None and not recipe.fits(len(WORLDS[world].course(problem)[1])):
                    continue
                images = WORLDS[world].images(problem) if recipe.symmetric else []
                asked = {json.dumps(problem_to_json(one)): one for one in (problem, *images)}
                if not seen.isdisjoint(asked):
                    repeats += 1
                    continue
                name = f"{world}:{difficulty}:{drawn}"
                group = name if recipe.symmetric else None
                for number, one in enumerate(asked.values()):
                    items.append(Item(f"{name}~{number}" if number else name, one, group=group))
                seen.update(asked)
                drawn += 1
    return items, repeats


def generate_suite(recipe: SuiteRecipe, out: Path, drawing: Drawing = draw_items) -> int:
    """Write a suite: `suite.json`, `items.jsonl` and a folder `pictures/`.

    Args:
        recipe: What it consists of.
        out: The folder, which must not hold a suite yet.
        drawing: What draws its items; `idf.imagery.draw_suite` if the recipe may name kinds.

    Returns:
        The number of items.

    Raises:
        UserError: The folder holds a suite already, or a world has too few different items.
    """
    _refuse_existing(out)
    items, repeats = drawing(recipe)
    versions = {"idf": VERSION} | {world: WORLDS[world].version for world in recipe.worlds}
    facts = {"recipe": to_plain(recipe), "items": len(items), "repeats_drawn_again": repeats, "versions": versions}
    write_suite(items, out, facts, recipe.max_pixels)
    return len(items)


def write_suite(items: Sequence[Item], out: Path, facts: dict[str, Any], max_pixels: int | None) -> None:
    """Write items as a suite.

    Args:
        items: The items; their pictures are drawn.
        out: The folder, which must not hold a suite yet.
        facts: What `suite.json` is to say.
        max_pixels: Largest picture; None for the default size of each world.

    Raises:
        UserError: The folder holds a suite already.
    """
    from tqdm import tqdm  # not above: whoever only asks for a problem shall not wait for these

    from idf.drawing import draw, encode_png

    _refuse_existing(out)
    (out / "pictures").mkdir(parents=True, exist_ok=True)
    lines = []
    for item in tqdm(items, unit=" items", mininterval=1):
        name = f"pictures/{item.id.replace(':', '-').replace('~', '-image-')}.png"
        (out / name).write_bytes(encode_png(draw(item.scene, max_pixels)))
        row = {"id": item.id, "picture": name} | task_to_json(item.task)
        lines.append(json.dumps(row if item.group is None else row | {"group": item.group}))
    (out / "items.jsonl").write_text("\n".join(lines) + "\n")
    part = out / ".suite.json"
    part.write_text(json.dumps(facts, indent=2) + "\n")
    part.replace(out / "suite.json")  # in one piece: a suite that has it is whole


def _refuse_existing(out: Path) -> None:
    if (out / "suite.json").exists():
        raise UserError(f"{out} holds a suite already: choose another folder, or remove this one")


def task_to_json(task: Problem[Any, Any] | Exercise) -> dict[str, Any]:
    """What an item asks, as the keys of its line in `items.jsonl`."""
    return {"exercise": exercise_to_json(task)} if isinstance(task, Exercise) else {"problem": problem_to_json(task)}


def _task(row: dict[str, Any]) -> Problem[Any, Any] | Exercise:
    return exercise_from_json(row["exercise"]) if "exercise" in row else problem_from_json(row["problem"])


def read_suite(folder: Path) -> list[Item]:
    """The items of a generated suite.

    Raises:
        UserError: The folder is no suite, or a line of it is broken; the line is named.
    """
    path = folder / "items.jsonl"
    if not path.exists():
        raise UserError(
            f"no suite in {folder}: make one with `idf suite --out {folder}`, or name a clone of SpatiaLite (spatialite:DIR)"
        )
    items: list[Item] = []
    seen: set[str] = set()
    home = folder.resolve()
    for number, line in enumerate(read_lines(path), 1):
        try:
            row = json.loads(line)
            picture = folder / row["picture"]
            if not picture.resolve().is_relative_to(home):
                raise ValueError(f"the picture {row['picture']!r} lies outside the suite's folder")
            if row["id"] in seen:
                raise ValueError(f"a second item with the id {row['id']}")
            seen.add(row["id"])
            group = row.get("group")
            if not (group is None or isinstance(group, str)):
                raise ValueError(f"its group is the id of an item, not {group!r}")
            items.append(Item(row["id"], _task(row), picture, group=group))
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"{path}, line {number}: not an item: {error}") from None
    if not items:
        raise UserError(f"{path} holds no item")
    return items
