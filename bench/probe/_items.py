"""The items: a room, some moves, and the states after the first of them, shown in the form of an arm."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass
from itertools import count, islice
from typing import Any

import numpy as np

from idf.data import Sample, content_key
from idf.drawing import draw, encode_png, picture_file
from idf.imagery import stretch
from idf.suites import published
from idf.worlds import WORLDS, Draw, Rng, Walk, split_of

from ._recipe import LEFT, SHOWN, WORLD

PURPOSE = "probe of pictures"
MAX_PIXELS = 28224
"""As in the study of seeing: 168 x 168."""
GREY = 128


@dataclass(frozen=True)
class Item:
    """One question.

    Attributes:
        walk: Start and moves.
        shown: States in between that are shown, after the first moves.
    """

    walk: Walk[Any]
    shown: int

    @property
    def left(self) -> int:
        """Moves to imagine from the last state that is shown."""
        return len(self.walk.actions) - self.shown

    @property
    def answer(self) -> str:
        """The last state, as the world reads it off its picture; it is never shown."""
        return state_after(self.walk, len(self.walk.actions))

    @property
    def box_moves(self) -> bool:
        """Whether the box is pushed by the moves that are left. If not, the answer follows from adding up the player's moves."""
        states = WORLDS[WORLD].replay(self.walk.start, self.walk.actions)
        return bool(states[self.shown].box != states[-1].box)

    @property
    def key(self) -> str:
        """The question itself, without the form of its states in between."""
        return content_key(WORLD, state_after(self.walk, 0), " ".join(self.walk.actions), str(self.shown))


def state_after(walk: Walk[Any], moves: int) -> str:
    """The state after so many moves, in text."""
    return WORLDS[WORLD].see(stretch(walk, moves, 0))


def items(seed: int, split: str) -> Iterator[Item]:
    """Different items of a split, forever; each number of states shown goes as often with each number of moves left.

    None of the states that an item may show is its answer: a walk that returns would let an arm copy it.

    Args:
        seed: Another seed gives other items.
        split: "train" or "eval". No scene is of the other one, and none is published.
    """
    seen = set[str]()
    forms = [(shown, left) for shown in SHOWN for left in LEFT]
    for index in count():
        if index % len(forms) == 0:
            order = Rng(PURPOSE, seed, split, index).shuffled(forms)
        item = _item(seed, split, index, *order[index % len(forms)], seen)
        seen.add(item.key)
        yield item


def _item(seed: int, split: str, index: int, shown: int, left: int, seen: Set[str]) -> Item:
    world, avoid = WORLDS[WORLD], published().avoid
    for attempt in count():
        drawn = Draw(seed, split, attempt, "easy", avoid, f"{PURPOSE} {index}").walk(world)
        if len(drawn.scene.actions) < shown + left:
            continue
        item = Item(stretch(drawn.scene, 0, shown + left), shown)
        keys = world.keys(item.walk)
        if split_of(world, keys) != split or avoid(WORLD, keys) or item.key in seen:
            continue
        if item.answer not in [state_after(item.walk, moves) for moves in range(shown + 1)]:
            return item
    raise AssertionError("count() ends")


def held_out(seed: int, each: int) -> list[Item]:
    """So many items of the split "eval" for each number of moves left, the fewest left first."""
    found: dict[int, list[Item]] = {left: [] for left in LEFT}
    for item in items(seed, "eval"):
        if len(found[item.left]) < each:
            found[item.left].append(item)
        if all(len(some) == each for some in found.values()):
            break
    return [item for some in found.values() for item in some]


def sample_of(item: Item, arm: str, number: int) -> Sample:
    """An item in the form of an arm: the start's picture, the moves, the states in between; the answer is the last state."""
    images = [picture_of(item, 0)]
    content: list[dict[str, Any]] = [{"type": "image"}]
    text = "Scene: as in the picture\nMoves:\n"
    for step, action in enumerate(item.walk.actions, 1):
        text += f"{step}. {action}\n"
        if step > item.shown or arm == "nothing":
            continue
        if arm == "text":
            text += f"{state_after(item.walk, step)}\n"
            continue
        images.append(blank(item) if arm == "blanks" else picture_of(item, step))
        content += [{"type": "text", "text": text}, {"type": "image"}]
        text = ""
    content.append({"type": "text", "text": f"{text}What does the grid look like after all moves?"})
    keys = WORLDS[WORLD].keys(item.walk)
    return Sample(
        id=f"probe:{number}",
        world=WORLD,
        difficulty="easy",
        kind=arm,
        images=images,
        messages=[
            {"role": "user", "content": content},
            {"role": "assistant", "content": [{"type": "text", "text": item.answer}]},
        ],
        meta={
            "key": item.key,
            "scene": content_key(WORLD, keys.canonical),
            "overlaps": [],
            "mode": "vqa",
            "shown": item.shown,
            "left": item.left,
            "box_moves": item.box_moves,
            "last_shown": state_after(item.walk, item.shown),
            "start": state_after(item.walk, 0),
            "answer": item.answer,
        },
    )


def picture_of(item: Item, moves: int) -> bytes:
    """The true picture of the state after so many moves."""
    return picture_file(stretch(item.walk, moves, 0), MAX_PIXELS)


def blank(item: Item) -> bytes:
    """A grey picture as large as the true ones, and so of as many tokens."""
    return encode_png(np.full_like(draw(item.walk, MAX_PIXELS), GREY))


def samples(seed: int, arm: str, n: int) -> Iterator[Sample]:
    """The first `n` training items of a seed in the form of an arm: the same items in all arms, in the same order."""
    return (sample_of(item, arm, number) for number, item in enumerate(islice(items(seed, "train"), n)))
