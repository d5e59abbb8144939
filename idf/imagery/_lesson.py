"""What a sample of imagery asks and answers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from idf.worlds import WORLDS, Scene, Walk


@dataclass(frozen=True)
class Lesson:
    """What a sample asks and answers.

    Attributes:
        scene: What the picture shows.
        subject: What has to be imagined, for the measures of difficulty.
        fields: What the templates of the kind are filled with, beside the start and the wording's question.
        response: The whole answer.
        answer: What it comes down to; stands behind "Answer:" unless the response is a state itself.
        initial: The answer read off the start state; None where that makes no sense.
        question: What is asked, without the state.
        rule: What the long wording states first; None for the rule of the world.
        measures: Exact measures of difficulty beside those of the world.
        choices: How many answers the question allows, all equally likely to somebody who guesses; None if that is not known.
        also: A second scene that the text may state: it must be one of training, too.
    """

    scene: Scene
    subject: Scene
    fields: dict[str, str]
    response: str
    answer: str
    initial: str | None
    question: str
    rule: str | None = None
    measures: dict[str, int] = field(default_factory=dict)
    choices: int | None = None
    also: Scene | None = None


def stretch(walk: Walk[Any], at: int, length: int) -> Walk[Any]:
    """A part of a walk, as a walk of its own: so many steps from step `at` on, which may be none."""
    world = WORLDS[walk.world]
    start = world.rest(world.replay(walk.start, walk.actions[:at])[-1])
    actions = walk.actions[at : at + length]
    return replace(walk, start=start, actions=actions, question="", reading="", answer="", initial="")
