from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from idf.training.dataset import PackedRows, TokenStore, micro_batches, prepare_tokens, steps_in_run, tokens_folder
from idf.training.encode import Encoder
from idf.training.recipe import StageRecipe
from tests.sentences import refused, says

RECIPE = StageRecipe("imagery", "m", "d", "r", rows_per_step=8, rows_per_micro_batch=1, epochs=2.0)


def step_rows(recipe: StageRecipe, rows: int, ranks: int, first: int, steps: int) -> list[set[int]]:
    """The rows of each step, over all ranks."""
    shares = [list(micro_batches(rows, recipe, rank, ranks, first, steps)) for rank in range(ranks)]
    each = recipe.accumulation_steps(ranks)
    return [
        {row for share in shares for batch in share[i * each : (i + 1) * each] for row in batch}
        for i in range(steps - first)
    ]


def test_every_epoch_takes_every_row_once_in_another_order():
    steps = step_rows(RECIPE, 40, 1, 0, 10)
    for epoch in (steps[:5], steps[5:]):
        assert sum(map(len, epoch)) == 40
        assert set().union(*epoch) == set(range(40))
    assert steps[:5] != steps[5:]


@pytest.mark.parametrize(("ranks", "rows_per_micro_batch"), [(2, 1), (4, 2), (8, 1), (1, 8)])
def test_which_rows_a_step_takes_does_not_depend_on_ranks_or_micro_batch(ranks, rows_per_micro_batch):
    recipe = dataclasses.replace(RECIPE, rows_per_micro_batch=rows_per_micro_batch)
    assert step_rows(recipe, 40, ranks, 0, 10) == step_rows(RECIPE, 40, 1, 0, 10)


@pytest.mark.parametrize("done", [1, 4, 5, 7])
def test_a_run_that_goes_on_takes_the_rows_that_are_left(done):
    assert step_rows(RECIPE, 40, 2, done, 10) == step_rows(RECIPE, 40, 2, 0, 10)[done:]


def test_another_seed_takes_another_order():
    assert step_rows(dataclasses.replace(RECIPE, seed=1), 40, 1, 0, 5) != step_rows(RECIPE, 40, 1, 0, 5)


@pytest.mark.parametrize(("epochs", "steps"), [(1, 5), (2, 10), (0.5, 3), (0.01, 1), (1.2, 6)])
def test_steps_of_a_run(epochs, steps):
    assert steps_in_run(40, dataclasses.replace(RECIPE, epochs=epochs)) == steps


@pytest.fixture
def store(tiny, tmp_path):
    encoder = Encoder(tiny.processor, max_length=768, max_pixels=112 * 112)
    prepare_tokens(tiny.imagery, encoder, tmp_path, show=False)
    return TokenStore(tokens_folder(tiny.imagery, encoder, tmp_path))


def test_stored_tokens_are_those_of_the_encoder(tiny, store):
    encoder = Encoder(tiny.processor, max_length=768, max_pixels=112 * 112)
    for i, sample in enumerate(tiny.imagery.samples()):
        fresh = encoder(sample)
        assert np.array_equal(store[i].ids, fresh.ids)
        assert np.array_equal(store[i].labels, fresh.labels)
        assert store[i].grids == fresh.grids
    assert store.lengths() == [len(store[i]) for i in range(len(store))]
    assert len(store) == len(tiny.imagery)


def test_tokens_are_encoded_once_and_again_if_what_decides_them_changes(tiny, tmp_path, monkeypatch):
    encoder = Encoder(tiny.processor, max_length=768, max_pixels=112 * 112)
    prepare_tokens(tiny.imagery, encoder, tmp_path, show=False)
    monkeypatch.setattr(Encoder, "each", lambda *_: pytest.fail("encoded again"))
    prepare_tokens(tiny.imagery, encoder, tmp_path, show=False)
    monkeypatch.undo()
    first = tokens_folder(tiny.imagery, encoder, tmp_path)
    other = Encoder(tiny.processor, max_length=800, max_pixels=112 * 112)
    prepare_tokens(tiny.imagery, other, tmp_path, show=False)
    assert tokens_folder(tiny.imagery, other, tmp_path) != first
    assert not first.exists()


def test_samples_that_are_too_long_are_counted_never_cut(tiny, tmp_path):
    encoder = Encoder(tiny.processor, max_length=200, max_pixels=112 * 112)
    too_long = sum(len(Encoder(tiny.processor, 4096, 112 * 112)(s)) > 200 for s in tiny.imagery.samples())
    assert too_long > 1
    with refused(f"{too_long} of 48 samples", "first", "tokens long", "tokens_per_row"):
        prepare_tokens(tiny.imagery, encoder, tmp_path, show=False)
    assert not list(tmp_path.glob("tokens-*"))


def test_rows_hold_every_sample_once_with_its_pictures(tiny, store):
    rows = PackedRows(tiny.imagery, store, 768, 4, seed=0)
    assert len(rows) % 4 == 0
    found = [sample for i in range(len(rows)) for sample in rows[i]]
    assert len(found) == len(tiny.imagery)
    assert all(len(images) == len(encoded.grids) for encoded, images in found)
    facts = rows.facts()
    assert facts["tokens"] == sum(len(encoded) for encoded, _ in found)
    assert facts["label_tokens"] == sum(int((encoded.labels >= 0).sum()) for encoded, _ in found)


@pytest.mark.parametrize("damage", ["cut", "emptied", "removed", "of another dataset"])
def test_tokens_that_cannot_be_read_are_made_again(tiny, tmp_path, capsys, damage):
    encoder = Encoder(tiny.processor, 4096, 112 * 112)
    prepare_tokens(tiny.traces, encoder, tmp_path, show=False)
    folder = tokens_folder(tiny.traces, encoder, tmp_path)
    whole = {path.name: path.read_bytes() for path in folder.iterdir()}
    ids = folder / "ids.npy"
    if damage == "cut":
        ids.write_bytes(whole["ids.npy"][:-100])
    elif damage == "emptied":
        ids.write_bytes(b"")
    elif damage == "removed":
        ids.unlink()
    else:
        np.save(folder / "starts.npy", np.load(folder / "starts.npy")[:-1])
    prepare_tokens(tiny.traces, encoder, tmp_path, show=False)
    says(capsys.readouterr().out, folder, "unreadable", "encoded again")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == whole
    prepare_tokens(tiny.traces, encoder, tmp_path, show=False)
    assert capsys.readouterr().out == "", "whole ones are kept"
