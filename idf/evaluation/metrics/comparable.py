"""Whether two evaluations asked the same thing: what differs is said before any number is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from idf.backends import SERVERS_OWN
from idf.errors import UserError
from idf.scoring.rules_version import RULES_VERSION

from .row import Row

MUST_AGREE = ("suite_sha256", "prompts", "pictures", "episodes")
"""Keys of `run` that decide what is asked."""
SHOULD_AGREE = (
    "damage",
    "max_pixels",
    "max_new_tokens",
    "sampling",
    "temperature",
    "top_p",
    "samples",
    "parser",
    "backend",
)
"""Keys of `run` that decide how it is asked; a comparison may be one of them."""


def rules_of(run: Mapping[str, Any]) -> str:
    """The version of the scoring rules by which a run was judged, for a sentence."""
    version = run.get("scoring_rules")
    return "a version before 1 (it says none)" if version is None else f"version {version}"


def check_rules(names: Sequence[str], runs: Sequence[Mapping[str, Any]]) -> None:
    """Refuse runs that were judged by different rules: part of their difference would be the reading's.

    Args:
        names: What to call the runs in a message.
        runs: `run` of each `results.json`.

    Raises:
        UserError: Two differ; a run that says no version differs from every one that does.
    """
    for name, run in zip(names[1:], runs[1:], strict=True):
        if rules_of(run) != rules_of(runs[0]):
            raise UserError(
                f"different scoring rules: {names[0]} was judged by {rules_of(runs[0])}, {name} by {rules_of(run)}; "
                f"idf-eval --rescore DIR judges the responses of a run again, by today's version {RULES_VERSION}"
            )


def common_modes(
    names: tuple[str, str], rows: Sequence[Sequence[Row]]
) -> tuple[list[str], tuple[list[str], list[str]]]:
    """The modes that two evaluations both have.

    Args:
        names: What to call the two in a message.
        rows: The rows of both.

    Returns:
        The modes of both; those of the first alone and of the second alone.

    Raises:
        UserError: They have no mode in common.
    """
    first, second = ({row.mode for row in mine} for mine in rows)
    if not first & second:
        raise UserError(
            f"no mode in common: {names[0]} has {', '.join(sorted(first))}, {names[1]} has {', '.join(sorted(second))}; "
            "evaluate both in the same modes"
        )
    return sorted(first & second), (sorted(first - second), sorted(second - first))


def check_comparable(
    names: tuple[str, str], runs: Sequence[Mapping[str, Any]], rows: Sequence[Sequence[Row]]
) -> list[str]:
    """Refuse evaluations of different items, prompts or pictures.

    Args:
        names: What to call the two in a message.
        runs: `run` of both `results.json`.
        rows: The rows of both, in the modes that both have.

    Returns:
        Sentences on what else differs, or is not known to be the same.

    Raises:
        UserError: The two cannot be compared; the first thing that differs is named.
    """
    first, second = names
    check_rules(names, runs)
    told: list[str] = []
    if all(run.get("scoring_rules") is None for run in runs):
        told.append(
            "neither says by which version of the scoring rules it was judged; idf-eval --rescore DIR does it again"
        )
    for key in MUST_AGREE:
        values = [run.get(key) for run in runs]
        if None in values:
            if values[0] != values[1]:
                silent = names[values.index(None)]
                other = 1 - values.index(None)
                told.append(f"{silent} does not say its {key}; {names[other]} has {values[other]}")
        elif values[0] != values[1]:
            raise UserError(
                f"different {key}: {first} has {values[0]}, {second} has {values[1]}; evaluate both with the same"
            )
    _check_items(names, rows)
    for key in SHOULD_AGREE:
        values = [_said(run, key) for run in runs]
        if None not in values and values[0] != values[1]:
            told.append(f"{key} differs: {first} has {values[0]}, {second} has {values[1]}")
    for name, run in zip(names, runs, strict=True):
        if run.get("sampling") == SERVERS_OWN:
            refused = f" (it refuses {', '.join(run['left_out'])})" if run.get("left_out") else ""
            told.append(f"sampling is {SERVERS_OWN} in {name}{refused}: how its tokens were chosen is not known")
    return told


def _said(run: Mapping[str, Any], key: str) -> Any:
    """What a run says of how it was asked; None if that is not known."""
    if key == "parser":
        return _parser(run)
    return run.get(key) or "none" if key == "damage" else run.get(key)


def _parser(run: Mapping[str, Any]) -> str:
    """Who found the answers; the counts of a language model's quotes differ with every run."""
    told = run.get("parser")
    return str(told.get("name")) if isinstance(told, dict) else "rules"


def _check_items(names: tuple[str, str], rows: Sequence[Sequence[Row]]) -> None:
    problems: list[dict[tuple[str, str], tuple[str, str]]] = [
        {(row.mode, row.id): (row.world, row.cluster) for row in mine} for mine in rows
    ]
    for i in (0, 1):
        if missing := sorted(problems[i].keys() - problems[1 - i].keys()):
            mode, id = missing[0]
            raise UserError(
                f"different items: {len(missing)} of {names[i]} are not in {names[1 - i]}, {id} in mode {mode} among them; "
                "evaluate both on the same suite and --limit"
            )
    for key, (world, problem) in problems[0].items():
        other_world, other = problems[1][key]
        # A row of an older version does not say its problem.
        if world != other_world or (problem and other and problem != other):
            raise UserError(
                f"different items: {key[1]} is another problem in {names[1]} than in {names[0]}; evaluate both on the same "
                "suite"
            )
