"""Equal shares for every world and difficulty, as far as there is enough."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from idf.traces._balance import quotas

AVAILABLE = st.dictionaries(
    st.tuples(st.sampled_from("abcde"), st.sampled_from(["easy", "medium", "hard"])), st.integers(1, 50), min_size=1
)


@given(AVAILABLE, st.integers(1, 400))
def test_quotas_add_up_and_no_stratum_has_less_than_another_unless_it_lacks(available, keep):
    quota = quotas(available, keep)
    assert sum(quota.values()) == min(keep, sum(available.values()))
    assert quota.keys() == available.keys()
    most = max(quota.values())
    for stratum, n in quota.items():
        assert 0 <= n <= available[stratum]
        assert n == available[stratum] or n >= most - 1


@given(AVAILABLE, st.integers(1, 400))
def test_quotas_do_not_depend_on_the_order_of_strata(available, keep):
    assert quotas(dict(reversed(available.items())), keep) == quotas(available, keep)


def test_what_a_stratum_lacks_is_shared_by_the_others():
    available = {("a", "easy"): 10, ("a", "hard"): 2, ("b", "easy"): 100, ("b", "hard"): 100}
    assert quotas(available, 40) == {("a", "easy"): 10, ("a", "hard"): 2, ("b", "easy"): 14, ("b", "hard"): 14}


def test_what_cannot_be_divided_goes_to_the_easier_strata_one_to_each():
    available = {(world, difficulty): 9 for world in "ab" for difficulty in ("easy", "medium", "hard")}
    quota = quotas(available, 15)
    assert {stratum for stratum, n in quota.items() if n == 3} == {("a", "easy"), ("b", "easy"), ("a", "medium")}
