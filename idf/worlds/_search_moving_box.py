"""How Moving Box searches: which moves tempt, what a push needs, and where the box can never come back from."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ._remarks import SUPPOSED, Cell, Remark, cells_of, read_common, says_illegal
from ._searching import Search
from ._world import IllegalAction, Problem
from .moving_box import NAMES, WAYS, Query, Room, least_moves

_WAY = re.compile(r"\b(up|down|left|right|upwards?|downwards?|[udlr])\b")
_FIRST = re.compile(r"^\W*(?:(?:try(?:ing)?|move|moving|go(?:ing)?|walk(?:ing)?) )*\W*(up|down|left|right|[udlr])\b")
_AIMS = re.compile(
    r"\b(?:get|getting|go|going|walk|move|come|stand|be|bring the player)\b[^.;]*\bbehind (?:the box|it)\b"
)
_GOES_TO = re.compile(r"\b(?:to|onto|on|reach) (?:cell |the cell )?[(\[][^)\]]*[)\]]")
_PUSHES = re.compile(r"\bpush(?:es|ed|ing)?\b|\bbox (?:cannot|can['’]t|can not|is blocked|is stopped)\b")
_WALKS = re.compile(r"\bwalk(?:s|ed|ing)?\b|\bplayer (?:cannot|can['’]t|can not|is blocked)\b")
_WALL_CELL = re.compile(r"\b(?:wall|into|blocked by|against)(?: the wall)?(?: is| stands)?(?: at| on| in)? ?(?=[(\[])")


class MovingBoxSearch(Search[Room, Query]):
    """A player who sees no walls pushes the box straight to the target, or pushes it because he stands beside it."""

    def left(self, problem: Problem[Room, Query], state: Room) -> int | None:
        return least_moves(state)

    def tempting(self, problem: Problem[Room, Query], state: Room) -> list[str]:
        def cost(player: Cell, box: Cell) -> int:
            return 10 * _apart(box, state.target) + _to_the_push(player, box, state.target)

        costs = {}
        for way in WAYS:
            player = _beside(state.player, way)
            costs[way] = cost(player, _beside(state.box, way) if player == state.box else state.box)
        nearer = [way for way in WAYS if costs[way] < cost(state.player, state.box)]
        pushes = [way for way in WAYS if way not in nearer and _beside(state.player, way) == state.box]
        return [*sorted(nearer, key=costs.__getitem__), *pushes]

    def subgoal(self, states: Sequence[Room], plan: Sequence[str], at: int) -> str:
        push = next(n for n in range(at, len(plan)) if states[n].box != states[n + 1].box)
        row, column = _beside(states[at].box, plan[push], -1)
        if push == at:
            return ""
        return f"get behind the box, to ({row},{column}), to push it {NAMES[plan[push]]}."

    def read(self, said: str, first: int) -> list[Remark]:
        found = read_common(said)
        if _AIMS.search(said) and not SUPPOSED.search(said):
            ways = {match[1][0] for match in _WAY.finditer(said)}
            action = ways.pop() if len(ways) == 1 else ""
            named = [cell for match in _GOES_TO.finditer(said) for cell in cells_of(match[0], first)]
            if not named:  # of "behind the box at (2,3)" one cannot tell whose cell it is
                named = list(cells_of(said, first))
            found.append(
                Remark(
                    "subgoal",
                    said,
                    action,
                    cells=tuple(named),
                    words=frozenset({"to"} if _GOES_TO.search(said) else ()),
                )
            )
        elif says_illegal(said) and not any(remark.kind == "dead end" for remark in found):
            led = _FIRST.match(said)
            ways = {match[1][0] for match in _WAY.finditer(said)}
            action = led[1][0] if led else next(iter(ways)) if len(ways) == 1 else ""
            walls = [cells_of(said[match.end() :], first)[:1] for match in _WALL_CELL.finditer(said)]
            words = {word for word, kind in (("push", _PUSHES), ("walk", _WALKS)) if kind.search(said)}
            if action:
                cells = tuple(cell for named in walls for cell in named)
                found.append(
                    Remark("illegal", said, action, cells=cells, words=frozenset(words), contradicts=ways != {action})
                )
        return found

    def dead_end(self, state: Room) -> str:
        where = "the box is in a corner and" if in_corner(state) else "the box"
        return f"Dead end: {where} can never reach the target from here."

    def untrue_here(self, problem: Problem[Room, Query], state: Room, remark: Remark) -> str:
        if "corner" in remark.words and not in_corner(state):
            return f"{remark.text!r}: the box is in no corner"
        if remark.kind == "subgoal":
            return _subgoal_untrue(state, remark)
        if remark.kind != "illegal":
            return ""
        try:
            self.world.step(state, remark.action)
        except IllegalAction as broken:
            return _reason_untrue(state, remark, str(broken))
        return f"{remark.text!r}: {remark.action} is legal there"


def in_corner(room: Room) -> bool:
    """Whether walls stand on two sides of the box that meet."""
    wall = {way: room.walls[cell[0]][cell[1]] == "#" for way in WAYS for cell in [_beside(room.box, way)]}
    return (wall["u"] or wall["d"]) and (wall["l"] or wall["r"])


def _subgoal_untrue(room: Room, remark: Remark) -> str:
    """A cell behind the box lies across from where it is to go; other cells, the box's or the player's, may be named besides."""
    ways = [remark.action] if remark.action else list(WAYS)
    behind = {_beside(room.box, way, -1) for way in ways}
    named = set(remark.cells)
    if "to" not in remark.words:
        named -= {room.box, room.player}
    if named and not named & behind:
        return f"{remark.text!r}: {' or '.join(map(str, sorted(behind)))} is behind the box at {room.box}"
    return ""


def _reason_untrue(room: Room, remark: Remark, broken: str) -> str:
    wall = _beside(room.player, remark.action)
    pushes = wall == room.box
    if pushes:
        wall = _beside(wall, remark.action)
    other = (remark.words == {"push"} and not pushes) or (remark.words == {"walk"} and pushes)
    if other or remark.contradicts or any(cell != wall for cell in remark.cells):
        return f"{remark.text!r}: {broken}"
    return ""


def _beside(cell: Cell, way: str, steps: int = 1) -> Cell:
    return cell[0] + steps * WAYS[way][0], cell[1] + steps * WAYS[way][1]


def _apart(one: Cell, other: Cell) -> int:
    return abs(one[0] - other[0]) + abs(one[1] - other[1])


def _to_the_push(player: Cell, box: Cell, target: Cell) -> int:
    """How far the player is from a cell behind a push that brings the box nearer, walls aside; 0 if it is there."""
    ways = [way for way in WAYS if _apart(_beside(box, way), target) < _apart(box, target)]
    return min((_apart(player, _beside(box, way, -1)) for way in ways), default=0)
