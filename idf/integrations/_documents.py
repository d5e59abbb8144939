"""The items of a suite as flat documents: what every harness stores of an item."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from idf.drawing import encode_png
from idf.errors import UserError
from idf.scoring import Verdict, score
from idf.suites import Item, item_prompt, open_suite
from idf.worlds import WORLDS, problem_from_json, problem_to_json


@dataclass(frozen=True)
class Document:
    """An item in one mode.

    Attributes:
        id, world, mode, difficulty: The item and how it is shown.
        prompts: The prompt set.
        question: The text part of the prompt.
        target: A right answer, in the form that is asked for.
        problem: The problem as JSON text: all that scoring needs.
        cluster: Equal for items that pose the same problem.
        size: `World.size` of the problem.
        picture: A PNG file, already in the size that the model is to see; None in mode tqa.
    """

    id: str
    world: str
    mode: str
    difficulty: str
    prompts: str
    question: str
    target: str
    problem: str
    cluster: str
    size: int
    picture: bytes | None


def read_documents(
    suite: str, mode: str, prompts: str = "idf-long-1", world: str | None = None, max_pixels: int | None = None
) -> Iterator[Document]:
    """The items of a suite as documents.

    Args:
        suite: Its name, as `idf-eval --suite` takes it.
        mode: "vqa", "tqa" or "vtqa".
        prompts: The prompt set.
        world: Only this one; None for all.
        max_pixels: Largest picture; None for the default of our recipes.

    Raises:
        UserError: There is no such suite, it has no item of the world, or the prompt set cannot ask it.
    """
    items = [item for item in open_suite(suite) if world in (None, item.problem.world)]
    if not items:
        raise UserError(f"the suite {suite} has no item of {world}: ask for the worlds that it has")
    for item in items:
        yield document(item, mode, prompts, None if mode == "tqa" else picture_file(item, suite, max_pixels))


def document(item: Item, mode: str, prompts: str, picture: bytes | None) -> Document:
    """An item with its picture as a document."""
    problem, world = item.problem, WORLDS[item.problem.world]
    return Document(
        id=item.id,
        world=problem.world,
        mode=mode,
        difficulty=problem.difficulty,
        prompts=prompts,
        question=item_prompt(item, mode, prompts),
        target=f"Answer: {world.answer(problem).write(world.truth(problem))}",
        problem=json.dumps(problem_to_json(problem)),
        cluster=world.keys(problem).exact,
        size=world.size(problem),
        picture=picture,
    )


def picture_file(item: Item, suite: str, max_pixels: int | None = None) -> bytes:
    """The picture of an item as `idf-eval` shows it, as a PNG file; published Wood Slide is drawn again."""
    from idf.evaluation.run.picture import picture_of
    from idf.training.recipe import StageRecipe

    redraw = suite.startswith("spatialite:") and item.problem.world == "wood_slide"
    return encode_png(picture_of(item, max_pixels or StageRecipe.max_pixels, redraw))


def judge(problem: str, response: str, finish_reason: str | None = None) -> Verdict:
    """The verdict on a response to a document's problem."""
    return score(problem_from_json(json.loads(problem)), response, finish_reason)
