"""Exercises: held-out imagery samples that a suite asks, so that stage 1 is asked what it trains.

The suite itself (`idf.suites`) stands above this room and knows nothing of kinds: an exercise reaches it as data, and who
makes suites passes `draw_suite` to `generate_suite`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from idf.data import Row, Slot
from idf.errors import UserError
from idf.recipe import check_names
from idf.suites import Exercise, Item, SuiteRecipe, draw_items, published
from idf.worlds import WORDINGS, WORLDS, Walk

from ._build import ImageryMaker, modes_of, prompt_of
from ._kinds import KINDS, PARTIAL, kinds_of
from ._recipe import ImageryRecipe

_PLAINEST = 0
"""The phrasing of exercises: every recipe of imagery trains it."""
_PATIENCE = 300  # indices for each item


def draw_suite(recipe: SuiteRecipe) -> tuple[list[Item], int]:
    """The items of a suite: the benchmark's problems, or exercises if the recipe names kinds; without picture files.

    Every scene of an exercise comes from the split "eval", so no training data of any seed holds it, and none is a published
    one. No two exercises of a world, difficulty and kind ask the same.

    Args:
        recipe: What it consists of.

    Returns:
        The items, and how many repeated ones were drawn again.

    Raises:
        UserError: A kind is unknown, a world has it not, or has too few different items.
    """
    if not recipe.kinds:
        return draw_items(recipe)
    check_kinds("kinds", recipe.kinds, recipe.worlds)
    maker = ImageryMaker(ImageryRecipe(seed=recipe.seed), published(), split="eval")
    items: list[Item] = []
    repeats = 0
    for world in recipe.worlds:
        for difficulty in recipe.difficulties:
            for kind in (kind for kind in recipe.kinds if kind in kinds_of(WORLDS[world])):
                found, again = _draw(recipe, maker, Slot(world, difficulty, kind))
                items += found
                repeats += again
    return items, repeats


def check_kinds(key: str, kinds: Sequence[str], worlds: Sequence[str], modes: Sequence[str] = ()) -> None:
    """Refuse kinds that cannot be asked as exercises.

    Args:
        key: The key of a recipe that names them.
        kinds: The kinds.
        worlds: The worlds that are asked.
        modes: What will be shown, if that is known.

    Raises:
        UserError: One is unknown, or no world has it, or a world has none of them, or one is not shown in a mode.
    """
    check_names(key, kinds, [kind for kind in KINDS if kind != PARTIAL])
    for world in worlds:
        if world not in WORLDS:
            raise UserError(f"{key}: {world} has no exercises, its problems are asked by a suite without kinds")
        if not set(kinds) & set(kinds_of(WORLDS[world])):
            raise UserError(f"{key}: {world} has none of {', '.join(kinds)}, only {', '.join(kinds_of(WORLDS[world]))}")
    for kind in kinds:
        if not any(kind in kinds_of(WORLDS[world]) for world in worlds):
            raise UserError(f"{key}: none of {', '.join(worlds)} has {kind}")
        if other := [mode for mode in modes if mode not in modes_of(kind)]:
            raise UserError(f"{key}: {kind} is asked in mode {', '.join(modes_of(kind))} alone, not in {other[0]}")


def _draw(recipe: SuiteRecipe, maker: ImageryMaker, slot: Slot) -> tuple[list[Item], int]:
    """The items of a world, difficulty and kind, and how many were drawn again."""
    items: dict[str, Item] = {}
    repeats = 0
    for index in range(_PATIENCE * recipe.items):
        draft = maker.draft(slot, index)
        if draft.key is None:
            continue
        if draft.key in items:
            repeats += 1
            continue
        exercise = _exercise(maker, Row(slot, index, draft))
        if recipe.fits(exercise.steps):
            items[draft.key] = Item(f"{slot.world}:{slot.difficulty}:{slot.kind}:{len(items)}", exercise)
        if len(items) == recipe.items:
            return list(items.values()), repeats
    raise recipe.too_few(f"{slot.world} ({slot.difficulty}, {slot.kind})")


def _exercise(maker: ImageryMaker, row: Row) -> Exercise:
    """What a row asks, in every wording and mode that its kind is shown in."""
    (name, difficulty, kind), lesson, draft = row.slot, maker.lesson(row), row.draft
    assert draft.key is not None
    shown = lesson.scene
    if isinstance(shown, Walk):  # the answer stands beside it
        shown = replace(shown, question="", reading="", answer="", initial="")
    prompts = {
        wording: {mode: prompt_of(kind, lesson, mode, wording, _PLAINEST) for mode in modes_of(kind)}
        for wording in WORDINGS
    }
    steps = len(WORLDS[name].course(lesson.subject)[1])
    told = (prompts, lesson.response, lesson.answer, lesson.initial, draft.key, draft.scene)
    return Exercise(name, difficulty, kind, shown, steps, *told)
