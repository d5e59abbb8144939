"""One episode of an evaluation: the conversation so far, and the row that it becomes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from idf.backends import Request, Response, Sampling
from idf.drawing import draw, picture_size
from idf.env import Episode, Observation, Options
from idf.scoring import Verdict, strip_thinking
from idf.worlds import WORLDS, Problem

from ..metrics.row import Row
from .facts import cluster_of
from .queries import Ask

SHOWS = {"tqa": "text", "vqa": "picture", "vtqa": "both"}
"""Mode -> what an episode shows in it."""
SILENCE = "(nothing)"
"""What the conversation has in the place of an empty reply: not every server takes one."""


@dataclass(frozen=True)
class Turns:
    """How the episodes of an evaluation go, see `idf.env.Options`."""

    max_moves: int
    probe_every: int | None = None

    def options(self, mode: str, max_pixels: int | None) -> Options:
        """The options of an episode in a mode."""
        return Options(SHOWS[mode], max_moves=self.max_moves, probe_every=self.probe_every, max_pixels=max_pixels)


class Game:
    """An episode that is asked turn by turn.

    Of all pictures that were shown, a request holds the newest alone. Thoughts of earlier replies are not said again.

    Args:
        ask: The item, how it is shown, and which sample it is.
        turns: How it goes.
        max_pixels: Largest picture.
    """

    def __init__(self, ask: Ask, turns: Turns, max_pixels: int | None) -> None:
        self.ask, self.max_pixels = ask, max_pixels
        self.episode = Episode(ask.item.problem, turns.options(ask.mode, max_pixels))
        self.messages: list[dict[str, Any]] = []
        self.shown: Problem[Any, Any] | None = None
        self.responses: list[Response] = []
        self.turns: list[dict[str, Any]] = []
        self.reward = 0.0
        self.failed = self.no_room = False
        self._see(self.episode.reset())

    @property
    def open(self) -> bool:
        """Whether another reply is wanted."""
        return not (self.episode.done or self.failed or self.no_room)

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height of the picture of the next request; None if there is none."""
        return None if self.shown is None else picture_size(self.shown.world, self.max_pixels)

    def request(self) -> Request:
        """What is asked now."""
        picture = (
            None if self.shown is None else draw(self.shown, self.max_pixels).copy()
        )  # writable, as torch wants it
        return Request(list(self.messages), picture, self.ask.sample)

    def take(self, response: Response) -> None:
        """Go on with a reply; one that could not be had ends the game."""
        self.responses.append(response)
        if response.error is not None:
            self.failed = True
        elif response.completion_tokens == 0 and response.finish_reason == "length":
            self.no_room = True
        else:
            self._step(response.text)

    def _step(self, text: str) -> None:
        asked, before = self.episode.asks, self.episode.information
        step = self.episode.step(text)
        self.reward += step.reward
        self.turns.append({"asks": asked, "seen": self.seen, "said": text, "came": _came(before, step.information)})
        aloud = strip_thinking(text).strip() or SILENCE
        self.messages.append({"role": "assistant", "content": [{"type": "text", "text": aloud}]})
        self._see(step.observation)

    def _see(self, observation: Observation) -> None:
        self.seen = observation.text
        content: list[dict[str, Any]] = [{"type": "text", "text": observation.text}]
        if observation.shown is not None:
            self.shown = observation.shown
            for message in self.messages:
                message["content"] = [part for part in message["content"] if part["type"] != "image"]
            content.insert(0, {"type": "image"})
        self.messages.append({"role": "user", "content": content})

    def row(self) -> Row:
        """The row that it becomes, once it is over."""
        item, world, episode = self.ask.item, WORLDS[self.ask.item.problem.world], self.episode
        verdict = self._verdict()
        cause, wrong_step, why = self._cause(verdict)
        cut = any(response.finish_reason == "length" for response in self.responses)
        return Row(
            id=item.id,
            world=item.problem.world,
            mode=self.ask.mode,
            difficulty=item.problem.difficulty,
            correct=verdict.correct,
            error=verdict.error,
            parsed=verdict.parsed,
            response="\n\n".join(turn["said"] for turn in self.turns),
            prompt_tokens=_sum(response.prompt_tokens for response in self.responses),
            completion_tokens=_sum(response.completion_tokens for response in self.responses),
            finish_reason="length" if cut else self.responses[-1].finish_reason if self.responses else None,
            moves=verdict.moves,
            optimal=verdict.optimal,
            detail=verdict.detail,
            official=verdict.official,
            sample=self.ask.sample,
            cluster=cluster_of(item),
            size=world.size(item.problem),
            group=item.group,
            cause=cause,
            wrong_step=wrong_step,
            cause_detail=why,
            turns=self.turns,
            episode=episode.information | {"beliefs": list(episode.beliefs), "replies": len(self.turns)},
        )

    def _verdict(self) -> Verdict:
        """What became of it, as the verdict on a response."""
        episode, problem = self.episode, self.ask.item.problem
        world = WORLDS[problem.world]
        moves, optimal = (len(episode.made), len(world.solve(problem))) if world.plans else (None, None)
        parsed = list(episode.made) if world.plans else None
        if episode.verdict is not None:
            return episode.verdict
        if episode.end == "solved":
            return Verdict(True, None, parsed, f"solved in {moves} moves; {optimal} are enough", moves, optimal, 1.0)
        if self.failed:
            error, detail = "error", "a reply could not be had"
        elif self.no_room:
            error, detail = "truncated", "the conversation no longer fits into the model"
        else:
            goal = "the goal is not reached" if world.plans else "the question was not come to"
            error, detail = "incomplete", f"the budget of {episode.options.max_moves} replies is used up, and {goal}"
        return Verdict(False, error, parsed, detail, moves, optimal, 0.0)

    def _cause(self, verdict: Verdict) -> tuple[str | None, int | None, str | None]:
        """What went wrong, the first step that a reply had wrong, and one sentence."""
        told = self.episode.information
        steps = [turn["came"] for turn in self.turns if turn["asks"] in ("move", "state")]
        first = next((at for at, came in enumerate(steps, 1) if came in ("wrong", "illegal")), None)
        if verdict.correct:
            return None, None, None
        if verdict.error in ("unparsed", "refused", "truncated", "empty", "error"):
            return "format", None, verdict.detail
        if first is not None:
            counts = f"{told['illegal']} moves are illegal" if WORLDS[self.ask.item.problem.world].plans else ""
            return "transformation", first, counts or f"{told['wrong']} of {told['moves']} states are wrong"
        if told["unreadable"] == len(steps) > 0:
            return "format", None, f"none of {len(steps)} replies could be read"
        if self.episode.verdict is None:
            return "strategic", None, "every move that was made is legal"
        return "transformation", None, "every state on the way is right, and the answer read off the last one is not"


def _came(before: dict[str, Any], after: dict[str, Any]) -> str:
    """What came of a turn, in a word."""
    if len(after["beliefs"]) > len(before["beliefs"]):
        return f"{after['beliefs'][-1]:.0%} right"
    for name in ("illegal", "unreadable", "right", "wrong"):
        if after[name] > before[name]:
            return name
    if after["moves"] > before["moves"]:
        return "solved" if after["end"] == "solved" else "moved"
    return "answer right" if after["end"] == "answered" and after["error"] is None else "answer wrong"


def _sum(counts: Iterable[int | None]) -> int | None:
    """The sum of counts; None if one is not known, or if there are none."""
    known = list(counts)
    return sum(count for count in known if count is not None) if known and None not in known else None


class ConversationKeys:
    """Names of replies: the whole conversation so far decides, and who replies in which way.

    Args:
        who: The fingerprint of whoever replies.
        sampling: How tokens are chosen.
    """

    def __init__(self, who: str, sampling: Sampling) -> None:
        self._common = [who, sampling.max_new_tokens, sampling.temperature, sampling.top_p, sampling.seed]

    def __call__(self, game: Game) -> str:
        """The key of a game's next reply, 40 hexadecimal digits."""
        shown = None if game.shown is None else _pixels(game.shown, game.max_pixels)
        text = json.dumps([*self._common, game.messages, shown, game.ask.sample])
        return hashlib.sha256(text.encode()).hexdigest()[:40]


@lru_cache(maxsize=1 << 14)
def _pixels(shown: Problem[Any, Any], max_pixels: int | None) -> str:
    pixels = draw(shown, max_pixels)
    return hashlib.sha256(f"{pixels.shape}".encode() + np.ascontiguousarray(pixels).tobytes()).hexdigest()
