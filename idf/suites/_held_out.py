"""The worlds' questions in words that no training data holds: does a model know the world, or the wording?

`idf.imagery` and `idf.traces` never ask in them. Each says what the wording of `World.question` that it stands beside says:
a long one explains the same rules, a short one only asks. Other words need another name, as in `_prompts`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from idf.errors import UserError
from idf.worlds import WORLDS, Problem
from idf.worlds.cube_rolling import FACES, HIDDEN
from idf.worlds.rubiks_cube import FACES as SIDES
from idf.worlds.rubiks_cube import face_colours


def held_out_question(problem: Problem[Any, Any], *, wording: str, described: bool) -> str:
    """A problem in words that are held out of training.

    Args:
        problem: The problem.
        wording: "long" explains the rules, "short" only says what is asked.
        described: Whether the text states what the picture shows, or leaves it to the picture.

    Raises:
        UserError: Its world has no words that are held out.
    """
    check_held_out([problem.world])
    return QUESTIONS[problem.world](problem, wording == "short", described)


def check_held_out(worlds: Iterable[str]) -> None:
    """Refuse worlds that have no words that are held out.

    Raises:
        UserError: A world has none; it is named.
    """
    for world in worlds:
        if world not in QUESTIONS:
            raise UserError(
                f"{world} has no wording that is held out of training (only {', '.join(QUESTIONS)} have): ask it in "
                "idf-long-1 or idf-short-1"
            )


def _cube_rolling(problem: Problem[Any, Any], short: bool, described: bool) -> str:
    path, face = problem.query
    named = dict(zip(FACES, problem.start.colours, strict=True))
    colours = ", ".join(f"{name} {named[name]}" for name in (FACES if described else HIDDEN))
    rolls = ", ".join(path.split()) if described else "along the path in the picture"
    if short:
        return f"What colour ends up on the {face} face of this cube? Faces: {colours}. Rolls: {rolls}."
    return (
        "Think of a cube on a floor of square tiles, with a different colour on each of its six faces. It moves by tipping over "
        "one of its lower edges onto the next tile; it never slides and never spins. When it tips to the right, its right "
        "face ends up at the bottom, the bottom goes to the left, the left to the top and the top to the right, while front "
        "and back keep their colours. Tipping to the left, to the front (towards you) or to the back follows the same pattern. "
        f"To begin with, the colours are: {colours}{'' if described else ' (see the picture for the other three)'}. "
        f"Its rolls {'are, one after the other: ' if described else 'go '}{rolls}. "
        f"What is the colour of its {face} face after the last one?"
    )


def _mental_rotation(problem: Problem[Any, Any], short: bool, described: bool) -> str:
    view, cubes = problem.query.view, WORLDS[problem.world].write(problem.start)
    made_of = f"Its cubes: {cubes}. " if described else "Its cubes are those in the picture. "
    if short:
        return (
            f"An object is built of unit cubes. {made_of}Seen from the {view}, how many cubes are in sight, and how many are "
            "there of each colour?"
        )
    return (
        "Unit cubes in several colours are glued together, face against face, to form one object. The three numbers of a "
        "cell (x,y,z) say how far it lies to the right, how far up, and how far towards the front. "
        f"{'' if described else 'The picture gives views of the object from eight corners and names the six directions. '}"
        f"{made_of}You face the object squarely from the {view}. Of all cubes in one line before your eye you see the closest "
        "only; those that it covers do not count. Count the cubes that are in sight, in all and by colour."
    )


def _moving_box(problem: Problem[Any, Any], short: bool, described: bool) -> str:
    rows = (
        f"Map:\n{WORLDS[problem.world].write(problem.start)}\n" if described else "The map is the one in the picture. "
    )
    if short:
        return f"{rows}How does the player get the box onto the target? Give the moves."
    legend = "On the map # is a wall, . an empty cell, S the player, + the player on the target, B the box and T the target. "
    walls = problem.start.walls
    return (
        f"You are the player in a warehouse of {len(walls)} x {len(walls[0])} cells, which holds one box and one target. Each "
        "move takes you one cell up, down, left or right: u, d, l or r. If you step against the box, it slides one cell ahead "
        "of you, provided that the cell there is free. You cannot pull it, and neither you nor the box can enter a wall. "
        f"{rows}{legend if described else ''}Give a sequence of moves after which the box stands on the target."
    )


def _rubiks_cube(problem: Problem[Any, Any], short: bool, described: bool) -> str:
    moves, face, position, colour = problem.query
    if described:
        middles = (f"{letter}: {face_colours(problem.start, name)[4]}" for letter, name in SIDES.items())
        shown = f"Its faces are {', '.join(middles)}. "
    else:
        shown = "The colours of its faces are those in the picture. "
    asked = f"what colour is the {position} square" if position else f"how many squares are {colour}"
    if short:
        return f"Take a solved cube. {shown}Make the following moves: {moves}. On the {face} face, {asked} then?"
    return (
        "Take a Rubik's cube, 3 x 3 x 3, that is solved: each face has one colour. "
        f"{shown}A move names the face that is turned by a letter, U for up, D for down, L for left, R for right, F for front "
        "and B for back. The turn is a quarter turn clockwise for somebody who looks at that face from outside; 2 after the "
        "letter means two such turns, 3 means three. Faces are described as seen from outside; the up face has the back "
        "above it, the down face has the front above it. "
        f"Make the following moves, from the first to the last: {moves}. On the {face} face, {asked} then?"
    )


def _wood_slide(problem: Problem[Any, Any], short: bool, described: bool) -> str:
    if described:
        shown = f"First board: {WORLDS[problem.world].write(problem.start)}. Second board: {problem.query.target}. "
    else:
        shown = "In the picture, the first board is on the left and the second on the right. "
    if short:
        return f"{shown}Give the moves that turn the first board into the second."
    return (
        "Nine wooden blocks lie in a tray with 5 rows and 4 columns. Block 1 fills 2 x 2 cells; blocks 2, 3, 8 and 9 are one "
        "cell high and two wide, blocks 6 and 7 two high and one wide; blocks 4 and 5 fill a single cell. In a move you push "
        "one block by one cell, up, down, left or right, where all cells that it enters are empty. No block is ever turned or "
        "lifted. A move is the number of the block and the first letter of the direction: 3d pushes block 3 down. "
        f"{'A board is given row by row; a digit is the block in that cell, 0 an empty cell. ' if described else ''}"
        f"{shown}By which moves does the first board become the second?"
    )


QUESTIONS: dict[str, Callable[[Problem[Any, Any], bool, bool], str]] = {
    "cube_rolling": _cube_rolling,
    "mental_rotation": _mental_rotation,
    "moving_box": _moving_box,
    "rubiks_cube": _rubiks_cube,
    "wood_slide": _wood_slide,
}
"""World -> its question; of a problem, whether it is short, and whether the text states what the picture shows."""
