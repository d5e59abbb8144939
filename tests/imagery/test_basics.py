"""Basic skills: every answer is computed a second time, from the words of the prompt and the rules alone.

Nothing of `idf.imagery` or of the worlds' code is used for that: states are read off the text as anybody would read it.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import permutations, product

import pytest

from idf.cli.gallery import write_gallery
from idf.data import LocalEngine, Row, Slot
from idf.data._shortcuts import SHORTCUTS, _shares
from idf.imagery import BASICS, LESSONS, ImageryRecipe, build_imagery
from idf.scoring import final_answer
from idf.suites import published
from idf.worlds import DIFFICULTIES, WORLDS, Walk, split_of
from tests.imagery.lessons import BASIC_PAIRS, SEED, Lesson, all_of, maker

ROLLS = {"right": (1, 0), "left": (-1, 0), "front": (0, 1), "back": (0, -1)}
FACES = ("top", "bottom", "left", "right", "front", "back")


def one(pattern: str, text: str) -> tuple[str, ...]:
    """The groups of the one match of a pattern."""
    found = list(re.finditer(pattern, text))
    assert len(found) == 1, (pattern, text)
    return found[0].groups()


# --- Cube Rolling, a second time ---------------------------------------------------------------------------------


def rolled(text: str) -> list[str]:
    return one(r"The cube rolls ((?:right|left|front|back)(?: (?:right|left|front|back))*)\.", text)[0].split()


def end_of_path(text: str) -> str:
    x, z = map(int, one(r"on cell \((\d), (\d)\) of a 10 x 10 board", text))
    for roll in rolled(text):
        x, z = x + ROLLS[roll][0], z + ROLLS[roll][1]
    return f"({x},{z})"


def distance_of_path(text: str) -> str:
    rolls = Counter(rolled(text))
    return str(abs(rolls["right"] - rolls["left"]) + abs(rolls["front"] - rolls["back"]))


def cubes_in(text: str) -> list[list[str]]:
    """The cubes whose six colours a text names, in the order of FACES."""
    colour = "(?:red|yellow|blue|green|gray|black)"
    return [found.split() for found in re.findall(rf"{colour}(?: {colour}){{5}}", text)]


def corners(cube: list[str]) -> set[tuple[str, str, str]]:
    """Around each corner, the three colours clockwise as seen from outside, from each of them on.

    Two cubes are the same if and only if these are: a mirror image goes round the other way.
    """
    named = dict(zip(FACES, cube))
    found = set()
    for y, x, z in product(("top", "bottom"), ("right", "left"), ("front", "back")):
        around = [named[y], named[x], named[z]]
        # From the corner at top, right and front, clockwise is top, right, front; each mirror turns it round.
        if (y == "bottom") ^ (x == "left") ^ (z == "back"):
            around.reverse()
        found |= {(around[i], around[(i + 1) % 3], around[(i + 2) % 3]) for i in range(3)}
    return found


def same_cube(text: str) -> str:
    first, second = sorted(cubes_in(text), key=lambda cube: f"face colours {' '.join(cube)}" in text)
    return "same" if corners(first) == corners(second) else "different"


def colour_at_hand(text: str) -> str:
    """Somebody who walks a quarter round the cube, against the clock from above, sees the right face in front of them."""
    (cube,) = cubes_in(text)
    side, hand = one(r"stands (behind|to the left of|to the right of) the cube .* their (left|right)-hand side", text)
    round_it = ["front", "right", "back", "left"]  # against the clock, seen from above
    at = {"behind": 2, "to the left of": 3, "to the right of": 1}[side]
    face = round_it[(at + (1 if hand == "right" else -1)) % 4]
    return cube[FACES.index(face)]


# --- Moving Box --------------------------------------------------------------------------------------------------


def things(text: str) -> dict[str, tuple[int, int]]:
    rows = [line.split() for line in text.splitlines() if re.fullmatch(r"#( [#.SBT+*])+", line)]
    found = {}
    for name, signs in (("player", "S+"), ("box", "B*"), ("target", "T+*")):
        (found[name],) = [(r, c) for r, row in enumerate(rows) for c, sign in enumerate(row) if sign in signs]
    return found


def target_cell(text: str) -> str:
    return "({},{})".format(*things(text)["target"])


def way_between(text: str) -> str:
    a, b = one(r"does the (\w+) lie from the (\w+)\?", text)
    (row, column), (from_row, from_column) = things(text)[a], things(text)[b]
    words = [
        word
        for word, holds in (
            ("up", row < from_row),
            ("down", row > from_row),
            ("left", column < from_column),
            ("right", column > from_column),
        )
        if holds
    ]
    return " and ".join(words)


def as_the_player_sees(text: str) -> str:
    """The map is turned until the player looks up."""
    facing, name = one(r"The player looks (\w+)\. Where is the (\w+) as", text)
    (row, column), (r, c) = things(text)["player"], things(text)[name]
    up, right = row - r, c - column
    for _ in range(["up", "right", "down", "left"].index(facing)):
        up, right = right, -up  # against the clock
    return f"{'ahead' if up > 0 else 'behind'} and {'right' if right > 0 else 'left'}"


# --- Mental Rotation ---------------------------------------------------------------------------------------------


def structures(text: str) -> list[dict[tuple[int, ...], str]]:
    cube = r"\w+ \(-?\d,-?\d,-?\d\)"
    return [
        {tuple(map(int, cell.split(","))): colour for colour, cell in re.findall(r"(\w+) \(([-\d,]+)\)", found)}
        for found in re.findall(rf"{cube}(?:; {cube})*", text)
    ]


def cell_of(text: str, colour: str) -> tuple[int, ...]:
    (found,) = [cell for cell, other in structures(text)[0].items() if other == colour]
    return found


def way_between_cubes(text: str) -> str:
    a, asked, b = one(r"Does the (\w+) cube lie (further to the \w+|lower) or [\w ]+ than the (\w+) cube", text)
    axis, less, more = {
        "further to the left": (0, "left", "right"),
        "lower": (1, "lower", "higher"),
        "further to the back": (2, "back", "front"),
    }[asked]
    here, there = cell_of(text, a)[axis], cell_of(text, b)[axis]
    return "neither" if here == there else less if here < there else more


def distance_between_cubes(text: str) -> str:
    a, b, along = one(r"are the (\w+) cube and the (\w+) cube from (left|bottom|back) to", text)
    axis = ("left", "bottom", "back").index(along)
    return str(abs(cell_of(text, a)[axis] - cell_of(text, b)[axis]))


def same_structure(text: str) -> str:
    """The two quarter turns about x and the two about y are tried, as turns of a plane."""
    (second,) = [one_ for one_ in structures(text.split("A second structure:")[1].split(" Is it")[0])]
    rest = text.replace(text.split("A second structure:")[1].split(" Is it")[0], "")
    (first,) = structures(rest)
    for axis, (i, j), sign in product((0, 1), permutations(range(3), 2), (1, -1)):
        if axis in (i, j):
            continue
        turned = {}
        for cell, colour in first.items():
            new = list(cell)
            new[i], new[j] = sign * cell[j], -sign * cell[i]
            turned[tuple(new)] = colour
        if turned == second:
            return "same"
    return "different"


def as_another_sees(text: str) -> str:
    side, a, b = one(
        r"stands (behind|to the left of|to the right of) the structure .* the (\w+) cube further .* the (\w+) cube\?",
        text,
    )
    to_the_right = {"behind": (-1, 0), "to the left of": (0, 1), "to the right of": (0, -1)}[side]  # in x and z
    here, there = (cell_of(text, colour) for colour in (a, b))
    more = (here[0] - there[0]) * to_the_right[0] + (here[2] - there[2]) * to_the_right[1]
    assert more != 0
    return "right" if more > 0 else "left"


# --- chains ------------------------------------------------------------------------------------------------------

STEPS = {
    "to the right of": (1, 0, 0),
    "to the left of": (-1, 0, 0),
    "above": (0, 1, 0),
    "below": (0, -1, 0),
    "in front of": (0, 0, 1),
    "behind": (0, 0, -1),
}


def told(text: str) -> list[tuple[str, str, str]]:
    return re.findall(rf"([A-Z]) is directly ({'|'.join(STEPS)}) ([A-Z])\.", text)


def end_of_chain(text: str) -> str:
    last, first = one(r"Where is ([A-Z]) relative to ([A-Z])\?", text)
    places = {first: (0, 0, 0)}
    while last not in places:  # each relation is read both ways, again and again
        for a, how, b in told(text):
            x, y, z = STEPS[how]
            if b in places:
                places[a] = (places[b][0] + x, places[b][1] + y, places[b][2] + z)
            elif a in places:
                places[b] = (places[a][0] - x, places[a][1] - y, places[a][2] - z)
    x, y, z = places[last]
    words = [f"{x} to the right" if x > 0 else f"{-x} to the left"] if x else []
    words += [f"{y} above" if y > 0 else f"{-y} below"] if y else []
    words += [f"{z} in front" if z > 0 else f"{-z} behind"] if z else []
    return ", ".join(words)


AGAIN = {
    ("cube_rolling", "where"): end_of_path,
    ("cube_rolling", "distance"): distance_of_path,
    ("cube_rolling", "compare"): same_cube,
    ("cube_rolling", "perspective"): colour_at_hand,
    ("cube_rolling", "relations"): end_of_chain,
    ("moving_box", "where"): target_cell,
    ("moving_box", "direction"): way_between,
    ("moving_box", "perspective"): as_the_player_sees,
    ("mental_rotation", "direction"): way_between_cubes,
    ("mental_rotation", "distance"): distance_between_cubes,
    ("mental_rotation", "compare"): same_structure,
    ("mental_rotation", "perspective"): as_another_sees,
    ("mental_rotation", "relations"): end_of_chain,
}


@pytest.mark.parametrize(("world", "kind"), BASIC_PAIRS)
def test_the_answer_is_what_a_second_program_finds_in_the_words_of_the_prompt(world, kind):
    for lesson in all_of(world, kind, "tqa", 40):
        assert AGAIN[world, kind](lesson.prompt) == lesson.meta["answer"], lesson.prompt
        assert final_answer(lesson.response) == lesson.meta["answer"]
        assert lesson.response.splitlines()[-1] == f"Answer: {lesson.meta['answer']}"
        assert lesson.response.count("Answer:") == 1


def test_every_skill_is_in_two_worlds_at_least_and_they_are_three_worlds():
    assert set(AGAIN) == set(BASIC_PAIRS)
    assert all(len(worlds) >= 2 for worlds in BASICS.values())
    assert {world for world, _ in BASIC_PAIRS} == {"cube_rolling", "moving_box", "mental_rotation"}


def test_two_cubes_are_told_apart_by_their_corners():
    """The second program itself: 30 different cubes, each in 24 ways to lie."""
    kinds = Counter(frozenset(corners(list(cube))) for cube in permutations("abcdef"))
    assert len(kinds) == 30
    assert set(kinds.values()) == {24}


@pytest.mark.parametrize(("world", "kind"), BASIC_PAIRS)
def test_what_the_lesson_spells_out_is_true(world, kind):
    """Every line that names a cell or a state of the scene says it as the scene has it."""
    for lesson in all_of(world, kind):
        lines = lesson.response.splitlines()[:-1]
        assert lines, "a bare answer teaches nothing"
        if world == "cube_rolling" and kind in ("where", "distance"):
            assert len(lines) == len(rolled(lesson.prompt)) + (1 if kind == "where" else 2)
        elif kind == "relations":
            assert len(lines) == len(told(lesson.prompt)) + 1 == lesson.meta["measures"]["relations"] + 1
            assert lines[0].endswith("(0,0,0)")
        elif (world, kind) == ("moving_box", "where"):
            for number, line in enumerate(lines[:-1]):
                assert line == f"Row {number}: {lesson.world.write(lesson.start).splitlines()[number]}"
        elif (world, kind) == ("cube_rolling", "compare"):
            at = lesson.start.colours
            for line in lines[2:-1]:
                state = tuple(line.split(": ")[1].split())
                assert corners(list(state)) == corners(list(at)), "it is rolled, and stays the same cube"
        elif world == "mental_rotation" and kind in ("direction", "distance"):
            for colour, x, y, z in re.findall(r"(\w+) \((-?\d),(-?\d),(-?\d)\)", lines[0]):
                assert ((int(x), int(y), int(z)), colour) in lesson.start


# --- relations ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("world", BASICS["relations"])
def test_a_chain_has_as_many_relations_as_it_says_in_any_order_and_direction(world):
    orders, lengths = set(), Counter()
    for lesson in all_of(world, "relations"):
        found = told(lesson.prompt)
        assert len(found) == lesson.meta["measures"]["relations"] >= 2
        names = Counter(name for a, _, b in found for name in (a, b))
        assert sorted(names.values()) == [1, 1] + [2] * (len(found) - 1), "a chain: two ends, and no branch"
        assert {name for name, n in names.items() if n == 1} == set(
            one(r"Where is (\w) relative to (\w)\?", lesson.prompt)
        )
        orders.add(found[0][2] in "".join(found[1][::2]))
        lengths[len(found)] += 1
        assert lesson.world.write(lesson.start) not in lesson.prompt
        assert lesson.sample.images == []
    assert len(lengths) > 3
    assert orders == {True, False}


def test_in_cube_rolling_a_difficulty_has_the_numbers_of_relations_of_its_bin():
    world = WORLDS["cube_rolling"]
    for difficulty in DIFFICULTIES:
        found = {
            lesson.meta["measures"]["relations"]
            for lesson in all_of("cube_rolling", "relations")
            if lesson.slot.difficulty == difficulty
        }
        assert found <= set(world.sizes(difficulty))


# --- no shortcut -------------------------------------------------------------------------------------------------

EACH = 667  # samples of each difficulty: 2,001 of each kind


@pytest.fixture(scope="module", params=BASIC_PAIRS, ids="-".join)
def many(request: pytest.FixtureRequest) -> list[dict[str, object]]:
    """What the shortcuts know of 2,001 different samples; no picture is drawn."""
    world, kind = request.param
    make = maker()
    metas = []
    for difficulty in DIFFICULTIES:
        slot, index, seen = Slot(world, difficulty, kind), 0, set[str]()
        while len(seen) < EACH:
            draft = make.draft(slot, index)
            if draft.key is not None and draft.key not in seen:
                seen.add(draft.key)
                lesson = make.lesson(Row(slot, index, draft))
                meta = {"answer": lesson.answer, "initial": lesson.initial, "question": lesson.question}
                metas.append(
                    meta
                    | {"actions": list(lesson.scene.actions)}
                    | ({} if lesson.choices is None else {"choices": lesson.choices})
                )
            index += 1
            assert index < 20 * EACH, f"of {slot} hardly anything can be made"
    return metas


def test_no_shortcut_is_above_chance_and_five_points(many):
    shares = _shares(many)
    chance = shares.get("chance", 0.0)  # of a chain, hundreds of answers are possible
    for name in SHORTCUTS:
        assert (shares[name] or 0.0) <= chance + 0.05, (name, shares)


def test_an_answer_is_one_of_as_many_as_its_question_allows(many):
    allowed = {meta["choices"] for meta in many if "choices" in meta}
    by_question: dict[object, set[object]] = {}
    for meta in many:
        by_question.setdefault(meta["question"], set()).add(meta["answer"])
    if allowed:
        assert max(map(len, by_question.values())) <= max(allowed)


# --- as a dataset ------------------------------------------------------------------------------------------------

SKILLS = ImageryRecipe(
    samples=78,
    seed=SEED,
    worlds={world: 1.0 for world in ("cube_rolling", "mental_rotation", "moving_box")},
    kinds=dict.fromkeys(BASICS, 1.0),
    max_pixels=3136,
)


def test_basic_skills_are_made_where_a_recipe_asks_for_them_and_the_bytes_do_not_depend_on_the_workers(tmp_path):
    alone = build_imagery(SKILLS, tmp_path / "one")
    with LocalEngine(2) as engine:
        shared = build_imagery(SKILLS, tmp_path / "two", engine)
    assert alone.manifest["sha256"] == shared.manifest["sha256"]
    made = {(sample.world, sample.kind) for sample in alone.samples()}
    assert made == set(BASIC_PAIRS)
    assert write_gallery(tmp_path / "one", tmp_path / "gallery.html", limit=len(BASIC_PAIRS)) == len(BASIC_PAIRS)
    ids = re.findall(r"<h2>imagery:(\w+):\w+:(\w+):\d+</h2>", (tmp_path / "gallery.html").read_text())
    assert set(ids) == set(BASIC_PAIRS), "as many as there are show all of them"
    card = (tmp_path / "one" / "README.md").read_text()
    assert "| chance |" in card
    assert re.search(r"\| cube_rolling \| compare \| \d+ \| 50\.0% \|", card)
    assert re.search(r"\| cube_rolling \| relations \| \d+ \| - \|", card)


def test_by_default_no_basic_skill_is_made():
    assert not set(ImageryRecipe().kinds) & set(BASICS)
    assert set(ImageryRecipe().kinds) == set(LESSONS) - {"partial"}


def other_scene(lesson: Lesson) -> Walk:
    """The second scene of a comparison, as a scene of its own."""
    world = lesson.world
    if lesson.slot.world == "cube_rolling":
        (colours,) = [cube for cube in cubes_in(lesson.prompt) if tuple(cube) != lesson.start.colours]
        state = lesson.start._replace(colours=tuple(colours))
    else:
        state = world.read(lesson.prompt.split("A second structure: ")[1].split(". Is it")[0])
    return Walk(lesson.slot.world, lesson.slot.difficulty, state, (), "", "", "", "")


@pytest.mark.parametrize("world", BASICS["compare"])
def test_the_second_scene_of_a_comparison_is_one_of_training_too(world):
    for lesson in all_of(world, "compare"):
        keys = lesson.world.keys(other_scene(lesson))
        assert split_of(lesson.world, keys) == "train"
        assert not published().avoid(world, keys)
