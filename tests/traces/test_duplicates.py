"""Near-duplicates: found, whatever the order and the machine; different problems are left alone."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idf.traces._duplicates import near_duplicates, scene_of, shingles_of, similarity, words_of
from idf.worlds import Rng

SCENE = scene_of(["one"])


def text_of(seed: int, n: int = 100) -> list[str]:
    rng = Rng("text", seed)
    return [f"w{rng.below(500)}" for _ in range(n)]


def originals(texts: list[list[str]], threshold: float = 0.9) -> list[int | None]:
    return near_duplicates([shingles_of(text) for text in texts], [SCENE] * len(texts), threshold)


@given(st.lists(st.sampled_from("abc"), max_size=30), st.lists(st.sampled_from("abc"), max_size=30))
def test_similarity_is_that_of_the_sets_of_five_word_runs(one, other):
    def runs(words: list[str]) -> set[tuple[str, ...]]:
        return {tuple(words[at : at + 5]) for at in range(max(len(words) - 4, 1))}

    expected = len(runs(one) & runs(other)) / len(runs(one) | runs(other))
    assert similarity(shingles_of(one), shingles_of(other)) == pytest.approx(expected)


def test_shingles_are_the_same_on_every_machine():
    assert shingles_of(["a", "b", "c", "d", "e", "f"]).tolist() == [6206138926705587288, 8421432399174052687]
    assert scene_of(["a"]).tolist() == [3210004527511366313]


def test_an_equal_text_and_one_with_a_word_changed_are_found_and_name_the_first():
    text = text_of(0, 300)
    changed = [*text[:150], "changed", *text[151:]]
    assert originals([text, text_of(1, 300), list(text), changed]) == [None, None, 0, 0]
    assert originals([text, changed], threshold=1.0) == [None, None]
    assert originals([text, list(text)], threshold=1.0) == [None, 0]


def test_what_was_dropped_drops_nothing_itself():
    text = text_of(0, 300)
    a, b = list(text), list(text)
    for at in (50, 100):
        a[at] = "changed"
    for at in (50, 100, 150, 200):
        b[at] = "changed"
    assert similarity(shingles_of(a), shingles_of(b)) > 0.9 > similarity(shingles_of(text), shingles_of(b))
    assert originals([text, a, b]) == [None, 0, None]


def test_equal_texts_about_different_scenes_are_no_duplicates():
    text = shingles_of(text_of(0))
    scenes = [scene_of(list("#..#..#..#")), scene_of(list("#..#..#.#.")), scene_of(list("#..#..#..#"))]
    assert near_duplicates([text] * 3, scenes, 0.9) == [None, None, 0]


def test_the_place_of_a_word_in_a_scene_matters():
    assert similarity(scene_of(["#", "."]), scene_of([".", "#"])) == 0.0


def test_case_marks_and_the_spelling_of_gray_do_not_matter():
    assert words_of("**Grey**, (1,-2): RED") == words_of("gray 1 -2 red") == ["gray", "1", "-2", "red"]


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.9, 1.0])
def test_the_same_pairs_are_found_as_by_comparing_all_with_all(threshold):
    texts = []
    for seed in range(60):
        text = text_of(seed, 200)
        changed = list(text)
        for place in range(seed // 4):
            changed[12 * place] = "changed"
        texts += [text, changed]
    shingles = [shingles_of(text) for text in texts]
    by_pairs: list[int | None] = []
    for at, one in enumerate(shingles):
        kept = [i for i in range(at) if by_pairs[i] is None]
        by_pairs.append(next((i for i in kept if similarity(shingles[i], one) >= threshold), None))
    assert originals(texts, threshold) == by_pairs
    assert 3 < sum(found is not None for found in by_pairs) <= 60


def test_an_empty_text_is_a_text():
    assert originals([[], [], ["a"]]) == [None, 0, None]


def test_twenty_thousand_texts_take_seconds():
    rng = np.random.default_rng(0)
    texts = [np.unique(rng.integers(0, 2**63, 300, dtype=np.uint64)) for _ in range(10_000)]
    texts += [text.copy() for text in texts]
    began = time.perf_counter()
    found = near_duplicates(texts, [SCENE] * len(texts), 0.9)
    assert found == [None] * 10_000 + list(range(10_000))
    assert time.perf_counter() - began < 60  # 4 s on a quiet core
