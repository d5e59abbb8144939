"""Wood Slide against digits that are lifted and put down one by one, and plain breadth-first search."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idf.worlds import DIFFICULTIES, WORLDS, IllegalAction, Problem
from idf.worlds.wood_slide import DEFAULT, Query, blocks_from_cells, cells, component, shortest_plan, successors
from tests.sentences import refused
from tests.worlds import reference_wood_slide as reference
from tests.worlds.samples import problem, problems, walks

WORLD = WORLDS["wood_slide"]
ACTIONS = [block + way for block in "123456789" for way in "udlr"]


def _random_walk(length: int) -> list[str]:
    rng, reached = random.Random(0), [reference.CLASSIC]
    for _ in range(length):
        reached.append(rng.choice(sorted(reference.moves(reached[-1]).values())))
    return reached


REACHED = _random_walk(1000)


@pytest.fixture(scope="module")
def graph() -> dict[str, dict[str, str]]:
    return reference.component()


@pytest.fixture(scope="module")
def positions(graph) -> list[str]:
    return sorted(graph)


def test_67104_positions_and_190080_moves_are_reached_from_the_classic_layout(graph):
    # The figures of the benchmark's one component, found before with two other programs.
    assert len(graph) == 67_104
    assert sum(map(len, graph.values())) == 190_080
    assert {len(moves) for moves in graph.values()} == set(range(1, 7))
    assert max(reference.distances(reference.CLASSIC).values()) == 243
    assert len({_outline(position) for position in graph}) == 1398


def _outline(position: str) -> tuple:
    """The placement without labels: the cells of each block, grouped by the form of the block."""
    board = reference.board(position)
    spots = {block: tuple((r, c) for r in range(5) for c in range(4) if board[r][c] == block) for block in "123456789"}
    return tuple(tuple(sorted(spots[block] for block in form)) for form in ("1", "2389", "45", "67"))


def test_the_component_is_the_one_that_plain_search_finds(graph):
    mine = component().positions
    assert len(mine) == len(set(mine)) == len(graph)
    assert {WORLD.write(state) for state in mine} == set(graph)


def test_every_move_of_every_position_agrees_with_the_board_of_digits(graph):
    directed = 0
    table = component()
    for state, steps in zip(table.positions, table.steps, strict=True):
        after = {action: WORLD.write(position) for action, position in successors(state)}
        assert after == graph[WORLD.write(state)]
        assert [(action, table.positions[there]) for action, there in steps] == [*successors(state)]
        directed += len(after)
    assert directed == 190_080


def test_every_action_is_accepted_or_refused_as_on_the_board_of_digits(positions):
    rng = random.Random(8)
    for position in rng.sample(positions, 400):
        state = WORLD.read(position)
        legal = WORLD.legal_actions(state)
        for action in ACTIONS:
            after = reference.moved(position, action[0], action[1])
            assert (action in legal) == (after is not None)
            if after is not None:
                assert WORLD.write(WORLD.step(state, action)) == after
                continue
            with pytest.raises(IllegalAction) as refusal:
                WORLD.step(state, action)
            assert _names_what_is_in_the_way(str(refusal.value), position, *action)


def _names_what_is_in_the_way(message: str, position: str, block: str, way: str) -> bool:
    board = reference.board(position)
    dr, dc = reference.STEPS[way]
    ahead = [(r + dr, c + dc) for r in range(5) for c in range(4) if board[r][c] == block]
    in_the_way = {board[r][c] if 0 <= r < 5 and 0 <= c < 4 else "edge" for r, c in ahead} - {block, "0"}
    rule = r"block (\d) cannot slide (up|down|left|right) (?:onto block (\d)|over the edge of the board)"
    says = re.fullmatch(rule, message)
    return says is not None and says[1] == block and says[2][0] == way and (says[3] or "edge") in in_the_way


def test_plans_are_as_short_as_plain_search_finds(graph, positions):
    rng = random.Random(9)
    lengths = []
    for _ in range(12):
        start = rng.choice(positions)
        distance = reference.distances(start)
        near = sorted(position for position in distance if distance[position] <= 20)
        for target in [*rng.sample(positions, 4), *rng.sample(near, min(6, len(near))), start]:
            plan = shortest_plan(WORLD.read(start), WORLD.read(target))
            assert len(plan) == distance[target]
            assert ended(graph, start, plan) == target
            lengths.append(len(plan))
    assert max(lengths) > 150
    assert min(lengths) == 0


def ended(graph, position: str, plan) -> str:
    for action in plan:
        position = graph[position][action]
    return position


def test_two_positions_243_moves_apart_are_that_far_for_the_solver_too():
    distance = reference.distances(reference.CLASSIC)
    furthest = max(distance, key=lambda position: (distance[position], position))
    assert distance[furthest] == 243
    assert len(shortest_plan(WORLD.read(reference.CLASSIC), WORLD.read(furthest))) == 243
    assert len(shortest_plan(WORLD.read(furthest), WORLD.read(reference.CLASSIC))) == 243


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_the_size_of_every_problem_is_the_distance_that_plain_search_finds(difficulty, graph):
    for item in problems("wood_slide", difficulty, 12):
        start = WORLD.write(item.start)
        plan = WORLD.truth(item)
        assert reference.distances(start, 15)[item.query.target] == len(plan) == WORLD.size(item)
        assert ended(graph, start, plan) == item.query.target


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_a_walk_gets_somewhere_and_its_answer_is_the_board_it_ends_in(difficulty, graph):
    for way in walks("wood_slide", difficulty, 12):
        start = WORLD.write(way.start)
        assert ended(graph, start, way.actions) == way.answer
        assert reference.distances(start, 15)[way.answer] == len(way.actions)
        assert "board" in way.question


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_every_line_of_the_reasoning_is_the_board_of_digits(difficulty, graph):
    for item in problems("wood_slide", difficulty, 20):
        position = WORLD.write(item.start)
        lines = [f"Target: {item.query.target}", f"Start: {position}"]
        for number, action in enumerate(WORLD.truth(item), 1):
            position = graph[position][action]
            lines.append(f"{number}. {action}: {position}")
        assert WORLD.narrate(item).splitlines() == [*lines, "The target is reached."]


def test_starts_are_spread_over_the_component():
    # Walks from the classic layout stay among the positions of the benchmark; uniform starts do not.
    distance = reference.distances(reference.CLASSIC)
    starts = [distance[WORLD.write(problem("wood_slide", "train", i, "medium").start)] for i in range(80)]
    assert min(starts) > 5
    assert 90 < sorted(starts)[40] < 190


# --- rules, by hand --------------------------------------------------------------------------------------------


def test_the_classic_layout_has_the_blocks_of_the_benchmark():
    state = blocks_from_cells(DEFAULT)
    assert WORLD.write(state) == reference.CLASSIC
    assert cells(state) == DEFAULT == "11221133450067886799"
    assert set(WORLD.legal_actions(state)) == {"3d", "5r", "8u"}


def test_a_wide_block_needs_two_empty_cells_to_slide_down():
    state = WORLD.read("1122/1133/4050/6788/6799")
    assert "3d" not in WORLD.legal_actions(state)
    with pytest.raises(IllegalAction, match="block 3 cannot slide down onto block 5"):
        WORLD.step(state, "3d")


def test_a_block_moves_by_one_cell_and_as_a_whole():
    assert WORLD.write(WORLD.step(WORLD.read(reference.CLASSIC), "3d")) == "1122/1100/4533/6788/6799"


def test_a_block_cannot_leave_the_board():
    for action, way in (("1u", "up"), ("1l", "left"), ("2r", "right"), ("9d", "down")):
        with pytest.raises(IllegalAction, match=f"block {action[0]} cannot slide {way} over the edge of the board"):
            WORLD.step(WORLD.read(reference.CLASSIC), action)


def test_a_plan_that_reaches_the_target_and_goes_on_is_incomplete_or_illegal():
    item = Problem("wood_slide", "easy", WORLD.read(reference.CLASSIC), Query("1122/1100/4533/6788/6799"))
    assert WORLD.judge(item, ("3d",)).correct
    on = WORLD.judge(item, ("3d", "3u"))
    assert (on.correct, on.error, on.touched) == (False, "incomplete", True)
    broken = WORLD.judge(item, ("3d", "3d"))
    assert (broken.correct, broken.error, broken.touched) == (False, "illegal", True)
    assert "onto block 8" in broken.detail
    again = WORLD.judge(item, ("3d", "3u", "3d"))
    assert (again.correct, again.moves, again.optimal) == (True, 3, 1)


def test_a_target_of_another_component_cannot_be_reached(graph):
    other = "1133/1122/4500/6788/6799"
    assert other not in graph
    item = Problem("wood_slide", "easy", WORLD.read(reference.CLASSIC), Query(other))
    with refused("target", "cannot be reached", by=ValueError):
        WORLD.truth(item)


def test_equal_blocks_are_told_apart_by_their_numbers():
    start = WORLD.read(reference.CLASSIC)
    assert WORLD.judge(Problem("wood_slide", "easy", start, Query("1122/1133/4050/6788/6799")), ("5r",)).correct
    exchanged = Problem("wood_slide", "easy", start, Query("1122/1133/5040/6788/6799"))
    assert WORLD.judge(exchanged, ("5r",)).error == "incomplete"
    assert WORLD.size(exchanged) == reference.distances(reference.CLASSIC)[exchanged.query.target] > 1


# --- questions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wording", ["long", "short"])
def test_a_question_tells_the_boards_only_if_it_is_described(wording):
    for item in problems("wood_slide", "medium"):
        described = WORLD.question(item, wording=wording, described=True)
        assert WORLD.write(item.start) in described
        assert item.query.target in described
        assert described.index(WORLD.write(item.start)) < described.index(item.query.target)
        undescribed = WORLD.question(item, wording=wording, described=False)
        assert not re.search(r"\d{4}", undescribed)
        assert "/" not in undescribed
        assert "target" in undescribed


@pytest.mark.parametrize("wording", ["long", "short"])
def test_an_undescribed_question_does_not_depend_on_the_boards(wording):
    items = [item for difficulty in DIFFICULTIES for item in problems("wood_slide", difficulty)]
    assert len({WORLD.question(item, wording=wording, described=False) for item in items}) == 1


# --- text forms ------------------------------------------------------------------------------------------------


@given(st.data())
def test_every_position_is_read_back_from_its_text(data):
    position = data.draw(st.sampled_from(REACHED))
    state = WORLD.read(position)
    assert WORLD.write(state) == position
    assert cells(state) == position.replace("/", "")
    assert blocks_from_cells(cells(state)) == state


@given(st.permutations("11112233450066778899"))
def test_a_board_of_scattered_digits_is_read_only_if_every_block_has_its_form(digits):
    text = "/".join("".join(digits[row : row + 4]) for row in range(0, 20, 4))
    if _every_block_has_its_form(text):
        assert WORLD.write(WORLD.read(text)) == text
        return
    with pytest.raises(ValueError, match=r"block \d"):
        WORLD.read(text)


def _every_block_has_its_form(text: str) -> bool:
    board = reference.board(text)
    forms = {"1": (2, 2), "4": (1, 1), "5": (1, 1), "6": (2, 1), "7": (2, 1)}
    for block in "123456789":
        spots = [(r, c) for r in range(5) for c in range(4) if board[r][c] == block]
        (top, left), (height, width) = min(spots), forms.get(block, (1, 2))
        if spots != [(top + r, left + c) for r in range(height) for c in range(width)]:
            return False
    return True


@given(st.data())
def test_a_board_with_two_cells_exchanged_is_read_only_if_every_block_has_its_form(data):
    digits = list(data.draw(st.sampled_from(REACHED)).replace("/", ""))
    i, j = data.draw(st.tuples(st.integers(0, 19), st.integers(0, 19)))
    digits[i], digits[j] = digits[j], digits[i]
    text = "/".join("".join(digits[row : row + 4]) for row in range(0, 20, 4))
    if _every_block_has_its_form(text):
        assert WORLD.write(WORLD.read(text)) == text
        return
    with pytest.raises(ValueError, match=r"block \d"):
        WORLD.read(text)


FORM = ("not a board", "five rows", "four digits", "'/'")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", FORM),
        ("1122/1133/4500/6788", FORM),
        ("1122/1133/4500/6788/679", FORM),
        ("1122/1133/4500/6788/6799/0000", FORM),
        ("11221133450067886799", FORM),
        ("1122/1133/45..6788/6799", FORM),
        ("1122/1133/4a00/6788/6799", FORM),
        ("0022/0033/4500/6788/6799", ("block 1", "not on the board")),
        ("1122/1133/4000/6788/6799", ("block 5", "not on the board")),
        ("1121/1233/4500/6788/6799", ("block 1", "not cover", "2 x 2")),
        ("1122/1133/4550/6788/6799", ("block 5", "not cover", "1 x 1")),
        ("1122/1133/4506/6788/0799", ("block 6", "not cover", "2 x 1")),
        ("1122/1133/4500/6788/6790", ("block 9", "not cover", "1 x 2")),
        ("1122/1133/4566/0788/0799", ("block 6", "not cover", "2 x 1")),
    ],
)
def test_a_malformed_board_is_refused_with_a_reason(text, why):
    with refused(*why, by=ValueError):
        WORLD.read(text)
