"""What a model is asked, word for word. A prompt set has a version in its name: results name the set they used."""

from __future__ import annotations

import json
import re
from typing import Any

from idf.errors import UserError
from idf.worlds import WORLDS, Problem

from ._held_out import held_out_question
from ._item import Item

MODES = ("vqa", "tqa", "vtqa")
"""What the model is shown: the picture only, the text only, or both."""

PROMPTS = {"idf-long-1": "long", "idf-short-1": "short"}
"""Our prompt sets -> wording of the question. They ask any problem in any mode."""

HELD_OUT_PROMPTS = {"idf-held-long-1": "long", "idf-held-short-1": "short"}
"""Prompt sets that no training data may be asked in, each beside the set of `PROMPTS` with the same wording."""

HELD_OUT_OF = {
    name: held for name, wording in PROMPTS.items() for held, other in HELD_OUT_PROMPTS.items() if other == wording
}
"""Prompt set -> the one that says the same in words that are held out of training."""

OFFICIAL_PROMPTS = ("official-2025", "official-2025-question")
"""The published wording, for published items alone: as the published program asks, and the bare question of the row."""

PROMPT_SETS = (*PROMPTS, *HELD_OUT_PROMPTS, *OFFICIAL_PROMPTS)
"""All prompt sets."""


def prompt_text(problem: Problem[Any, Any], mode: str, prompts: str) -> str:
    """The text part of the prompt for a problem, in our words.

    Args:
        problem: The problem.
        mode: "vqa" leaves to the picture what the picture shows; "tqa" and "vtqa" describe it.
        prompts: Name of one of `PROMPTS` or `HELD_OUT_PROMPTS`.

    Raises:
        ValueError: The mode or the prompt set is unknown.
        UserError: The prompt set is an official one: a problem does not know its published words; or it is held out, and
            the world has no such words.
    """
    if mode not in MODES:
        raise ValueError(f"unknown mode {mode!r}: use one of {', '.join(MODES)}")
    if prompts in OFFICIAL_PROMPTS:
        raise UserError(f"{prompts} holds the published words of published items only: use one of {', '.join(PROMPTS)}")
    ours = PROMPTS | HELD_OUT_PROMPTS
    if prompts not in ours:
        raise ValueError(f"unknown prompts {prompts!r}: use one of {', '.join(ours)}")
    world, wording, described = WORLDS[problem.world], ours[prompts], mode != "vqa"
    form = f"Answer: {world.answer(problem).form}"
    if prompts in HELD_OUT_PROMPTS:
        question = held_out_question(problem, wording=wording, described=described)
        if wording == "short":
            return f"{question} Finish with: {form}"
        return (
            f"{question}\n\nWork it out one step at a time, and note each state that you pass through. "
            f"Close with a single line in just this form:\n{form}"
        )
    question = world.question(problem, wording=wording, described=described)
    if wording == "short":
        return f"{question} End with: {form}"
    return (
        f"{question}\n\nThink step by step and write down every state on the way. "
        f"Then finish with one line of exactly this form:\n{form}"
    )


def item_prompt(item: Item, mode: str, prompts: str) -> str:
    """The text part of the prompt for an item.

    Args:
        item: The item.
        mode: One of `MODES`.
        prompts: One of `PROMPT_SETS`. An official one gives the published words unchanged, so it knows only the modes
            that these words can serve: vqa if they leave the state to the picture, tqa and vtqa if they state it.

    Raises:
        ValueError: The mode or the prompt set is unknown.
        UserError: The set is an official one, and the item is not published, its clone lacks the published program, or
            its words do not serve the mode; or the item is an exercise, and the set is none of `PROMPTS` or the mode none
            in which its kind is shown.
    """
    if item.exercise is not None and mode in MODES:
        if prompts not in PROMPTS:
            raise UserError(
                f"{item.id} is an exercise, which is asked in the words that stage 1 trains: use {', '.join(PROMPTS)}, not "
                f"{prompts}"
            )
        return item.exercise.prompt(mode, PROMPTS[prompts])
    if prompts not in OFFICIAL_PROMPTS or mode not in MODES:
        return prompt_text(item.problem, mode, prompts)
    if item.published is None:
        raise UserError(
            f"{item.id} is not a published item, so {prompts} has no words for it: use {', '.join(PROMPTS)}"
        )
    text = item.published if prompts == "official-2025-question" else item.published_prompt
    if text is None:
        raise UserError(
            f"official-2025 asks as the published program does, and the clone lacks its prompting.py: clone the whole "
            f"repository, or use official-2025-question for the bare question of {item.id}"
        )
    stated = states_all(item.problem, text)
    if stated and mode == "vqa":
        raise UserError(
            f"{prompts} cannot ask {item.id} in mode vqa, only in tqa and vtqa: its published text states what the picture "
            "shows"
        )
    if not stated and mode != "vqa":
        raise UserError(
            f"{prompts} cannot ask {item.id} in mode {mode}, only in vqa: its published text leaves the state to the picture"
        )
    return text


def states_all(problem: Problem[Any, Any], text: str) -> bool:
    """Whether a published text states what the published picture shows: the path, the centres, the map or both maps."""
    packed = re.sub(r"\s", "", text).replace("'", '"')
    if problem.world == "cube_rolling":
        return ",".join(json.dumps(roll) for roll in problem.query.path.split()) in packed
    if problem.world == "rubiks_cube":
        return len(set(re.findall(r"\b([LRDUBF]): ?\w+", text))) == 6
    if problem.world == "moving_box":
        return "[[" + json.dumps("#") in packed
    if problem.world == "wood_slide":
        boards = (WORLDS["wood_slide"].write(problem.start), problem.query.target)
        return all(f"[[{'],['.join(','.join(row) for row in board.split('/'))}]]" in packed for board in boards)
    return False  # the published text of Mental Rotation never holds the structure
