"""Traces that search: they are true at the level process, and one false word about the search makes them lucky."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest

from idf.traces import FilterRecipe, TracesRecipe, judge_trace, oracle_response
from idf.traces._teachers import TeacherRecipe
from idf.worlds import DIFFICULTIES, SEARCHES, WORLDS, IllegalAction, Problem, Rng, sample_problem
from tests.sentences import refused
from tests.traces.candidates import oracle

RECIPE = FilterRecipe(most_corrections=0)
KINDS = ("is illegal here", "Dead end", "leads away", "Back to", "Subgoal")


@cache
def item(world: str, index: int, difficulty: str = "easy") -> Problem[Any, Any]:
    return sample_problem(WORLDS[world], seed=3, split="train", index=index, difficulty=difficulty)


@cache
def search(world: str, index: int, difficulty: str = "easy") -> str:
    return oracle_response(item(world, index, difficulty), "search", Rng("test", index))


def lost(of: Problem[Any, Any], text: str) -> tuple[str, str] | None:
    return judge_trace(of, text, "stop", RECIPE)


def lines_with(world: str, what: str, number: int = 60) -> list[tuple[Problem[Any, Any], list[str], int]]:
    """(problem, lines of its trace, place of a line) for lines that hold some words."""
    found = []
    for difficulty in DIFFICULTIES:
        for index in range(number):
            lines = search(world, index, difficulty).splitlines()
            found += [(item(world, index, difficulty), lines, at) for at, line in enumerate(lines) if what in line]
    return found


def with_line(lines: list[str], at: int, line: str) -> str:
    return "\n".join([*lines[:at], line, *lines[at + 1 :]])


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
@pytest.mark.parametrize("world", SEARCHES)
def test_every_search_proves_itself_and_keeps_the_shortest_plan(world, difficulty, full):
    letters = {"optimal": 0, "search": 0}
    for index in range(1000 if full else 84):  # 504 of them by default
        of, text = item(world, index, difficulty), search(world, index, difficulty)
        assert lost(of, text) is None, text
        assert text.splitlines()[-1] == oracle(of).splitlines()[-1]
        assert any(kind in text for kind in KINDS[:3]), "no try"
        letters["optimal"] += len(oracle(of))
        letters["search"] += len(text)
    assert 1.2 < letters["search"] / letters["optimal"] < 3


def test_every_kind_of_statement_occurs():
    for kind in KINDS:
        assert lines_with("moving_box", kind), kind
        assert bool(lines_with("wood_slide", kind)) == (kind != "Dead end")


def test_a_search_is_the_same_again_and_another_rng_makes_another():
    of = item("moving_box", 0, "hard")
    assert oracle_response(of, "search", Rng("a")) == oracle_response(of, "search", Rng("a"))
    assert len({oracle_response(of, "search", Rng("a", n)) for n in range(5)}) > 1


def test_a_world_that_cannot_search_says_so():
    of = sample_problem(WORLDS["cube_rolling"], seed=0, split="train", index=0, difficulty="easy")
    with pytest.raises(ValueError, match=r"cube_rolling cannot search: .*moving_box, wood_slide"):
        oracle_response(of, "search", Rng("a"))
    with refused("teacher.styles.search", "cube_rolling", "moving_box, wood_slide"):
        TracesRecipe(worlds={"cube_rolling": 1.0}, teacher=TeacherRecipe(styles={"search": 1.0})).check()
    with refused("teacher.styles", "guess", "optimal, search"):
        TracesRecipe(teacher=TeacherRecipe(styles={"guess": 1.0})).check()
    with refused("teacher.styles", "teacher hf", "leave it out"):
        TracesRecipe(teacher=TeacherRecipe("hf", "m", styles={"search": 1.0})).check()


# --- one false word ------------------------------------------------------------------------------------------------


def spoilt(world: str, kind: str, change: Any, least: int = 20) -> None:
    """Every line of a kind that a change makes false makes its trace lucky; the line is named."""
    tried = 0
    for of, lines, at in lines_with(world, kind):
        state = state_at(of, lines, at)
        line = change(of, state, lines[at])
        if line is None or line == lines[at]:
            continue
        tried += 1
        found = lost(of, with_line(lines, at, line))
        assert found is not None, with_line(lines, at, line)
        assert found[0] == "lucky", (found, with_line(lines, at, line))
    assert tried >= least, tried


def state_at(of: Problem[Any, Any], lines: list[str], at: int) -> Any:
    """The state in which a line is said, by the moves before it."""
    states = [of.start]
    for line in lines[:at]:
        if match := re.match(r"(\d+)\. (\w+): ", line):
            states = [*states[: int(match[1])], WORLDS[of.world].step(states[int(match[1]) - 1], match[2])]
        elif match := re.match(r"Back to (?:step (\d+)|the start)", line):
            states = states[: int(match[1] or 0) + 1]
    return states[-1]


def legal_instead(of: Problem[Any, Any], state: Any, line: str) -> str | None:
    """The line with a move that is legal."""
    move = line.split()[0]
    others = [other for other in WORLDS[of.world].legal_actions(state) if other[:-1] == move[:-1]]
    return others[0] + line[len(move) :] if others else None


def reason_of_another(of: Problem[Any, Any], state: Any, line: str) -> str | None:
    """The line with the rule that another illegal move would break."""
    move = line.split()[0]
    for other in WORLDS[of.world].actions:
        if other != move:
            try:
                WORLDS[of.world].step(state, other)
            except IllegalAction as broken:
                return f"{move} is illegal here: {broken}."
    return None


def number_changed(of: Problem[Any, Any], state: Any, line: str) -> str | None:
    return re.sub(r"\d+(?= moves are left)", lambda match: str(int(match[0]) + 2), line)


def number_before_changed(of: Problem[Any, Any], state: Any, line: str) -> str | None:
    return re.sub(r"left, (\d+)", lambda match: f"left, {int(match[1]) + 1}", line)


@pytest.mark.parametrize("world", SEARCHES)
@pytest.mark.parametrize("change", [legal_instead, reason_of_another])
def test_a_move_that_is_legal_or_breaks_another_rule_is_not_called_illegal(world, change):
    spoilt(world, "is illegal here", change)


def test_the_wall_that_is_in_the_way_is_the_one_that_is_named():
    def other_wall(of: Any, state: Any, line: str) -> str:
        return re.sub(r"at \((\d), (\d)\)", lambda match: f"at ({int(match[1]) + 1}, {match[2]})", line)

    def walks_or_pushes(of: Any, state: Any, line: str) -> str:
        if "player cannot walk" in line:
            return re.sub("the player cannot walk", "the box cannot be pushed", line)
        return re.sub("the box cannot be pushed", "the player cannot walk", line)

    spoilt("moving_box", "is illegal here", other_wall)
    spoilt("moving_box", "is illegal here", walks_or_pushes)


def test_the_block_that_is_in_the_way_is_the_one_that_is_named():
    def other_block(of: Any, state: Any, line: str) -> str | None:
        move = line.split()[0]
        inside = SEARCHES["wood_slide"].world and line.rpartition("block ")[2][0]
        free = next(block for block in "123456789" if block not in (move[0], inside) and f"onto block {inside}" in line)
        return line.replace(f"onto block {inside}", f"onto block {free}") if free not in standing(state, move) else None

    def edge(of: Any, state: Any, line: str) -> str:
        return re.sub(r"onto block \d", "over the edge of the board", line)

    spoilt("wood_slide", "onto block", other_block)
    spoilt("wood_slide", "onto block", edge)


def standing(state: Any, move: str) -> set[str]:
    """The blocks in the cells that a move would take, by the broken board of the block one cell on."""
    board = [list(row) for row in WORLDS["wood_slide"].write(state).split("/")]
    down, right = {"u": (-1, 0), "d": (1, 0), "l": (0, -1), "r": (0, 1)}[move[1]]
    taken = [(r + down, c + right) for r in range(5) for c in range(4) if board[r][c] == move[0]]
    return {board[r][c] for r, c in taken if 0 <= r < 5 and 0 <= c < 4} - {"0", move[0]}


@pytest.mark.parametrize("world", SEARCHES)
@pytest.mark.parametrize("change", [number_changed, number_before_changed])
def test_the_moves_that_are_left_are_exact(world, change):
    spoilt(world, "leads away", change, 10)


@pytest.mark.parametrize("world", SEARCHES)
def test_the_way_back_leads_where_it_says(world):
    def other_step(of: Any, state: Any, line: str) -> str:
        return re.sub(r"step (\d+)", lambda match: f"step {int(match[1]) - 1}", line).replace("step 0", "the start")

    def other_state(of: Any, state: Any, line: str) -> str:
        return f"{line.partition(':')[0]}: {WORLDS[world].line(state)}"

    spoilt(world, "Back to", other_step, 10)
    spoilt(world, "Back to", other_state, 10)


@pytest.mark.parametrize("world", SEARCHES)
def test_the_way_back_is_gone_on_from(world):
    """Without a state behind it, the next step has to follow the one that it goes back to."""
    for of, lines, at in lines_with(world, "Back to step"):
        words = re.sub(r"step (\d+):.*", lambda match: f"step {int(match[1]) - 1}.", lines[at]).replace(
            "step 0", "start"
        )
        assert lost(of, with_line(lines, at, words)) is not None, with_line(lines, at, words)
        assert lost(of, with_line(lines, at, lines[at].partition(":")[0] + ".")) is None


def test_a_dead_end_that_is_none_is_refused_and_so_is_a_corner():
    for index in range(20):
        of, lines = item("moving_box", index), oracle(item("moving_box", index)).splitlines()
        for at in range(2, len(lines) - 2):
            for words in ("Dead end: the box can never reach the target from here.", "The box is stuck."):
                found = lost(of, "\n".join([*lines[:at], words, *lines[at:]]))
                assert found is not None
                assert found[0] == "lucky"

    def corner(of: Any, state: Any, line: str) -> str | None:
        return line if "corner" in line else line.replace("the box can", "the box is in a corner and can")

    spoilt("moving_box", "Dead end", corner, 10)


def test_wood_slide_has_no_dead_ends():
    of, lines = item("wood_slide", 0), oracle(item("wood_slide", 0)).splitlines()
    for words in ("This is a dead end.", "The target can no longer be reached."):
        assert lost(of, "\n".join([*lines[:3], words, *lines[3:]]))[0] == "lucky"


def test_a_subgoal_is_one():
    def other_cell(of: Any, state: Any, line: str) -> str:
        return re.sub(r"\((\d),(\d)\)", lambda match: f"({int(match[1]) + 1},{int(match[2]) + 1})", line)

    def other_way(of: Any, state: Any, line: str) -> str:
        way = line.rstrip(".").split()[-1]
        return line.replace(
            f"it {way}", f"it {({'up': 'down', 'left': 'right'} | {'down': 'up', 'right': 'left'})[way]}"
        )

    def other_block(of: Any, state: Any, line: str) -> str | None:
        freed, way = re.search(r"free block (\d) to slide (\w)", line).groups()
        free = next(block for block in "123456789" if block not in {freed, *standing(state, freed + way)})
        return re.sub(r": block \d", f": block {free}", line)

    spoilt("moving_box", "Subgoal", other_cell)
    spoilt("moving_box", "Subgoal", other_way)
    spoilt("wood_slide", "Subgoal", other_block)


@pytest.mark.parametrize("world", SEARCHES)
def test_a_try_is_replayed_by_its_own_moves(world):
    """A false state in a try that is dropped is not put right by that it is dropped."""
    tried = 0
    for of, lines, back in lines_with(world, "Back to"):
        first = int(re.search(r"step (\d+)", lines[back])[1]) if "step" in lines[back] else 0
        for at in range(back - 1, 0, -1):
            match = re.match(r"(\d+)\. (\w+): ", lines[at])
            if match is None:
                continue
            if int(match[1]) <= first:
                break
            tried += 1
            state = WORLDS[world].line(of.start) if at != 1 else lines[at + 1].partition(": ")[2]
            spoiled = with_line(lines, at, f"{match[0]}{state}")
            if state != lines[at].removeprefix(match[0]):
                assert lost(of, spoiled)[0] == "lucky", spoiled
            other = next(a for a in WORLDS[world].actions if a != match[2])
            renamed = with_line(lines, at, lines[at].replace(f". {match[2]}:", f". {other}:"))
            assert lost(of, renamed)[0] == "lucky", renamed
    assert tried > 10


# --- in other words ------------------------------------------------------------------------------------------------

ROOM = WORLDS["moving_box"].read("# # # # # #\n# . . . . #\n# . B . T #\n# S . . # #\n# . . . . #\n# # # # # #")
BOARD = WORLDS["wood_slide"].read("1122/1133/4500/6788/6799")
STEPS = (
    "Start: player (3,1) box (2,2)\n{}\n1. u: player (2,1) box (2,2)\n2. r: player (2,2) box (2,3)\n"
    "3. r: player (2,3) box (2,4)\nAnswer: u r r"
)
TRUE = [
    "r is legal, but let me think.",
    "Moving left is blocked by the wall at (3, 0).",
    "The player cannot go left because of the wall.",
    "Left is not possible here: there is a wall at (3,0).",
    "I can't go left, a wall.",
    "First get behind the box at (2,1).",
    "I have to go behind the box, to (2,1), so that I can push it right.",
    "4 moves would be too many.",
    "3 moves are left.",
    "If I go left, that is illegal, of course.",
    "Is the box stuck?",
    "The box is not stuck.",
    "1. d: player (4,1) box (2,2)\nThat leads away. Going back to the start.",
    "1. d: player (4,1) box (2,2)\nNow 4 moves are left. Back to the start: player (3,1) box (2,2)",
    "1. r: player (3,2) box (2,2)\n2. u: player (2,2) box (1,2)\nDead end, the target cannot be reached. I return to the start.",
    "1. r: player (3,2) box (2,2)\n2. u: player (2,2) box (1,2)\nThe box can never reach the target now. Backtrack to the start.",
]
FALSE = [
    "Moving right is illegal here.",
    "Moving up is blocked by a wall.",
    "Moving left is blocked by the wall at (4, 0).",
    "The box cannot be pushed left.",
    "I can't go down, a wall.",
    "Get behind the box, to (3,2), to push it right.",
    "Go to (1,1), behind the box.",
    "2 moves are left.",
    "The box is stuck.",
    "The target cannot be reached from here.",
    "It's a deadlock: the box can never leave this corner.",
    "1. d: player (4,1) box (2,2)\nNow 5 moves are left. Back to the start.",
    "1. d: player (4,1) box (2,2)\nBack to the start: player (4,1) box (2,2)",
    "1. d: player (4,2) box (2,2)\nBack to the start: player (3,1) box (2,2)",
    "1. d: player (4,1) box (2,2)\nThat is a dead end. Back to the start.",
    "1. d: player (4,1) box (2,2)\nBack to step 3.",
]


@pytest.mark.parametrize("words", TRUE)
def test_a_true_word_on_the_search_of_a_room_is_kept(words):
    of = Problem("moving_box", "easy", ROOM, WORLDS["moving_box"].query_type())
    assert lost(of, STEPS.format(words)) is None


@pytest.mark.parametrize("words", FALSE)
def test_a_false_word_on_the_search_of_a_room_is_refused(words):
    of = Problem("moving_box", "easy", ROOM, WORLDS["moving_box"].query_type())
    assert lost(of, STEPS.format(words))[0] == "lucky"


SLIDE = "Start: 1122/1133/4500/6788/6799\n{}\n1. 5r: 1122/1133/4050/6788/6799\n2. 5r: 1122/1133/4005/6788/6799\nAnswer: 5r 5r"


@pytest.mark.parametrize(
    "words",
    [
        "4r is blocked by block 5.",
        "Block 4 cannot slide right: block 5 is in its way.",
        "1d: not legal, block 1 cannot slide down onto block 5.",
        "Block 5 blocks block 4.",
        "First free block 1 to slide down, block 4 is in its way.",
        "9r is illegal, it would leave the board.",
        "9r is not allowed: the edge.",
        "2 moves are left.",
        "1. 3d: 1122/1100/4533/6788/6799\nThat leads away: 3 moves are left, 2 at the start. Back to the start.",
    ],
)
def test_a_true_word_on_the_search_of_a_board_is_kept(words):
    of = Problem("wood_slide", "easy", BOARD, WORLDS["wood_slide"].query_type("1122/1133/4005/6788/6799"))
    assert lost(of, SLIDE.format(words)) is None


@pytest.mark.parametrize(
    "words",
    [
        "5r is blocked by block 8.",
        "4r is blocked by block 6.",
        "4r is illegal: it would slide over the edge.",
        "Block 9 cannot slide right: block 8 is in the way.",
        "Block 5 blocks block 3.",
        "First free block 1 to slide down, block 6 is in its way.",
        "3 moves are left.",
        "We are stuck, the target cannot be reached.",
        "1. 5r: 1122/1133/4050/6788/6799\nThat leads away. Back to the start.",
        "1. 3d: 1122/1100/4533/6788/6799\n4 moves are left, 2 at the start. Back to the start.",
    ],
)
def test_a_false_word_on_the_search_of_a_board_is_refused(words):
    of = Problem("wood_slide", "easy", BOARD, WORLDS["wood_slide"].query_type("1122/1133/4005/6788/6799"))
    assert lost(of, SLIDE.format(words))[0] == "lucky"
