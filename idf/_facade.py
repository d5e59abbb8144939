"""What `import idf` gives: a problem of a world with its words and picture, and the verdict on a response."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from idf.errors import UserError
from idf.scoring import Reward, RewardRule, Verdict
from idf.scoring import reward as reward_response
from idf.scoring import score as score_response
from idf.suites import prompt_text, published
from idf.worlds import DIFFICULTIES, PARTS, WORLDS, Draw
from idf.worlds import Problem as Scene

if TYPE_CHECKING:
    from PIL.Image import Image

_RULE = RewardRule()


@dataclass(frozen=True)
class Problem:
    """A problem as a model is asked it.

    Attributes:
        scene: The problem in its world: `world`, `difficulty`, `start` (the state that is shown) and `query`.
    """

    scene: Scene[Any, Any]

    @property
    def text(self) -> str:
        """The whole prompt for a model that sees no picture: the state, the question and the form of the answer."""
        return self.prompt("tqa")

    def prompt(self, mode: str, prompts: str = "idf-long-1") -> str:
        """The text part of the prompt.

        Args:
            mode: "tqa" and "vtqa" state what the picture shows, "vqa" leaves it to the picture.
            prompts: The prompt set: "idf-long-1" explains the rules, "idf-short-1" only asks.

        Raises:
            ValueError: The mode or the prompt set is unknown.
        """
        return prompt_text(self.scene, mode, prompts)

    def picture(self, max_pixels: int | None = None) -> Image:
        """The picture of the start state, RGB; both sides are multiples of 28 pixels.

        Args:
            max_pixels: The most pixels that it may have; None for the world's own size.

        Raises:
            ValueError: `max_pixels` is too small for any picture.
        """
        from PIL import Image

        from idf.drawing import draw

        return Image.fromarray(draw(self.scene, max_pixels))

    @property
    def answer(self) -> str:
        """The true answer as it stands after `Answer:`; of a planning world, one shortest plan."""
        world = WORLDS[self.scene.world]
        return world.answer(self.scene).write(world.truth(self.scene))

    @property
    def solution(self) -> str:
        """A response that is right: every state on the way, then the answer line."""
        return f"{WORLDS[self.scene.world].narrate(self.scene)}\nAnswer: {self.answer}"


def problem(world: str, *, seed: int = 0, difficulty: str = "easy", index: int = 0) -> Problem:
    """A problem, drawn as `idf suite` draws its items: no training data of any seed holds it, and it is not published.

    Args:
        world: "cube_rolling", "mental_rotation", "moving_box", "rubiks_cube" or "wood_slide".
        seed: Another seed gives other problems. The same arguments give the same problem on every machine.
        difficulty: "easy", "medium" or "hard".
        index: Its number, from 0.

    Raises:
        UserError: The world or difficulty is unknown, or the index is negative.
    """
    for name, value, known in (("world", world, (*WORLDS, *PARTS)), ("difficulty", difficulty, DIFFICULTIES)):
        if value not in known:
            raise UserError(f"{name} must be one of {', '.join(known)}, not {value!r}")
    if index < 0:
        raise UserError(f"index must not be negative, but is {index}")
    return Problem(Draw(seed, "eval", index, difficulty, published().avoid).problem(WORLDS[world]).scene)


def score(problem: Problem, response: str, finish_reason: str | None = None) -> Verdict:
    """The verdict on a response: `correct`, `error` (its class, if not correct), `parsed` and `detail`.

    Args:
        problem: The problem that was asked.
        response: The whole text of the response. The answer is what stands after its last "Answer:", or what it states
            otherwise (docs/scoring.md).
        finish_reason: "length" if generation was cut off, "content_filter" if it was withheld.
    """
    return score_response(problem.scene, response, finish_reason)


def reward(
    problem: Problem,
    response: str,
    *,
    tokens: int,
    finish_reason: str | None = None,
    rule: RewardRule = _RULE,
) -> Reward:
    """What a response earns in reinforcement learning: `total`, and its parts (docs/scoring.md, "Reward").

    Args:
        problem: The problem that was asked.
        response: The whole text of the response.
        tokens: The tokens that it took.
        finish_reason: "length" if generation was cut off, "content_filter" if it was withheld.
        rule: What is paid for what.

    Raises:
        ValueError: `tokens` is negative.
    """
    return reward_response(problem.scene, response, tokens=tokens, finish_reason=finish_reason, rule=rule)
