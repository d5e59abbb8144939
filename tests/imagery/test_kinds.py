"""Every kind of sample in every world: the answer is right, and the states on the way are those of the world."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import pytest

from idf.data import text_of
from idf.imagery import BASIC_PHRASINGS, BASICS, KINDS, LESSONS, PHRASINGS, kinds_of, teach
from idf.imagery._phrasings import NOTHING
from idf.scoring import final_answer, score
from idf.worlds import DIFFICULTIES, WORLDS, IllegalAction, Problem, Rng, Walk
from idf.worlds.cube_rolling import FACES, HIDDEN
from idf.worlds.rubiks_cube import POSITIONS, face_colours
from idf.worlds.wood_slide import Query as Target
from tests.imagery.lessons import BASIC_PAIRS, MODES, PAIRS, Lesson, all_of, lessons
from tests.worlds.reference_mental_rotation import seen


def of_kind(kind: str) -> list[str]:
    return [world for world, other in PAIRS if other == kind]


def legal(lesson: Lesson, state: object) -> dict[str, object]:
    """Each action that breaks no rule, with the state that it leads to: tried one by one."""
    after = {}
    for action in lesson.world.actions:
        try:
            after[action] = lesson.world.step(state, action)
        except IllegalAction:
            continue
    return after


def replayed(lesson: Lesson, actions: list[str]) -> list[object]:
    states = [lesson.start]
    for action in actions:
        states.append(lesson.world.step(states[-1], action))
    return states


def simulated(lesson: Lesson, actions: list[str]) -> str:
    """How a simulation of these actions must be written."""
    start, *after = (lesson.world.line(state) for state in replayed(lesson, actions))
    steps = [f"{n}. {action}: {line}" for n, (action, line) in enumerate(zip(actions, after, strict=True), 1)]
    return "\n".join([f"Start: {start}", *steps])


def test_a_world_has_the_kinds_that_make_sense_in_it():
    assert list(LESSONS) == list(PHRASINGS)
    everywhere = {"rollout", "step", "inverse", "reading", "masked"}
    assert {name: set(kinds_of(world)) - everywhere - set(BASICS) for name, world in WORLDS.items()} == {
        "cube_rolling": {"legality", "partial"},
        "mental_rotation": {"partial"},
        "moving_box": {"legality", "goal", "partial"},
        "rubiks_cube": set(),
        "wood_slide": {"legality", "goal"},
    }
    assert all(everywhere <= set(kinds_of(world)) for world in WORLDS.values())
    assert list(BASICS) == list(BASIC_PHRASINGS)
    assert set(KINDS) == set(LESSONS) | set(BASICS)
    made = {(name, kind) for name, world in WORLDS.items() for kind in kinds_of(world) if kind != "partial"}
    assert made == {*PAIRS, *BASIC_PAIRS}


@pytest.mark.parametrize(("world", "kind"), PAIRS)
def test_a_response_ends_in_the_answer_of_its_meta(world, kind):
    for lesson in all_of(world, kind):
        if kind in ("rollout", "inverse", "legality", "goal"):
            assert lesson.response.count("Answer:") == 1
            assert lesson.response.splitlines()[-1] == f"Answer: {lesson.meta['answer']}"
            assert final_answer(lesson.response) == lesson.meta["answer"]
        else:  # the response is a state itself
            assert "Answer" not in lesson.response
            assert lesson.response.endswith(lesson.meta["answer"])


# --- rollout -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("world", WORLDS)
def test_a_rollout_spells_out_every_state_and_no_other(world):
    for lesson in all_of(world, "rollout"):
        assert lesson.fields["actions"].split() == lesson.meta["actions"]
        assert lesson.response.startswith(simulated(lesson, lesson.meta["actions"]) + "\n")
        rest = lesson.response.removeprefix(simulated(lesson, lesson.meta["actions"]))
        assert not re.search(r"^\d+\. ", rest, re.MULTILINE), "no step more than there are actions"
        assert lesson.fields["question"] == lesson.meta["question"]


def read_off(world: str, state: object, question: str) -> str:
    """The answer to a rollout's question in one state, without the code that poses it."""
    if world == "cube_rolling":
        return state.colours[FACES.index(re.search(r"Which colour is the (\w+) face", question)[1])]
    if world == "mental_rotation":
        cells = dict(state)
        counts = Counter(cells[cell] for cell in seen(cells, "front"))
        total = sum(counts.values())
        colours = [f"{colour} {counts[colour]}" for colour in WORLDS[world].colours if counts[colour]]
        return f"{total} cube{'s' * (total > 1)}: {', '.join(colours)}"
    if world == "rubiks_cube":
        if square := re.search(r"Which colour is the (\S+) square of the (\w+) face", question):
            return face_colours(state, square[2])[POSITIONS.index(square[1])]
        colour, face = re.search(r"How many (\w+) squares are on the (\w+) face", question).groups()
        return str(face_colours(state, face).count(colour))
    return WORLDS[world].line(state)


@pytest.mark.parametrize("world", WORLDS)
def test_the_answer_of_a_rollout_is_what_its_last_state_shows_and_the_initial_one_what_the_first_shows(world):
    moved = 0
    for lesson in all_of(world, "rollout"):
        states = replayed(lesson, lesson.meta["actions"])
        assert read_off(world, states[-1], lesson.meta["question"]) == lesson.meta["answer"]
        assert read_off(world, states[0], lesson.meta["question"]) == lesson.meta["initial"]
        moved += lesson.meta["answer"] != lesson.meta["initial"]
    assert moved > 36, "of 72; who imagines nothing must not be right as a rule"


# --- step --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("world", WORLDS)
def test_a_step_leads_where_the_world_leads(world):
    for lesson in all_of(world, "step"):
        (action,) = lesson.meta["actions"]
        assert lesson.fields["actions"] == action
        assert lesson.response == simulated(lesson, [action])
        assert lesson.meta["answer"] == lesson.world.line(lesson.world.step(lesson.start, action))
        assert lesson.meta["initial"] == lesson.world.line(lesson.start)


@pytest.mark.parametrize("kind", ["step", "inverse", "reading"])
def test_steps_are_taken_from_anywhere_on_a_walk(kind):
    # All walks of a Rubik's cube begin with a solved one.
    solved = [set(map(len, map(set, faces_of(lesson.start)))) == {1} for lesson in lessons("rubiks_cube", kind, "hard")]
    assert {True, False} == set(solved)


def faces_of(cube: bytes) -> list[bytes]:
    return [cube[at : at + 9] for at in range(0, 54, 9)]


# --- inverse -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("world", WORLDS)
def test_exactly_one_legal_action_leads_to_the_state_that_is_shown(world):
    answers = Counter()
    for lesson in all_of(world, "inverse"):
        end = lesson.fields["end"]
        assert [a for a, state in legal(lesson, lesson.start).items() if lesson.world.line(state) == end] == [
            lesson.meta["answer"]
        ]
        answers[lesson.meta["answer"]] += 1
        assert not lesson.meta["actions"], "neither the picture nor the meta gives it away"
    assert len(answers) >= 4, "not always the same action"


@pytest.mark.parametrize("world", WORLDS)
def test_the_states_that_an_inverse_tries_are_where_those_actions_lead(world):
    for lesson in all_of(world, "inverse"):
        after = {action: lesson.world.line(state) for action, state in legal(lesson, lesson.start).items()}
        first, *tried, _ = lesson.response.splitlines()
        assert first == f"Start: {lesson.world.line(lesson.start)}"
        right = f"{lesson.meta['answer']}: {lesson.fields['end']}, as asked"
        shown = dict(after) if len(after) <= 4 else {lesson.meta["answer"]: after[lesson.meta["answer"]]}
        assert tried == [
            right if action == lesson.meta["answer"] else f"{action}: {line}" for action, line in shown.items()
        ]


def test_an_inverse_that_two_actions_answer_is_not_asked():
    # One column of cubes along y: turned to the left or to the right, all six sides but top and bottom look alike.
    world = WORLDS["mental_rotation"]
    column = world.read("red (0,0,0); blue (0,1,0)")
    only = Walk("mental_rotation", "easy", column, ("left",), "?", "", "", "")
    assert world.step(column, "left") == world.step(column, "right")
    assert all(teach("inverse", only, Rng("test", i)) is None for i in range(10))
    both = replace(only, actions=("left", "top"))
    found = [teach("inverse", both, Rng("test", i)) for i in range(10)]
    assert {lesson.answer for lesson in found} == {"top"}, "the other step of the walk can be asked"


# --- legality ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("world", of_kind("legality"))
def test_the_legal_actions_are_those_that_break_no_rule_after_the_steps_so_far(world):
    none, changed = 0, 0
    for lesson in all_of(world, "legality"):
        told = lesson.fields["actions"]
        actions = [] if told == NOTHING else told.split()
        assert actions == lesson.meta["actions"]
        end = replayed(lesson, actions)[-1]
        possible = " ".join(legal(lesson, end)) or NOTHING
        assert lesson.meta["answer"] == possible
        assert lesson.response.startswith(simulated(lesson, actions) + "\n")
        assert lesson.meta["initial"] == (" ".join(legal(lesson, lesson.start)) or NOTHING)
        none += not actions
        changed += lesson.meta["answer"] != lesson.meta["initial"]
    assert none < 36, "most ask about a state that has to be imagined"
    assert changed > 24


@pytest.mark.parametrize("world", of_kind("legality"))
def test_the_lines_between_say_of_each_action_whether_it_is_legal_and_why_not(world):
    for lesson in all_of(world, "legality"):
        actions = lesson.meta["actions"]
        end = replayed(lesson, actions)[-1]
        lines = lesson.response.splitlines()[len(actions) + 1 : -1]
        possible = set(legal(lesson, end))
        if world == "wood_slide":
            assert [line.split(":")[0] for line in lines] == [f"block {block}" for block in range(1, 10)]
            said = {word for line in lines for word in line.split(": ")[1].split() if word[0].isdigit()}
            assert said == possible
            for block, line in enumerate(lines, 1):
                assert line.endswith("cannot slide") == (not any(a.startswith(str(block)) for a in possible))
            continue
        assert [line.split(":")[0] for line in lines] == list(lesson.world.actions)
        for action, line in zip(lesson.world.actions, lines, strict=True):
            if action in possible:
                assert line == f"{action}: legal"
            else:
                with pytest.raises(IllegalAction, match=re.escape(line.split("not legal, ")[1])):
                    lesson.world.step(end, action)


# --- reading -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("world", WORLDS)
def test_a_reading_says_what_the_picture_shows_and_nothing_has_been_told(world):
    for lesson in all_of(world, "reading"):
        assert lesson.meta["mode"] == "vqa", "whatever the modes of the recipe"
        assert len(lesson.sample.images) == 1
        assert lesson.prompt == PHRASINGS["reading"][lesson.meta["phrasing"]].format(look=lesson.world.look)
        if world == "cube_rolling":
            path, faces = lesson.response.splitlines()
            assert path == f"Path: {' '.join(lesson.meta['actions'])}"
            colour = dict(zip(FACES, lesson.start.colours, strict=True))
            assert faces == f"Faces: top {colour['top']}, front {colour['front']}, right {colour['right']}"
        else:
            assert lesson.world.read(lesson.response) == lesson.start


def test_what_no_picture_shows_is_not_to_be_read():
    world = WORLDS["mental_rotation"]
    around = "; ".join(f"blue {cell}" for cell in ("(-1,0,0)", "(0,-1,0)", "(0,0,-1)", "(0,0,1)", "(0,1,0)", "(1,0,0)"))
    hidden = Walk("mental_rotation", "medium", world.read(f"red (0,0,0); {around}"), ("left",), "?", "", "", "")
    assert teach("reading", hidden, Rng("test")) is None
    assert teach("rollout", hidden, Rng("test")) is not None


# --- masked ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("world", WORLDS)
def test_what_is_restored_is_what_was_lost_and_the_prompt_does_not_hold_it(world):
    lost_counts = Counter()
    for lesson in all_of(world, "masked"):
        lines = simulated(lesson, lesson.meta["actions"]).splitlines()[1:]
        shown = lesson.fields["gapped"].splitlines()
        assert len(shown) == len(lines)
        lost = [at for at, line in enumerate(shown) if line.endswith(": ?")]
        assert [line for at, line in enumerate(shown) if at not in lost] == [
            line for at, line in enumerate(lines) if at not in lost
        ]
        assert [shown[at] for at in lost] == [lines[at].split(":")[0] + ": ?" for at in lost]
        assert lesson.response.splitlines() == [lines[at] for at in lost]
        assert not any(lines[at] in lesson.prompt for at in lost)
        assert lesson.meta["answer"] == lines[lost[-1]].split(": ", 1)[1]
        assert lost == list(range(lost[0], lost[0] + len(lost))), "states in a row"
        assert len(lost) == (1 if len(lines) < 6 else 2)
        lost_counts[lost[0]] += 1
    assert len(lost_counts) > 2, "not always the same place"


# --- goal --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("world", of_kind("goal"))
def test_the_way_to_a_goal_is_right_shortest_and_spelled_out(world):
    for difficulty in DIFFICULTIES:
        for lesson in lessons(world, "goal", difficulty):
            states = replayed(lesson, lesson.meta["actions"])
            query = () if world == "moving_box" else Target(lesson.world.write(states[-1]))
            if world == "moving_box":
                query = lesson.world.query_type()
                assert states[-1].box == states[-1].target
            problem = Problem(world, difficulty, lesson.start, query)
            verdict = score(problem, lesson.response)
            assert verdict.correct, verdict.detail
            assert verdict.moves == verdict.optimal == len(lesson.meta["actions"])
            assert simulated(lesson, lesson.meta["actions"]) in lesson.response
            assert lesson.world.size(problem) in lesson.world.sizes(difficulty)
            told = lesson.world.question(problem, wording=lesson.meta["wording"], described=True)
            assert lesson.fields["question"] == told
            assert lesson.meta["initial"] == NOTHING


# --- what is told and what is shown ------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["tqa", "vtqa"])
@pytest.mark.parametrize(("world", "kind"), [pair for pair in PAIRS if pair[1] != "reading"])
def test_with_text_the_prompt_holds_the_whole_start(world, kind, mode):
    for lesson in all_of(world, kind, mode, 6):
        if kind == "goal":
            assert lesson.world.write(lesson.start) in lesson.prompt
        else:
            where = lesson.world.whereabouts(lesson.start) if kind == "legality" else ""
            assert lesson.fields["start"].strip() == lesson.world.describe(lesson.start, pictured=False) + where


@pytest.mark.parametrize(("world", "kind"), PAIRS)
def test_with_the_picture_alone_the_prompt_does_not_hold_the_state_that_it_shows(world, kind):
    for lesson in all_of(world, kind, "vqa", 6):
        told = lesson.prompt
        for known in ("end", "gapped"):  # states that come after the one in the picture are told
            told = told.replace(lesson.fields.get(known) or "\0", "")
        assert lesson.world.write(lesson.start) not in told
        assert lesson.world.line(lesson.start) not in told
        if kind == "goal":
            states = replayed(lesson, lesson.meta["actions"])
            assert lesson.world.write(states[-1]) not in told
            assert not re.search(r"[0-9#]{4}|# [#.]", told), "no row of a board or grid"
        elif kind != "reading":
            start = lesson.fields["start"]
            if kind == "legality":  # which cells are free has to be told: a board has no edge in words
                start = start.replace(lesson.world.whereabouts(lesson.start), "")
            assert not re.search(r"\d", start), "no cell, no row, no block"
            shown = set(lesson.world.colours)
            if world == "cube_rolling":  # the picture shows three faces; the others have to be told
                colour = dict(zip(FACES, lesson.start.colours, strict=True))
                assert all(f"{face} {colour[face]}" in start for face in HIDDEN)
                shown = {colour[face] for face in FACES if face not in HIDDEN}
            assert not shown & set(re.findall("[a-z]+", start))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("world", "kind"), PAIRS)
def test_a_picture_is_there_exactly_if_the_mode_shows_one(world, kind, mode):
    for lesson in all_of(world, kind, mode, 6):
        shown = "vqa" if kind == "reading" else mode
        assert lesson.meta["mode"] == shown
        parts = [part["type"] for message in lesson.sample.messages for part in message["content"]]
        assert parts == (["text", "text"] if shown == "tqa" else ["image", "text", "text"])
        assert len(lesson.sample.images) == (shown != "tqa")
        assert [message["role"] for message in lesson.sample.messages] == ["user", "assistant"]
        assert text_of(lesson.sample.messages[1])


@pytest.mark.parametrize(("world", "kind"), PAIRS)
def test_the_rule_is_stated_in_the_long_wording_and_only_there(world, kind):
    wordings = Counter()
    for lesson in all_of(world, kind):
        stated = lesson.fields["rule"]
        if kind in ("goal", "reading"):  # the benchmark's own question states it, or it does not matter
            assert stated == ""
            continue
        assert stated == (f"{lesson.world.rule}\n" if lesson.meta["wording"] == "long" else "")
        wordings[lesson.meta["wording"]] += 1
    assert kind in ("goal", "reading") or min(wordings["long"], wordings["short"]) > 20


@pytest.mark.parametrize("kind", [kind for kind in LESSONS if kind != "partial"])
def test_every_phrasing_occurs_and_they_are_all_different(kind):
    used = Counter(lesson.meta["phrasing"] for world in of_kind(kind) for lesson in all_of(world, kind))
    assert set(used) == set(range(len(PHRASINGS[kind])))
    assert min(used.values()) > 0.5 * sum(used.values()) / len(used), "about as often as each other"
    assert len(set(PHRASINGS[kind])) == len(PHRASINGS[kind]) >= 4


@pytest.mark.parametrize("kind", PHRASINGS)
def test_a_state_stands_behind_a_label_and_no_sentence_goes_on_after_it(kind):
    """A start may read "as in the picture", and actions may read "none": no sentence is built around either."""
    for template in PHRASINGS[kind]:
        for field in re.findall(r"\{(start|end|gapped)\}", template):
            label = r"\n" if field == "gapped" else r"(^|\n)[A-Z][a-z ]+: "
            assert re.search(label + rf"\{{{field}\}}(\n[A-Z{{]|$)", template), template
        if kind in ("legality", "rollout"):  # the kinds with none, or several, actions
            assert re.search(r"\n[A-Z][a-z, ]+: \{actions\}\n", template), template


def test_no_template_is_left_with_a_hole_or_a_blank_before_a_line_break():
    for world, kind in PAIRS:
        for lesson in all_of(world, kind):
            assert not re.search(r"[{}]| \n|: :", lesson.prompt + lesson.response), lesson.prompt


# --- measures ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("world", "kind"), PAIRS)
def test_the_measures_are_those_of_what_has_to_be_imagined(world, kind):
    for lesson in all_of(world, kind):
        actions = lesson.meta["actions"] or ([lesson.meta["answer"]] if kind == "inverse" else [])
        subject = Walk(world, lesson.slot.difficulty, lesson.start, tuple(actions), "", "", "", "")
        assert lesson.meta["measures"] == lesson.world.measure(subject)
        number = {"cube_rolling": "rolls", "mental_rotation": "turns"}.get(world, "moves")
        assert lesson.meta["measures"][number] == len(actions)


def test_prompts_that_ask_what_is_legal_say_where_the_cube_stands(tmp_path):
    for mode in ("tqa", "vtqa", "vqa"):
        for lesson in all_of("cube_rolling", "legality", mode, 6):
            x, z = lesson.start.cells[-1]
            assert f"on cell ({x}, {z}) of a 10 x 10 board" in lesson.prompt
            assert "No cell may be visited twice." in lesson.prompt


def test_the_action_that_is_looked_for_is_found_among_all_four_rolls():
    for lesson in all_of("cube_rolling", "inverse", "tqa", 6):
        assert all(f"\n{way}: " in lesson.response for way in lesson.world.actions)


@pytest.mark.parametrize("kind", ["step", "inverse", "legality"])
@pytest.mark.parametrize("world", ["cube_rolling", "wood_slide"])
def test_stretches_have_the_same_key_if_and_only_if_they_ask_the_same_to_the_letter(world, kind):
    key_of: dict[tuple[str, ...], str] = {}
    for lesson in all_of(world, kind):
        start = lesson.world.describe(lesson.start, pictured=False)
        action = [lesson.meta["answer"]] if kind == "inverse" else lesson.meta["actions"]
        asked = (start, *action)
        assert key_of.setdefault(asked, lesson.meta["key"]) == lesson.meta["key"]
    assert len(set(key_of.values())) == len(key_of) > 30
