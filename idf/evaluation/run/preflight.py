"""Before the first answer: does the longest prompt fit, and what does the first one look like?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from idf.backends import Backend, Request
from idf.errors import UserError

from .queries import Ask, Form, Requests, messages_of, size_of


@dataclass(frozen=True)
class Preflight:
    """What was found.

    Attributes:
        longest: Tokens of the longest prompt.
        exact: Whether that was counted from ids; else it is an upper bound.
        item: The item that it belongs to, and its mode.
        context: The most tokens that prompt and response may have together; None if nobody says.
        first: The first prompt, as text.
        max_new_tokens: Longest response.
    """

    longest: int
    exact: bool
    item: str
    context: int | None
    first: str
    max_new_tokens: int

    def __str__(self) -> str:
        bound = "" if self.exact else " at most"
        limit = "an unknown number of" if self.context is None else f"{self.context:,}"
        warning = ""
        if not self.exact and self.context is not None and self.longest + self.max_new_tokens > self.context:
            warning = f"\nwarning: with {self.max_new_tokens:,} tokens of response that may not fit"
        return (
            f"longest prompt:{bound} {self.longest:,} tokens ({self.item}), of {limit} tokens for prompt and response"
            f"{warning}\n"
            f"the first prompt:\n{self.first}"
        )


def preflight(asks: Sequence[Ask], form: Form, backend: Backend, max_new_tokens: int) -> Preflight:
    """Count every prompt, and refuse what cannot be answered in full.

    Args:
        asks: Everything that will be asked.
        form: How it is shown.
        backend: Who answers.
        max_new_tokens: Longest response.

    Raises:
        UserError: The longest prompt and the longest response do not fit together, or a picture is missing.
    """
    limit = backend.context
    longest, name, exact = 0, "", False
    for ask in asks:
        if ask.sample:
            continue
        messages, size = messages_of(ask, form), size_of(ask, form)
        tokens, counted = backend.count(messages, size)
        if tokens > longest:
            longest, name, exact = tokens, f"{ask.item.id}, {ask.mode}", counted
    if limit is not None and max_new_tokens >= limit:
        raise UserError(
            f"--max-new-tokens {max_new_tokens} leaves no room for a prompt in the {limit:,} tokens of the model"
        )
    # An upper bound counts a token for each byte of text: what it allows surely fits, what it forbids may fit.
    if limit is not None and longest + max_new_tokens > limit and exact:
        raise UserError(
            f"the longest prompt has {longest:,} tokens ({name}), and with --max-new-tokens {max_new_tokens} it needs "
            f"more than the {limit:,} that the model can hold: lower --max-new-tokens or --max-pixels"
        )
    return Preflight(longest, exact, name, limit, _first(asks[0], form, backend), max_new_tokens)


def _first(ask: Ask, form: Form, backend: Backend) -> str:
    """The first prompt as the model gets it, or as near as can be told."""
    request: Request = Requests([ask], form)[0]
    shown = "" if request.picture is None else f"[picture of {request.picture.shape[1]} x {request.picture.shape[0]}] "
    return shown + backend.render(request)
