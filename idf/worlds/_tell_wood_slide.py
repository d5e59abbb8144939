"""Wood Slide told shorter: a move changes one or two rows; the question needs where each block comes to stand."""

from __future__ import annotations

from ._telling import Telling
from ._world import Problem
from .wood_slide import COLUMNS, Blocks, Query, cells


class WoodSlideTelling(Telling[Blocks, Query]):
    """Of a block that slides several times in a row only the last place is needed: that of its upper left cell."""

    def change(self, before: Blocks, after: Blocks) -> str:
        rows = {at // COLUMNS for at, (a, b) in enumerate(zip(cells(before), cells(after))) if a != b}
        return ", ".join(f"row {row} {cells(after)[row * COLUMNS : (row + 1) * COLUMNS]}" for row in sorted(rows))

    def needed(self, problem: Problem[Blocks, Query]) -> str:
        steps = list(self.steps(problem))
        lines = []
        for (number, move, _, after), following in zip(steps, [*steps[1:], None]):
            if following is None or following[1][0] != move[0]:
                row, column = divmod(after[int(move[0]) - 1], COLUMNS)
                lines.append(f"{number}. {move}: {move[0]} on ({row},{column})")
        return "\n".join(lines)
