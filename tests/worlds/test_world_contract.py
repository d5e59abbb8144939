"""What every world promises, whatever its rules."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idf.worlds import (
    DIFFICULTIES,
    WORLDS,
    IllegalAction,
    Problem,
    Rng,
    Walk,
    problem_from_json,
    problem_to_json,
    split_of,
)
from tests.worlds.samples import problem, problems, walks

WORLD_NAMES = list(WORLDS)
PLANNING = ["moving_box", "wood_slide"]
DESCRIBED = [name for name in WORLD_NAMES if name not in PLANNING]
BY_DIFFICULTY = [(world, difficulty) for world in WORLDS for difficulty in DIFFICULTIES]
PLANNING_BY_DIFFICULTY = [(world, difficulty) for world in PLANNING for difficulty in DIFFICULTIES]

# "3d" with digits of other scripts.
OTHER_DIGITS = ("\N{SUPERSCRIPT THREE}d", "\N{ARABIC-INDIC DIGIT THREE}d")

# Every word that might be an action anywhere, and words that are actions nowhere.
ACTION_WORDS = [
    *("right", "left", "front", "back", "top", "bottom", "up", "down", "u", "d", "l", "r"),
    *(face + turns for face in "UDLRFB" for turns in ("", "0", "1", "2", "3", "4", "'", "22")),
    *(block + way for block in "0123456789ab" for way in "udlr"),
    *("", " ", "U2 ", " u", "u d", "3dd", "10d", "d3", "3", "Right", "3D", "u\n", "3d\n", "right,"),
    *OTHER_DIGITS,
]
JUNK_ACTIONS = ["", "x", "north", "U4", "0d", "3x", "u d", "Right", "u\n", "3d\n"]


def positions(world: str, difficulty: str, usual: int = 6):
    """States along solutions and walks."""
    for item in problems(world, difficulty, usual):
        yield from WORLDS[world].replay(item.start, WORLDS[world].solve(item))
    for walk in walks(world, difficulty, usual):
        yield from WORLDS[world].replay(walk.start, walk.actions)


# --- the rules -------------------------------------------------------------------------------------------------


def test_there_are_five_worlds_each_under_its_own_name():
    assert list(WORLDS) == ["cube_rolling", "mental_rotation", "moving_box", "rubiks_cube", "wood_slide"]
    assert all(world.name == name for name, world in WORLDS.items())


@pytest.mark.parametrize("world", WORLD_NAMES)
def test_a_world_states_its_rule_version_and_bins(world):
    assert WORLDS[world].rule.endswith(".")
    assert WORLDS[world].version >= 1
    assert tuple(WORLDS[world].bins) == DIFFICULTIES


@pytest.mark.parametrize(("world", "difficulty"), BY_DIFFICULTY)
def test_the_legal_actions_are_exactly_those_that_step_accepts(world, difficulty):
    for state in positions(world, difficulty):
        legal = WORLDS[world].legal_actions(state)
        assert len(set(legal)) == len(legal)
        assert set(legal) <= set(ACTION_WORDS)
        for action in ACTION_WORDS:
            if action in legal:
                WORLDS[world].step(state, action)
                continue
            with pytest.raises(IllegalAction) as refusal:
                WORLDS[world].step(state, action)
            assert len(str(refusal.value).split()) >= 6, "the message is a sentence"


@pytest.mark.parametrize("world", WORLD_NAMES)
def test_the_legal_actions_come_in_a_fixed_order(world):
    orders = [WORLDS[world].legal_actions(state) for state in positions(world, "easy")]
    for one in orders:
        for other in orders:
            assert [a for a in one if a in other] == [a for a in other if a in one]


@pytest.mark.parametrize("world", WORLD_NAMES)
@pytest.mark.parametrize("action", JUNK_ACTIONS)
def test_an_unknown_action_is_named_and_the_known_ones_are_told(world, action):
    with pytest.raises(IllegalAction) as refusal:
        WORLDS[world].step(problem(world, "train", 0, "easy").start, action)
    assert repr(action) in str(refusal.value)
    assert " or " in str(refusal.value)


@pytest.mark.parametrize("world", WORLD_NAMES)
def test_a_step_gives_a_new_state_and_leaves_the_old_one_as_it_was(world):
    for state in positions(world, "medium"):
        before, number = WORLDS[world].write(state), hash(state)
        for action in WORLDS[world].legal_actions(state):
            after = WORLDS[world].step(state, action)
            assert WORLDS[world].step(state, action) == after
            assert hash(after) == hash(WORLDS[world].step(state, action))
        assert WORLDS[world].write(state) == before
        assert hash(state) == number


@pytest.mark.parametrize("world", WORLD_NAMES)
def test_a_replay_gives_every_state_and_unroll_one_line_for_each(world):
    for item in problems(world, "medium"):
        actions = WORLDS[world].solve(item)
        states = WORLDS[world].replay(item.start, actions)
        assert states[0] == item.start
        assert len(states) == len(actions) + 1
        state = item.start
        lines = [f"Start: {WORLDS[world].line(state)}"]
        for number, action in enumerate(actions, 1):
            state = WORLDS[world].step(state, action)
            assert states[number] == state
            lines.append(f"{number}. {action}: {WORLDS[world].line(state)}")
        assert WORLDS[world].unroll(item.start, actions) == "\n".join(lines)


@pytest.mark.parametrize("world", WORLD_NAMES)
def test_a_replay_stops_at_the_first_illegal_step(world):
    item = problem(world, "train", 0, "easy")
    with pytest.raises(IllegalAction):
        WORLDS[world].replay(item.start, [*WORLDS[world].solve(item), "nonsense"])


# --- text forms ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("world", "difficulty"), BY_DIFFICULTY)
def test_every_position_is_read_back_from_its_text(world, difficulty):
    texts = {}
    for state in positions(world, difficulty):
        text = WORLDS[world].write(state)
        assert WORLDS[world].read(text) == state
        assert WORLDS[world].write(WORLDS[world].read(text)) == text
        assert texts.setdefault(text, state) == state, "two states share one text"


@pytest.mark.parametrize("world", WORLD_NAMES)
@given(text=st.text())
def test_any_text_is_read_or_refused_with_a_sentence(world, text):
    _read_or_refuse(world, text)


COLOUR_WORDS = ("red", "yellow", "blue", "green", "gray", "grey", "black", "orange")

# Pieces of the text forms, so that the garbage comes near to being a state.
PIECES = st.sampled_from(
    [
        *COLOUR_WORDS,
        *("at", "0,0", "1,0", "0,1", "(0,0,0)", "(0,0,1)", ";", "; ", "/", " / ", ":", "U:", "D: ", " ", "\n", "\x00"),
        *("#", ".", "S", "B", "T", "+", "*", "# # #", "1122", "1133", "4500", "6788", "6799", "0", "9", "-1", "9" * 20),
        *("\N{SUPERSCRIPT TWO}", "\N{ARABIC-INDIC DIGIT THREE}"),
    ]
)


@pytest.mark.parametrize("world", WORLD_NAMES)
@given(pieces=st.lists(PIECES, max_size=30), separator=st.sampled_from(["", " ", "/", "\n"]))
def test_pieces_of_states_are_read_or_refused_with_a_sentence(world, pieces, separator):
    _read_or_refuse(world, separator.join(pieces))


@pytest.mark.parametrize("world", WORLD_NAMES)
@given(data=st.data())
def test_a_damaged_text_is_refused_or_read_as_the_state_it_now_says(world, data):
    text = WORLDS[world].write(problem(world, "train", data.draw(st.integers(0, 5)), "easy").start)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(start + 8, len(text))))
    patch = data.draw(st.one_of(st.text(max_size=4), st.just(text[start:end][::-1]), PIECES))
    _read_or_refuse(world, text[:start] + patch + text[end:])


def _read_or_refuse(world: str, text: str) -> None:
    refusal = None
    try:
        state = WORLDS[world].read(text)
    except ValueError as error:
        refusal = error
    if refusal is None:
        assert WORLDS[world].read(WORLDS[world].write(state)) == state
        return
    assert not isinstance(refusal, IllegalAction), "a malformed text is not an illegal action"
    assert len(str(refusal).split()) >= 4, f"not a sentence: {refusal}"


# --- problems --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("world", WORLD_NAMES)
def test_the_bins_follow_each_other_without_gap_or_overlap(world):
    sizes = [size for difficulty in DIFFICULTIES for size in WORLDS[world].bins[difficulty]]
    assert sizes == list(range(sizes[0], sizes[-1] + 1))
    for difficulty in DIFFICULTIES:
        assert all(WORLDS[world].difficulty(size) == difficulty for size in WORLDS[world].bins[difficulty])
    for outside in (sizes[0] - 1, sizes[-1] + 1):
        with pytest.raises(ValueError, match=f"{world}: size {outside} "):
            WORLDS[world].difficulty(outside)


def test_the_bins_of_cube_rolling_cover_paths_of_1_to_15_rolls():
    assert [size for sizes in WORLDS["cube_rolling"].bins.values() for size in sizes] == list(range(1, 16))


@pytest.mark.parametrize(("world", "difficulty"), BY_DIFFICULTY)
def test_the_size_of_a_problem_lies_in_the_bin_of_its_difficulty(world, difficulty):
    for item in problems(world, difficulty):
        assert item.world == world
        assert item.difficulty == difficulty
        assert WORLDS[world].size(item) in WORLDS[world].bins[difficulty]
        assert WORLDS[world].difficulty(WORLDS[world].size(item)) == difficulty


@pytest.mark.parametrize("world", ["cube_rolling", "mental_rotation", "rubiks_cube", "wood_slide"])
def test_every_size_of_every_bin_is_drawn(world):
    for difficulty, sizes in WORLDS[world].bins.items():
        drawn = {WORLDS[world].size(problem(world, "train", i, difficulty)) for i in range(80)}
        # Two cubes make only 15 structures, most of which the benchmark asks: they are read and judged, never drawn.
        assert drawn == set(sizes) - ({2} if world == "mental_rotation" else set())


@pytest.mark.parametrize(("world", "difficulty"), BY_DIFFICULTY)
def test_a_state_drawn_for_a_difficulty_is_a_state(world, difficulty):
    for i in range(3):
        state = WORLDS[world].draw(Rng("draw", i), difficulty)
        assert WORLDS[world].read(WORLDS[world].write(state)) == state


@pytest.mark.parametrize(("world", "difficulty"), BY_DIFFICULTY)
def test_the_true_answer_is_judged_correct_and_the_solution_replays(world, difficulty):
    for item in problems(world, difficulty):
        outcome = WORLDS[world].judge(item, WORLDS[world].truth(item))
        assert outcome.correct
        assert outcome.error is None
        assert outcome.detail
        WORLDS[world].replay(item.start, WORLDS[world].solve(item))


@pytest.mark.parametrize(("world", "difficulty"), [(w, d) for w in DESCRIBED for d in DIFFICULTIES])
def test_a_false_answer_is_judged_wrong(world, difficulty):
    for item in problems(world, difficulty):
        false = list(_false_answers(world, item))
        assert len(false) >= 5
        for answer in false:
            outcome = WORLDS[world].judge(item, answer)
            assert not outcome.correct, answer
            assert outcome.error == "wrong"
            assert outcome.detail
            assert outcome.moves is outcome.optimal is outcome.touched is None


def _false_answers(world: str, item: Problem):
    truth, colours = WORLDS[world].truth(item), WORLDS[world].colours
    kind = WORLDS[world].answer_kind(item)
    if kind == "colour":
        assert truth in colours
        yield from (colour for colour in colours if colour != truth)
        yield ""
    elif kind == "count":
        yield from (count for count in range(-1, 10) if count != truth)
    else:
        assert kind == "colour_counts"
        assert set(truth) <= set(colours)
        assert all(count > 0 for count in truth.values())
        yield {}
        yield from ({**truth, colour: truth.get(colour, 0) + 1} for colour in colours)
        yield from ({c: n for c, n in truth.items() if c != colour} for colour in truth)
        yield {**truth, "purple": 1}


@pytest.mark.parametrize("world", DESCRIBED)
def test_no_answer_at_all_is_judged_wrong(world):
    for item in problems(world, "easy"):
        assert WORLDS[world].judge(item, None).error == "wrong"


@pytest.mark.parametrize(("world", "difficulty"), BY_DIFFICULTY)
def test_an_answer_has_the_kind_that_the_world_says(world, difficulty):
    types = {"colour": str, "count": int, "colour_counts": dict, "plan": tuple}
    for item in problems(world, difficulty):
        kind = WORLDS[world].answer_kind(item)
        assert isinstance(WORLDS[world].truth(item), types[kind])
        assert isinstance(WORLDS[world].initial(item), types[kind])
        assert (kind == "plan") == (world in PLANNING)


# --- plans -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("world", "difficulty"), PLANNING_BY_DIFFICULTY)
def test_a_correct_plan_is_told_its_length_and_the_least_length(world, difficulty):
    for item in problems(world, difficulty):
        plan = WORLDS[world].truth(item)
        assert plan == WORLDS[world].solve(item)
        outcome = WORLDS[world].judge(item, plan)
        assert (outcome.moves, outcome.optimal, outcome.touched) == (len(plan), len(plan), True)
        assert str(len(plan)) in outcome.detail


@pytest.mark.parametrize(("world", "difficulty"), PLANNING_BY_DIFFICULTY)
def test_an_empty_plan_and_a_plan_cut_short_are_incomplete(world, difficulty):
    for item in problems(world, difficulty, 6):
        plan = WORLDS[world].truth(item)
        assert WORLDS[world].initial(item) == ()
        for length in range(len(plan)):
            outcome = WORLDS[world].judge(item, plan[:length])
            assert (outcome.correct, outcome.error) == (False, "incomplete")
            assert (outcome.moves, outcome.optimal, outcome.touched) == (length, len(plan), False)
            assert str(length) in outcome.detail


@pytest.mark.parametrize(("world", "difficulty"), PLANNING_BY_DIFFICULTY)
def test_an_illegal_step_anywhere_makes_a_plan_illegal_and_names_the_rule(world, difficulty):
    for item in problems(world, difficulty, 4):
        plan = WORLDS[world].truth(item)
        states = WORLDS[world].replay(item.start, plan)
        for at, state in enumerate(states):
            illegal = [a for a in WORDS_OF[world] if a not in WORLDS[world].legal_actions(state)]
            for bad in illegal[:6] + illegal[-2:]:
                with pytest.raises(IllegalAction) as refusal:
                    WORLDS[world].step(state, bad)
                outcome = WORLDS[world].judge(item, (*plan[:at], bad, *plan[at:]))
                assert (outcome.correct, outcome.error) == (False, "illegal")
                assert str(refusal.value) in outcome.detail
                assert f"move {at + 1} ({bad})" in outcome.detail
                assert (outcome.moves, outcome.optimal) == (len(plan) + 1, len(plan))
                # With at == len(plan) the plan had reached the goal before it broke a rule.
                assert outcome.touched is (at == len(plan))


WORDS_OF = {
    "moving_box": [*"udlr", "x", "ud"],
    "wood_slide": [*(b + w for b in "123456789" for w in "udlr"), "0d", "d3"],
}


@pytest.mark.parametrize("world", PLANNING)
def test_a_plan_that_passes_the_goal_and_ends_elsewhere_is_incomplete(world):
    tried = 0
    for item in (item for difficulty in DIFFICULTIES for item in problems(world, difficulty)):
        plan = WORLDS[world].truth(item)
        onwards = _way_off_the_goal(world, WORLDS[world].replay(item.start, plan)[-1])
        if onwards is None:
            continue  # a box in a corner stays there
        outcome = WORLDS[world].judge(item, (*plan, *onwards))
        assert (outcome.correct, outcome.error, outcome.touched) == (False, "incomplete", True)
        assert (outcome.moves, outcome.optimal) == (len(plan) + len(onwards), len(plan))
        tried += 1
        # Going back to the goal makes it right again; breaking a rule after all of this does not.
        illegal = WORLDS[world].judge(item, (*plan, *onwards, "x"))
        assert (illegal.correct, illegal.error, illegal.touched) == (False, "illegal", True)
    assert tried >= 5


def _way_off_the_goal(world: str, end) -> list[str] | None:
    ways, seen = [(end, [])], {end}
    for state, way in ways:
        for action in WORLDS[world].legal_actions(state):
            after = WORLDS[world].step(state, action)
            if world == "wood_slide" or after.box != after.target:
                return [*way, action]
            if after not in seen:
                seen.add(after)
                ways.append((after, [*way, action]))
    return None


@pytest.mark.parametrize(("world", "difficulty"), PLANNING_BY_DIFFICULTY)
def test_a_detour_is_correct_but_longer_than_needed(world, difficulty):
    tried = 0
    for item in problems(world, difficulty):
        plan = WORLDS[world].truth(item)
        for action in WORLDS[world].legal_actions(item.start):
            back = action[:-1] + {"u": "d", "d": "u", "l": "r", "r": "l"}[action[-1]]
            after = WORLDS[world].step(item.start, action)
            if back in WORLDS[world].legal_actions(after) and WORLDS[world].step(after, back) == item.start:
                outcome = WORLDS[world].judge(item, (action, back, *plan))
                assert outcome.correct
                assert (outcome.moves, outcome.optimal) == (len(plan) + 2, len(plan))
                tried += 1
    assert tried


@pytest.mark.parametrize("world", PLANNING)
def test_a_plan_may_be_a_list(world):
    item = problem(world, "train", 0, "easy")
    assert WORLDS[world].judge(item, list(WORLDS[world].truth(item))).correct


@pytest.mark.parametrize("world", WORLD_NAMES)
def test_a_planning_world_reads_its_actions_and_nothing_else(world):
    for word in ("", "x", "0d", "3x", "33d", "3d ", "u\n", "3d\n", "the", *OTHER_DIGITS):
        assert WORLDS[world].read_action(word) is None
    for state in positions(world, "easy", 3):
        for action in WORLDS[world].legal_actions(state):
            assert WORLDS[world].read_action(action) == (action if world in PLANNING else None)


# --- questions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("world", "difficulty"), BY_DIFFICULTY)
def test_every_wording_asks_a_question(world, difficulty):
    for item in problems(world, difficulty, 4):
        texts = {}
        for wording in ("long", "short"):
            for described in (True, False):
                text = WORLDS[world].question(item, wording=wording, described=described)
                assert "?" in text
                assert text == text.strip()
                assert not any(leftover in text for leftover in ("  ", "None", "()", "{", "}", ".. ", "?."))
                texts[wording, described] = text
                assert ("picture" in text) is not described
        assert len(set(texts.values())) == 4
        for described in (True, False):
            assert len(texts["long", described]) > len(texts["short", described])


@pytest.mark.parametrize("world", PLANNING)
@pytest.mark.parametrize("described", [True, False])
def test_a_question_does_not_give_the_plan_away(world, described):
    for item in problems(world, "medium", 6):
        plan = WORLDS[world].truth(item)
        text = WORLDS[world].question(item, wording="long", described=described)
        assert not any(separator.join(plan) in text for separator in (" ", ", ", ""))


# --- JSON ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("world", "difficulty"), BY_DIFFICULTY)
def test_a_problem_survives_the_trip_through_json_text(world, difficulty):
    for item in problems(world, difficulty):
        text = json.dumps(problem_to_json(item))
        back = problem_from_json(json.loads(text))
        assert back == item
        assert type(back.query) is WORLDS[world].query_type
        assert WORLDS[world].keys(back) == WORLDS[world].keys(item)
        assert all(type(value) is str for value in problem_to_json(item)["query"].values())


@pytest.mark.parametrize("world", WORLD_NAMES)
def test_a_damaged_problem_is_refused(world):
    good = problem_to_json(problem(world, "train", 0, "easy"))
    damaged = [
        *({key: value for key, value in good.items() if key != missing} for missing in good),
        *(None, [], "text", {}),
        {**good, "world": "chess"},
        {**good, "world": None},
        {**good, "world": ["moving_box"]},
        {**good, "start": ""},
        {**good, "start": good["start"] + " x"},
        {**good, "query": None},
        {**good, "query": []},
        {**good, "query": {**good["query"], "more": "x"}},
    ]
    for data in damaged:
        with pytest.raises(ValueError):
            problem_from_json(data)


@pytest.mark.parametrize("world", WORLD_NAMES)
def test_a_start_that_is_no_text_is_refused(world):
    good = problem_to_json(problem(world, "train", 0, "easy"))
    with pytest.raises(ValueError):
        problem_from_json({**good, "start": None})


@pytest.mark.parametrize("difficulty", ["very hard", None])
def test_an_unknown_difficulty_is_refused(difficulty):
    good = problem_to_json(problem("cube_rolling", "train", 0, "easy"))
    with pytest.raises(ValueError, match="difficulty"):
        problem_from_json({**good, "difficulty": difficulty})


@pytest.mark.parametrize("value", [5, "nonsense"])
@pytest.mark.parametrize(
    ("world", "field"), [(world, field) for world in WORLD_NAMES for field in WORLDS[world].query_type._fields]
)
def test_a_query_that_asks_nothing_of_this_world_is_refused(world, field, value):
    good = problem_to_json(problem(world, "train", 0, "easy"))
    with pytest.raises(ValueError, match=r"nonsense|5"):
        problem_from_json({**good, "query": {**good["query"], field: value}})


@pytest.mark.parametrize("world", WORLD_NAMES)
def test_an_unknown_wording_is_refused(world):
    with pytest.raises(ValueError, match="wording"):
        WORLDS[world].question(problem(world, "train", 0, "easy"), wording="medium", described=True)


@pytest.mark.parametrize("world", WORLD_NAMES)
def test_an_unknown_difficulty_is_refused_in_words(world):
    with pytest.raises(ValueError, match=r"difficulty 'very hard'"):
        WORLDS[world].pose(Rng(0), "very hard")


# --- walks -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("world", "difficulty"), BY_DIFFICULTY)
def test_a_walk_is_legal_and_asks_about_its_end(world, difficulty):
    for walk in walks(world, difficulty):
        assert (walk.world, walk.difficulty) == (world, difficulty)
        assert walk.actions
        assert walk.question.endswith("?")
        assert walk.answer
        assert type(walk.answer) is str
        WORLDS[world].replay(walk.start, walk.actions)


@pytest.mark.parametrize("world", WORLD_NAMES)
def test_a_walk_over_the_scene_of_a_problem_falls_into_the_same_split(world):
    for item in problems(world, "easy"):
        actions = WORLDS[world].solve(item)
        end = WORLDS[world].replay(item.start, actions)[-1]
        walk = Walk(world, item.difficulty, item.start, actions, "?", "", WORLDS[world].write(end), "")
        assert WORLDS[world].keys(walk)[1:] == WORLDS[world].keys(item)[1:]
        assert split_of(WORLDS[world], WORLDS[world].keys(walk)) == split_of(WORLDS[world], WORLDS[world].keys(item))


@pytest.mark.parametrize("world", WORLD_NAMES)
def test_walks_differ_from_each_other(world):
    texts = {WORLDS[world].unroll(walk.start, walk.actions) for walk in walks(world, "medium", 12)}
    assert len(texts) == len(walks(world, "medium", 12))
