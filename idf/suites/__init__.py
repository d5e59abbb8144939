"""Problems in bulk: the published SpatiaLite files, suites that idf generates, and the prompts that ask them."""

from ._duplicates import Count, count_items, distinct, exact_key, task_key
from ._exercise import Exercise
from ._generated import SuiteRecipe, draw_items, generate_suite, read_suite, task_to_json, write_suite
from ._held_out import check_held_out
from ._item import Item
from ._names import PREFIX, suite_name
from ._prompts import (
    HELD_OUT_OF,
    HELD_OUT_PROMPTS,
    MODES,
    OFFICIAL_PROMPTS,
    PROMPT_SETS,
    PROMPTS,
    item_prompt,
    prompt_text,
)
from ._published import LEVELS, Published, hash_clone, not_covered, published
from ._spatialite import MAIN_FILES, PublishedRow, read_published, spatialite_suite
from ._verify import Agreement, verify_published

__all__ = [
    "HELD_OUT_OF",
    "HELD_OUT_PROMPTS",
    "LEVELS",
    "MAIN_FILES",
    "MODES",
    "OFFICIAL_PROMPTS",
    "PROMPTS",
    "PROMPT_SETS",
    "Agreement",
    "Count",
    "Exercise",
    "Item",
    "Published",
    "PublishedRow",
    "SuiteRecipe",
    "check_held_out",
    "count_items",
    "distinct",
    "draw_items",
    "exact_key",
    "generate_suite",
    "hash_clone",
    "item_prompt",
    "not_covered",
    "open_suite",
    "prompt_text",
    "published",
    "read_published",
    "read_suite",
    "spatialite_suite",
    "suite_name",
    "task_key",
    "task_to_json",
    "verify_published",
    "write_suite",
]


def open_suite(name: str) -> list[Item]:
    """The items of a suite by its name on the command line.

    Args:
        name: `spatialite:DIR` (the five main files), `spatialite:DIR:FILE` (one file), `spatialite:DIR:all` (all files
            of items), the same without the prefix (`suite_name` says when), or the folder of a generated suite.

    Raises:
        UserError: There is no such suite, or a row of it cannot be read.
    """
    from pathlib import Path

    name = suite_name(name)
    if name.startswith(PREFIX):
        folder, _, file = name.removeprefix(PREFIX).partition(":")
        return spatialite_suite(Path(folder), file or None)
    return read_suite(Path(name))
