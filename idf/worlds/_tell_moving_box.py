"""Moving Box told shorter: walking moves the player alone; the question needs the box, push by push."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from ._telling import Telling, differing
from ._world import Problem
from .moving_box import Cell, Query, Room


class MovingBoxTelling(Telling[Room, Query]):
    """Of the walls nothing changes: what is told are the cells of player and box."""

    def slots(self, state: Room) -> Mapping[Hashable, Hashable]:
        return {"player": state.player, "box": state.box}

    def change(self, before: Room, after: Room) -> str:
        return " ".join(
            f"{thing} {_written(after.player if thing == 'player' else after.box)}"
            for thing in differing(self.slots(before), self.slots(after))
        )

    def needed(self, problem: Problem[Room, Query]) -> str:
        lines = [f"Target: {_written(problem.start.target)}", f"Start: box {_written(problem.start.box)}"]
        lines += [
            f"{number}. {move}: box {_written(after.box)}"
            for number, move, before, after in self.steps(problem)
            if before.box != after.box
        ]
        return "\n".join(lines)


def _written(cell: Cell) -> str:
    return f"({cell[0]},{cell[1]})"
