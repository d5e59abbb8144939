"""Wood Slide on a board of digits, five rows of four: a block is simply where its digit stands."""

from __future__ import annotations

from functools import cache

CLASSIC = "1122/1133/4500/6788/6799"
STEPS = {"u": (-1, 0), "d": (1, 0), "l": (0, -1), "r": (0, 1)}


def board(text: str) -> list[list[str]]:
    return [list(row) for row in text.split("/")]


def text(grid) -> str:
    return "/".join("".join(row) for row in grid)


def moved(position: str, block: str, way: str) -> str | None:
    """The position after a block was lifted and put down one cell further, or None if something is in the way."""
    dr, dc = STEPS[way]
    grid = board(position)
    places = [(r, c) for r in range(5) for c in range(4) if grid[r][c] == block]
    for r, c in places:
        grid[r][c] = "0"
    for r, c in places:
        r, c = r + dr, c + dc
        if not (0 <= r < 5 and 0 <= c < 4) or grid[r][c] != "0":
            return None
        grid[r][c] = block
    return text(grid)


def moves(position: str) -> dict[str, str]:
    """Every legal move and the position it leads to. Only a block beside an empty cell can move, into that cell."""
    grid = board(position)
    found = {}
    for r in range(5):
        for c in range(4):
            if grid[r][c] != "0":
                continue
            for way, (dr, dc) in STEPS.items():
                br, bc = r - dr, c - dc
                if 0 <= br < 5 and 0 <= bc < 4 and grid[br][bc] != "0":
                    block = grid[br][bc]
                    after = moved(position, block, way)
                    if after is not None:
                        found[block + way] = after
    return found


@cache
def component() -> dict[str, dict[str, str]]:
    """Every position that can be reached from the classic layout, with its moves: plain breadth-first search."""
    graph = {}
    edge = [CLASSIC]
    while edge:
        following = []
        for position in edge:
            if position not in graph:
                graph[position] = moves(position)
                following.extend(graph[position].values())
        edge = following
    return graph


def distances(start: str, within: float = float("inf")) -> dict[str, int]:
    """The least number of moves to every position of the component (`within` so many): breadth-first search."""
    graph = component()
    distance, edge = {start: 0}, [start]
    while edge and distance[edge[0]] < within:
        following = []
        for position in edge:
            for after in graph[position].values():
                if after not in distance:
                    distance[after] = distance[position] + 1
                    following.append(after)
        edge = following
    return distance
