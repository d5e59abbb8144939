"""Cube Rolling told shorter: four faces change in a roll; of them, the question needs the one that ends where it looks."""

from __future__ import annotations

from ._telling import Telling
from ._world import Problem
from .cube_rolling import FACES, SHOWS, Cube, Query


class CubeRollingTelling(Telling[Cube, Query]):
    """A face is traced back from the end to the start, where its colour is read; then the colour is followed."""

    def step(self, number: int, action: str, said: str) -> str:
        return f"{number}. {said}"  # the faces that change say which way it rolls

    def ending(self, problem: Problem[Cube, Query], full: list[str]) -> list[str]:
        return []  # the face that is asked was told when it changed last

    def needed(self, problem: Problem[Cube, Query]) -> str:
        rolls = self.world.solve(problem)
        faces = [problem.query.face]  # from the end back, the face where the colour is
        for roll in reversed(rolls):
            faces.append(SHOWS[roll][FACES.index(faces[-1])])
        colour = problem.start.colours[FACES.index(faces[-1])]
        back = [face for at, face in enumerate(faces) if not at or face != faces[at - 1]]
        lines = [f"Traced back: {' '.join(back)}", f"Start: {faces[-1]} {colour}"]
        for number, roll in enumerate(rolls, 1):
            before, after = faces[-number], faces[-number - 1]
            if before != after or number == len(rolls):
                lines.append(f"{number}. {roll}: {after} {colour}")
        return "\n".join(lines)
