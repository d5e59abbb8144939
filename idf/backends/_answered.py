"""What a backend yields, checked: a wrong index would give an item the answer to another one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields

from idf.errors import UserError

from ._backend import Backend
from ._request import Request, Response

_COUNTS = ("prompt_tokens", "completion_tokens")


def answered(backend: Backend, requests: Sequence[Request]) -> Iterator[tuple[int, Response]]:
    """Ask a backend, and check what comes before anybody keeps it.

    Yields:
        As `Backend.generate`: the index of a request and its response.

    Raises:
        UserError: As the backend's; or it yields an index that is no request's or came before, or what is no response.
    """
    came: set[int] = set()
    for at, response in backend.generate(requests):
        what = _fault(at, response, len(requests), came)
        if what:
            raise UserError(f"the backend {type(backend).__name__} breaks the rules of docs/backends.md: {what}")
        came.add(at)
        yield at, response


def _fault(at: object, response: object, n: int, came: set[int]) -> str | None:
    if isinstance(at, bool) or not isinstance(at, int) or not 0 <= at < n:
        return f"generate yields the index {at!r}, and the {n} requests have those from 0 to {n - 1}"
    if at in came:
        return f"generate yields the index {at} twice: each request has one response"
    if not isinstance(response, Response):
        return f"generate yields {type(response).__name__} in the place of idf.backends.Response"
    for field in fields(Response):
        value = getattr(response, field.name)
        if field.name in _COUNTS:
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
                return f"{field.name} of a response must be a whole number from 0, or None, not {value!r}"
        elif not isinstance(value, str) and (value is not None or field.name == "text"):
            return (
                f"{field.name} of a response must be a text{'' if field.name == 'text' else ', or None'}, not {value!r}"
            )
    return None
