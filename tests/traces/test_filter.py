"""The trajectory filter: what succeeds is kept, everything else is lost and counted."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from idf.data import DatasetFolder, Sample, Slot, open_dataset, write_dataset
from idf.errors import UserError
from idf.imagery import build_imagery
from idf.traces import TracesRecipe, filter_traces, trace_sample
from idf.worlds import WORLDS, problem_from_json
from tests.data.samples import ROLLS, plain

RECIPE = TracesRecipe(seed=6, modes={"tqa": 1.0}, max_pixels=3136)
FACTS = {"recipe": {"problems": 1}, "seed": 6, "split": "train"}


def traces(world: str, n: int) -> list[Sample]:
    return [trace_sample(RECIPE, Slot(world, "easy"), i) for i in range(n)]


def answered(sample: Sample, response: str, finish_reason: str = "stop") -> Sample:
    """The trace with another response."""
    said = {"role": "assistant", "content": [{"type": "text", "text": response}]}
    return replace(sample, messages=[sample.messages[0], said], meta=sample.meta | {"finish_reason": finish_reason})


def wrong(sample: Sample) -> Sample:
    problem = problem_from_json(sample.meta["problem"])
    truth = WORLDS[sample.world].truth(problem)
    return answered(sample, f"Answer: {next(c for c in WORLDS[sample.world].colours if c != truth)}")


def illegal(sample: Sample) -> Sample:
    """The right plan, with a move before it that breaks a rule."""
    problem = problem_from_json(sample.meta["problem"])
    world = WORLDS[sample.world]
    bump = next(way for way in "udlr" if way not in world.legal_actions(problem.start))
    return answered(sample, f"Answer: {bump} {' '.join(world.solve(problem))}")


def short(sample: Sample) -> Sample:
    problem = problem_from_json(sample.meta["problem"])
    return answered(sample, f"Answer: {' '.join(WORLDS[sample.world].solve(problem)[:-1])}")


def too_far(sample: Sample) -> Sample:
    """A plan that reaches the goal and then leaves it: the published scorer would call it right."""
    problem = problem_from_json(sample.meta["problem"])
    world = WORLDS[sample.world]
    plan = world.solve(problem)
    return answered(sample, f"Answer: {' '.join(plan)} {world.legal_actions(world.replay(problem.start, plan)[-1])[0]}")


def source_of(samples: list[Sample], folder: Path) -> DatasetFolder:
    return write_dataset(samples, folder, FACTS)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "kept"


def test_every_oracle_trace_is_kept_as_it_was(tmp_path, out):
    samples = [sample for world in WORLDS for sample in traces(world, 3)]
    kept, funnel = filter_traces(source_of(samples, tmp_path / "d"), out, keep=15)
    assert [sample.id for sample in kept.samples()] == [sample.id for sample in samples]
    assert [sample.messages[1] for sample in kept.samples()] == [sample.messages[1] for sample in samples]
    assert [sample.meta for sample in kept.samples()] == [sample.meta for sample in samples]
    assert funnel.counts == {world: {"in": 3, "kept": 3} for world in WORLDS}
    assert funnel.kept == 15


@pytest.mark.parametrize(
    ("world", "spoil", "error"),
    [
        ("cube_rolling", wrong, "wrong"),
        ("cube_rolling", lambda sample: answered(sample, "It is red."), "unparsed"),
        ("cube_rolling", lambda sample: answered(sample, "I roll it and", "length"), "truncated"),
        ("cube_rolling", lambda sample: answered(sample, "  "), "empty"),
        ("mental_rotation", lambda sample: answered(sample, "Answer: 9 cubes: red 9"), "wrong"),
        ("rubiks_cube", lambda sample: answered(sample, "Answer: 3 or 4, red or blue"), "unparsed"),
        ("moving_box", illegal, "illegal"),
        ("moving_box", short, "incomplete"),
        ("wood_slide", short, "incomplete"),
        ("wood_slide", too_far, "incomplete"),
        ("wood_slide", lambda sample: answered(sample, "Answer: 9u 9u 9u 9u 9u 9u"), "illegal"),
    ],
)
def test_a_spoiled_trace_is_lost_and_counted_under_its_class(
    tmp_path, out, world, spoil: Callable[[Sample], Sample], error
):
    good, bad = traces(world, 3), spoil(traces(world, 4)[3])
    kept, funnel = filter_traces(source_of([good[0], bad, *good[1:]], tmp_path / "d"), out, keep=3)
    assert [sample.id for sample in kept.samples()] == [sample.id for sample in good]
    assert funnel.counts == {world: {"in": 4, error: 1, "kept": 3}}


def test_no_more_than_asked_for_are_kept_the_first_ones_and_the_rest_is_spare(tmp_path, out):
    samples = traces("cube_rolling", 6)
    samples[1] = wrong(samples[1])
    kept, funnel = filter_traces(source_of(samples, tmp_path / "d"), out, keep=3)
    assert [sample.id for sample in kept.samples()] == [samples[i].id for i in (0, 2, 3)]
    assert funnel.counts == {"cube_rolling": {"in": 6, "wrong": 1, "kept": 3, "spare": 2}}


def test_what_came_in_is_what_was_lost_and_kept(tmp_path, out):
    samples = [*traces("cube_rolling", 4), *traces("moving_box", 3)]
    samples[2], samples[5] = wrong(samples[2]), illegal(samples[5])
    _, funnel = filter_traces(source_of(samples, tmp_path / "d"), out, keep=4)
    for counts in funnel.counts.values():
        assert counts["in"] == sum(n for what, n in counts.items() if what != "in")
    table = funnel.table().splitlines()
    assert table[0].split() == ["world", "in", "illegal", "wrong", "spare", "kept"]
    assert [line.split() for line in table[1:]] == [
        ["cube_rolling", "4", "0", "1", "0", "3"],
        ["moving_box", "3", "1", "0", "1", "1"],
    ]


def test_with_fewer_than_asked_for_nothing_is_written_and_the_funnel_is_told(tmp_path, out):
    samples = traces("cube_rolling", 3)
    source = source_of([*samples[:2], wrong(samples[2])], tmp_path / "d")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(UserError, match=r"only 2 of 3 traces .* succeed, 3 were asked for") as refusal:
        filter_traces(source, out, keep=3)
    assert "--allow-fewer" in str(refusal.value)
    assert "wrong" in str(refusal.value)
    assert sorted(tmp_path.iterdir()) == before
    kept, funnel = filter_traces(source, out, keep=3, allow_fewer=True)
    assert (len(kept), funnel.kept) == (2, 2)


def test_if_nothing_succeeds_there_is_no_dataset_even_if_fewer_are_allowed(tmp_path, out):
    source = source_of([wrong(sample) for sample in traces("cube_rolling", 2)], tmp_path / "d")
    with pytest.raises(UserError, match="no sample was made"):
        filter_traces(source, out, keep=2, allow_fewer=True)
    assert not out.exists()


def test_the_manifest_says_from_what_it_was_filtered_and_what_was_lost(tmp_path, out):
    samples = traces("cube_rolling", 3)
    source = source_of([*samples[:2], wrong(samples[2])], tmp_path / "d")
    kept, funnel = filter_traces(source, out, keep=2)
    manifest = json.loads((out / "dataset.json").read_text())
    assert manifest["source"] == {"folder": "d", "fingerprint": source.fingerprint()}
    assert manifest["recipe"] == FACTS["recipe"]
    assert manifest["funnel"] == funnel.counts
    assert manifest["split"] == "train"
    assert open_dataset(out, made_by="idf filter") == kept


def test_a_folder_of_imagery_is_told_from_one_of_traces(tmp_path, out):
    imagery = build_imagery(replace(ROLLS, samples=2, modes={"tqa": 1.0}), tmp_path / "d")
    with pytest.raises(
        UserError, match=r"the sample imagery:cube_rolling:easy:\d+ holds no problem: is this a folder of"
    ):
        filter_traces(imagery, out, keep=1)
    assert not out.exists()


def test_a_dataset_that_is_there_is_not_written_over(tmp_path, out):
    source = source_of(traces("cube_rolling", 2), tmp_path / "d")
    filter_traces(source, out, keep=1)
    with pytest.raises(UserError, match="holds a dataset already"):
        filter_traces(source, out, keep=2)
    assert len(open_dataset(out, made_by="idf filter")) == 1


def test_what_was_filtered_can_be_filtered_again(tmp_path, out):
    once, _ = filter_traces(source_of(traces("cube_rolling", 3), tmp_path / "d"), out, keep=3)
    twice, _ = filter_traces(once, tmp_path / "twice", keep=2)
    assert len(twice) == 2


def test_the_manifest_has_a_recipe_and_a_seed_of_its_own(tmp_path, out):
    kept, _ = filter_traces(source_of(traces("cube_rolling", 2), tmp_path / "d"), out, keep=2)
    assert {"recipe", "seed"} <= set(kept.manifest)


def test_a_problem_that_cannot_be_read_is_named_by_its_sample(tmp_path, out):
    source = source_of([plain(0, meta={"key": "0", "problem": {"world": "chess"}})], tmp_path / "d")
    with pytest.raises(UserError, match="plain:0"):
        filter_traces(source, out, keep=1)
