"""Rows from easy samples to hard ones, and a run that goes on in the same order."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idf.data import open_dataset, write_dataset
from idf.training.curriculum import exact_sizes, from_easy_to_hard, pack_from_easy_to_hard
from idf.training.dataset import PackedRows, TokenStore, micro_batches, prepare_tokens, tokens_folder
from idf.training.encode import Encoder
from idf.training.recipe import StageRecipe
from tests.sentences import refused

from .running import check_resumed_to_the_same_digits, imagery_recipe

RECIPE = StageRecipe("imagery", "m", "d", "r", rows_per_step=2, rows_per_micro_batch=1, epochs=2.0, order="distance")
SIZES = st.lists(st.tuples(st.sampled_from(["a", "b"]), st.integers(1, 9)), min_size=1, max_size=150)


@given(SIZES, st.integers(0, 3))
def test_each_world_goes_from_its_smallest_to_its_largest_at_the_same_pace(sizes, seed):
    order = from_easy_to_hard(sizes, seed)
    assert sorted(order) == list(range(len(sizes)))
    for world in "ab":
        of_world = [sizes[i][1] for i in order if sizes[i][0] == world]
        assert of_world == sorted(of_world)
    half = order[: len(order) // 2]
    for world in "ab":
        in_all = sum(name == world for name, _ in sizes)
        assert abs(sum(sizes[i][0] == world for i in half) - in_all / 2) <= 1


def test_samples_of_one_size_come_in_the_order_of_the_seed():
    sizes = [("a", 1)] * 40
    assert from_easy_to_hard(sizes, 1) == from_easy_to_hard(sizes, 1) != from_easy_to_hard(sizes, 2)


@given(SIZES, st.data())
def test_every_sample_stands_in_one_row_and_rows_grow_harder_band_by_band(sizes, data):
    lengths = [data.draw(st.integers(1, 64)) for _ in sizes]
    rows = pack_from_easy_to_hard(sizes, lengths, 64, 0)
    assert sorted(i for row in rows for i in row) == list(range(len(sizes)))
    assert all(sum(lengths[i] for i in row) <= 64 for row in rows)
    place = {i: at for at, i in enumerate(from_easy_to_hard(sizes, 0))}
    bands = max(1, min(20, sum(lengths) // (64 * 4)))
    found = [{place[i] * bands // len(sizes) for i in row} for row in rows]
    firsts = [min(band) for band in found]
    assert all(max(band) - min(band) <= 1 for band in found)  # the cut may fall a sample beside
    assert firsts == sorted(firsts)


@pytest.mark.parametrize("done", [0, 1, 4, 5, 7])
def test_a_run_that_goes_on_takes_the_rows_that_are_left_and_each_epoch_begins_with_the_easiest(done):
    whole = [rows for micro in micro_batches(10, RECIPE, 0, 1, 0, 10) for rows in micro]
    assert whole == [*range(10), *range(10)]
    assert [rows for micro in micro_batches(10, RECIPE, 0, 1, done, 10) for rows in micro] == whole[2 * done :]
    other = dataclasses.replace(RECIPE, order="random")
    assert [rows for micro in micro_batches(10, other, 0, 1, 0, 10) for rows in micro] != whole


def test_the_rows_of_a_dataset_are_in_the_order_of_its_measures(tiny, tmp_path):
    encoder = Encoder(tiny.processor, max_length=768, max_pixels=112 * 112)
    prepare_tokens(tiny.traces, encoder, tmp_path, show=False)
    store = TokenStore(tokens_folder(tiny.traces, encoder, tmp_path))
    sizes = exact_sizes(tiny.traces)
    assert [world for world, _ in sizes] == [sample.world for sample in tiny.traces.samples()]
    rows = PackedRows(tiny.traces, store, 768, 1, 0, "distance").rows
    assert rows == pack_from_easy_to_hard(sizes, store.lengths(), 768, 0)
    assert rows != PackedRows(tiny.traces, store, 768, 1, 0).rows


def test_a_sample_without_a_measure_is_named(tiny, tmp_path):
    samples = list(tiny.traces.samples())
    samples[3] = dataclasses.replace(samples[3], meta=samples[3].meta | {"measures": {"pushes": 1}})
    folder = write_dataset(iter(samples), tmp_path / "data", {})
    with refused(samples[3].id, "least_moves", "distance", "order=random"):
        exact_sizes(open_dataset(folder.path, made_by="-"))


@pytest.mark.full
@pytest.mark.slow
def test_a_killed_curriculum_goes_on_to_the_same_digits(tiny, tmp_path):
    recipe = imagery_recipe(tiny, run="run", order="distance", save_steps=2)
    check_resumed_to_the_same_digits("stage1.py", recipe, tmp_path)
