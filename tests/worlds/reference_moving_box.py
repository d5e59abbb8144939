"""Moving Box on a mutable grid of characters, and Dijkstra's search with any price for a step and a push."""

from __future__ import annotations

from heapq import heappop, heappush

STEPS = {"u": (-1, 0), "d": (1, 0), "l": (0, -1), "r": (0, 1)}
EMPTIED = {"S": ".", "B": ".", "+": "T", "*": "T"}
PLAYER_ON = {".": "S", "T": "+"}
BOX_ON = {".": "B", "T": "*"}


def board(text: str) -> list[list[str]]:
    return [row.split() for row in text.splitlines()]


def find(grid, symbols: str) -> tuple[int, int]:
    (place,) = [(r, c) for r, row in enumerate(grid) for c, symbol in enumerate(row) if symbol in symbols]
    return place


def move(grid: list[list[str]], way: str) -> str | None:
    """Move the player on the grid itself: "walk" or "push" if it went, None (grid untouched) if it could not."""
    dr, dc = STEPS[way]
    r, c = find(grid, "S+")
    ahead, beyond = (r + dr, c + dc), (r + 2 * dr, c + 2 * dc)
    what = grid[ahead[0]][ahead[1]]
    if what == "#":
        return None
    pushes = what in "B*"
    if pushes:
        under = grid[beyond[0]][beyond[1]]
        if under not in BOX_ON:
            return None
        grid[beyond[0]][beyond[1]] = BOX_ON[under]
        grid[ahead[0]][ahead[1]] = EMPTIED[what]
    grid[ahead[0]][ahead[1]] = PLAYER_ON[grid[ahead[0]][ahead[1]]]
    grid[r][c] = EMPTIED[grid[r][c]]
    return "push" if pushes else "walk"


def text(grid) -> str:
    return "\n".join(" ".join(row) for row in grid)


def cheapest(start: str, *, walk: int, push: int) -> int | None:
    """The least price of any plan, or None if there is none. A position is the text of its grid."""
    queue, settled = [(0, start)], set()
    while queue:
        price, position = heappop(queue)
        if position in settled:
            continue
        if "*" in position:
            return price
        settled.add(position)
        for way in STEPS:
            grid = board(position)
            kind = move(grid, way)
            if kind is not None and text(grid) not in settled:
                heappush(queue, (price + (push if kind == "push" else walk), text(grid)))
    return None


def least_moves(start: str) -> int | None:
    return cheapest(start, walk=1, push=1)


def least_pushes(start: str) -> int | None:
    return cheapest(start, walk=0, push=1)
