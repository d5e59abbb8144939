from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from idf.training.packing import pack
from tests.sentences import refused


@given(st.lists(st.integers(1, 100), max_size=200), st.integers(100, 300), st.integers(0, 5))
def test_every_sample_stands_in_one_row_and_no_row_is_too_long(lengths, row_length, seed):
    rows = pack(lengths, row_length, seed)
    assert sorted(i for row in rows for i in row) == list(range(len(lengths)))
    assert all(0 < sum(lengths[i] for i in row) <= row_length for row in rows)


@given(st.lists(st.integers(1, 100), min_size=1, max_size=200))
def test_packing_wastes_at_most_what_best_fit_decreasing_may(lengths):
    # Best fit decreasing needs at most 11/9 of the least number of rows, and four more (Johnson 1974).
    least = -(-sum(lengths) // 100)
    assert len(pack(lengths, 100, 0)) <= max(11 / 9 * least + 4, 2 * least)


def test_a_sample_goes_into_the_fullest_row_that_holds_it():
    assert sorted(map(sorted, pack([6, 5, 4, 3, 2], 10, 0))) == [[0, 2], [1, 3, 4]]


def test_the_same_seed_gives_the_same_rows_and_another_seed_another_order():
    lengths = [10 + i % 7 for i in range(100)]
    assert pack(lengths, 64, 1) == pack(lengths, 64, 1)
    assert pack(lengths, 64, 1) != pack(lengths, 64, 2)


def test_a_sample_longer_than_a_row_is_refused():
    with refused("sample 1", "11 tokens", by=ValueError):
        pack([5, 11], 10, 0)
