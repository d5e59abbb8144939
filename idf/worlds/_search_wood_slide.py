"""How Wood Slide searches: which moves tempt, and which block is in the way of another."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ._remarks import SUPPOSED, Remark, read_common, says_illegal
from ._searching import Search
from ._world import IllegalAction, Problem
from .wood_slide import COLUMNS, NAMES, ROWS, SHAPES, WAYS, Blocks, Query, cells, shortest_plan

_MOVE = re.compile(r"(?<![\w(,/])([1-9])([udlr])\b")
_SLIDES = re.compile(r"\b(?:block|piece|tile) ([1-9])\b(?:(?!block|piece|tile)[^.;:]){0,40}?\b(up|down|left|right)\b")
_BLOCK = re.compile(r"\b(?:block|piece|tile) ([1-9])\b")
_IN_THE_WAY = re.compile(
    r"\bblock ([1-9]) (?:is|stands|lies)(?: directly| now)? in (?:its|the|block ([1-9])(?:'s|’s)) way\b(?: of block ([1-9]))?"
    r"|\bblock ([1-9]) (?:blocks|is blocking|obstructs) block ([1-9])\b"
)
_FREES = re.compile(r"\b(?:free|unblock|release) block ([1-9])\b")


class WoodSlideSearch(Search[Blocks, Query]):
    """A player who sees no other blocks slides each block to its place, the largest first."""

    def left(self, problem: Problem[Blocks, Query], state: Blocks) -> int | None:
        return len(shortest_plan(state, self.world.read(problem.query.target)))

    def tempting(self, problem: Problem[Blocks, Query], state: Blocks) -> list[str]:
        target = self.world.read(problem.query.target)
        moves = []
        for block in sorted(range(len(SHAPES)), key=lambda i: (-SHAPES[i][0] * SHAPES[i][1], i)):
            here, there = divmod(state[block], COLUMNS), divmod(target[block], COLUMNS)
            for way, (down, right) in WAYS.items():
                if (there[0] - here[0]) * down > 0 or (there[1] - here[1]) * right > 0:
                    moves.append(f"{block + 1}{way}")
        return moves

    def subgoal(self, states: Sequence[Blocks], plan: Sequence[str], at: int) -> str:
        mover = plan[at][0]
        for move in plan[at + 1 :]:
            if move[0] != mover and mover in obstacles(states[at], move):
                return f"free block {move[0]} to slide {NAMES[move[1]]}: block {mover} is in its way."
        return ""

    def read(self, said: str, first: int) -> list[Remark]:
        found = read_common(said)
        if SUPPOSED.search(said):
            return found
        freed = _FREES.search(said)
        for match in _IN_THE_WAY.finditer(said):
            blocked = match[2] or match[3] or match[5] or (freed[1] if freed else "")
            if not blocked:
                continue
            ways = {way[0] for way in re.findall(r"\b(up|down|left|right)\b", said)}
            action = blocked + (ways.pop() if len(ways) == 1 else "")
            found.append(Remark("subgoal", said, action, blocks=(match[1] or match[4],)))
        if says_illegal(said) and not any(remark.kind in ("subgoal", "dead end") for remark in found):
            moves = [match[1] + match[2] for match in _MOVE.finditer(said)]
            moves += [match[1] + match[2][0] for match in _SLIDES.finditer(said)]
            if moves:
                others = tuple(block for block in _BLOCK.findall(said) if block != moves[0][0])
                words = frozenset({"edge"} if re.search(r"\bedge|border|off the board\b", said) else ())
                contradicts = any(move != moves[0] for move in moves)
                found.append(Remark("illegal", said, moves[0], blocks=others, words=words, contradicts=contradicts))
        return found

    def dead_end(self, state: Blocks) -> str:
        raise ValueError("every move of wood_slide can be undone: there are no dead ends")

    def untrue_here(self, problem: Problem[Blocks, Query], state: Blocks, remark: Remark) -> str:
        if remark.kind == "subgoal":
            block, ways = remark.action[0], remark.action[1:] or "udlr"
            if not any(set(remark.blocks) <= obstacles(state, block + way) for way in ways):
                return f"{remark.text!r}: block {remark.blocks[0]} is not in the way of block {block}"
        if remark.kind != "illegal":
            return ""
        try:
            self.world.step(state, remark.action)
        except IllegalAction as broken:
            inside = obstacles(state, remark.action)
            if remark.contradicts or not set(remark.blocks) <= inside or ("edge" in remark.words and inside):
                return f"{remark.text!r}: {broken}"
            return ""
        return f"{remark.text!r}: {remark.action} is legal there"


def obstacles(state: Blocks, move: str) -> set[str]:
    """The blocks that stand where a move would bring one; empty at the edge of the board."""
    height, width = SHAPES[int(move[0]) - 1]
    row, column = divmod(state[int(move[0]) - 1], COLUMNS)
    row, column = row + WAYS[move[1]][0], column + WAYS[move[1]][1]
    if not (0 <= row <= ROWS - height and 0 <= column <= COLUMNS - width):
        return set()
    board = cells(state)
    return {board[(row + r) * COLUMNS + column + c] for r in range(height) for c in range(width)} - {"0", move[0]}
