"""What an answer is, is said once: nobody outside the two rooms switches on a kind or knows a colour."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import idf
from idf.answers import KINDS
from idf.worlds import WORLDS

ROOT = Path(idf.__file__).parent
ROOMS = ("answers", "worlds")
DRAWS = ("drawing",)  # what a colour looks like
NAMES = {colour for world in WORLDS.values() for colour in world.colours} | {"gray", "grey"}
FILES = sorted(path for path in ROOT.rglob("*.py") if path.relative_to(ROOT).parts[0] not in (*ROOMS, *DRAWS))


def compared_kinds(tree: ast.AST) -> list[int]:
    """Lines where something is compared with the name of a kind of answer, or a table has all of them as its keys."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            sides += [
                entry for side in sides if isinstance(side, ast.Tuple | ast.Set | ast.List) for entry in side.elts
            ]
            if any(isinstance(side, ast.Constant) and side.value in KINDS for side in sides):
                found.append(node.lineno)
        if isinstance(node, ast.Dict):
            keys = {key.value for key in node.keys if isinstance(key, ast.Constant)}
            if len(keys & set(KINDS)) > 1:
                found.append(node.lineno)
    return found


def colour_names(tree: ast.AST) -> list[int]:
    """Lines with a text that is the name of a colour."""
    return [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Constant) and node.value in NAMES]


def code(path: Path) -> ast.AST:
    return ast.parse(path.read_text("utf-8"))


@pytest.mark.parametrize(
    "source",
    ['x = kind == "plan"', 'x = kind in ("colour", "count")', 'x = {"plan": 1, "count": 2}', 'if "plan" != k: pass'],
)
def test_a_switch_on_a_kind_is_seen(source):
    assert compared_kinds(ast.parse(source))


def test_a_colour_by_name_is_seen():
    assert colour_names(ast.parse('text.replace("grey", "gray")'))


def test_no_file_outside_the_two_rooms_switches_on_a_kind_or_names_a_colour():
    found = {
        str(path.relative_to(ROOT)): lines
        for path in FILES
        if (lines := compared_kinds(code(path)) + colour_names(code(path)))
    }
    assert found == {}


def test_answers_know_nothing_of_the_rest_of_idf():
    for path in (ROOT / "answers").glob("*.py"):
        for node in ast.walk(code(path)):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            names += [name.name for name in node.names] if isinstance(node, ast.Import) else []
            assert not [
                name for name in names if name.split(".")[0] == "idf" and name not in ("idf.errors", "idf.files")
            ]


@pytest.mark.parametrize("world", WORLDS)
def test_every_kind_that_a_world_asks_for_is_one_of_the_kinds(world):
    assert WORLDS[world].answers
    for answer in WORLDS[world].answers:
        assert KINDS[answer.kind] is type(answer)
        assert answer.read(answer.form) is None, "what a prompt shows is no answer"
