"""Rubik's Cube: quarter turns of six faces; which colour is a square, how many squares have a colour?

Source: the move notation stated in SpatiaLite's questions (U2 = two quarter turns clockwise, U3 = three).
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from idf.answers import AnswerKind, spelled_as
from idf.answers.colour import Colour
from idf.answers.count import Count

from ._described import DescribedWorld
from ._facts import Conventions, Fact
from ._reading import read_words
from ._rng import Rng
from ._stickers import is_row_of_stickers, read_stickers, read_turns
from ._symmetry import QUARTER_TURNS, carried
from ._world import IllegalAction, Keys, Problem, Scene, Walk

COLOURS = ("red", "green", "blue", "yellow", "orange", "grey")
FACES = {"U": "up", "D": "down", "L": "left", "R": "right", "F": "front", "B": "back"}
POSITIONS = (
    *("top-left", "top-center", "top-right"),
    *("middle-left", "center", "middle-right"),
    *("bottom-left", "bottom-center", "bottom-right"),
)

# Faces are seen from outside, rows from top to bottom: U's first row touches B, D's touches F, B is seen from behind.
# A clockwise quarter turn carries each of these triples of squares to the place of the next one.
CARRIES = {
    "U": ("F012", "L012", "B012", "R012"),
    "D": ("F678", "R678", "B678", "L678"),
    "L": ("F036", "D036", "B852", "U036"),
    "R": ("F258", "U258", "B630", "D258"),
    "F": ("U678", "R036", "D210", "L852"),
    "B": ("U210", "L036", "D678", "R852"),
}
_TURN = (6, 3, 0, 7, 4, 1, 8, 5, 2)  # the square that each square of the turned face takes its colour from


def _square(face: str, position: int) -> int:
    return 9 * list(FACES).index(face) + position


def _quarter_turn(face: str) -> bytes:
    """For each of the 54 squares, the square that its colour comes from."""
    source = list(range(54))
    for position, origin in enumerate(_TURN):
        source[_square(face, position)] = _square(face, origin)
    triples = CARRIES[face]
    for here, there in zip(triples, triples[1:] + triples[:1], strict=True):
        for a, b in zip(here[1:], there[1:], strict=True):
            source[_square(there[0], int(b))] = _square(here[0], int(a))
    return bytes(source)


_PAD = bytes(256 - 54)  # `bytes.translate` wants a table of 256: a state, padded, is that table


def _apply(state: bytes, source: bytes) -> bytes:
    return source.translate(state + _PAD)


MOVES: dict[str, bytes] = {}
for _face in FACES:
    _once = _quarter_turn(_face)
    MOVES[_face] = _once
    MOVES[_face + "2"] = _apply(_once, _once)
    MOVES[_face + "3"] = _apply(MOVES[_face + "2"], _once)


_OPPOSITE = {"U": "D", "D": "U", "L": "R", "R": "L", "F": "B", "B": "F"}


def _orientations() -> list[dict[str, str]]:
    """The 24 ways to turn the whole cube in space: the face that each face becomes."""
    about_y = {"U": "U", "D": "D", "F": "L", "L": "B", "B": "R", "R": "F"}
    about_x = {"L": "L", "R": "R", "U": "B", "B": "D", "D": "F", "F": "U"}
    found = [{face: face for face in FACES}]
    for orientation in found:  # grows while it is walked
        for turn in (about_y, about_x):
            turned = {face: turn[to] for face, to in orientation.items()}
            if turned not in found:
                found.append(turned)
    return found


ORIENTATIONS = _orientations()


def normal_form(moves: Sequence[str]) -> list[str]:
    """The shortest way to write turns that differ only in notation: one move for several turns of a face in a row.

    Turns of opposite faces commute: between turns of other faces, those of one axis are gathered and put in order.
    """
    stack: list[tuple[str, int]] = []  # face, quarter turns from 1 to 3
    for move in moves:
        face, quarters = move[0], int(move[1:] or 1)
        at = len(stack)
        while at and stack[at - 1][0] == _OPPOSITE[face]:
            at -= 1
        if at and stack[at - 1][0] == face:
            quarters = (stack.pop(at - 1)[1] + quarters) % 4
            at -= 1
        if quarters:
            while at < len(stack) and stack[at][0] < face:
                at += 1
            stack.insert(at, (face, quarters))
    return [face + ("" if quarters == 1 else str(quarters)) for face, quarters in stack]


class Query(NamedTuple):
    """What is asked after the turns of `moves` ("D3 B3") on `face` ("front").

    Either the colour of a square (`position` such as "middle-left", `colour` empty) or
    how many squares have a colour (`colour` such as "red", `position` empty).
    """

    moves: str
    face: str
    position: str
    colour: str


class RubiksCube(DescribedWorld[bytes, Query]):
    """The world of the 3 x 3 x 3 cube. A state is 54 bytes: index into COLOURS, faces U D L R F B, nine each."""

    name = "rubiks_cube"
    version = 2
    query_type = Query
    colours = COLOURS
    answers = (Colour(COLOURS), Count(colours=COLOURS, most=9))
    actions = tuple(MOVES)
    look = "Write all six faces, U, D, L, R, F and B, each seen from outside, row by row."
    always_legal = True
    bins = {"easy": range(1, 3), "medium": range(3, 4), "hard": range(4, 5)}
    rule = (
        "Faces of a Rubik's cube are turned: U, D, L, R, F or B is a quarter turn clockwise, U2 two, U3 three. "
        "Write all six faces after every move, each seen from outside, row by row."
    )

    def draw(self, rng: Rng, difficulty: str) -> bytes:
        scheme = rng.shuffled(range(6))
        return bytes(colour for colour in scheme for _ in range(9))

    def legal_actions(self, state: bytes) -> tuple[str, ...]:
        return tuple(MOVES)

    def step(self, state: bytes, action: str) -> bytes:
        source = MOVES.get(action)
        if source is None:
            raise IllegalAction(f"a move is one of U D L R F B, then 2 or 3 for more quarter turns, not {action!r}")
        return _apply(state, source)

    def write(self, state: bytes) -> str:
        return "; ".join(f"{face}: {_face_text(state, face)}" for face in FACES)

    def read_line(self, text: str) -> tuple[str, ...] | None:
        """All six faces in any order: the letter or name of each, then its nine colours."""
        words = read_words(spelled_as(text, COLOURS))
        faces: dict[str, tuple[str, ...]] = {}
        for at in range(0, len(words), 10):
            letter = next((x for x, name in FACES.items() if words[at] in (x.lower(), name)), words[at])
            faces[letter] = tuple(words[at + 1 : at + 10])
        if (
            len(words) != 60
            or set(faces) != set(FACES)
            or not all(set(face) <= set(COLOURS) for face in faces.values())
        ):
            return None
        return tuple(colour for letter in FACES for colour in faces[letter])

    def facts(self, state: bytes) -> Mapping[Hashable, Hashable]:
        return {(face, at): COLOURS[state[9 * i + at]] for i, face in enumerate(FACES) for at in range(9)}

    def read_facts(self, text: str, conventions: Conventions) -> list[Fact]:
        return read_stickers(text, conventions)

    def whole(self, facts: Mapping[Hashable, Hashable]) -> Hashable | None:
        squares = [(face, at) for face in FACES for at in range(9)]
        return tuple(facts[square] for square in squares) if all(square in facts for square in squares) else None

    def read_moves(self, text: str) -> list[str]:
        return read_turns(text)

    def is_row(self, line: str) -> bool:
        return is_row_of_stickers(line)

    def things(self) -> Mapping[str, frozenset[Hashable]]:
        squares = {face: frozenset((face, at) for at in range(9)) for face in FACES}
        return {name: squares[face] for face in FACES for name in (face.lower(), FACES[face])}

    def describe(self, state: bytes, *, pictured: bool) -> str:
        if pictured:
            return "as in the picture"
        if _solved(state):
            return f"solved, {_centres(state)}"
        return self.write(state)

    def read(self, text: str) -> bytes:
        state = []
        parts = text.strip().split(";")
        if len(parts) != 6:
            raise ValueError(f"a cube has six faces, separated by ';', not {len(parts)}")
        for face, part in zip(FACES, parts, strict=True):
            name, _, squares = part.strip().partition(":")
            colours = re.split(r"[ /]+", squares.strip())
            if name != face or len(colours) != 9:
                raise ValueError(f"expected '{face}: ' and nine colours, not {part.strip()!r}")
            for colour in colours:
                if colour not in COLOURS:
                    raise ValueError(f"unknown colour {colour!r}: use one of {', '.join(COLOURS)}")
                state.append(COLOURS.index(colour))
        if any(state.count(colour) != 9 for colour in range(6)):
            raise ValueError("a cube shows each of its six colours nine times")
        return bytes(state)

    def pose(self, rng: Rng, difficulty: str) -> Problem[bytes, Query]:
        start = self.draw(rng, difficulty)
        moves = tuple(rng.choice(tuple(MOVES)) for _ in range(rng.choice(self.sizes(difficulty))))
        face = rng.choice(tuple(FACES.values()))
        if rng.chance(0.5):
            query = Query(" ".join(moves), face, rng.choice(POSITIONS), "")
        else:
            # A colour that is on the face at the end three times out of four: else most answers would be 0.
            end = face_colours(self.replay(start, moves)[-1], face)
            query = Query(" ".join(moves), face, "", rng.choice(end if rng.chance(0.75) else COLOURS))
        return Problem(self.name, difficulty, start, query)

    def size(self, problem: Problem[bytes, Query]) -> int:
        return len(problem.query.moves.split())

    def _question(self, problem: Problem[bytes, Query], *, short: bool, described: bool) -> str:
        moves, face, position, colour = problem.query
        shown = (
            f"The faces are {_centres(problem.start)}"
            if described
            else "The colours of the faces are shown in the picture"
        )
        asked = f"Which colour is the {position} square" if position else f"How many {colour} squares are"
        if short:
            return f"A solved cube. {shown}. After {moves}: {asked} {'of' if position else 'on'} the {face} face?"
        return (
            f"A solved 3 x 3 x 3 Rubik's cube has six colours: {', '.join(COLOURS)}. {shown}. "
            "Moves are written with the letters U (up), D (down), L (left), R (right), F (front), B (back). A letter "
            "turns that face clockwise by 90 degrees, as seen when looking at the face; a number n after it means "
            "90 * n degrees. "
            f"You make these moves from left to right: {moves}. {asked} {'of' if position else 'on'} the {face} face "
            "at the end? (Each face is looked at from outside; the top row of the up face touches the back, the top "
            "row of the down face touches the front.)"
        )

    def answer(self, problem: Problem[bytes, Query]) -> AnswerKind:
        _, face, position, colour = problem.query
        if position:
            row, column = divmod(POSITIONS.index(position), 3)
            return Colour(COLOURS, asked=(face, *position.split("-")), cell=(row + 1, column + 1))
        return Count(asked=(face,), colour=colour, colours=COLOURS, most=9)

    def read_off(self, state: bytes, query: Query) -> str | int:
        colours = face_colours(state, query.face)
        if bool(query.position) == bool(query.colour):
            raise ValueError(f"a query asks for a position or a colour, not {query.position!r} and {query.colour!r}")
        if query.position:
            return colours[POSITIONS.index(query.position)]
        if query.colour not in COLOURS:
            raise ValueError(f"unknown colour {query.colour!r}: use one of {', '.join(COLOURS)}")
        return colours.count(query.colour)

    def solve(self, problem: Problem[bytes, Query]) -> tuple[str, ...]:
        return tuple(problem.query.moves.split())

    def narrate(self, problem: Problem[bytes, Query]) -> str:
        moves = self.solve(problem)
        return f"{self.unroll(problem.start, moves)}\n{self._read_off(problem)}"

    def _read_off(self, problem: Problem[bytes, Query]) -> str:
        """The face that is asked, at the end, then what is asked of it."""
        _, face, position, colour = problem.query
        end = self.replay(problem.start, self.solve(problem))[-1]
        letter = next(letter for letter, name in FACES.items() if name == face)
        return f"{face}: {_face_text(end, letter)}\n{position or colour}: {self.truth(problem)}"

    def asked(self, problem: Problem[bytes, Query]) -> str:
        return " ".join(problem.query[1:])

    def keys(self, scene: Scene) -> Keys:
        """Turns of opposite faces commute, and the whole cube can be turned in space: the same puzzle again."""
        start, moves = self.course(scene)
        asked = " ".join(scene.query[1:]) if isinstance(scene, Problem) else scene.question
        turned = [
            (" ".join(normal_form([to[move[0]] + move[1:] for move in moves])), _turned(start, to))
            for to in ORIENTATIONS
        ]
        least, state = min(turned)
        return Keys(
            exact=f"{self.write(start)} | {' '.join(moves)} | {asked}",
            canonical=f"{least} | {state.hex()}" + ("" if _solved(start) else f" | {start.hex()}"),
            skeleton=least,
        )

    def images(self, problem: Problem[bytes, Query]) -> list[Problem[bytes, Query]]:
        """The whole cube as one sees it who walks around it; a mirror image would have other turns."""
        moves, face, position, colour = problem.query
        found = []
        for to in QUARTER_TURNS:
            place = _places(to)
            start = bytes(problem.start[place.index(square)] for square in range(54))
            named = {letter: _LETTERS[to.get(name, name)] for letter, name in FACES.items()}
            turned = " ".join(named[move[0]] + move[1:] for move in moves.split())
            if position:
                at = place[_square(_LETTERS[face], POSITIONS.index(position))]
                query = Query(turned, to.get(face, face), POSITIONS[at % 9], "")
            else:
                query = Query(turned, to.get(face, face), "", colour)
            found.append(replace(problem, start=start, query=query))
        return found

    def measure(self, scene: Scene) -> dict[str, int]:
        _, moves = self.course(scene)
        return {"moves": len(moves), "shortest": len(normal_form(moves))}

    def wander(self, rng: Rng, difficulty: str) -> Walk[bytes]:
        problem = self.pose(rng, difficulty)
        _, face, position, colour = problem.query
        if position:
            question = f"Which colour is the {position} square of the {face} face at the end?"
        else:
            question = f"How many {colour} squares are on the {face} face at the end?"
        moves, reading = self.solve(problem), self._read_off(problem)
        answers = (str(self.truth(problem)), str(self.initial(problem)))
        return Walk(self.name, difficulty, problem.start, moves, question, reading, *answers)


def _solved(state: bytes) -> bool:
    return all(len(set(state[at : at + 9])) == 1 for at in range(0, 54, 9))


def _turned(state: bytes, to: dict[str, str]) -> bytes:
    """The colours of the middles, in the order of FACES, after the whole cube was turned: all there is to a solved one."""
    middles = {to[face]: state[9 * i + 4] for i, face in enumerate(FACES)}
    return bytes(middles[face] for face in FACES)


_LETTERS = {name: letter for letter, name in FACES.items()}


def _point(square: int) -> tuple[int, int, int]:
    """Where the middle of a square is: x to the right, y up, z to the front; its face is 2 away from the middle of the cube."""
    face, at = divmod(square, 9)
    row, column = at // 3 - 1, at % 3 - 1
    return (
        (column, 2, row),  # the first row of U touches B
        (column, -2, -row),  # that of D touches F
        (-2, -row, column),
        (2, -row, -column),
        (column, -row, 2),
        (-column, -row, -2),  # B is seen from behind
    )[face]


def _places(to: dict[str, str]) -> list[int]:
    """For each square the one where a quarter turn of the ground carries it."""
    at = {_point(square): square for square in range(54)}
    found = []
    for square in range(54):
        x, y, z = _point(square)
        x, z = carried(x, z, to)
        found.append(at[x, y, z])
    return found


def face_colours(state: bytes, face: str) -> list[str]:
    """The nine colours of a face ("front"), row by row from the top left, seen from outside."""
    at = 9 * list(FACES.values()).index(face)
    return [COLOURS[colour] for colour in state[at : at + 9]]


def _centres(state: bytes) -> str:
    return ", ".join(f"{letter}: {face_colours(state, name)[4]}" for letter, name in FACES.items())


def _face_text(state: bytes, letter: str) -> str:
    colours = face_colours(state, FACES[letter])
    return " / ".join(" ".join(colours[row : row + 3]) for row in (0, 3, 6))


WORLD = RubiksCube()
