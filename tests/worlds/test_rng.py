"""The random source: known numbers, fair draws, streams that share nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idf.worlds import Rng


def test_the_bits_are_those_of_splitmix64():
    # The widely published first outputs of splitmix64 for the seed 1234567.
    rng = Rng("any key")
    rng._state = 1234567
    assert [rng.bits() for _ in range(5)] == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


def test_the_same_key_gives_the_same_stream_for_ever():
    # Written down once: data made with these keys must not change from one release to the next.
    rng = Rng("cube_rolling", 1, "train", 17)
    assert [rng.bits() for _ in range(3)] == [9499548148025317465, 5228543766531031951, 2214768499807032828]
    again = Rng("cube_rolling", 1, "train", 17)
    assert [again.below(10) for _ in range(8)] == [5, 1, 8, 4, 5, 5, 0, 5]


def test_a_stream_does_not_depend_on_the_hash_seed_of_the_process():
    code = "from idf.worlds import Rng; print([Rng('a', 1, 2.5, None, ('x', 3)).bits() for _ in range(2)])"
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("0", "1", "4711")
    }
    assert len(printed) == 1


def test_neighbouring_keys_share_nothing():
    streams = [Rng("w", 1, seed, index).bits() for seed in range(60) for index in range(60)]
    assert len(set(streams)) == len(streams)
    numbers = [number for seed in (42, 43) for number in _stream(Rng("w", 1, seed), 2000)]
    assert len(set(numbers)) == len(numbers)


def _stream(rng: Rng, n: int) -> list[int]:
    return [rng.bits() for _ in range(n)]


@given(st.integers(1, 2**64), st.integers())
def test_below_stays_below(n, key):
    assert 0 <= Rng(key).below(n) < n


@pytest.mark.parametrize("n", [0, -1, -(2**70)])
def test_below_needs_a_positive_bound(n):
    with pytest.raises(ValueError, match="bound"):
        Rng(0).below(n)


def test_below_draws_the_biased_tail_again():
    # 2**64 = 3 * q + 1: with this bound only the very last number of the 64-bit range is in the tail.
    class Scripted(Rng):
        def __init__(self, numbers):
            self.numbers = iter(numbers)

        def bits(self):
            return next(self.numbers)

    assert Scripted([2**64 - 1, 5]).below(3) == 2
    assert Scripted([2**64 - 2, 5]).below(3) == (2**64 - 2) % 3
    assert Scripted([2**64 - 1, 5]).below(4) == 3  # a power of two has no tail
    assert Scripted([2**63 + 2**62, 2**63 + 7, 9]).below(2**63 + 1) == 9  # here nearly half of the range is tail


@pytest.mark.parametrize("n", [2, 3, 6, 7, 10])
def test_below_gives_every_number_equally_often(n):
    rng, draws = Rng("fair", n), 6000
    seen = Counter(rng.below(n) for _ in range(draws))
    assert set(seen) == set(range(n))
    chi_square = sum((seen[i] - draws / n) ** 2 / (draws / n) for i in range(n))
    assert chi_square < 40  # 9 degrees of freedom exceed 40 once in 100,000 tries


def test_a_chance_of_0_never_happens_and_a_chance_of_1_always_does():
    rng = Rng("chance")
    assert not any(rng.chance(0) for _ in range(500))
    assert all(rng.chance(1) for _ in range(500))


def test_a_chance_happens_as_often_as_it_says():
    rng = Rng("chance", 2)
    assert sum(rng.chance(0.1) for _ in range(10_000)) == pytest.approx(1000, abs=150)


def test_choice_takes_every_item_and_nothing_from_an_empty_list():
    rng = Rng("choice")
    assert {rng.choice("abc") for _ in range(100)} == set("abc")
    with pytest.raises(ValueError):
        rng.choice([])


@given(st.lists(st.integers()), st.integers())
def test_a_shuffle_keeps_the_items_and_leaves_the_original_alone(items, key):
    before = list(items)
    shuffled = Rng(key).shuffled(items)
    assert sorted(shuffled) == sorted(before)
    assert items == before
    assert shuffled is not items


def test_a_shuffle_gives_every_order_equally_often():
    rng, draws = Rng("shuffle"), 7200
    seen = Counter(tuple(rng.shuffled("abc")) for _ in range(draws))
    assert set(seen) == set(permutations("abc"))
    assert sum((n - draws / 6) ** 2 / (draws / 6) for n in seen.values()) < 35  # 5 degrees of freedom
