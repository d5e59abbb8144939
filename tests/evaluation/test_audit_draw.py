"""Which rows a person looks at, and what the marks say of all of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from math import sqrt

import numpy as np
import pytest

from idf.evaluation.metrics.audit import Kappa, Share, Stratum, bounds, cohen_kappa, overall_share, right_share
from idf.evaluation.metrics.audit_draw import READ, UNREAD, draw, key_of, responses_fingerprint, stratum_of
from tests.evaluation.auditing import by_bisection, some
from tests.evaluation.samples import row
from tests.sentences import refused


def test_rows_are_drawn_from_both_strata_and_the_rare_one_is_not_forgotten():
    drawn = draw(some(285, 15), 50, 0)
    assert drawn.sizes == {READ: 285, UNREAD: 15}
    assert drawn.drawn == {READ: 40, UNREAD: 10} == Counter(map(stratum_of, drawn.rows))
    assert draw(some(6, 4), 50, 0).drawn == {READ: 6, UNREAD: 4}
    assert draw(some(300, 0), 50, 0).drawn == {READ: 50, UNREAD: 0}
    assert draw(some(0, 300), 50, 0).drawn == {READ: 0, UNREAD: 50}
    assert draw(some(500, 3), 50, 0).drawn == {READ: 47, UNREAD: 3}
    assert draw(some(3, 500), 50, 0).drawn == {READ: 3, UNREAD: 47}


@pytest.mark.parametrize("most", range(1, 14))
def test_as_many_are_drawn_as_were_asked_for(most):
    for read, unread in ((12, 1), (7, 6), (1, 12), (0, 13), (13, 0)):
        drawn = draw(some(read, unread), most, 0)
        assert len({key_of(row) for row in drawn.rows}) == sum(drawn.drawn.values()) == most


def test_the_same_rows_are_drawn_in_whatever_order_they_stand_and_others_by_another_seed():
    rows = some(200, 40)
    assert draw(rows, 50, 0) == draw(rows[::-1], 50, 0)
    assert {key_of(row) for row in draw(rows, 50, 0).rows} != {key_of(row) for row in draw(rows, 50, 1).rows}
    other = [replace(rows[0], response="Answer: another"), *rows[1:]]
    assert responses_fingerprint(other) != responses_fingerprint(rows)
    assert {key_of(row) for row in draw(rows, 50, 0).rows} != {key_of(row) for row in draw(other, 50, 0).rows}


def test_every_row_is_as_likely_as_any_other_though_problems_have_many_rows_or_few():
    rows = [replace(one, cluster="big" if i < 20 else one.cluster) for i, one in enumerate(some(30, 10))]
    counts = Counter(key_of(row) for seed in range(1500) for row in draw(rows, 10, seed).rows)
    drawn = draw(rows, 10, 0).drawn
    for one in rows:
        name = stratum_of(one)
        assert counts[key_of(one)] / 1500 == pytest.approx(drawn[name] / (30 if name == READ else 10), abs=0.06)


def test_no_problem_is_drawn_twice_where_there_are_enough():
    rows = [replace(one, sample=n, id=one.id) for one in some(80, 20) for n in range(3)]
    assert draw(rows, 50, 0).repeats == 0
    few = draw(some(80, 20, problems=4), 50, 0)
    assert few.repeats == 50 - 8
    assert Counter(row.cluster for row in few.rows).most_common()[-1][1] >= 12


def test_nothing_is_drawn_of_what_is_empty_or_failed():
    empty = [row(id=f"e{i}", response=" \n", error="empty", parsed=None) for i in range(3)]
    failed = [row(id="f", response="timeout", error="error", parsed=None, finish_reason="error")]
    drawn = draw([*some(5, 2), *empty, *failed], 50, 0)
    assert (drawn.empty, len(drawn.rows)) == (4, 7)
    with refused("3", "empty", "nothing to read"):
        draw(empty, 50, 0)
    with refused("--rows", 0):
        draw(some(2, 2), 0, 0)


def test_a_stratum_has_the_interval_of_the_score_test():
    share = right_share(Stratum(500, right=37, wrong=3, unsure=2, unmarked=1))
    assert share is not None
    assert share == pytest.approx((37 / 40, *by_bisection(37, 40)))
    assert share.rest == pytest.approx((3 / 40, *by_bisection(3, 40)))


def test_what_was_judged_whole_is_known_and_what_was_not_judged_is_not():
    assert right_share(Stratum(5, right=4, wrong=1)) == Share(0.8, 0.8, 0.8)
    assert right_share(Stratum(5, unsure=3)) is None
    assert overall_share([Stratum(100, right=20), Stratum(5)]) is None
    assert overall_share([]) is None
    assert overall_share([Stratum(100, right=20), Stratum(0)]) == right_share(Stratum(100, right=20))


def test_the_whole_is_weighted_by_what_the_run_has_and_not_by_what_was_drawn():
    whole = overall_share([Stratum(900, right=18, wrong=2), Stratum(100, right=5, wrong=5)])
    assert whole is not None
    assert whole.share == pytest.approx(0.9 * 0.9 + 0.1 * 0.5)
    below = [0.9 * (0.9 - by_bisection(18, 20)[0]), 0.1 * (0.5 - by_bisection(5, 10)[0])]
    assert whole.low == pytest.approx(whole.share - sqrt(sum(one**2 for one in below)))


@pytest.mark.parametrize(
    ("sizes", "drawn"),
    [((285, 15), (40, 10)), ((200, 100), (29, 21)), ((45, 15), (38, 12)), ((3000, 300), (38, 12)), ((55, 3), (47, 3))],
)
def test_the_interval_holds_the_truth_of_a_run_about_as_often_as_it_says(sizes, drawn):
    random, hits = np.random.default_rng(0), []
    for share_read in (0.8, 0.9, 0.95, 0.98, 1.0):
        for share_unread in (0.5, 0.9, 1.0):
            good = [round(share * size) for share, size in zip((share_read, share_unread), sizes)]
            truth = sum(good) / sum(sizes)
            seen = [random.hypergeometric(g, s - g, n, 400) for g, s, n in zip(good, sizes, drawn)]
            held = 0
            for rights in zip(*seen):
                strata = [Stratum(s, int(r), n - int(r)) for s, n, r in zip(sizes, drawn, rights)]
                whole = overall_share(strata)
                assert whole is not None
                held += whole.low - 1e-9 <= truth <= whole.high + 1e-9
            hits.append(held / 400)
    assert np.mean(hits) >= 0.95
    assert min(hits) >= 0.9


def test_the_ends_of_what_cannot_be_said():
    assert bounds([Stratum(80, right=7, wrong=1, unsure=2), Stratum(20, right=1)]) == pytest.approx(
        (0.8 * 0.7 + 0.2, 0.8 * 0.9 + 0.2)
    )
    assert bounds([Stratum(80, right=7), Stratum(20)]) is None


def test_kappa_is_cohens():
    # An example of Fleiss (1981, Statistical Methods for Rates and Proportions, ch. 13): two raters, three categories.
    table = {("a", "a"): 75, ("a", "b"): 1, ("a", "c"): 4, ("b", "a"): 5, ("b", "b"): 4, ("b", "c"): 1, ("c", "c"): 10}
    pairs = [pair for pair, n in table.items() for _ in range(n)]
    kappa = cohen_kappa(pairs)
    assert kappa is not None
    assert (kappa.rows, kappa.same) == (100, 89)
    assert kappa.kappa == pytest.approx(0.68, abs=0.005)
    assert cohen_kappa([("right", "right")] * 5) == Kappa(5, 5, None)
    assert cohen_kappa([]) is None
