"""Candidate traces of the oracle: it makes no mistakes, and its words agree with the world."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from idf.data import DatasetFolder, Row, Slot, content_key, text_of
from idf.drawing import decode_png, draw, noise_of
from idf.scoring import parse_answer, read_trace, score
from idf.suites import MODES, PROMPTS, prompt_text, published
from idf.traces import (
    FilterRecipe,
    TeacherRecipe,
    TraceMaker,
    TracesRecipe,
    build_traces,
    filter_traces,
    form_of_steps,
    oracle_response,
    oracle_trace,
)
from idf.worlds import DIFFICULTIES, WORLDS, problem_from_json, split_of
from tests.data.samples import PIXELS, files_of
from tests.sentences import refused
from tests.worlds.samples import problems

SMALL = TracesRecipe(problems=60, seed=2, max_pixels=PIXELS)


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> DatasetFolder:
    return build_traces(SMALL, tmp_path_factory.mktemp("traces") / "d")


def test_every_trace_is_right(traces):
    for sample in traces.samples():
        verdict = score(
            problem_from_json(sample.meta["problem"]), text_of(sample.messages[1]), sample.meta["finish_reason"]
        )
        assert verdict.correct, verdict.detail


@pytest.mark.parametrize("world", WORLDS)
def test_a_response_spells_out_the_steps_of_the_solution_before_its_one_answer(world):
    for difficulty in DIFFICULTIES:
        for item in problems(world, difficulty, 4):
            simulator = WORLDS[world]
            lines = oracle_response(item).splitlines()
            state = item.start
            for number, action in enumerate(simulator.solve(item), 1):
                state = simulator.step(state, action)
                assert f"{number}. {action}: {simulator.line(state)}" in oracle_response(item)
            assert lines[-1].startswith("Answer: ")
            assert sum(line.startswith("Answer:") for line in lines) == 1


def test_styles_are_mixed_by_share_and_change_nothing_but_what_is_told(traces, tmp_path):
    mixed = TracesRecipe(
        problems=60, seed=2, max_pixels=PIXELS, teacher=TeacherRecipe(styles={"optimal": 1, "search": 1})
    )
    both = zip(traces.samples(), build_traces(mixed, tmp_path / "d").samples(), strict=True)
    styles: Counter[tuple[str, str]] = Counter()
    for plain, sample in both:
        styles[sample.world, sample.meta["style"]] += 1
        assert plain.meta["style"] == "optimal"
        assert sample.meta == plain.meta | {"style": sample.meta["style"]}
        assert (sample.id, sample.images, sample.messages[0]) == (plain.id, plain.images, plain.messages[0])
        assert (sample.messages == plain.messages) == (sample.meta["style"] == "optimal")
    assert {world for world, style in styles if style == "search"} == {"moving_box", "wood_slide"}
    assert {world for world, style in styles if style == "optimal"} == set(WORLDS)


def test_lengths_are_mixed_by_share_and_change_nothing_but_what_is_told(traces, tmp_path):
    lengths = {"full": 1.0, "changes": 1.0, "needed": 1.0}
    mixed = replace(SMALL, teacher=TeacherRecipe(lengths=lengths, styles={"optimal": 1, "search": 1}))
    folder = build_traces(mixed, tmp_path / "d")
    drawn: Counter[tuple[str, str]] = Counter()
    for plain, sample in zip(traces.samples(), folder.samples(), strict=True):
        problem, meta = problem_from_json(sample.meta["problem"]), sample.meta
        said = {key: meta[key] for key in ("style", "length", "length_drawn")}
        drawn[said["style"], said["length_drawn"]] += 1
        assert not {"length", "length_drawn"} & plain.meta.keys(), (
            "without lengths the bytes are those of earlier versions"
        )
        assert meta == plain.meta | said
        assert (sample.id, sample.images, sample.messages[0]) == (plain.id, plain.images, plain.messages[0])
        if said["style"] == "search":
            assert said["length"] == "full"
        else:
            told = oracle_trace(problem, length=said["length_drawn"])
            assert (text_of(sample.messages[1]), said["length"]) == told
    assert drawn.keys() == {("search", "full"), *(("optimal", length) for length in lengths)}

    _, funnel = filter_traces(folder, tmp_path / "kept", FilterRecipe(keep=60, level="consistent"), allow_fewer=True)
    assert sum(sum(told.values()) for told in funnel.kept_by_length.values()) == funnel.kept == 60
    told = Counter(sample.meta["length"] for sample in folder.samples())
    head, *_, last = (line.split() for line in funnel.table().splitlines())
    assert head[-3:] == ["full", "changes", "needed"]
    assert last[-3:] == [str(told[length]) for length in lengths]
    assert funnel.facts()["kept_by_length"] == funnel.kept_by_length


def test_a_plan_of_the_oracle_is_as_short_as_any():
    for world in ("moving_box", "wood_slide"):
        for item in problems(world, "easy", 6):
            verdict = score(item, oracle_response(item))
            assert verdict.moves == verdict.optimal == len(WORLDS[world].solve(item))


def test_a_trace_asks_its_problem_in_its_mode_and_says_where_it_comes_from(traces):
    for sample in traces.samples():
        problem, mode, world = problem_from_json(sample.meta["problem"]), sample.meta["mode"], WORLDS[sample.world]
        assert text_of(sample.messages[0]) == prompt_text(problem, mode, sample.meta["prompts"])
        assert text_of(sample.messages[1]) == oracle_response(problem)
        assert (sample.kind, sample.world, sample.difficulty) == ("trace", problem.world, problem.difficulty)
        assert sample.id == f"trace:{sample.world}:{sample.difficulty}:{sample.meta['index']}"
        assert (sample.meta["teacher"], sample.meta["model"], sample.meta["seed"]) == ("oracle", None, 2)
        keys = world.keys(problem)
        assert split_of(world, keys) == "train"
        assert not published().avoid(sample.world, keys)
        assert sample.meta["scene"] == content_key(sample.world, keys.canonical)
        assert len(sample.images) == (mode != "tqa")
        for image in sample.images:
            assert sample.meta["noise"] or np.array_equal(decode_png(image), draw(problem, PIXELS))
            jpeg = Image.open(io.BytesIO(image)).format == "JPEG"
            assert jpeg == (sample.meta["noise"] and sample.world == "moving_box")
        assert not sample.meta["noise"] or (sample.images and noise_of(sample.world))
    assert {sample.meta["mode"] for sample in traces.samples()} == set(MODES)
    assert {sample.meta["prompts"] for sample in traces.samples()} == set(SMALL.prompts) <= set(PROMPTS)
    assert {sample.meta["noise"] for sample in traces.samples()} == {True, False}


def test_what_the_shortcuts_look_at_is_true(traces):
    for sample in traces.samples():
        problem, world, meta = problem_from_json(sample.meta["problem"]), WORLDS[sample.world], sample.meta
        kind = world.answer_kind(problem)
        assert parse_answer(world, kind, meta["answer"]) == world.truth(problem)
        assert meta["initial"] == "" or parse_answer(world, kind, meta["initial"]) == world.initial(problem)
        assert meta["measures"] == world.measure(problem)
        assert meta["actions"] == list(world.solve(problem))
    assert set(traces.manifest["shortcuts"]) == set(WORLDS)


def test_the_shares_are_those_of_the_recipe_and_no_problem_occurs_twice(traces):
    samples = list(traces.samples())
    assert Counter(sample.world for sample in samples) == dict.fromkeys(WORLDS, 12)
    assert Counter(sample.difficulty for sample in samples) == dict.fromkeys(DIFFICULTIES, 20)
    assert len({sample.meta["key"] for sample in samples}) == len({sample.id for sample in samples}) == 60
    assert traces.manifest["recipe"]["problems"] == traces.manifest["samples"] == 60
    assert (traces.manifest["stage"], traces.manifest["split"]) == ("candidate traces", "train")
    assert traces.manifest["published"]["fingerprint"] == published().fingerprint()


def test_the_filter_keeps_what_the_oracle_writes(traces, tmp_path):
    kept, funnel = filter_traces(traces, tmp_path / "kept", FilterRecipe(keep=50))
    assert len(kept) == 50
    assert set(funnel.examples) <= {"duplicate"}, "nothing is wrong, unproven or padded"


def test_a_trace_is_a_function_of_its_slot_and_index():
    slot, maker = Slot("rubiks_cube", "medium", "trace"), TraceMaker(SMALL, published())
    drafts = [maker.draft(slot, index) for index in (3, 3, 4)]
    one, same, other = (maker.make(Row(slot, i, draft)) for i, draft in zip((3, 3, 4), drafts, strict=True))
    assert one == same != other


def test_the_same_question_about_the_same_scene_is_one_problem_and_another_question_another():
    slot, world = Slot("rubiks_cube", "easy", "trace"), WORLDS["rubiks_cube"]
    maker, asked = TraceMaker(SMALL, published()), {}
    for index in range(6000):
        drawn = maker._draw(slot, index).problem(world)
        same = (drawn.keys.canonical, world.asked(drawn.scene))
        assert asked.setdefault(maker.draft(slot, index).key, same) == same
    assert len(asked) == len(set(asked.values())) < 6000


def test_a_folder_that_holds_a_dataset_is_refused_before_anything_is_done(traces):
    before = files_of(traces.path)
    with refused(traces.path, "already", "dataset"):
        build_traces(SMALL, traces.path)
    assert files_of(traces.path) == before


@pytest.mark.parametrize("world", WORLDS)
def test_a_teacher_is_told_the_form_in_which_the_filter_reads_states(world):
    form = form_of_steps(world)
    assert WORLDS[world].rule in form
    claims = read_trace(WORLDS[world], form.partition("form):\n")[2]).claims
    assert len(claims) > 1
    assert all(claim.state is not None for claim in claims)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"problems": 0}, ("problems", 1, 0)),
        ({"teacher": TeacherRecipe("openai")}, ("teacher openai", "needs", "teacher.model")),
        ({"teacher": TeacherRecipe(samples=2)}, ("teacher.samples", "teacher oracle", "leave it out")),
        ({"worlds": {"chess": 1.0}}, ("worlds", "unknown", "'chess'")),
        (
            {"prompts": {"idf-short-1": 1.0, "idf-held-short-1": 1.0}},
            ("idf-held-short-1", "held out of training", "idf-short-1"),
        ),
        ({"prompts": {"idf-9": 1.0}}, ("prompts", "unknown", "'idf-9'")),
        ({"modes": {"tqa": -1.0}}, ("modes.tqa", "negative", -1.0)),
        ({"noise": 2.0}, ("noise", 0, 1, 2.0)),
        ({"max_pixels": 9}, ("max_pixels", 3136, 9)),
    ],
)
def test_a_recipe_that_cannot_be_made_is_refused_in_words(changes, why):
    with refused(*why):
        TracesRecipe(**changes).check()
