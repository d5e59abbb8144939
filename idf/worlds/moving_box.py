"""Moving Box: Sokoban with one box; push it to the target.

Source: the rules stated in SpatiaLite's Moving Box questions. A walk into a wall breaks the rules here (its
environment code says both; its scorer refuses such plans, see docs).
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from ._rng import Rng
from ._world import Answer, IllegalAction, Outcome, Problem, Walk, World, replay_plan

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


class MovingBox(World[Room, Query]):
    """The world of the box that is pushed. Difficulty is the least number of pushes."""

    name = "moving_box"
    version = 1
    query_type = Query
    bins = {"easy": range(1, 3), "medium": range(3, 6), "hard": range(6, 20)}
    rule = (
        "A player walks over a grid, up (u), down (d), left (l) or right (r), and pushes the box by walking against it. "
        "Write the (row,column) of player and box after every move, counted from 0."
    )
    # size of the grid, and the range of open cells, of the published 6 x 6 and 7 x 7 maps
    shapes = {"easy": (6, range(10, 13)), "medium": (6, range(10, 13)), "hard": (7, range(17, 19))}

    def draw(self, rng: Rng, difficulty: str) -> Room:
        """A random room: walls and target at random, then one of all starts with the right number of pushes."""
        pushes = self.sizes(difficulty)
        size, open_cells = self.shapes[difficulty]
        inside = [(row, column) for row in range(1, size - 1) for column in range(1, size - 1)]
        while True:
            cells = rng.shuffled(inside)[: rng.choice(open_cells)]
            floor = set(cells)
            walls = tuple("".join(".#"[(row, column) not in floor] for column in range(size)) for row in range(size))
            starts = sorted(start for start, n in pushes_from_everywhere(walls, cells[0]).items() if n in pushes)
            if starts:
                player, box = rng.choice(starts)
                return Room(walls, player, box, cells[0])

    def legal_actions(self, state: Room) -> tuple[str, ...]:
        return tuple(way for way in WAYS if _broken_rule(state, way) is None)

    def step(self, state: Room, action: str) -> Room:
        if broken := _broken_rule(state, action):
            raise IllegalAction(broken)
        player = _beside(state.player, action)
        box = _beside(player, action) if player == state.box else state.box
        return state._replace(player=player, box=box)

    def write(self, state: Room) -> str:
        return "\n".join(" ".join(row) for row in grid(state))

    def line(self, state: Room) -> str:
        return f"player ({state.player[0]},{state.player[1]}) box ({state.box[0]},{state.box[1]})"

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
        legend = "S is the player, B the box, T the target, # a wall and . free floor"
        return (
            f"A storekeeper pushes a box through a warehouse of {rows_and_columns} cells. The player moves up, down, left "
            "or right by one cell. Walking against the box pushes it one cell further, if that cell is free. The player "
            "cannot walk through walls or the box, and can never pull. Moves are written u, d, l and r. "
            f"{rows}{legend + '. ' if described else ''}"
            "Which sequence of moves of the player brings the box to the target?"
        )

    def answer_kind(self, problem: Problem[Room, Query]) -> str:
        return "plan"

    def truth(self, problem: Problem[Room, Query]) -> tuple[str, ...]:
        return self.solve(problem)

    def judge(self, problem: Problem[Room, Query], answer: Answer) -> Outcome:
        optimal = len(self.solve(problem))
        return replay_plan(tuple(answer), problem.start, self.step, lambda room: room.box == room.target, optimal)

    def read_action(self, word: str) -> str | None:
        return word if word in WAYS else next((way for way, name in NAMES.items() if name == word), None)

    def solve(self, problem: Problem[Room, Query]) -> tuple[str, ...]:
        plan = shortest_plan(problem.start)
        if plan is None:
            raise ValueError("this room cannot be solved")
        return plan

    def initial(self, problem: Problem[Room, Query]) -> tuple[str, ...]:
        return ()

    def narrate(self, problem: Problem[Room, Query]) -> str:
        plan = self.solve(problem)
        row, column = problem.start.target
        return f"Target: ({row},{column})\n{self.unroll(problem.start, plan)}\nThe box is on the target."

    def content(self, problem: Problem[Room, Query]) -> str:
        return self.write(problem.start)

    def wander(self, rng: Rng, difficulty: str) -> Walk[Room]:
        """A walk that mostly follows the solver, so that the box really moves, with a random step now and then.

        (Half of all uniformly random steps here would run into walls, and five of six walks never push.)
        """
        room = start = self.draw(rng, difficulty)
        actions: list[str] = []
        length = {"easy": 4, "medium": 7, "hard": 11}[difficulty] + rng.below(4)
        while len(actions) < length:
            legal = self.legal_actions(room)
            plan = shortest_plan(room)
            action = plan[0] if plan and rng.chance(0.8) else rng.choice(legal)
            actions.append(action)
            room = self.step(room, action)
        question = "Where are the player and the box at the end?"
        return Walk(self.name, difficulty, start, tuple(actions), question, "", self.line(room))

    def walk_content(self, walk: Walk[Room]) -> str:
        return self.write(walk.start)


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


def shortest_plan(room: Room) -> tuple[str, ...] | None:
    """A plan of the least number of moves (breadth-first over player and box), or None if there is none."""
    start = (room.player, room.box)
    came: dict[tuple[Cell, Cell], tuple[tuple[Cell, Cell], str] | None] = {start: None}
    queue = deque([start])
    while queue:
        here = queue.popleft()
        if here[1] == room.target:
            plan: list[str] = []
            at = here
            while (before := came[at]) is not None:
                at, way = before
                plan.append(way)
            return tuple(reversed(plan))
        for way, there in _successors(room.walls, *here):
            if there not in came:
                came[there] = (here, way)
                queue.append(there)
    return None


def least_pushes(room: Room) -> int | None:
    """The least number of pushes of any plan, or None if the room cannot be solved."""
    return pushes_from_everywhere(room.walls, room.target).get((room.player, room.box))


def pushes_from_everywhere(walls: tuple[str, ...], target: Cell) -> dict[tuple[Cell, Cell], int]:
    """The least number of pushes to the target from every (player, box) that can be solved.

    A 0-1 breadth-first search backwards, from the box on the target: walking costs nothing, pulling one.
    """
    free = {(r, c) for r, row in enumerate(walls) for c, symbol in enumerate(row) if symbol != "#"}
    pushes: dict[tuple[Cell, Cell], int] = {}
    queue = deque(((player, target), 0) for player in sorted(free - {target}))
    while queue:
        here, cost = queue.popleft()
        if here in pushes:
            continue
        pushes[here] = cost
        player, box = here
        for dr, dc in WAYS.values():
            before = (player[0] - dr, player[1] - dc)
            if before not in free:
                continue
            if before != box:
                queue.appendleft(((before, box), cost))
            if (player[0] + dr, player[1] + dc) == box:  # the last step may have pushed the box from here
                queue.append(((before, player), cost + 1))
    return pushes


def _successors(walls: tuple[str, ...], player: Cell, box: Cell) -> list[tuple[str, tuple[Cell, Cell]]]:
    """The legal moves from (player, box), written flat: the solvers live in this loop."""
    out = []
    row, column = player
    for way, (dr, dc) in WAYS.items():
        to = (row + dr, column + dc)
        if walls[to[0]][to[1]] == "#":
            continue
        if to != box:
            out.append((way, (to, box)))
        elif walls[row + 2 * dr][column + 2 * dc] != "#":
            out.append((way, (to, (row + 2 * dr, column + 2 * dc))))
    return out


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
