"""What a sentence says is found in any wording, and nothing else is."""

from __future__ import annotations

import pytest

from idf.errors import UserError
from tests.sentences import line_that_says, missing, refused, says

SAID = (
    "runs/a/recipe.yaml: unknown key data_root, 11 keys are known; add --limit-mm 1.5,\n  or removed metadata (1,000)."
)


@pytest.mark.parametrize(
    "words",
    [
        ("runs/a/recipe.yaml", "key"),
        ("KNOWN", "Unknown key", "data_root"),
        ("--limit-mm", 1.5, "1,000", 11),
        ("remov", "or removed", "11 key"),
    ],
)
def test_words_are_found_in_any_order_and_case_and_with_any_ending(words):
    assert missing(SAID, *words) == []
    assert missing(SAID, *reversed(words)) == []


@pytest.mark.parametrize(
    "part",
    ["runs/a", "data", "root", "recipe.y", 1, 5, 10, "000", "--limit", "nown", "moved", "runs/a/recipe.yaml:0"],
)
def test_a_part_of_a_number_key_option_or_path_is_not_it(part):
    assert missing(SAID, "key", part) == [str(part)]


def test_what_is_missing_is_named():
    with pytest.raises(AssertionError, match=r"\['steps', '7'\] not said in: runs/a"):
        says(SAID, "steps", "key", 7)


def test_the_words_must_be_in_one_line():
    said = "a: 1 sample\nb: 2 samples\n"
    assert line_that_says(said, "b", 2) == "b: 2 samples"
    with pytest.raises(AssertionError, match="no line says"):
        line_that_says(said, "a", 2)
    assert line_that_says(["x", "y 3"], 3) == "y 3"


def test_a_refusal_is_of_its_class_and_one_line_with_all_of_its_words():
    with refused("steps", 7):
        raise UserError("steps must not be 7")
    with refused("7", by=ValueError) as refusal:
        raise ValueError("not 7")
    assert refusal.value.args == ("not 7",)
    with pytest.raises(AssertionError, match="'8'"), refused("steps", 8):
        raise UserError("steps must not be 7")
    with pytest.raises(AssertionError, match="more than one line"), refused("steps"):
        raise UserError("steps\nmust not be 7")
    with pytest.raises(pytest.fail.Exception), refused("steps"):
        pass
    with pytest.raises(KeyError), refused("steps"):
        raise KeyError("steps")
    with pytest.raises(AssertionError, match="every sentence"), refused():
        raise UserError("anything")
