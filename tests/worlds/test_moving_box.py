"""Moving Box against a grid of characters and Dijkstra's search."""

from __future__ import annotations

import itertools
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idf.worlds import DIFFICULTIES, WORLDS, IllegalAction, Problem
from idf.worlds._pulls import positions_of, pushes_of
from idf.worlds.moving_box import Query, grid, least_pushes, room_from_grid, shortest_plan
from tests.sentences import refused
from tests.worlds import reference_moving_box as reference
from tests.worlds.samples import problem, problems, walks

WORLD = WORLDS["moving_box"]


def random_room(rng: random.Random) -> str:
    """The text of any closed room, solvable or not, square or not; the player or the box may be on the target."""
    rows, columns = rng.randint(4, 7), rng.randint(4, 7)
    cells = [["#"] * columns for _ in range(rows)]
    inside = [(r, c) for r in range(1, rows - 1) for c in range(1, columns - 1)]
    for r, c in inside:
        cells[r][c] = "#" if rng.random() < 0.15 else "."
    player, box = rng.sample(inside, 2)
    target = rng.choice(inside)
    cells[player[0]][player[1]], cells[box[0]][box[1]] = "S", "B"
    r, c = target
    cells[r][c] = {"S": "+", "B": "*"}.get(cells[r][c], "T")
    return "\n".join(" ".join(row) for row in cells)


def simulated(text: str, way: str) -> str | None:
    cells = reference.board(text)
    return reference.text(cells) if reference.move(cells, way) else None


def test_every_move_in_random_rooms_agrees_with_a_grid_of_characters():
    rng = random.Random(5)
    refused = pushed = 0
    for _ in range(1500):
        text = random_room(rng)
        for _ in range(6):
            room = WORLD.read(text)
            assert WORLD.write(room) == text
            assert set(WORLD.legal_actions(room)) == {way for way in "udlr" if simulated(text, way)}
            for way in "udlr":
                after = simulated(text, way)
                if after is None:
                    refused += 1
                    with pytest.raises(IllegalAction):
                        WORLD.step(room, way)
                else:
                    moved = WORLD.step(room, way)
                    assert WORLD.write(moved) == after
                    pushed += moved.box != room.box
            if not WORLD.legal_actions(room):
                break
            text = simulated(text, rng.choice(WORLD.legal_actions(room)))
    assert refused > 5000
    assert pushed > 500


def test_the_solvers_agree_with_dijkstra_on_random_rooms():
    rng = random.Random(6)
    solvable = 0
    for _ in range(400):
        text = random_room(rng)
        room = WORLD.read(text)
        plan, pushes = shortest_plan(room), least_pushes(room)
        assert pushes == reference.least_pushes(text)
        assert (None if plan is None else len(plan)) == reference.least_moves(text)
        if plan is not None:
            solvable += 1
            assert "*" in ended(text, plan)
    assert 100 < solvable < 350


def ended(text: str, plan) -> str:
    """The grid after a plan, every step of which must go."""
    cells = reference.board(text)
    for way in plan:
        assert reference.move(cells, way)
    return reference.text(cells)


@pytest.mark.parametrize(("rows", "columns"), [(3, 7), (7, 3)])
def test_the_solvers_agree_with_dijkstra_in_every_corridor(rows, columns):
    inside = [(r, c) for r in range(1, rows - 1) for c in range(1, columns - 1)]
    for player, box, target, wall in itertools.product(inside, repeat=4):
        if player != box and wall not in (player, box, target):
            cells = [["." if (r, c) in inside else "#" for c in range(columns)] for r in range(rows)]
            for (r, c), symbol in ((wall, "#"), (target, "T"), (player, "S"), (box, "B")):
                cells[r][c] = {"TS": "+", "TB": "*"}.get(cells[r][c] + symbol, symbol)
            text = reference.text(cells)
            plan, pushes = shortest_plan(WORLD.read(text)), least_pushes(WORLD.read(text))
            assert pushes == reference.least_pushes(text)
            assert (None if plan is None else len(plan)) == reference.least_moves(text)


def test_one_search_for_all_targets_finds_what_one_for_each_finds():
    rng = random.Random(7)
    for _ in range(60):
        walls = room_from_grid([row.split() for row in random_room(rng).splitlines()]).walls
        columns = len(walls[0])
        cells = [at for at, symbol in enumerate("".join(walls)) if symbol == "."]
        floor = sum(1 << at for at in cells)
        positions = positions_of(floor, columns)
        together = pushes_of(positions, floor)
        for target in cells:
            alone = [set(level) for level in pushes_of(positions, 1 << target)]
            found = [{at for at, targets in level.items() if targets >> target & 1} for level in together]
            assert found == alone + [set()] * (len(together) - len(alone))


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_the_truth_of_every_problem_is_a_shortest_plan_and_its_size_the_least_pushes(difficulty):
    for item in problems("moving_box", difficulty, 40):
        text = WORLD.write(item.start)
        plan = WORLD.truth(item)
        assert "*" in ended(text, plan)
        assert "*" not in text
        assert len(plan) == reference.least_moves(text)
        assert WORLD.size(item) == reference.least_pushes(text)


def test_the_least_pushes_may_be_fewer_than_those_of_any_shortest_plan():
    # Around the wall the box arrives with 2 pushes, but the way is longer than 8 moves.
    state = room("#######", "##....#", "#...#.#", "#..BST#", "#######")
    text = WORLD.write(state)
    cells = reference.board(text)
    plan = shortest_plan(state)
    assert len(plan) == 8
    assert sum(reference.move(cells, way) == "push" for way in plan) == 4
    assert least_pushes(state) == 2
    assert reference.cheapest(text, walk=1000, push=1001) == 8004, "no shortest plan pushes less"


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_a_drawn_room_has_the_shape_of_the_benchmark(difficulty):
    size, open_cells = {"easy": (6, (10, 12)), "medium": (6, (10, 12)), "hard": (7, (17, 18))}[difficulty]
    for item in problems("moving_box", difficulty, 40):
        rows = WORLD.write(item.start).splitlines()
        assert [len(row.split()) for row in rows] == [size] * size
        assert set(rows[0]) == set(rows[-1]) == {"#", " "}
        assert all(row[0] == row[-1] == "#" for row in rows)
        assert open_cells[0] <= sum(symbol != "#" for row in rows for symbol in row.split()) <= open_cells[1]


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_every_line_of_the_reasoning_is_where_player_and_box_are(difficulty):
    for item in problems("moving_box", difficulty, 30):
        text = WORLD.write(item.start)
        assert WORLD.narrate(item).splitlines() == [
            "Target: ({},{})".format(*reference.find(reference.board(text), "T*+")),
            *told(text, WORLD.truth(item)),
            "The box is on the target.",
        ]


def told(text: str, plan) -> list[str]:
    lines, cells = [f"Start: {where(reference.board(text))}"], reference.board(text)
    for number, way in enumerate(plan, 1):
        assert reference.move(cells, way)
        lines.append(f"{number}. {way}: {where(cells)}")
    return lines


def where(cells) -> str:
    return "player ({},{}) box ({},{})".format(*reference.find(cells, "S+"), *reference.find(cells, "B*"))


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_the_answer_of_every_walk_is_where_player_and_box_end(difficulty):
    pushes = 0
    for way in walks("moving_box", difficulty, 40):
        lines = told(WORLD.write(way.start), way.actions)
        assert WORLD.unroll(way.start, way.actions).splitlines() == lines
        assert lines[-1].endswith(f": {way.answer}")
        pushes += WORLD.replay(way.start, way.actions)[-1].box != way.start.box
    assert pushes


# --- rules, by hand --------------------------------------------------------------------------------------------


def room(*rows: str):
    return room_from_grid([list(row) for row in rows])


def test_a_box_against_a_wall_cannot_be_pushed():
    state = room("#####", "#.SB#", "#T..#", "#####")
    assert "r" not in WORLD.legal_actions(state)
    with pytest.raises(IllegalAction, match=r"box .*right .*wall at \(1, 4\)"):
        WORLD.step(state, "r")


@pytest.mark.parametrize(
    ("way", "name", "cell"), [("u", "up", "0, 2"), ("d", "down", "2, 2"), ("l", "left", "1, 1"), ("r", "right", "1, 3")]
)
def test_a_player_cannot_walk_into_a_wall(way, name, cell):
    state = room("#######", "##S#BT#", "#######")
    assert WORLD.legal_actions(state) == ()
    with pytest.raises(IllegalAction, match=rf"player cannot walk {name} into the wall at \({cell}\)"):
        WORLD.step(state, way)


def test_a_pushed_box_moves_one_cell_and_the_player_takes_its_place():
    after = WORLD.step(room("######", "#SB.T#", "######"), "r")
    assert grid(after) == ["######", "#.SBT#", "######"]


def test_a_player_who_walks_away_from_the_box_does_not_pull_it():
    after = WORLD.step(room("######", "#.SBT#", "######"), "l")
    assert grid(after) == ["######", "#S.BT#", "######"]


def test_a_player_may_stand_on_the_target_and_a_box_may_be_pushed_off_it():
    assert grid(WORLD.step(room("#####", "#ST.#", "#.B.#", "#####"), "r")) == ["#####", "#.+.#", "#.B.#", "#####"]
    assert grid(WORLD.step(room("#####", "#S*.#", "#####"), "r")) == ["#####", "#.+B#", "#####"]


def test_a_plan_that_pushes_the_box_over_the_target_and_beyond_is_incomplete():
    item = Problem("moving_box", "easy", room("#######", "#SBT..#", "#######"), Query())
    assert WORLD.judge(item, ("r",)).correct
    beyond = WORLD.judge(item, ("r", "r"))
    assert (beyond.correct, beyond.error, beyond.touched) == (False, "incomplete", True)
    broken = WORLD.judge(item, ("r", "r", "r", "r"))
    assert (broken.correct, broken.error, broken.touched) == (False, "illegal", True)
    assert re.search(r"move 4 \(r\).*wall", broken.detail)


def test_a_plan_that_walks_on_after_the_box_has_arrived_is_correct():
    item = Problem("moving_box", "easy", room("#######", "#.SBT.#", "#######"), Query())
    outcome = WORLD.judge(item, ("r", "l", "l"))
    assert (outcome.correct, outcome.moves, outcome.optimal) == (True, 3, 1)


def test_a_room_without_a_solution_says_so():
    item = Problem("moving_box", "easy", room("#####", "#B.T#", "#S..#", "#####"), Query())
    assert shortest_plan(item.start) is None
    assert least_pushes(item.start) is None
    for ask in (WORLD.truth, WORLD.solve, WORLD.size):
        with pytest.raises(ValueError, match="cannot be solved"):
            ask(item)


def test_a_box_on_the_target_needs_no_move():
    solved = room("#####", "#S*.#", "#####")
    assert shortest_plan(solved) == ()
    assert least_pushes(solved) == 0


def test_whole_words_are_read_as_moves_too():
    assert [WORLD.read_action(word) for word in ("up", "down", "left", "right")] == ["u", "d", "l", "r"]


# --- questions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wording", ["long", "short"])
@pytest.mark.parametrize("difficulty", ["easy", "hard"])
def test_a_question_tells_the_grid_only_if_it_is_described(wording, difficulty):
    for item in problems("moving_box", difficulty):
        assert WORLD.write(item.start) in WORLD.question(item, wording=wording, described=True)
        undescribed = WORLD.question(item, wording=wording, described=False)
        assert not set("#\n") & set(undescribed)
        assert "target" in undescribed


@pytest.mark.parametrize("wording", ["long", "short"])
def test_an_undescribed_question_does_not_depend_on_the_room(wording):
    items = [*problems("moving_box", "easy"), *problems("moving_box", "medium")]
    assert len({WORLD.question(item, wording=wording, described=False) for item in items}) == 1


def test_the_size_of_a_room_that_is_not_square_is_told_right():
    item = Problem("moving_box", "easy", room("######", "#SB.T#", "######"), Query())
    assert "3 x 6 cells" in WORLD.question(item, wording="long", described=True)


# --- text forms ------------------------------------------------------------------------------------------------


@given(st.integers())
def test_every_room_is_read_back_from_its_text(seed):
    text = random_room(random.Random(seed))
    state = WORLD.read(text)
    assert WORLD.write(state) == text
    assert WORLD.read(WORLD.write(state)) == state
    assert room_from_grid([list(row) for row in grid(state)]) == state


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ("", ("rows", "equally long")),
        ("###|#S#|####", ("rows", "equally long")),
        ("#####|#SBT.|#####", ("open", "row 1", "column 4")),
        ("#####|#SBT#|##.##", ("open", "row 2", "column 2")),
        ("#####|#SBx#|#####", ("unknown symbol", "'x'", "row 1", "column 3")),
        ("#####|#.BT#|#####", ("one player", 0)),
        ("######|#SSBT#|######", ("one player", 2)),
        ("######|#S+B.#|######", ("one player", 2)),
        ("#####|#S.T#|#####", ("one box", 0)),
        ("######|#SBBT#|######", ("one box", 2)),
        ("######|#SB.*#|######", ("one box", 2)),
        ("#####|#SB.#|#####", ("one target", 0)),
        ("######|#SBTT#|######", ("one target", 2)),
        ("######|#+BT.#|######", ("one target", 2)),
        ("#####|#+*.#|#####", ("one target", 2)),
    ],
)
def test_a_malformed_room_is_refused_with_a_reason(rows, why):
    with refused(*why, by=ValueError):
        WORLD.read("\n".join(" ".join(row) for row in rows.split("|")))


def test_a_packed_grid_is_refused():
    with refused("unknown symbol", "'#####'", by=ValueError):
        WORLD.read("#####\n#SBT#\n#####")


def test_problems_differ_in_their_rooms():
    rooms = {problem("moving_box", "train", i, "easy").start for i in range(60)}
    assert len(rooms) == 60
