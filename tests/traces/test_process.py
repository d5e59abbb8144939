"""Right by luck is told from right by imagining."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from idf.scoring import _claims
from idf.traces import FilterRecipe, judge_trace
from idf.worlds import DIFFICULTIES, WORLDS, Problem, World
from idf.worlds.cube_rolling import FACES
from tests.sentences import says
from tests.traces.candidates import PLANNING, oracle
from tests.worlds.samples import problem, problems

RECIPE = FilterRecipe()
ANY = st.builds(
    problem,
    st.sampled_from(list(WORLDS)),
    st.just("train"),
    st.integers(0, 5),
    st.sampled_from(["easy", "medium"]),
)
STEP = re.compile(r"(\d+)\. (\w+): (.*)")


def judged(of: Problem[Any, Any], response: str, recipe: FilterRecipe = RECIPE) -> str | None:
    lost = judge_trace(of, response, "stop", recipe)
    return lost and lost[0]


def detail(of: Problem[Any, Any], response: str) -> str:
    lost = judge_trace(of, response, "stop", RECIPE)
    assert lost is not None
    return lost[1]


def steps_of(text: str) -> list[tuple[int, str, str]]:
    """(line, action, state) of each step of an oracle's trace, the start included."""
    found = []
    for at, line in enumerate(text.splitlines()):
        if line.startswith("Start: "):
            found.append((at, "", line.removeprefix("Start: ")))
        elif match := STEP.fullmatch(line):
            found.append((at, match[2], match[3]))
    return found


def with_line(text: str, at: int, line: str | None) -> str:
    lines = text.splitlines()
    lines[at : at + 1] = [] if line is None else [line]
    return "\n".join(lines)


def changed_token(data: st.DataObject, world: str, state: str) -> str:
    """The state with one colour or digit changed into another."""
    colours = "|".join(WORLDS[world].colours) or "none"
    token = data.draw(st.sampled_from(list(re.finditer(rf"{colours}|\d", state))))
    others = WORLDS[world].colours if token[0] in WORLDS[world].colours else "0123456789"
    other = data.draw(st.sampled_from([o for o in others if o != token[0]]))
    return state[: token.start()] + other + state[token.end() :]


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
@pytest.mark.parametrize("world", WORLDS)
def test_every_trace_of_the_oracle_proves_itself(world, difficulty):
    for item in problems(world, difficulty):
        assert judge_trace(item, oracle(item), "stop", RECIPE) is None


@given(of=ANY, data=st.data())
def test_one_changed_colour_digit_or_coordinate_makes_a_trace_lucky(of, data):
    text = oracle(of)
    at, _, state = data.draw(st.sampled_from(steps_of(text)))
    changed = changed_token(data, of.world, state)
    assert WORLDS[of.world].read_line(changed) not in (None, WORLDS[of.world].read_line(state))
    spoiled = with_line(text, at, text.splitlines()[at].replace(state, changed))
    assert judged(of, spoiled) == "lucky"
    assert changed in detail(of, spoiled)
    assert judged(of, spoiled, FilterRecipe(level="outcome")) is None


@given(of=ANY, data=st.data())
def test_two_swapped_states_make_a_trace_lucky(of, data):
    text = oracle(of)
    steps = steps_of(text)
    assume(len(steps) > 1)
    (a, _, one), (b, _, other) = data.draw(st.sampled_from([(s, t) for s in steps for t in steps if s[0] < t[0]]))
    assume(one != other)
    lines = text.splitlines()
    lines[a], lines[b] = lines[a].replace(one, other), lines[b].replace(other, one)
    assert judged(of, "\n".join(lines)) == "lucky"


@given(of=ANY, data=st.data())
def test_a_dropped_step_leaves_a_trace_unproven(of, data):
    text = oracle(of)
    steps = steps_of(text)[1:]
    assume(steps)
    number = data.draw(st.integers(1, len(steps)))
    spoiled = with_line(text, steps[number - 1][0], None)
    assert judged(of, spoiled) == "unproven"
    says(detail(of, spoiled), f"step {number} of {len(steps)}", "not claimed")


@given(of=ANY, data=st.data())
def test_a_step_without_its_state_leaves_a_trace_unproven(of, data):
    text = oracle(of)
    steps = steps_of(text)[1:]
    assume(steps)
    at, _, state = data.draw(st.sampled_from(steps))
    instead = data.draw(st.sampled_from(["", "the cube has rolled on", "..."]))
    assert judged(of, with_line(text, at, text.splitlines()[at].replace(state, instead))) == "unproven"


@given(of=ANY, data=st.data())
def test_a_renamed_action_makes_a_trace_lucky(of, data):
    text = oracle(of)
    steps = steps_of(text)[1:]
    assume(steps)
    at, action, _ = data.draw(st.sampled_from(steps))
    other = data.draw(st.sampled_from([name for name in (*WORLDS[of.world].actions, "north") if name != action]))
    line = text.splitlines()[at].replace(f" {action}:", f" {other}:", 1)
    assert judged(of, with_line(text, at, line)) == "lucky"
    assert f"is {action}, not {other}" in detail(of, with_line(text, at, line))


@given(of=ANY, index=st.integers(6, 9))
def test_the_right_answer_after_the_states_of_another_problem_is_lucky_or_unproven(of, index):
    other = problem(of.world, "train", index, of.difficulty)
    imagined = oracle(other).splitlines()[:-1]
    assume(oracle(of).splitlines()[:-1] != imagined)
    assert judged(of, "\n".join([*imagined, oracle(of).splitlines()[-1]])) in ("lucky", "unproven")


@given(of=ANY)
def test_a_wrong_answer_after_the_right_states_is_wrong(of):
    *imagined, answer = oracle(of).splitlines()
    if of.world in PLANNING:
        instead = " ".join(answer.split()[:-1]) if len(answer.split()) > 2 else "Answer: none"
        assert judged(of, "\n".join([*imagined, instead])) == "incomplete"
    else:
        kind = WORLDS[of.world].answer_kind(of)
        false = {"count": "Answer: 99", "colour_counts": "Answer: 9 cubes: red 9"}
        other = next(colour for colour in WORLDS[of.world].colours if not answer.endswith(colour))
        assert judged(of, "\n".join([*imagined, false.get(kind, f"Answer: {other}")])) == "wrong"


def test_a_list_of_faces_is_not_taken_for_steps_and_has_to_be_true():
    item = problem("cube_rolling", "train", 0, "medium")
    seen = {face: item.start.colours[FACES.index(face)] for face in ("top", "left", "right", "front")}
    faces = [f"{n}. {face.title()}: {colour}" for n, (face, colour) in enumerate(seen.items(), 1)]
    assert judged(item, "\n".join(["I see:", *faces, "", oracle(item)]), FilterRecipe(most_corrections=0)) is None
    faces[1] = f"2. Left: {seen['right']}"
    assert judged(item, "\n".join(["I see:", *faces, "", oracle(item)])) == "lucky"


@pytest.mark.parametrize("world", WORLDS)
def test_a_world_that_reads_no_lines_of_its_own_is_replayed_too(world, monkeypatch):
    monkeypatch.setattr(type(WORLDS[world]), "read_line", World.read_line)
    monkeypatch.setattr(_claims, "_read_once", _claims._read)  # readings of the world as it is are kept
    for item in problems(world, "easy", 4):
        text = oracle(item)
        assert judged(item, text) is None
        at = steps_of(text)[-1][0]
        assert judged(item, with_line(text, at, f"{text.splitlines()[at]} 1")) == "lucky"
        if len(steps_of(text)) > 1:
            assert judged(item, with_line(text, at, None)) == "unproven"


def test_the_answer_alone_is_unproven_and_enough_at_the_level_outcome():
    for world in WORLDS:
        item = problem(world, "train", 0, "easy")
        answer = oracle(item).splitlines()[-1]
        assert judged(item, answer) == "unproven"
        assert judged(item, answer, FilterRecipe(level="outcome")) is None


def test_the_first_wrong_step_is_named():
    item = next(item for item in problems("cube_rolling", "medium"))
    text = oracle(item)
    steps = steps_of(text)
    lines = text.splitlines()
    for number in (3, 5):
        at, _, state = steps[number]
        lines[at] = lines[at].replace(state, steps[number - 1][2])
    says(detail(item, "\n".join(lines)), "step 3", f"({steps[3][1]})", f"is {steps[3][2]!r}")


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize(
    "wording", ["Step {}: {} -> {}", "{}) {}: {}", "**{}.** {}:\n```\n{}\n```", "* Step {} ({}): {}"]
)
def test_other_wordings_prove_as_much(world, wording):
    for item in problems(world, "easy", 3):
        text = STEP.sub(lambda match: wording.format(*match.groups()), oracle(item))
        assert judge_trace(item, text, "stop", RECIPE) is None
        assert judge_trace(item, re.sub("^Start: .*\n", "", text, flags=re.M), "stop", RECIPE) is None


@pytest.mark.parametrize("world", WORLDS)
def test_thinking_is_part_of_the_trace(world):
    for item in problems(world, "easy", 4):
        *imagined, answer = oracle(item).splitlines()
        told = "\n".join(imagined)
        assert judged(item, f"<think>\n{told}\n</think>\n{answer}") is None
        assert judged(item, f"<think>\n{told}\n</think>\nI have imagined it:\n{told}\n{answer}") is None


# --- corrections -----------------------------------------------------------------------------------------------


def spoiled_then_corrected(times: int) -> tuple[Problem[Any, Any], str]:
    """Step 2 is claimed wrongly `times` times, then rightly; the steps after it follow once."""
    item = next(item for item in problems("cube_rolling", "medium"))
    lines = oracle(item).splitlines()
    at, action, state = steps_of(oracle(item))[2]
    colours = state.split()
    wrong = [" ".join(colours[n:] + colours[:n]) for n in range(1, times + 1)]
    lines[at:at] = [line for w in wrong for line in (f"2. {action}: {w}", "Wait, that is not right.")]
    return item, "\n".join(lines)


def test_the_last_word_on_a_step_counts():
    item, text = spoiled_then_corrected(2)
    assert judged(item, text) is None


def test_more_corrections_than_allowed_are_refused():
    item, text = spoiled_then_corrected(3)
    assert judged(item, text) == "corrected"
    says(detail(item, text), 3, "taken back", 2)
    assert judged(item, text, FilterRecipe(most_corrections=3)) is None
    assert judged(item, text, FilterRecipe(most_corrections=None)) is None
    item, text = spoiled_then_corrected(1)
    assert judged(item, text, FilterRecipe(most_corrections=0)) == "corrected"


def test_a_correction_for_the_worse_is_lucky():
    item = next(item for item in problems("cube_rolling", "medium"))
    at, action, state = steps_of(oracle(item))[2]
    lines = oracle(item).splitlines()
    lines.insert(at + 1, f"Wait.\n2. {action}: {' '.join(reversed(state.split()))}")
    assert judged(item, "\n".join(lines)) == "lucky"


def test_a_step_that_is_said_again_in_the_same_words_is_no_correction():
    item = next(item for item in problems("cube_rolling", "medium"))
    lines = oracle(item).splitlines()
    at, action, _ = steps_of(oracle(item))[2]
    lines[at:at] = [lines[at]] + [f"2. {action}"]
    assert judged(item, "\n".join(lines), FilterRecipe(most_corrections=0)) is None


def test_beginning_again_at_a_step_is_one_correction_however_many_steps_follow():
    item = next(item for item in problems("cube_rolling", "medium"))
    text = oracle(item)
    first, *rest = [line for line in text.splitlines() if STEP.fullmatch(line)]
    wrong = [
        STEP.sub(lambda match: f"{match[1]}. {match[2]}: {' '.join(reversed(match[3].split()))}", line) for line in rest
    ]
    begun = "\n".join([first, *wrong, "Wait, I mixed up the faces. From step 2 again:", *rest])
    assert judged(item, f"{begun}\n{text.splitlines()[-1]}", FilterRecipe(most_corrections=1)) is None


def test_a_plan_in_short_before_the_states_is_no_correction():
    item = problem("moving_box", "train", 0, "easy")
    plan = "\n".join(f"{n}. {way}" for n, way in enumerate(WORLDS["moving_box"].solve(item), 1))
    assert judged(item, f"The plan:\n{plan}\n\n{oracle(item)}", FilterRecipe(most_corrections=0)) is None
    assert judged(item, plan + "\n" + oracle(item).splitlines()[-1]) == "unproven"


def test_what_followed_a_step_that_was_taken_back_stands_if_it_is_right_and_is_unproven_if_not():
    item = next(item for item in problems("cube_rolling", "medium"))
    lines = oracle(item).splitlines()
    steps = steps_of(oracle(item))
    second, third = steps[2], steps[3]
    right = lines[second[0]]
    lines[second[0]] = right.replace(second[2], " ".join(reversed(second[2].split())))
    lines.insert(third[0] + 1, right)
    assert judged(item, "\n".join(lines)) is None
    lines[third[0]] = lines[third[0]].replace(third[2], " ".join(reversed(third[2].split())))
    assert judged(item, "\n".join(lines)) == "unproven"


def test_an_abandoned_plan_is_forgotten_even_if_it_was_longer():
    item = problem("moving_box", "train", 1, "easy")
    world = WORLDS["moving_box"]
    first = next(way for way in world.legal_actions(item.start) if way != world.solve(item)[0])
    plan, state = [], item.start
    for _ in range(len(world.solve(item)) + 2):
        plan.append(first if not plan else next(way for way in world.legal_actions(state)))
        state = world.step(state, plan[-1])
    text = f"{world.unroll(item.start, plan)}\nThat leads nowhere. Again:\n{oracle(item)}"
    assert judged(item, text, FilterRecipe(most_corrections=None)) is None


def test_a_step_beyond_the_last_makes_a_trace_lucky():
    item = next(item for item in problems("rubiks_cube", "easy"))
    text = oracle(item)
    at, _, state = steps_of(text)[-1]
    last = len(steps_of(text))
    assert judged(item, with_line(text, at, f"{text.splitlines()[at]}\n{last}. U: {state}")) == "lucky"


# --- what is read off ------------------------------------------------------------------------------------------


def label_and_value(text: str, label: str) -> tuple[int, str, str]:
    for at, line in enumerate(text.splitlines()):
        if line.startswith(label):
            return at, label, line.removeprefix(label)
    raise AssertionError(label)


@pytest.mark.parametrize(
    ("world", "label"),
    [
        ("cube_rolling", "End: "),
        ("cube_rolling", "Look at the "),
        ("mental_rotation", "(0,0): "),
        ("moving_box", "Target: "),
        ("wood_slide", "Target: "),
    ],
)
@given(data=st.data(), index=st.integers(0, 5))
def test_a_false_read_off_makes_a_trace_lucky(world, label, data, index):
    item = problem(world, "train", index, "medium")
    text = oracle(item)
    at, _, value = label_and_value(text, label)
    line = text.splitlines()[at]
    head, colon, value = line.partition(": ")
    assert judged(item, with_line(text, at, head + colon + changed_token(data, world, value))) == "lucky"


@given(data=st.data(), index=st.integers(0, 9))
def test_a_false_face_of_a_rubiks_cube_makes_a_trace_lucky(data, index):
    item = problem("rubiks_cube", "train", index, "easy")
    text = oracle(item)
    at, label, value = label_and_value(text, f"{item.query.face}: ")
    assert judged(item, with_line(text, at, label + changed_token(data, "rubiks_cube", value))) == "lucky"


def seen_from_the_front() -> list[Problem[Any, Any]]:
    found = [item for d in DIFFICULTIES for item in problems("mental_rotation", d) if item.query.view == "front"]
    assert len(found) > 3
    return found


def test_where_nothing_turns_the_columns_are_the_proof():
    for item in seen_from_the_front():
        lines = oracle(item).splitlines()
        assert judged(item, "\n".join(lines[1:])) is None
        for at in range(1, len(lines) - 1):
            assert judged(item, "\n".join(lines[:at] + lines[at + 1 :])) == "unproven"
        assert judged(item, lines[0] + "\n" + lines[-1]) == "unproven"


def test_a_column_that_hides_less_is_not_false_but_no_proof_either():
    item = next(item for item in seen_from_the_front() if " hides " in oracle(item))
    assert judged(item, re.sub(" hides .*", "", oracle(item))) == "unproven"
    turned = next(
        item for item in problems("mental_rotation", "hard") if item.query.view != "front" and " hides " in oracle(item)
    )
    assert judged(turned, re.sub(" hides .*", "", oracle(turned))) is None


def test_other_words_after_a_label_are_not_judged():
    item = problem("rubiks_cube", "train", 0, "easy")
    *lines, answer = oracle(item).splitlines()
    assert judged(item, "\n".join([*lines, f"{item.query.face}: I look at it from outside", answer])) is None
