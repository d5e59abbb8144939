"""What stands where: shares that are exact, or as near as whole samples come."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idf.data import Slot, allot_slots
from idf.imagery import ImageryRecipe
from idf.worlds import DIFFICULTIES, WORLDS

ONE = {"rollout": 1.0}


def test_shares_are_exact():
    kinds = {"cube_rolling": {"rollout": 1.0, "step": 4.0}, "wood_slide": {"rollout": 2.0, "goal": 0.0}}
    worlds, difficulties = {"cube_rolling": 1.0, "wood_slide": 2.0}, {"easy": 3.0, "hard": 1.0, "medium": 0.0}
    assert Counter(allot_slots(600, worlds, difficulties, kinds, seed=1)) == {
        Slot("cube_rolling", "easy", "rollout"): 30,
        Slot("cube_rolling", "easy", "step"): 120,
        Slot("cube_rolling", "hard", "rollout"): 10,
        Slot("cube_rolling", "hard", "step"): 40,
        Slot("wood_slide", "easy", "rollout"): 300,
        Slot("wood_slide", "hard", "rollout"): 100,
    }


@given(
    st.integers(1, 3000),
    st.lists(st.floats(0.01, 10), min_size=1, max_size=4),
    st.lists(st.floats(0, 10), min_size=3, max_size=3).filter(lambda weights: sum(weights) > 0.1),
    st.lists(st.lists(st.floats(0.01, 10), min_size=1, max_size=4), min_size=4, max_size=4),
)
def test_shares_that_do_not_divide_are_never_off_by_a_whole_sample(samples, of_worlds, of_difficulties, of_kinds):
    worlds = {f"w{i}": weight for i, weight in enumerate(of_worlds)}
    difficulties = dict(zip(DIFFICULTIES, of_difficulties, strict=True))
    kinds = {world: {f"k{i}": k for i, k in enumerate(some)} for world, some in zip(worlds, of_kinds)}
    slots = allot_slots(samples, worlds, difficulties, kinds, seed=1)
    counts = Counter(slots)
    assert len(slots) == samples
    total = sum(worlds.values()) * sum(difficulties.values())
    for world, w in worlds.items():
        of_world = sum(n for slot, n in counts.items() if slot.world == world)
        assert abs(of_world - samples * w / sum(worlds.values())) < 1.001, "of a world as a whole"
        for difficulty, d in difficulties.items():
            here = {slot.kind: n for slot, n in counts.items() if slot[:2] == (world, difficulty)}
            assert abs(sum(here.values()) - samples * w * d / total) < 1.001
            for kind, k in kinds[world].items():
                exact = samples * w * d / total * k / sum(kinds[world].values())
                assert abs(here.get(kind, 0) - exact) < 1.001
                assert kind not in here or exact > 0, "a weight of zero is no sample"


@pytest.mark.parametrize("samples", [60, 1000, 5000, 20000])
def test_worlds_with_fewer_kinds_get_as_many_samples_as_the_others(samples):
    recipe = ImageryRecipe(samples=samples)
    kinds = {world: recipe.kinds_of(world) for world in recipe.worlds}
    assert len({len(some) for some in kinds.values()}) > 1, "else this test shows nothing"
    counts = Counter(slot.world for slot in allot_slots(samples, recipe.worlds, recipe.difficulties, kinds, seed=0))
    assert counts == dict.fromkeys(WORLDS, samples // len(WORLDS))


def test_a_world_without_weight_needs_no_kinds():
    slots = allot_slots(4, {"a": 1.0, "b": 0.0}, {"easy": 1.0}, {"a": ONE, "b": {"rollout": 0.0}}, seed=0)
    assert slots == [Slot("a", "easy", "rollout")] * 4


def test_the_seed_decides_the_order_and_nothing_else():
    kinds = {"a": ONE, "b": {"rollout": 1.0, "step": 1.0}}
    one, same, other = (allot_slots(60, {"a": 1, "b": 1}, {"easy": 1, "hard": 1}, kinds, seed) for seed in (1, 1, 2))
    assert one == same != other
    assert Counter(one) == Counter(other)
    assert one != sorted(one), "slots are shuffled"


def test_the_order_of_names_in_a_recipe_does_not_matter():
    kinds = {"a": {"rollout": 1.0, "step": 2.0}, "b": ONE}
    turned = {"b": ONE, "a": {"step": 2.0, "rollout": 1.0}}
    assert allot_slots(50, {"a": 1, "b": 2}, {"easy": 1, "hard": 3}, kinds, 0) == allot_slots(
        50, {"b": 2, "a": 1}, {"hard": 3, "easy": 1}, turned, 0
    )
