"""Rubik's Cube told shorter: a turn changes at most twenty squares; the question needs those that end where it looks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import product

from ._telling import Telling
from ._world import Problem
from .rubiks_cube import COLOURS, FACES, MOVES, POSITIONS, Query

_SQUARES = [(face, at) for face in FACES for at in range(9)]
_WHOLE = frozenset(range(9))
_LINES = {f"{name} row": frozenset(range(3 * r, 3 * r + 3)) for r, name in enumerate(("top", "middle", "bottom"))}
_LINES |= {f"{name} column": frozenset(range(c, 9, 3)) for c, name in enumerate(("left", "middle", "right"))}
_COST = {9: 2, 3: 5, 1: 6}
"""Words and signs that a group of so many squares takes beside its colours."""


class RubiksCubeTelling(Telling[bytes, Query]):
    """Squares are told by faces, rows, columns and single squares, whichever is shortest.

    What the question needs is traced back from the end, turn by turn; then those squares are followed, where they move.
    """

    def change(self, before: bytes, after: bytes) -> str:
        return _coloured([at for at in range(54) if before[at] != after[at]], after)

    def opening(self, problem: Problem[bytes, Query], full: list[str]) -> list[str]:
        return [f"Start: {_coloured(range(54), problem.start)}"]

    def ending(self, problem: Problem[bytes, Query], full: list[str]) -> list[str]:
        return full[:1]  # the face that is asked; what is asked of it is the answer

    def needed(self, problem: Problem[bytes, Query]) -> str:
        moves = self.world.solve(problem)
        states = self.world.replay(problem.start, moves)
        face = next(letter for letter, name in FACES.items() if name == problem.query.face)
        asked = [POSITIONS.index(problem.query.position)] if problem.query.position else list(range(9))
        places = [[_SQUARES.index((face, at)) for at in asked]]  # of each square that is asked, from the end back
        for move in reversed(moves):
            places.append([MOVES[move][at] for at in places[-1]])
        back, forth = [places[0]], []  # where the squares that a turn moves come from, and where they go
        for number, move in enumerate(moves, 1):
            after, before = places[-number - 1], places[-number]
            pairs = [(at, to) for at, to in zip(before, after, strict=True) if at != to]
            back.insert(1, [at for at, _ in pairs])
            moved = [to for _, to in pairs] or (places[0] if number == len(moves) else [])
            if moved:
                forth.append(f"{number}. {move}: {_coloured(moved, states[number])}")
        lines = [f"Traced back: {'; '.join(_plain(some) for some in back if some)}"]
        return "\n".join([*lines, f"Start: {_coloured(places[-1], problem.start)}", *forth])


def _coloured(squares: Sequence[int], state: bytes) -> str:
    """Squares with their colours; what is beside them on a line of three, or on their face, may be told with them."""
    told = []
    for face, some in _by_face(squares).items():
        colours = tuple(COLOURS[state[_SQUARES.index((face, at))]] for at in range(9))
        told += [_with(face, group, [colours[at] for at in sorted(group)]) for group in _groups(some, colours)]
    return "; ".join(told)


def _plain(squares: Sequence[int]) -> str:
    """Squares without colours: those alone that are meant, and the middle of a face that is turned."""
    told = []
    for face, some in _by_face(squares).items():
        told += [_name(face, group) for group in _groups(_WHOLE if len(some) == 8 else some, None)]
    return ", ".join(told)


def _by_face(squares: Sequence[int]) -> dict[str, frozenset[int]]:
    """The letter of a face -> places on it."""
    named = [_SQUARES[square] for square in squares]
    return {face: found for face in FACES if (found := frozenset(at for name, at in named if name == face))}


def _name(face: str, group: frozenset[int]) -> str:
    """The name of a group of squares."""
    line = next((name for name, squares in _LINES.items() if squares == group), None)
    return face if group == _WHOLE else f"{line or POSITIONS[min(group)]} of {face}"


def _with(face: str, group: frozenset[int], colours: Sequence[str]) -> str:
    """A group with its colours, row by row; one word for all if they are equal."""
    same = len(set(colours)) == 1
    if group == _WHOLE:
        return f"{face}: all {colours[0]}" if same else f"{face}: {' '.join(colours)}"
    # Not "of U blue": with others such it would be read as a legend of letters.
    return f"{_name(face, group)} now {colours[0] if same else ' '.join(colours)}"


@lru_cache(maxsize=4096)
def _groups(wanted: frozenset[int], colours: tuple[str, ...] | None) -> tuple[frozenset[int], ...]:
    """The face, or lines and squares, that hold some squares and are told in the fewest words.

    Args:
        wanted: The squares.
        colours: Those of the whole face, so that more than the wanted ones may be told; None if only they may be.
    """
    if len(wanted) == 1 and len(set(colours or "12")) > 1:
        return (wanted,)
    options = [frozenset({_WHOLE})] if colours is not None or wanted == _WHOLE else []
    lines = [line for line in _LINES.values() if line & wanted and (colours is not None or line <= wanted)]
    for taken in product((False, True), repeat=len(lines)):
        chosen = [line for line, take in zip(lines, taken, strict=True) if take]
        held = frozenset().union(*chosen)
        options.append(frozenset([*chosen, *(frozenset({at}) for at in wanted - held)]))

    def cost(groups: frozenset[frozenset[int]]) -> int:
        total = 0
        for group in groups:
            different = {colours[at] for at in group} if colours is not None else set()
            total += _COST[len(group)] + (len(group) if len(different) > 1 else 1)
        return total

    best = min(options, key=lambda groups: (cost(groups), sorted(map(sorted, groups))))
    return tuple(sorted(best, key=lambda group: (-len(group), sorted(group))))
