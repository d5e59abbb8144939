"""What a model is asked, word for word. A prompt set has a version in its name: results name the set they used."""

from __future__ import annotations

from typing import Any

from idf.worlds import WORLDS, Problem

MODES = ("vqa", "tqa", "vtqa")
"""What the model is shown: the picture only, the text only, or both."""

PROMPTS = {"idf-long-1": "long", "idf-short-1": "short"}
"""Prompt set -> wording of the question."""

_FORMS = {
    "colour": "Answer: <colour>",
    "count": "Answer: <number>",
    "colour_counts": "Answer: <total> cubes: <colour> <number>, <colour> <number>, ...",
    "plan": "Answer: <move> <move> ...",
}


def prompt_text(problem: Problem[Any, Any], mode: str, prompts: str) -> str:
    """The text part of the prompt for a problem.

    Args:
        problem: The problem.
        mode: "vqa" leaves to the picture what the picture shows; "tqa" and "vtqa" describe it.
        prompts: Name of the prompt set.

    Raises:
        ValueError: The mode or the prompt set is unknown.
    """
    if mode not in MODES:
        raise ValueError(f"unknown mode {mode!r}: use one of {', '.join(MODES)}")
    if prompts not in PROMPTS:
        raise ValueError(f"unknown prompts {prompts!r}: use one of {', '.join(PROMPTS)}")
    world, wording = WORLDS[problem.world], PROMPTS[prompts]
    question = world.question(problem, wording=wording, described=mode != "vqa")
    form = _FORMS[world.answer_kind(problem)]
    if wording == "short":
        return f"{question} End with: {form}"
    return (
        f"{question}\n\nThink step by step and write down every state on the way. "
        f"Then finish with one line of exactly this form:\n{form}"
    )
