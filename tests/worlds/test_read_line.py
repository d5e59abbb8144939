"""What a line of a simulation claims: read in any common wording, never guessed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idf.worlds import DIFFICULTIES, WORLDS
from tests.worlds.samples import problems, walks

BOARD = "332275880411760117699"[:20]
ROWS = [BOARD[row : row + 4] for row in range(0, 20, 4)]
CUBE = "red blue gray green black yellow"
SOLVED = {"U": "red", "D": "blue", "L": "grey", "R": "green", "F": "yellow", "B": "orange"}
NINE = "{0} {0} {0} / {0} {0} {0} / {0} {0} {0}"
FACES = [f"{face}: {NINE.format(colour)}" for face, colour in SOLVED.items()]


def states(world: str) -> list:
    """States along solutions and walks, each once."""
    found = {}
    for difficulty in DIFFICULTIES:
        for item in problems(world, difficulty, 4):
            found.update(dict.fromkeys(WORLDS[world].replay(item.start, WORLDS[world].solve(item))))
        for walk in walks(world, difficulty, 4):
            found.update(dict.fromkeys(WORLDS[world].replay(walk.start, walk.actions)))
    return list(found)


@pytest.mark.parametrize("world", WORLDS)
def test_every_line_is_read_and_two_are_equal_only_if_they_show_the_same(world):
    lines = {WORLDS[world].line(state) for state in states(world)}
    claims = {WORLDS[world].read_line(line) for line in lines}
    assert None not in claims
    assert len(claims) == len(lines) > 20


@pytest.mark.parametrize("world", WORLDS)
def test_case_blanks_and_markdown_do_not_matter(world):
    for state in states(world)[:20]:
        line = WORLDS[world].line(state)
        for wording in (
            line.upper(),
            f"  {line.replace(' ', '  ')} ",
            f"**{line}**",
            f"`{line}`.",
            line.replace("-", "−"),
        ):
            assert WORLDS[world].read_line(wording) == WORLDS[world].read_line(line), wording


@pytest.mark.parametrize(
    ("world", "line", "wordings"),
    [
        (
            "cube_rolling",
            CUBE,
            [
                "red, blue, grey, green, black and yellow",
                "(red, blue, gray, green, black, yellow)",
                "top red, bottom blue, left gray, right green, front black, back yellow",
                "Top: red; Bottom: blue; Front: black; Back: yellow; Left: Grey; Right: green",
                "top=red bottom=blue left=gray right=green front=black back=yellow",
                "The top face is red, the bottom is blue, left is gray, right is green, front is black and back is yellow.",
                '{"top": "red", "bottom": "blue", "left": "gray", "right": "green", "front": "black", "back": "yellow"}',
            ],
        ),
        (
            "mental_rotation",
            "red (0,0,0); gray (0,-1,0); red (1,0,0)",
            [
                "red (0, 0, 0), grey (0, -1, 0), red (1, 0, 0)",
                "red (1,0,0); gray (0,-1,0); red (0,0,0)",
                "(0,0,0): red; (0,-1,0): gray; (1,0,0): red",
                "red at [0,0,0], gray at [0,-1,0] and red at [1,0,0].",
            ],
        ),
        (
            "moving_box",
            "player (2,4) box (4,14)",
            [
                "Player at (2, 4), box at (4, 14)",
                "box (4,14), player (2,4)",
                "the player is at (2,4) and the box is at (4,14).",
                "P(2,4) B(4,14)",
                '{"player": [2, 4], "box": [4, 14]}',
                "player: row 2, column 4; box: row 4, column 14",
                "player 2,4 box 4,14",
            ],
        ),
        (
            "rubiks_cube",
            "; ".join(FACES),
            [
                "; ".join(reversed(FACES)),
                "; ".join(FACES).replace("grey", "gray"),
                "\n".join(FACES),
                "; ".join(FACES).replace("U:", "up:").replace("B:", "Back face:"),
                ", ".join(f'"{face}": [{", ".join([colour] * 9)}]' for face, colour in SOLVED.items()),
            ],
        ),
        (
            "wood_slide",
            "/".join(ROWS),
            [
                " / ".join(" ".join(row) for row in ROWS),
                "[" + ", ".join(f"[{', '.join(row)}]" for row in ROWS) + "]",
                "\n".join(ROWS),
                "\n".join(" ".join(row) for row in ROWS),
                " | ".join(ROWS),
                "[" + ", ".join(f'"{row}"' for row in ROWS) + "]",
                BOARD,
                ", ".join(BOARD),
            ],
        ),
    ],
)
def test_the_same_state_is_read_in_other_wordings(world, line, wordings):
    claim = WORLDS[world].read_line(line)
    assert claim is not None
    for wording in wordings:
        assert WORLDS[world].read_line(wording) == claim, wording


@pytest.mark.parametrize(
    ("world", "texts"),
    [
        (
            "cube_rolling",
            [
                "red blue gray green black",
                "red blue gray green black purple",
                "top red, bottom blue, left gray",
                "top red, bottom blue, left gray, right green, front black, front yellow",
                "red top, blue bottom, gray left, green right, black front, yellow back",
                "red blue gray green black yellow or so",
                "red blue gray green black not yellow",
            ],
        ),
        (
            "mental_rotation",
            [
                "red (0,0)",
                "red (0,0,0); (1,0,0) blue",
                "pink (0,0,0)",
                "red (0,0,0) hides blue",
                "red",
                "red (0,0,1.5)",
            ],
        ),
        (
            "moving_box",
            [
                "player (2,4)",
                "player (2,4) player (4,4)",
                "player (2,4) box (4)",
                "player (2,4) box (4,4) or (4,5)",
                "(2,4) (4,4)",
                "player 2.4 box 4.4",
                "player: column 2, row 4; box: column 4, row 4",
                "player moves to (2,4), box (4,4)",
            ],
        ),
        (
            "rubiks_cube",
            [
                "; ".join(FACES[:5]),
                "; ".join([*FACES[:5], FACES[0]]),
                "; ".join(FACES).replace("red", "r"),
                "; ".join(FACES).replace("red", "purple"),
                NINE.format("red"),
            ],
        ),
        (
            "wood_slide",
            [
                "/".join(ROWS[:4]),
                BOARD[:19],
                "33225/880/4117/6011/7699",
                "3322x/7588",
                "/".join(ROWS) + " moves 3",
                "12",
                "/",
            ],
        ),
        *((world, ["", "  ", "the same as before"]) for world in WORLDS),
    ],
)
def test_what_does_not_claim_a_whole_state_is_no_claim(world, texts):
    for text in texts:
        assert WORLDS[world].read_line(text) is None, text


@pytest.mark.parametrize("world", WORLDS)
@given(text=st.one_of(st.text(), st.text("redbluway tofpgn0123456789(),;:/-[]*.", max_size=80)))
def test_no_text_breaks_it_and_the_claim_is_hashable(world, text):
    hash(WORLDS[world].read_line(text))


def test_an_impossible_state_is_a_claim_all_the_same_so_that_it_can_be_called_wrong():
    claim = WORLDS["cube_rolling"].read_line("red red red red red red")
    assert claim is not None
    assert claim != WORLDS["cube_rolling"].read_line(CUBE)
    assert WORLDS["wood_slide"].read_line("/".join(["0000"] * 5)) is not None


def test_a_world_of_your_own_compares_lines_as_they_are_but_for_case_and_blanks():
    from idf.worlds import World

    default = World.read_line
    assert default(WORLDS["wood_slide"], " 1  0 A\n") == default(WORLDS["wood_slide"], "1 0 a")
    assert default(WORLDS["wood_slide"], "* .") != default(WORLDS["wood_slide"], ". *")
    assert default(WORLDS["wood_slide"], " ") is None
