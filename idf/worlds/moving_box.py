"""Moving Box: Sokoban with one box; push it to the target.

Source: the rules stated in SpatiaLite's Moving Box questions. A walk into a wall breaks the rules here (its
environment code says both; its scorer refuses such plans, see docs).
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from functools import lru_cache, reduce
from operator import or_
from typing import NamedTuple

from idf.answers.plan import Ways

from ._boards import in_eight_symmetries, is_grid_line, read_grid, within
from ._cells import read_places
from ._facts import Conventions, Fact
from ._planning import PlanningWorld
from ._pulls import Positions, bits, moves_of, number_of, positions_of, pushes_of
from ._reading import read_words
from ._rng import Rng
from ._world import IllegalAction, Keys, Problem, Scene, Walk

WAYS = {"u": (-1, 0), "d": (1, 0), "l": (0, -1), "r": (0, 1)}
NAMES = {"u": "up", "d": "down", "l": "left", "r": "right"}
SYMBOLS = {
    "wall": "#",
    "floor": ".",
    "player": "S",
    "box": "B",
    "target": "T",
    "player on target": "+",
    "box on target": "*",
}

Cell = tuple[int, int]

# How a move is told: "walks up", "pushes the box one cell to the right"
_MOVED = re.compile(
    r"\b(?:push(?:es|ed|ing)?|mov(?:e|es|ed|ing)|walk(?:s|ed|ing)?|go(?:es|ing)?|step(?:s|ped|ping)?)"
    r"(?: (?:the|box|player|it|one|cell|step|square|once|to|again|\d+))*[ :(,-]*\b(up|down|left|right|u|d|l|r)\b"
)


class Room(NamedTuple):
    """A room with one player, one box and one target.

    Attributes:
        walls: One string a row, "#" for wall and "." for floor; closed all around.
        player: (row, column), from 0.
        box: (row, column).
        target: (row, column).
    """

    walls: tuple[str, ...]
    player: Cell
    box: Cell
    target: Cell


class Query(NamedTuple):
    """Nothing more is asked than to bring the box to the target."""


class MovingBox(PlanningWorld[Room, Query]):
    """The world of the box that is pushed. Difficulty is the least number of pushes."""

    name = "moving_box"
    version = 2
    query_type = Query
    actions = tuple(WAYS)
    look = (
        "Write the grid row by row: S is the player, B the box, T the target, + the player and * the box on the target, "
        "# a wall and . free floor."
    )
    inside = "You are the player and see the cells around you: . is free, ? out of sight. Push the box to the target."
    notation = Ways()
    counts_cells = True
    bins = {"easy": range(1, 3), "medium": range(3, 6), "hard": range(6, 20)}
    rule = (
        "A player walks over a grid, up (u), down (d), left (l) or right (r), and pushes the box by walking against it. "
        "In a grid S is the player, B the box, T the target, + and * the player and the box on the target, # a wall. "
        "Write the (row,column) of player and box after every move, counted from 0."
    )
    # size of the grid, and the range of open cells, of the published 6 x 6 and 7 x 7 maps
    shapes = {"easy": (6, range(10, 13)), "medium": (6, range(10, 13)), "hard": (7, range(17, 19))}

    def draw(self, rng: Rng, difficulty: str) -> Room:
        """A random room: random walls, then one of the numbers of pushes that some target allows, then a target and a start.

        (One of all targets and starts would be one with the fewest pushes of its difficulty nine times of ten.)
        """
        sizes = self.sizes(difficulty)
        size, open_cells = self.shapes[difficulty]
        inside = [row * size + column for row in range(1, size - 1) for column in range(1, size - 1)]
        while True:
            cells = rng.shuffled(inside)[: rng.choice(open_cells)]
            floor = sum(1 << cell for cell in cells)
            positions = positions_of(floor, size)
            levels = pushes_of(positions, floor, sizes[-1])
            found = range(sizes[0], len(levels))
            if found:
                level = levels[rng.choice(found)]
                there = reduce(or_, level.values())
                target = rng.choice([cell for cell in cells if there >> cell & 1])
                at_start = [at for at, targets in level.items() if targets >> target & 1]
                starts = sorted((cell, positions.boxes[at]) for at in at_start for cell in bits(positions.regions[at]))
                symbols = "".join("#."[floor >> cell & 1] for cell in range(size * size))
                walls = tuple(symbols[row : row + size] for row in range(0, size * size, size))
                player, box = rng.choice(starts)
                return Room(walls, divmod(player, size), divmod(box, size), divmod(target, size))

    def legal_actions(self, state: Room) -> tuple[str, ...]:
        return tuple(way for way in WAYS if _broken_rule(state, way) is None)

    def step(self, state: Room, action: str) -> Room:
        if broken := _broken_rule(state, action):
            raise IllegalAction(broken)
        player = _beside(state.player, action)
        box = _beside(player, action) if player == state.box else state.box
        return Room(state.walls, player, box, state.target)

    def write(self, state: Room) -> str:
        return "\n".join(" ".join(row) for row in grid(state))

    def line(self, state: Room) -> str:
        return f"player ({state.player[0]},{state.player[1]}) box ({state.box[0]},{state.box[1]})"

    def read_line(self, text: str) -> tuple[Cell, Cell] | None:
        """The cells of player and box, by name."""
        thing = r"(player|p|box|b) (?:row )?([0-9]+) (?:column )?([0-9]+)"
        match = re.fullmatch(f"{thing} {thing}", " ".join(read_words(text)))
        if not match or match[1][0] == match[4][0]:
            return None
        first, second = (int(match[2]), int(match[3])), (int(match[5]), int(match[6]))
        return (first, second) if match[1][0] == "p" else (second, first)

    def facts(self, state: Room) -> Mapping[Hashable, Hashable]:
        return {**self.cells(state), "player": state.player, "box": state.box, "target": state.target}

    def cells(self, state: Room) -> Mapping[Hashable, Hashable]:
        return {(r, c): symbol for r, row in enumerate(grid(state)) for c, symbol in enumerate(row)}

    def glimpse(self, state: Room, radius: int) -> str:
        return within(grid(state), state.player, radius)

    def goal_facts(self, problem: Problem[Room, Query]) -> Mapping[Hashable, Hashable]:
        return {"target": problem.start.target}

    def read_facts(self, text: str, conventions: Conventions) -> list[Fact]:
        return read_grid(text) or read_places(text, conventions)

    def whole(self, facts: Mapping[Hashable, Hashable]) -> Hashable | None:
        return (facts["player"], facts["box"]) if "player" in facts and "box" in facts else None

    def read_moves(self, text: str) -> list[str]:
        return [match[1][0] for match in _MOVED.finditer(text)]

    def is_row(self, line: str) -> bool:
        return is_grid_line(line)

    def tells(self, changed: AbstractSet[Hashable], told: AbstractSet[Hashable]) -> bool:
        """A push tells where the box is now: by its name, or in a drawing."""
        moved = changed - {"player"} if "box" in changed else changed
        return not moved.isdisjoint(told)

    def things(self) -> Mapping[str, frozenset[Hashable]]:
        return {name: frozenset((name,)) for name in ("player", "box")}

    def read(self, text: str) -> Room:
        return room_from_grid([line.split() for line in text.strip().splitlines()])

    def pose(self, rng: Rng, difficulty: str) -> Problem[Room, Query]:
        return Problem(self.name, difficulty, self.draw(rng, difficulty), Query())

    def size(self, problem: Problem[Room, Query]) -> int:
        pushes = least_pushes(problem.start)
        if pushes is None:
            raise ValueError("this room cannot be solved")
        return pushes

    def _question(self, problem: Problem[Room, Query], *, short: bool, described: bool) -> str:
        rows = f"Grid:\n{self.write(problem.start)}\n" if described else "The grid is shown in the picture. "
        if short:
            return f"{rows}Push the box to the target. Which moves?"
        rows_and_columns = f"{len(problem.start.walls)} x {len(problem.start.walls[0])}"
        legend = "S is the player, B the box, T the target, + the player on the target, # a wall and . free floor"
        return (
            f"A storekeeper pushes a box through a warehouse of {rows_and_columns} cells. The player moves up, down, left "
            "or right by one cell. Walking against the box pushes it one cell further, if that cell is free. The player "
            "cannot walk through walls or the box, and can never pull. Moves are written u, d, l and r. "
            f"{rows}{legend + '. ' if described else ''}"
            "Which sequence of moves of the player brings the box to the target?"
        )

    def is_goal(self, problem: Problem[Room, Query], state: Room) -> bool:
        return state.box == state.target

    def read_action(self, word: str) -> str | None:
        return word if word in WAYS else next((way for way, name in NAMES.items() if name == word), None)

    def solve(self, problem: Problem[Room, Query]) -> tuple[str, ...]:
        plan = shortest_plan(problem.start)
        if plan is None:
            raise ValueError("this room cannot be solved")
        return plan

    def narrate(self, problem: Problem[Room, Query]) -> str:
        plan = self.solve(problem)
        row, column = problem.start.target
        return f"Target: ({row},{column})\n{self.unroll(problem.start, plan)}\nThe box is on the target."

    def keys(self, scene: Scene) -> Keys:
        """A room turned by quarters or mirrored (the eight symmetries of the square) is the same room."""
        room: Room = scene.start
        moves = "plan" if isinstance(scene, Problem) else " ".join(scene.actions)
        images = in_eight_symmetries(grid(room))
        return Keys(
            exact=f"{self.write(room)} | {moves}",
            canonical="/".join(min(images)),
            skeleton="/".join(min(in_eight_symmetries(list(room.walls)))),
        )

    def images(self, problem: Problem[Room, Query]) -> list[Problem[Room, Query]]:
        """The room turned by quarters and mirrored."""
        images = in_eight_symmetries(grid(problem.start))
        return [replace(problem, start=room_from_grid([list(row) for row in rows])) for rows in images]

    def measure(self, scene: Scene) -> dict[str, int]:
        start, moves = self.course(scene)
        states = self.replay(start, moves)
        pushes = sum(a.box != b.box for a, b in zip(states, states[1:]))
        least = {"least_pushes": least_pushes(start), "least_moves": least_moves(start)}
        return {"moves": len(moves), "pushes": pushes} | {name: n for name, n in least.items() if n is not None}

    def wander(self, rng: Rng, difficulty: str) -> Walk[Room]:
        """A walk that mostly follows the solver, so that the box really moves, with a random step now and then.

        (Half of all uniformly random steps here would run into walls, and about half of all walks never push.)
        """
        room = start = self.draw(rng, difficulty)
        actions: list[str] = []
        length = {"easy": 4, "medium": 7, "hard": 11}[difficulty] + rng.below(4)
        while len(actions) < length:
            on_course = _next_move(room)
            action = on_course if on_course and rng.chance(0.8) else rng.choice(self.legal_actions(room))
            actions.append(action)
            room = self.step(room, action)
        question = "Where are the player and the box at the end?"
        answers = (self.line(room), self.line(start))
        return Walk(self.name, difficulty, start, tuple(actions), question, "", *answers)


def grid(room: Room) -> list[str]:
    """The room as one string a row, in the symbols of SYMBOLS."""
    rows = [list(row) for row in room.walls]
    rows[room.target[0]][room.target[1]] = "T"
    rows[room.box[0]][room.box[1]] = "*" if room.box == room.target else "B"
    rows[room.player[0]][room.player[1]] = "+" if room.player == room.target else "S"
    return ["".join(row) for row in rows]


def room_from_grid(rows: list[list[str]]) -> Room:
    """The room that a grid of symbols shows.

    Raises:
        ValueError: The grid is ragged or open, a symbol is unknown, or there is not one player, box and target each.
    """
    known = set(SYMBOLS.values())
    if not rows or any(len(row) != len(rows[0]) for row in rows):
        raise ValueError("the rows of a grid must be equally long")
    found: dict[str, list[Cell]] = {"player": [], "box": [], "target": []}
    for r, row in enumerate(rows):
        for c, symbol in enumerate(row):
            if symbol not in known:
                raise ValueError(
                    f"unknown symbol {symbol!r} at row {r}, column {c}: use one of {' '.join(sorted(known))}"
                )
            edge = r in (0, len(rows) - 1) or c in (0, len(row) - 1)
            if edge and symbol != "#":
                raise ValueError(f"the room is open at row {r}, column {c}: its edge must be wall")
            for thing, symbols in (("player", "S+"), ("box", "B*"), ("target", "T+*")):
                if symbol in symbols:
                    found[thing].append((r, c))
    for thing, cells in found.items():
        if len(cells) != 1:
            raise ValueError(f"a room has one {thing}, not {len(cells)}")
    walls = tuple("".join("#" if symbol == "#" else "." for symbol in row) for row in rows)
    return Room(walls, found["player"][0], found["box"][0], found["target"][0])


@lru_cache(maxsize=1024)
def shortest_plan(room: Room) -> tuple[str, ...] | None:
    """A plan of the least number of moves, of equals the first in the order of WAYS; None if there is none."""
    if least_moves(room) is None:
        return None
    plan: list[str] = []
    while (way := _next_move(room)) is not None:
        plan.append(way)
        room = WORLD.step(room, way)
    return tuple(plan)


def _next_move(room: Room) -> str | None:
    """The first move of a shortest plan; None if there is none, or if the box is on the target."""
    columns, moves = len(room.walls[0]), _moves(room.walls, room.target)
    player, box = _number(room.player, columns), _number(room.box, columns)
    left = number_of(moves, box, player)
    if not left:
        return None
    for way, (down, right) in WAYS.items():
        step = down * columns + right
        box_there = box + step if player + step == box else box
        if moves[left - 1].get(box_there, 0) >> player + step & 1:
            return way
    raise AssertionError("a move of a shortest plan leads nearer to its end")


def least_moves(room: Room) -> int | None:
    """The least number of moves of any plan, or None if the room cannot be solved."""
    columns = len(room.walls[0])
    return number_of(_moves(room.walls, room.target), _number(room.box, columns), _number(room.player, columns))


def least_pushes(room: Room) -> int | None:
    """The least number of pushes of any plan, or None if the room cannot be solved."""
    columns = len(room.walls[0])
    if room.box == room.target:
        return 0
    positions, levels = _pushes(room.walls, room.target)
    box, player = _number(room.box, columns), _number(room.player, columns)
    there = [at for at, cell in enumerate(positions.boxes) if cell == box and positions.regions[at] >> player & 1]
    return next((pushes for pushes, level in enumerate(levels) if any(at in level for at in there)), None)


@lru_cache(maxsize=256)
def _moves(walls: tuple[str, ...], target: Cell) -> list[dict[int, int]]:
    """Number of moves to the target -> cell of the box -> cells of the player, as a bit mask."""
    return moves_of(_floor(walls), len(walls[0]), _number(target, len(walls[0])))


@lru_cache(maxsize=256)
def _pushes(walls: tuple[str, ...], target: Cell) -> tuple[Positions, list[dict[int, int]]]:
    """All positions of a room, and number of pushes to the target -> those positions."""
    positions = positions_of(_floor(walls), len(walls[0]))
    return positions, pushes_of(positions, 1 << _number(target, len(walls[0])))


def _floor(walls: tuple[str, ...]) -> int:
    """The free cells, as a bit mask."""
    return sum(1 << at for at, symbol in enumerate("".join(walls)) if symbol != "#")


def _number(cell: Cell, columns: int) -> int:
    return cell[0] * columns + cell[1]


def _beside(cell: Cell, way: str) -> Cell:
    return cell[0] + WAYS[way][0], cell[1] + WAYS[way][1]


def _broken_rule(room: Room, action: str) -> str | None:
    if action not in WAYS:
        return f"a player moves u, d, l or r, not {action!r}"
    to = _beside(room.player, action)
    if room.walls[to[0]][to[1]] == "#":
        return f"the player cannot walk {NAMES[action]} into the wall at {to}"
    if to == room.box:
        behind = _beside(to, action)
        if room.walls[behind[0]][behind[1]] == "#":
            return f"the box cannot be pushed {NAMES[action]} into the wall at {behind}"
    return None


WORLD = MovingBox()
