"""A language model that finds the final answer in a response; it quotes, and the same rules judge.

It is an option for responses that the rule parser cannot read. It sees neither the problem nor the truth, and what it gives
back counts only if it stands in the response word for word: it cannot repair a plan or make one up.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from idf.answers import KINDS
from idf.backends import Backend, ModelSpec, Request, Response, Sampling, answered, backend_class, fingerprint_of
from idf.scoring import strip_thinking
from idf.suites import Item
from idf.worlds import WORLDS

from ..metrics.row import Row
from .answers import Answers
from .score import scored_as

NOTHING = "NONE"
_UNFINISHED = (
    "length",
    "thought_only",
    "refusal",
    "max_tokens",
    "content_filter",
    "tool_calls",
    "function_call",
    "error",
)
"""Reasons to end that leave no whole quote."""


@dataclass(frozen=True)
class Agreement:
    """How the two parsers compare.

    Attributes:
        n: Responses that both were given.
        agreed: Those of which both say the same: the same answer, or that there is none.
        not_quoted: What the language model gave back does not stand in the response; counted as no answer.
        failed: The language model gave no answer, an empty or an unfinished one; the rule parser's verdict stands.
        correct_by_rules: The share of all rows that the rule parser has right.
        disagreements: A line for each difference, as JSON values.
    """

    n: int
    agreed: int
    not_quoted: int
    failed: int
    correct_by_rules: float
    disagreements: list[dict[str, Any]]

    def counts(self) -> dict[str, Any]:
        """What `run` -> `parser` says of it."""
        return {
            "responses": self.n,
            "agreed": self.agreed,
            "not_quoted": self.not_quoted,
            "failed": self.failed,
            "accuracy_by_rules": self.correct_by_rules,
        }

    def __str__(self) -> str:
        share = f"{self.agreed / self.n:.1%}" if self.n else "-"
        return (
            f"the language model and the rules agree on {self.agreed} of {self.n} responses ({share}); {self.not_quoted} quotes "
            f"were not in the response, {self.failed} could not be had"
        )


def quoter(spec: ModelSpec) -> str:
    """Says in the keys of quotes which language model it is, and how it is asked."""
    kind, sampling = backend_class(spec.backend), spec.sampling
    told = kind.told(spec.options)
    # Of an endpoint, what is not set has no part in the name, so that quotes of earlier versions are found.
    how = "" if sampling == Sampling(512) else f" {sampling.max_new_tokens} {sampling.temperature}"
    end = f" {json.dumps(told, sort_keys=True)}" if told else ""
    if "base_url" in spec.options:
        return f"{spec.backend}:{spec.model} {spec.options['base_url']}{how}{end}"
    return f"{fingerprint_of(spec)}{how}"


def question_for(kind: str, response: str) -> str:
    """What the language model is asked."""
    return (
        f"Below is a response to a puzzle. Copy {KINDS[kind].called} that it names as its final answer, word for word, "
        "exactly as it stands there, and nothing else. "
        "If it changes its mind, the last final answer counts. Do not correct or complete it. "
        f"If it states no final answer, say {NOTHING}.\n\n<response>\n{response}\n</response>"
    )


def parse_with(
    backend: Backend, rows: Sequence[Row], items: Sequence[Item], answers: Answers, who: str
) -> tuple[list[Row], Agreement]:
    """Score rows again by what a language model quotes of their responses.

    Args:
        backend: The language model.
        rows: Rows as the rule parser has them.
        items: The items that they belong to.
        answers: Quotes that are known; what comes is added.
        who: Says which language model it is, in the keys of its quotes.

    Returns:
        The rows by the quotes, in the same order, and how the two parsers compare. A row without a response, or whose quote
        could not be had, stays.

    Raises:
        UserError: As the backend's. The quotes that came are in `answers`.
    """
    by_id = {item.id: item for item in items}
    asked = [row for row in rows if _is_asked(row)]
    questions = {_key(who, by_id[row.id], row): _question(by_id[row.id], row) for row in asked}
    todo = [key for key in questions if answers.lacks(key)]
    requests = [
        Request([{"role": "user", "content": [{"type": "text", "text": questions[key]}]}], None) for key in todo
    ]
    for at, response in answered(backend, requests):
        answers.add(todo[at], response)
    return judged_by_quotes(rows, items, [known_quote(answers, who, by_id[row.id], row) for row in rows])


def parser_replies(rows: Sequence[Row], items: Sequence[Item], answers: Answers, who: str) -> list[Response]:
    """What a language model replied to the questions on some rows, each question once, as far as it is known."""
    by_id = {item.id: item for item in items}
    keys = dict.fromkeys(_key(who, by_id[row.id], row) for row in rows if _is_asked(row))
    return [reply for key in keys if (reply := answers.get(key)) is not None]


def known_quote(answers: Answers, who: str, item: Item, row: Row) -> str | None:
    """What a language model quoted of a row's response; None if it was not asked, or its quote could not be had."""
    if not _is_asked(row):
        return None
    told = answers.get(_key(who, item, row))
    if told is None or told.error is not None or told.finish_reason in _UNFINISHED:  # half a quote is none
        return None
    # A language model that thinks aloud quotes after its thoughts. Who says nothing has not said that there is no answer.
    return strip_thinking(told.text).strip().strip("`\"'").strip() or None


def judged_by_quotes(
    rows: Sequence[Row], items: Sequence[Item], quotes: Sequence[str | None]
) -> tuple[list[Row], Agreement]:
    """Rows by what was quoted of their responses, as `parse_with` gives them.

    Args:
        rows: Rows as the rule parser has them.
        items: The items that they belong to.
        quotes: What was quoted of each row's response; None if nothing could be had.
    """
    by_id = {item.id: item for item in items}
    found: list[Row] = []
    agreed = not_quoted = failed = 0
    differ: list[dict[str, Any]] = []
    for row, quote in zip(rows, quotes, strict=True):
        if not quote:  # earlier versions took silence for a quote
            failed += _is_asked(row)
            found.append(row)
            continue
        item = by_id[row.id]
        stands = quote == NOTHING or _stands_in(quote, strip_thinking(row.response))
        not_quoted += not stands
        if stands and quote != NOTHING:
            # A line end says that the answer is whole; where a cut-off response ends with it, nobody knows.
            cut = row.finish_reason == "length" and row.response.rstrip(" ").endswith(quote)
            other = scored_as(item, row, f"Answer: {quote}" + ("" if cut else "\n"))
        else:  # without an answer either way, the rules know why: a refusal stays one
            other = row if row.parsed is None else scored_as(item, row, "no final answer")
        other = replace(other, quote=quote)
        found.append(other)
        if json.dumps(other.parsed) == json.dumps(row.parsed):
            agreed += 1
        else:
            differ.append(
                {"id": row.id, "mode": row.mode, "sample": row.sample, "rules": row.parsed, "quote": quote}
                | {
                    "model": other.parsed,
                    "quoted": stands,
                    "rules_correct": row.correct,
                    "model_correct": other.correct,
                }
            )
    by_rules = sum(row.correct for row in rows) / max(len(rows), 1)
    return found, Agreement(sum(map(_is_asked, rows)), agreed, not_quoted, failed, by_rules, differ)


def _is_asked(row: Row) -> bool:
    return bool(row.response.strip()) and row.finish_reason != "error"


def _question(item: Item, row: Row) -> str:
    return question_for(WORLDS[item.problem.world].answer(item.problem).kind, row.response)


def _key(who: str, item: Item, row: Row) -> str:
    return hashlib.sha256(json.dumps(["parser", who, _question(item, row)]).encode()).hexdigest()[:40]


def _stands_in(quote: str, response: str) -> bool:
    """Whether whole words of the response are the quote: the r of "Answer" is no move."""
    words = r"\s+".join(map(re.escape, quote.split()))
    return bool(words) and re.search(rf"(?<!\w){words}(?!\w)", response) is not None
