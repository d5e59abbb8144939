"""Moving Box in part: up to eight cells are covered, and each of them is a wall or free floor.

A plan of a room stays a plan if a wall is taken away. So the least number of pushes lies, for all rooms that agree, between
that of the room in which every covered cell is floor and that of the room in which every one is a wall.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from heapq import heappop, heappush
from typing import NamedTuple

from idf.answers import UNDETERMINED, AnswerKind, OrUndetermined
from idf.answers.count import Count

from ._boards import in_eight_symmetries
from ._part import Evidence, PartWorld
from ._rng import Rng
from ._sampling import split_of
from ._world import IllegalAction, Problem
from .moving_box import SYMBOLS, WAYS, Cell, Room, grid, least_pushes, room_from_grid
from .moving_box import WORLD as WHOLE
from .moving_box import Query as WholeQuery

COVER = "?"
MOST_COVERED = 8
_COVERS, _MOST_JUDGED = 400, 10  # drawn and judged for a room before another room is drawn
_ENDS = {"walls": SYMBOLS["wall"], "floor": SYMBOLS["floor"]}
_IF = re.compile(r"\W*if (?P<case>.*):\W*", re.IGNORECASE)
_CASE = re.compile(r"\W*case\b(?P<case>.*):(?P<value>[^:]*)", re.IGNORECASE)
_ALL = re.compile(r"\ball (?:covered )?(?:cells )?(?:are )?(walls|floor)\b")
_EACH = re.compile(r"\((\d), ?(\d)\) (?:is )?(?:a )?(?:free )?(wall|floor)\b")
_STEP = re.compile(r"\W*(?:(?P<start>start)|\d{1,3}[.)] *(?P<move>[udlr])) *:(?P<state>.*)", re.IGNORECASE)


class Query(NamedTuple):
    """How many pushes are needed in the room of which `shown` is the grid, "?" for every covered cell."""

    shown: str


class MovingBoxPart(PartWorld[Room, Query]):
    """The world of the box in a room with covered cells. All ways to uncover them agree: 2 to 256 rooms."""

    name = "moving_box_part"
    version = 1
    query_type = Query
    full = WHOLE
    actions = WHOLE.actions
    look = f"{WHOLE.look[:-1]}, {COVER} a covered cell."
    counts_cells = True
    bins = WHOLE.bins
    form_of_cases = (
        "Write one line for the case that all covered cells are walls and one for the case that all are floor, or for other "
        "cases that differ, in this form (another room, only to show the form):\nCase all walls: no plan\nCase all floor: 3 "
        "pushes\nCase (1,2) wall, (3,1) floor: 4 pushes"
    )
    rule = f"{WHOLE.rule} A cell with {COVER} is covered: a wall or free floor, it is not known which."

    def scene(self, problem: Problem[Room, Query]) -> Problem[Room, WholeQuery]:
        return Problem(WHOLE.name, problem.difficulty, problem.start, WholeQuery())

    def shown(self, problem: Problem[Room, Query]) -> str:
        told = [row.split() for row in problem.query.shown.split("\n")]
        covered = {(r, c) for r, row in enumerate(told) for c, symbol in enumerate(row) if symbol == COVER}
        return _shown(problem.start, covered)

    def told(self, query: Query) -> str:
        return query.shown

    def part_key(self, problem: Problem[Room, Query]) -> str:
        rows = [row.replace(" ", "") for row in problem.query.shown.split("\n")]
        return "/".join(min(in_eight_symmetries(rows)))

    def inner_answers(self) -> tuple[AnswerKind, ...]:
        return (Count(),)

    def pose_in(self, rng: Rng, difficulty: str, split: str | None) -> Problem[Room, Query]:
        """One of two problems about one room that look alike at a glance: one has an answer, the other has none.

        So neither the room, nor the number of covered cells, nor that of cells that show floor, nor how many neighbours of
        box and player are covered tells whether there is an answer.
        """
        while True:
            room = self.draw(rng, difficulty)
            side = split_of(WHOLE, WHOLE.keys(Problem(WHOLE.name, difficulty, room, WholeQuery())))
            if split not in (None, side):
                continue
            cells = _coverable(room)
            glance = _glance(room, rng.shuffled(cells)[: 1 + rng.below(MOST_COVERED)])
            found: dict[bool, Problem[Room, Query]] = {}
            judged: set[str] = set()
            for _ in range(_COVERS):
                covered = rng.shuffled(cells)[: glance[0]]
                if _glance(room, covered) != glance:
                    continue
                problem = Problem(self.name, difficulty, room, Query(_shown(room, covered)))
                if self.part_side(problem) != side:
                    continue
                judged.add(problem.query.shown)
                found.setdefault(self.decided(problem) is not None, problem)
                if len(found) == 2:
                    return found[rng.chance(0.5)]
                if len(judged) == _MOST_JUDGED:
                    break

    def _question(self, problem: Problem[Room, Query], *, short: bool, described: bool) -> str:
        rows = f"Grid:\n{problem.query.shown}\n" if described else "The grid is shown in the picture. "
        end = f"If what is shown does not decide it, the answer is: {UNDETERMINED}."
        covered = f"{COVER} is a covered cell" if described else "A gray cell with a question mark is covered"
        if short:
            return (
                f"{rows}{covered}: a wall or free floor, unknown which. The least number of pushes that brings the box to the "
                f"target? {end}"
            )
        size = len(problem.start.walls)
        legend = "S is the player, B the box, T the target, + the player on the target, # a wall and . free floor"
        return (
            f"A storekeeper pushes a box through a warehouse of {size} x {size} cells. The player moves up, down, left "
            "or right by one cell. Walking against the box pushes it one cell further, if that cell is free. The player "
            f"cannot walk through walls or the box, and can never pull. {rows}{legend + '. ' if described else ''}{covered}: "
            "it is a wall or free floor, and it is not known which. What is the least number of pushes that brings the box to "
            f"the target? {end}"
        )

    def answer(self, problem: Problem[Room, Query]) -> AnswerKind:
        return OrUndetermined(Count())

    def decided(self, problem: Problem[Room, Query]) -> int | None:
        fewest = least_pushes(uncovered(problem.query.shown, SYMBOLS["floor"]))
        if fewest is None:
            raise ValueError("no room that agrees with what is shown can be solved")
        return fewest if least_pushes(uncovered(problem.query.shown, SYMBOLS["wall"])) == fewest else None

    def answer_of_scene(self, problem: Problem[Room, Query]) -> int | None:
        return least_pushes(problem.start)

    def initial(self, problem: Problem[Room, Query]) -> int:
        """The distance between box and target, as if there were no walls."""
        (row, column), (to_row, to_column) = problem.start.box, problem.start.target
        return abs(row - to_row) + abs(column - to_column)

    def asked(self, problem: Problem[Room, Query]) -> str:
        return "least pushes"

    # --- in words

    def narrate(self, problem: Problem[Room, Query]) -> str:
        """The two cases between which all others lie, each with a plan of the fewest pushes."""
        shown = problem.query.shown
        row, column = problem.start.target
        lines = [f"Target: ({row},{column})", f"Covered: {', '.join(f'({r},{c})' for r, c in covered_cells(shown))}"]
        told: set[tuple[str, ...]] = set()
        for name, symbol in _ENDS.items():
            room = uncovered(shown, symbol)
            plan = fewest_pushes(room)
            if plan is not None and plan not in told:
                lines += [f"If all covered cells are {name}:", WHOLE.unroll(room, plan)]
                told.add(plan)
            lines.append(f"Case all {name}: {_value(least_pushes(room))}")
        lines.append("A plan stays a plan when a wall is taken away, so every other case lies between these two.")
        lines.append("All cases agree." if self.decided(problem) is not None else "The cases do not agree.")
        return "\n".join(lines)

    def evidence(self, problem: Problem[Room, Query], lines: Sequence[str]) -> Evidence:
        """Lines "Case all walls: 3 pushes" or "Case (1,2) wall, (2,3) floor: 3 pushes", and plans played below "If ...:"."""
        said: dict[Room, int | None] = {}
        room = state = None
        true = 0
        for line in lines:
            if match := _CASE.fullmatch(line):
                case = self._room_of(problem, match["case"])
                if case is None:
                    return Evidence(f"{line.strip()!r} is no case that agrees with what is shown", None, true)
                value = least_pushes(case)
                if _read_value(match["value"]) != (value is not None, value):
                    return Evidence(f"{line.strip()!r}, true is {_value(value)}", None, true)
                said[case] = value
            elif match := _IF.fullmatch(line):
                room = state = self._room_of(problem, match["case"])
                continue
            elif room is not None and state is not None and (match := _STEP.fullmatch(line)):
                try:
                    state = room if match["start"] else WHOLE.step(state, match["move"].lower())
                except IllegalAction as broken:
                    return Evidence(f"{line.strip()!r}: {broken}", None, true)
                if WHOLE.read_line(match["state"]) != (state.player, state.box):
                    return Evidence(f"{line.strip()!r}, true is {WHOLE.line(state)}", None, true)
            else:
                continue
            true += 1
        ends = {uncovered(problem.query.shown, symbol) for symbol in _ENDS.values()}
        enough = len(set(said.values())) > 1 or (self.decided(problem) is not None and ends <= said.keys())
        return Evidence(None, None if enough else "neither both ends nor two cases that differ are told", true)

    def _room_of(self, problem: Problem[Room, Query], text: str) -> Room | None:
        """The room that a case names; None if it leaves a covered cell open or names another cell."""
        text = text.casefold()
        if match := _ALL.search(text):
            return uncovered(problem.query.shown, _ENDS[match[1]])
        named = {(int(r), int(c)): "#" if what == "wall" else "." for r, c, what in _EACH.findall(text)}
        if set(named) != set(covered_cells(problem.query.shown)):
            return None
        rows = [row.split() for row in problem.query.shown.split("\n")]
        for (r, c), symbol in named.items():
            rows[r][c] = symbol
        return room_from_grid(rows)


def _coverable(room: Room) -> list[Cell]:
    """The cells that can be covered: inside, and neither player, box nor target."""
    size = len(room.walls)
    inside = [(r, c) for r in range(1, size - 1) for c in range(1, size - 1)]
    return [cell for cell in inside if cell not in (room.player, room.box, room.target)]


def _glance(room: Room, covered: Collection[Cell]) -> tuple[int, int, int, int]:
    """How many cells are covered, how many of those are floor, and how many are beside the box and beside the player."""
    floor = sum(room.walls[r][c] == "." for r, c in covered)
    return len(covered), floor, _beside(room.box, covered), _beside(room.player, covered)


def _beside(cell: Cell, others: Collection[Cell]) -> int:
    return sum(abs(cell[0] - r) + abs(cell[1] - c) == 1 for r, c in others)


def _shown(room: Room, covered: Collection[Cell]) -> str:
    """The grid of a room with some cells covered."""
    return "\n".join(
        " ".join(COVER if (r, c) in covered else symbol for c, symbol in enumerate(row))
        for r, row in enumerate(grid(room))
    )


def covered_cells(shown: str) -> list[Cell]:
    """The covered cells of a grid, row by row."""
    rows = [row.split() for row in shown.split("\n")]
    return [(r, c) for r, row in enumerate(rows) for c, symbol in enumerate(row) if symbol == COVER]


def uncovered(shown: str, symbol: str) -> Room:
    """The room in which every covered cell has one symbol.

    Raises:
        ValueError: The grid shows no room, or not 1 to 8 covered cells.
    """
    if not 1 <= shown.count(COVER) <= MOST_COVERED:
        raise ValueError(f"1 to {MOST_COVERED} cells are covered, not {shown.count(COVER)}")
    return room_from_grid([row.split() for row in shown.replace(COVER, symbol).split("\n")])


def fewest_pushes(room: Room) -> tuple[str, ...] | None:
    """A plan of the fewest pushes, of those one of the fewest moves; None if there is no plan."""
    edge: list[tuple[tuple[str, ...], Room]] = [((), room)]
    costs: list[tuple[int, int, int]] = [(0, 0, 0)]  # pushes, moves, and where in `edge`
    seen: set[Room] = set()
    while costs:
        pushes, moves, at = heappop(costs)
        plan, state = edge[at]
        if state.box == state.target:
            return plan
        if state in seen:
            continue
        seen.add(state)
        for way in (way for way in WAYS if way in WHOLE.legal_actions(state)):
            after = WHOLE.step(state, way)
            pushed = pushes + (after.box != state.box)
            heappush(costs, (pushed, moves + 1, len(edge)))
            edge.append(((*plan, way), after))
    return None


def _value(pushes: int | None) -> str:
    return "no plan" if pushes is None else f"{pushes} push{'' if pushes == 1 else 'es'}"


def _read_value(text: str) -> tuple[bool, int | None] | None:
    """Whether a case has a plan, and of how many pushes; None if a text says neither."""
    if re.search(r"\bno (?:plan|solution)\b|\bnone\b|\bimpossible\b|\bcannot\b", text.casefold()):
        return False, None
    numbers = re.findall(r"\d+", text)
    return (True, int(numbers[0])) if len(numbers) == 1 else None


WORLD = MovingBoxPart()
