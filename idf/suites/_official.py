"""How the published program puts a question to a model, read from the user's clone.

The words are not ours to copy: `prompting.py` of the clone is parsed, never run, and its three templates are filled in.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idf.errors import UserError
from idf.files import read_text
from idf.worlds import WORLDS, Problem

_PROGRAM = "prompting.py"
_DESCRIBED = {"descrip"}
# World -> what the published command line and the row say, by which the program picks its template.
_KINDS = {"moving_box": {"executive", "moving_box"}, "wood_slide": {"executive", "wood_slide"}}


@dataclass(frozen=True)
class OfficialPrompts:
    """The templates of the published program.

    Attributes:
        templates: World -> the parts of the prompt: a text as it is, or the name of what is put in, "base_question" or
            "initial_state".
    """

    templates: dict[str, tuple[tuple[str, bool], ...]]

    def of(self, problem: Problem[Any, Any], row: dict[str, Any]) -> str:
        """The prompt of a published row, as the program would write it."""
        fill = {"base_question": str(row["question"]).rstrip(), "initial_state": str(row["initial_state"])}
        return "".join(fill[text] if named else text for text, named in self.templates[problem.world])


def official_prompts(root: Path) -> OfficialPrompts | None:
    """The templates of the program in a clone; None if the clone holds data alone.

    Args:
        root: A clone of SpatiaLite, or the folder `data/` of one.

    Raises:
        UserError: The program is there, but not in the published form.
    """
    path = next((folder / _PROGRAM for folder in (root, root.parent) if (folder / _PROGRAM).is_file()), None)
    if path is None:
        return None
    try:
        found = list(_templates(ast.parse(read_text(path)), frozenset()))
    except SyntaxError as error:
        raise UserError(f"{path}, line {error.lineno}: not Python") from None
    templates = {}
    for world in WORLDS:
        kinds = _KINDS.get(world, _DESCRIBED)
        fitting = [parts for conditions, parts in found if conditions == kinds]
        if len(fitting) != 1:
            raise UserError(
                f"{path} has {len(fitting)} prompts for {' and '.join(sorted(kinds))}, not one: it is not the published "
                "program, so leave it out of the clone or restore it"
            )
        templates[world] = fitting[0]
    return OfficialPrompts(templates)


def _templates(
    node: ast.AST, conditions: frozenset[str]
) -> Iterator[tuple[frozenset[str], tuple[tuple[str, bool], ...]]]:
    """The f-strings with a question in them, each with the constants that the tests around it compare with."""
    if isinstance(node, ast.If):
        for inner in node.body:
            yield from _templates(inner, conditions | _constants(node.test))
        for inner in node.orelse:
            yield from _templates(inner, conditions)
    elif isinstance(node, ast.JoinedStr):
        parts = tuple(_part(value) for value in node.values)
        if ("base_question", True) in parts and ("", True) not in parts:
            yield conditions, parts
    else:
        for child in ast.iter_child_nodes(node):
            yield from _templates(child, conditions)


def _part(value: ast.expr) -> tuple[str, bool]:
    """A text, or a name that is filled in; ("", True) is anything else."""
    if isinstance(value, ast.Constant):
        return str(value.value), False
    if isinstance(value, ast.FormattedValue) and isinstance(value.value, ast.Name) and value.format_spec is None:
        name = value.value.id
        return (name, True) if name in ("base_question", "initial_state") else ("", True)
    return "", True


def _constants(test: ast.expr) -> frozenset[str]:
    """The texts that a test `x == "text"` compares with."""
    if isinstance(test, ast.Compare) and all(isinstance(operator, ast.Eq) for operator in test.ops):
        compared = [test.left, *test.comparators]
        return frozenset(str(side.value) for side in compared if isinstance(side, ast.Constant))
    return frozenset()
