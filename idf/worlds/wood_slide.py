"""Wood Slide: nine blocks on a 5 x 4 board (Klotski); slide them, one cell at a time, into a target position.

Source: the rules stated in SpatiaLite's Wood Slide questions, and their one set of blocks.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Hashable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from idf.answers.plan import Blocks as BlockMoves

from ._boards import cut_after_boards, is_board_row, read_board
from ._facts import Conventions, Fact
from ._planning import PlanningWorld
from ._reading import plain
from ._rng import Rng
from ._world import IllegalAction, Keys, Problem, Scene, Walk

ROWS, COLUMNS = 5, 4
# (height, width) of blocks 1 to 9
SHAPES = ((2, 2), (1, 2), (1, 2), (1, 1), (1, 1), (2, 1), (2, 1), (1, 2), (1, 2))
WAYS = {"u": (-1, 0), "d": (1, 0), "l": (0, -1), "r": (0, 1)}
NAMES = {"u": "up", "d": "down", "l": "left", "r": "right"}
_FURTHEST = 15  # the most moves that a published puzzle takes
DEFAULT = "11221133450067886799"  # the layout from which every published position can be reached

# How a move is told: "3d", "block 3 slides down", "move 3 to the left"
_SLID = re.compile(
    r"(?<![\w(,/])(?:block |piece |tile |#)?([1-9]) ?(?:(?:is|moves?|slides?|goes|follows|also|then|now|next|one"
    r"|cell|step|to|the|moved|by|shifts?|\(|:|,|→|->|-) ?)*"
    r"\b(up|down|left|right|u|d|l|r)\b|(?<!\w)([1-9])([udlr])\b"
)
Blocks = tuple[int, ...]
"""Top left cell of blocks 1 to 9: row * 4 + column."""


def _mask(shape: tuple[int, int], at: int) -> int:
    row, column = divmod(at, COLUMNS)
    return sum(1 << ((row + r) * COLUMNS + column + c) for r in range(shape[0]) for c in range(shape[1]))


def _moves_of(shape: tuple[int, int]) -> tuple[tuple[tuple[str, int, int], ...], ...]:
    """For each top left cell: (way, cells that must be empty as a bit mask, new top left cell)."""
    height, width = shape
    table = []
    for at in range(ROWS * COLUMNS):
        row, column = divmod(at, COLUMNS)
        moves = []
        if row + height <= ROWS and column + width <= COLUMNS:
            for way, (dr, dc) in WAYS.items():
                if 0 <= row + dr <= ROWS - height and 0 <= column + dc <= COLUMNS - width:
                    to = at + dr * COLUMNS + dc
                    moves.append((way, _mask(shape, to) & ~_mask(shape, at), to))
        table.append(tuple(moves))
    return tuple(table)


_MOVES = {shape: _moves_of(shape) for shape in set(SHAPES)}
_MASKS = {
    shape: tuple(
        _mask(shape, at) if at // COLUMNS + shape[0] <= ROWS and at % COLUMNS + shape[1] <= COLUMNS else -1
        for at in range(ROWS * COLUMNS)
    )
    for shape in set(SHAPES)
}


class Query(NamedTuple):
    """The position to reach, as `WoodSlide.write` writes it."""

    target: str


class WoodSlide(PlanningWorld[Blocks, Query]):
    """The world of sliding blocks. Difficulty is the exact distance from start to target."""

    name = "wood_slide"
    version = 2
    query_type = Query
    actions = tuple(f"{block}{way}" for block in range(1, len(SHAPES) + 1) for way in WAYS)
    look = "Write the board on the left: five rows of four digits, 0 is empty."
    recall = "Write the board: five rows of four digits, 0 is empty."
    notation = BlockMoves()
    counts_cells = True
    bins = {"easy": range(2, 9), "medium": range(9, 13), "hard": range(13, 16)}
    rule = (
        "Blocks 1 to 9 slide on a 5 x 4 board, one cell at a time; 3d moves block 3 down (u, d, l, r). "
        "Write the board after every move: five rows of four digits, 0 is empty."
    )

    def draw(self, rng: Rng, difficulty: str) -> Blocks:
        return rng.choice(component().positions)

    def legal_actions(self, state: Blocks) -> tuple[str, ...]:
        return tuple(action for action, _ in successors(state))

    def step(self, state: Blocks, action: str) -> Blocks:
        for known, there in successors(state):
            if known == action:
                return there
        if not re.fullmatch("[1-9][udlr]", str(action)):
            raise IllegalAction(f"a move is a block from 1 to 9 and u, d, l or r, such as 3d, not {action!r}")
        block, way = int(action[0]), NAMES[action[1]]
        height, width = SHAPES[block - 1]
        row, column = divmod(state[block - 1], COLUMNS)
        row, column = row + WAYS[action[1]][0], column + WAYS[action[1]][1]
        if not (0 <= row <= ROWS - height and 0 <= column <= COLUMNS - width):
            raise IllegalAction(f"block {block} cannot slide {way} over the edge of the board")
        board = cells(state)
        inside = {board[(row + r) * COLUMNS + column + c] for r in range(height) for c in range(width)}
        raise IllegalAction(f"block {block} cannot slide {way} onto block {min(inside - {'0', str(block)})}")

    def write(self, state: Blocks) -> str:
        board = cells(state)
        return "/".join(board[row : row + COLUMNS] for row in range(0, ROWS * COLUMNS, COLUMNS))

    def read_line(self, text: str) -> str | None:
        """Five rows of four digits with anything between the rows; without marks, 20 digits in equal groups."""
        board = plain(text)
        if re.search(r"[^0-9\s,;/|()\[\]{}\"']", board):
            return None
        rows = ["".join(re.findall("[0-9]", row)) for row in re.split(r"[;/|)\]}]", board)]
        rows = [row for row in rows if row]
        if len(rows) == 1:
            rows = re.findall("[0-9]+", board)
            if len(rows) not in (1, ROWS, ROWS * COLUMNS) or len("".join(rows)) != ROWS * COLUMNS:
                return None
            if len({len(row) for row in rows}) > 1:
                return None
        elif [len(row) for row in rows] != [COLUMNS] * ROWS:
            return None
        return "".join(rows)

    def facts(self, state: Blocks) -> Mapping[Hashable, Hashable]:
        return {divmod(at, COLUMNS): digit for at, digit in enumerate(cells(state))}

    def goal_facts(self, problem: Problem[Blocks, Query]) -> Mapping[Hashable, Hashable]:
        return self.facts(self.read(problem.query.target))

    def read_facts(self, text: str, conventions: Conventions) -> list[Fact]:
        return read_board(text, conventions)

    def whole(self, facts: Mapping[Hashable, Hashable]) -> Hashable | None:
        places = [divmod(at, COLUMNS) for at in range(ROWS * COLUMNS)]
        return "".join(str(facts[place]) for place in places) if all(place in facts for place in places) else None

    def read_moves(self, text: str) -> list[str]:
        return [f"{match[1] or match[3]}{(match[2] or match[4])[0]}" for match in _SLID.finditer(text)]

    def cut(self, sentence: str) -> list[str]:
        return cut_after_boards(sentence)

    def is_row(self, line: str) -> bool:
        return is_board_row(line)

    def legality(self, state: Blocks) -> str:
        """The ways in which each block can slide: a line for each block, not for each of 36 actions."""
        legal = self.legal_actions(state)
        return "\n".join(
            f"block {block}: {' '.join(a for a in legal if a[0] == str(block)) or 'cannot slide'}"
            for block in range(1, len(SHAPES) + 1)
        )

    def read(self, text: str) -> Blocks:
        return _read(text)

    def pose(self, rng: Rng, difficulty: str) -> Problem[Blocks, Query]:
        start, plan = self._shortest_walk(rng, difficulty)
        target = self.replay(start, plan)[-1]
        return Problem(self.name, difficulty, start, Query(self.write(target)))

    def _shortest_walk(self, rng: Rng, difficulty: str) -> tuple[Blocks, tuple[str, ...]]:
        """A random start and a shortest plan to a random position at an exact distance."""
        table = component()
        start = rng.below(len(table.positions))
        distance = rng.choice(self.sizes(difficulty))
        came: dict[int, tuple[int, str]] = {
            start: (start, "")
        }  # position -> the position before, the action from there
        ring = [start]
        for _ in range(distance):
            further = []
            for here in ring:
                for action, there in table.steps[here]:
                    if there not in came:
                        came[there] = (here, action)
                        further.append(there)
            ring = further
        at, plan = rng.choice(sorted(ring)), list[str]()
        while at != start:
            at, action = came[at]
            plan.append(action)
        return table.positions[start], tuple(reversed(plan))

    def size(self, problem: Problem[Blocks, Query]) -> int:
        return len(self.solve(problem))

    def _question(self, problem: Problem[Blocks, Query], *, short: bool, described: bool) -> str:
        if described:
            shown = f"Start: {self.write(problem.start)}. Target: {problem.query.target}. "
        else:
            shown = "The picture shows the start on the left and the target on the right. "
        if short:
            return f"{shown}Slide the blocks to reach the target. Which moves?"
        return (
            "A sliding puzzle has nine blocks on a board of 5 rows and 4 columns: block 1 covers 2 x 2 cells, blocks 2, "
            "3, 8 and 9 two cells side by side, blocks 6 and 7 two cells one above the other, blocks 4 and 5 one cell. "
            "A move slides one block by one cell up, down, left or right into empty cells; blocks neither turn nor "
            "overlap, and a block moves as a whole. A move is written as block and direction: 3d slides block 3 down. "
            f"{'Boards are written row by row, with the number of the block in each cell and 0 for empty. ' if described else ''}"
            f"{shown}Which sequence of moves leads from the start to the target?"
        )

    def is_goal(self, problem: Problem[Blocks, Query], state: Blocks) -> bool:
        return state == self.read(problem.query.target)

    def solve(self, problem: Problem[Blocks, Query]) -> tuple[str, ...]:
        return shortest_plan(problem.start, self.read(problem.query.target))

    def narrate(self, problem: Problem[Blocks, Query]) -> str:
        return (
            f"Target: {problem.query.target}\n{self.unroll(problem.start, self.solve(problem))}\nThe target is reached."
        )

    def keys(self, scene: Scene) -> Keys:
        """Blocks of one shape can swap their numbers, the board can be mirrored, the way can be gone back: the same puzzle."""
        start, plan = self.course(scene)
        states = self.replay(start, plan)
        target = self.read(scene.query.target) if isinstance(scene, Problem) else states[-1]
        here, there = cells(start), cells(target)
        pairs = [pair for a, b in zip(_images(here), _images(there)) for pair in ((a, b), (b, a))]
        return Keys(
            exact=f"{here} | {there}",
            canonical=" | ".join(min(_renumbered(*pair) for pair in pairs)),
            skeleton=" | ".join(min((shape_of(a), shape_of(b)) for a, b in pairs)),
            states=tuple(map(_least_shape, states)),
        )

    def surroundings(self, problem: Problem[Blocks, Query]) -> tuple[str, ...]:
        """The shapes of all positions within 15 moves of the target.

        The benchmark's 200 puzzles lie in a dead end of 124 of the 67,104 positions: avoiding the puzzles alone would leave
        their neighbours.
        """
        target = self.read(problem.query.target)
        found, ring = {target}, [target]
        for _ in range(_FURTHEST):
            ring = sorted({there for here in ring for _, there in successors(here)} - found)
            found.update(ring)
        return tuple(sorted({_least_shape(position) for position in found}))

    def images(self, problem: Problem[Blocks, Query]) -> list[Problem[Blocks, Query]]:
        """Both boards upside down and mirrored: blocks slide up as they slide down."""
        pairs = zip(_images(cells(problem.start)), _images(cells(self.read(problem.query.target))))
        return [
            replace(problem, start=blocks_from_cells(here), query=Query(self.write(blocks_from_cells(there))))
            for here, there in pairs
        ]

    def measure(self, scene: Scene) -> dict[str, int]:
        start, plan = self.course(scene)
        distance = len(shortest_plan(start, self.replay(start, plan)[-1]))
        return {"moves": len(plan), "distance": distance}

    def wander(self, rng: Rng, difficulty: str) -> Walk[Blocks]:
        """A walk that gets somewhere: a shortest way to a random position (30 uniform steps end 4 moves away)."""
        start, plan = self._shortest_walk(rng, difficulty)
        end = self.write(self.replay(start, plan)[-1])
        return Walk(
            self.name, difficulty, start, plan, "What does the board look like at the end?", "", end, self.write(start)
        )


@lru_cache(maxsize=1 << 17)
def cells(state: Blocks) -> str:
    """The board as 20 digits, row by row: the block in each cell, 0 for empty."""
    board = ["0"] * (ROWS * COLUMNS)
    for block, (at, (height, width)) in enumerate(zip(state, SHAPES, strict=True), 1):
        for r in range(height):
            for c in range(width):
                board[at + r * COLUMNS + c] = str(block)
    return "".join(board)


@lru_cache(maxsize=1 << 17)
def blocks_from_cells(board: str) -> Blocks:
    """The blocks that a board of 20 digits shows.

    Raises:
        ValueError: A block is missing or has not its shape.
    """
    if len(board) != ROWS * COLUMNS or not board.isdigit():
        raise ValueError(f"not a board: {board!r} ({ROWS * COLUMNS} digits)")
    covered = [0] * 10  # the cells of each block, as a bit mask
    for cell, digit in enumerate(board):
        covered[int(digit)] |= 1 << cell
    found = []
    for block, (height, width) in enumerate(SHAPES, 1):
        at = board.find(str(block))
        if at < 0:
            raise ValueError(f"block {block} is not on the board {board}")
        if covered[block] != _MASKS[height, width][at]:
            raise ValueError(f"block {block} does not cover {height} x {width} cells on the board {board}")
        found.append(at)
    return tuple(found)


@lru_cache(maxsize=1024)  # the target of a problem is read at every move
def _read(text: str) -> Blocks:
    if not re.fullmatch(r"[0-9]{4}(/[0-9]{4}){4}", text.strip()):
        raise ValueError(f"not a board: {text!r} (five rows of four digits, separated by '/')")
    return blocks_from_cells(text.strip().replace("/", ""))


@lru_cache(maxsize=1 << 17)  # room for all positions of a component
def successors(state: Blocks) -> tuple[tuple[str, Blocks], ...]:
    """The legal moves: (action, position after it)."""
    occupied = 0
    for at, shape in zip(state, SHAPES, strict=True):
        occupied |= _MASKS[shape][at]
    out = []
    for i, at in enumerate(state):
        for way, need, to in _MOVES[SHAPES[i]][at]:
            if not need & occupied:
                out.append((f"{i + 1}{way}", (*state[:i], to, *state[i + 1 :])))
    return tuple(out)


_SHAPE_OF = str.maketrans("123456789", "abbccddbb")


def shape_of(board: str) -> str:
    """A board of 20 digits with a letter for each shape of block, so that equal shapes look the same."""
    return board.translate(_SHAPE_OF)


def _images(board: str) -> tuple[str, ...]:
    """A board of 20 digits in the four symmetries of the rectangle: blocks slide up as they slide down.

    Upside down, the 67,104 positions are the same set again; with left and right swapped, they are another component.
    """
    upside_down = "".join(board[row : row + COLUMNS] for row in range((ROWS - 1) * COLUMNS, -1, -COLUMNS))
    return board, upside_down, board[::-1], upside_down[::-1]


@lru_cache(maxsize=1 << 17)
def _least_shape(position: Blocks) -> str:
    """The shape of a position, the same for its mirror images."""
    return min(map(shape_of, _images(cells(position))))


def _renumbered(here: str, there: str) -> tuple[str, str]:
    """Two boards with the blocks of each shape numbered in the order in which they stand on the first."""
    seen = sorted(set(here) - {"0"}, key=here.index)
    free = {shape: [str(i) for i, other in enumerate(SHAPES, 1) if other == shape] for shape in set(SHAPES)}
    table = str.maketrans({old: free[SHAPES[int(old) - 1]].pop(0) for old in seen})
    return here.translate(table), there.translate(table)


class Component(NamedTuple):
    """All positions that can be reached from one, and the moves between them.

    Attributes:
        positions: In a fixed order.
        steps: For each position, by number: (action, number of the position after it).
    """

    positions: tuple[Blocks, ...]
    steps: list[list[tuple[str, int]]]


@lru_cache(maxsize=1)
def component() -> Component:
    """The 67,104 positions that can be reached from the classic layout: enumerated once, looked up ever after."""
    start = blocks_from_cells(DEFAULT)
    steps = {start: successors(start)}
    queue = deque([start])
    while queue:
        for _, there in steps[queue.popleft()]:
            if there not in steps:
                steps[there] = successors(there)
                queue.append(there)
    positions = tuple(sorted(steps))
    number = {position: i for i, position in enumerate(positions)}
    return Component(positions, [[(action, number[there]) for action, there in steps[here]] for here in positions])


@lru_cache(maxsize=1024)
def shortest_plan(start: Blocks, target: Blocks) -> tuple[str, ...]:
    """A plan of the least number of moves, by search from both ends.

    Raises:
        ValueError: The target cannot be reached.
    """
    sides: tuple[_Came, _Came] = ({start: (0, None, "")}, {target: (0, None, "")})
    edges = [[start], [target]]
    while not (met := [p for p in edges[0] if p in sides[1]] or [p for p in edges[1] if p in sides[0]]):
        side = 0 if len(edges[0]) <= len(edges[1]) else 1
        edges[side] = _widen(sides[side], edges[side])
        if not edges[side]:
            raise ValueError("the target cannot be reached from the start")
    meeting = min(met, key=lambda p: sides[0][p][0] + sides[1][p][0])
    back = {"u": "d", "d": "u", "l": "r", "r": "l"}
    home = reversed(_plan(sides[1], meeting))
    return (*_plan(sides[0], meeting), *(action[0] + back[action[1]] for action in home))


_Came = dict[Blocks, tuple[int, "Blocks | None", str]]
"""Position -> (distance, the position before, the action from there)."""


def _widen(came: _Came, edge: list[Blocks]) -> list[Blocks]:
    """One more ring of a breadth-first search."""
    ring = []
    for here in edge:
        depth = came[here][0] + 1
        for action, there in successors(here):
            if there not in came:
                came[there] = (depth, here, action)
                ring.append(there)
    return ring


def _plan(came: _Came, position: Blocks) -> tuple[str, ...]:
    plan: list[str] = []
    while True:
        _, before, action = came[position]
        if before is None:
            return tuple(reversed(plan))
        plan.append(action)
        position = before


WORLD = WoodSlide()
