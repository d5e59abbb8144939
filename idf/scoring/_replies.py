"""What a reply says in the middle of an episode: one move, the state after an action, the whole scene."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple

from idf.worlds import WORLDS, Fact, Problem, World, plain, read_conventions

from ._claims import read_trace
from ._statements import clean, read_sentence, sentences
from ._thinking import strip_thinking

_MOVE = re.compile(
    r"^[\W_]*(?:(?:my|the|next|final) )*(?:move|action|answer)(?: is)?[*_\s]*[:=][*_ \t]*(\S.*)$", re.I | re.M
)
_STATE = re.compile(r"^[\W_]*(?:(?:my|the|new|next|final) )*(?:state|scene|board|grid)[*_\s]*:", re.I | re.M)
_BULLET = re.compile(r"^\s*[-+•*]\s+", re.M)


class Unreadable(ValueError):
    """A reply that does not say what was asked for; the message is a clause that tells why."""


def read_move(problem: Problem[Any, Any], text: str) -> str:
    """The one move that a reply makes, as the world spells it; it need not be legal.

    What a line `Move: ...` says counts, the last one; without such a line, the whole reply, read as an answer of one move, and
    at last the moves that its sentences tell.

    Args:
        problem: The problem that is being solved, of a world of plans.
        text: The reply, think blocks included.

    Raises:
        Unreadable: It names no move, or several.
    """
    world = WORLDS[problem.world]
    if (word := text.strip().removeprefix("Move: ")) in world.actions:
        return word
    aloud = strip_thinking(text)
    stated = _MOVE.findall(aloud)
    said = stated[-1] if stated else aloud
    found = world.answer(problem).read(said)
    moves = set(_told_moves(world, said)) if found is None else list(found)
    if not moves and (action := world.read_action(plain(said))) is not None:
        return action
    if len(moves) != 1:
        raise Unreadable(f"it names {len(moves)} moves, one at a time is asked for" if moves else "it names no move")
    return str(moves.pop())


def _told_moves(world: World[Any, Any], text: str) -> list[str]:
    """The moves that prose tells; what it only weighs is none."""
    lines = text.splitlines()
    conventions = read_conventions([line.casefold() for line in lines])
    statements = [
        read_sentence(world, sentence, 0, sentence, conventions) for line in lines for sentence in sentences(line)
    ]
    return [move for said in statements if said is not None for move in said.moves]


def claims_state(world: World[Any, Any], text: str, action: str, state: Any) -> bool | None:
    """Whether a reply claims a state, in any wording; None if it claims no whole one.

    What stands behind the last `State:` counts, else the reply; it is read as a state, then line by line from its end, and at
    last as a trace of one step.

    Args:
        world: The world that it speaks of.
        text: The reply, think blocks included.
        action: The action that was taken.
        state: The true state after it.
    """
    line = world.line(state)
    if text.strip().removeprefix("State: ") == line or (said := _behind_label(text)) == line:
        return True  # to the letter: nothing has to be read
    claim = _claimed(world, said, action)
    return None if claim is None else claim == world.read_line(line)


def _claimed(world: World[Any, Any], said: str, action: str) -> Hashable | None:
    for part in (said, *reversed(said.splitlines())):
        if (state := world.read_line(_BULLET.sub("", part))) is not None:
            return state
    claims = read_trace(world, f"1. {action}:\n{said}").claims
    return next((claim.state for claim in reversed(claims) if claim.state is not None), None)


def _behind_label(text: str) -> str:
    """The reply aloud, from its last `State:` on."""
    aloud = strip_thinking(text)
    labels = list(_STATE.finditer(aloud))
    return (aloud[labels[-1].end() :] if labels else aloud).strip()


class Belief(NamedTuple):
    """How much of a scene a reply has right.

    Attributes:
        right: Cells that it gives as they are.
        cells: Cells of the scene, and those that it names though there are none.
    """

    right: int
    cells: int

    @property
    def share(self) -> float:
        """The share of cells that is right, 0 to 1."""
        return self.right / self.cells


def score_belief(world: World[Any, Any], state: Any, text: str) -> Belief:
    """Compare what a reply says of a whole scene with `World.cells`, cell by cell; what it leaves out is not right.

    A world without cells has one, the whole state.

    Args:
        world: The world that it speaks of.
        state: The true state.
        text: The reply, think blocks included.
    """
    truth, said = world.cells(state), _scene(world, _behind_label(text))
    if not truth:  # a world that tells no parts of a state
        return Belief(int(_written(world, _behind_label(text)) == state), 1)
    # In a world of colours, an initial that fits two of them says neither; a drawn sign may stand for two.
    right = sum(
        value in said.get(cell, ()) and (len(said[cell]) == 1 or not world.colours) for cell, value in truth.items()
    )
    forms = {_form(cell) for cell in truth}
    beyond = sum(_form(cell) in forms for cell in said.keys() - truth.keys())
    return Belief(right, len(truth) + beyond)


def _form(cell: Hashable) -> object:
    """What kind of slot it is: a name, or a tuple of so many numbers."""
    return tuple(map(type, cell)) if isinstance(cell, tuple) else type(cell)


def _scene(world: World[Any, Any], text: str) -> Mapping[Hashable, frozenset[Hashable]]:
    """What a text says of a scene: as `World.write` writes it, or in any wording; the last word on a cell counts."""
    if (state := _written(world, text)) is not None:
        return {cell: frozenset((value,)) for cell, value in world.cells(state).items()}
    said = clean(text)
    lines = said.splitlines()
    conventions = read_conventions(lines)
    as_one: list[Fact] = world.read_facts(said, conventions)
    by_line = [fact for line in lines for fact in world.read_facts(line, conventions)]
    told = max(as_one, by_line, key=lambda facts: len({fact.slot for fact in facts}))
    return {fact.slot: fact.values for fact in told if fact.when != "old"}


def _written(world: World[Any, Any], text: str) -> Any:
    """The state that a text is, in the form of `World.write`; None if it is none."""
    try:
        return world.read(text)
    except ValueError:
        return None
