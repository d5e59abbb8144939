"""Items that pose the same problem."""

from __future__ import annotations

from idf.suites import Count, Item, SuiteRecipe, count_items, distinct, draw_items, open_suite
from tests.drawing.originals import FOLDER, needs_originals
from tests.worlds.samples import problem

ROLL, OTHER, TURN = (
    problem("cube_rolling", "eval", 0, "easy"),
    problem("cube_rolling", "eval", 1, "easy"),
    problem("rubiks_cube", "eval", 0, "easy"),
)


def test_the_first_item_of_each_problem_stays():
    items = [Item("a", ROLL), Item("b", TURN), Item("c", ROLL), Item("d", OTHER), Item("e", TURN)]
    assert [item.id for item in distinct(items)] == ["a", "b", "d"]
    assert count_items(items) == {"cube_rolling": Count(3, 2), "rubiks_cube": Count(2, 1)}


def test_a_suite_without_duplicates_stays_as_it_is():
    items, _ = draw_items(SuiteRecipe(items=3))
    assert distinct(items) == items
    assert all(count == (9, 9) for count in count_items(items).values())


def test_nothing_has_no_duplicates():
    assert distinct([]) == []
    assert count_items([]) == {}


@needs_originals
def test_of_the_published_files_only_wood_slide_repeats_itself():
    counts = count_items(open_suite(f"spatialite:{FOLDER}"))
    assert {world for world, count in counts.items() if count.distinct < count.items} == {"wood_slide"}


@needs_originals
def test_other_files_ask_the_problems_of_the_main_ones_again():
    main, everything = open_suite(f"spatialite:{FOLDER}"), open_suite(f"spatialite:{FOLDER}:all")
    assert len(main) < len(everything)
    assert len(distinct(everything)) < len(everything)
    assert {item.id for item in main} <= {item.id for item in everything}
