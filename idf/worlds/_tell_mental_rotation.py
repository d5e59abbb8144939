"""Mental Rotation told shorter: cubes on the axis stay in a turn; the question needs the cubes that are seen."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from ._telling import Telling, differing
from ._world import Problem
from .mental_rotation import Query, Structure, visible


class MentalRotationTelling(Telling[Structure, Query]):
    """Lines of sight are named as the last turn brings them to the front, as the full trace reads them off."""

    def slots(self, state: Structure) -> Mapping[Hashable, Hashable]:
        return self.world.cells(state)

    def change(self, before: Structure, after: Structure) -> str:
        moved = differing(self.slots(before), self.slots(after))
        return self.world.write(tuple(cube for cube in after if cube[0] in moved))

    def needed(self, problem: Problem[Structure, Query]) -> str:
        end = self.world.replay(problem.start, self.world.solve(problem))[-1]
        return "\n".join(f"({x},{y}): {colour}" for (x, y, _), colour in visible(end, "front"))
