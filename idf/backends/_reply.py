"""What stands in a reply of status 200: parts, counts, reasons, within limits that no honest reply reaches."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from ._ends import reason_of
from ._request import Response
from ._stream import is_stream, joined

MOST_BYTES = 16 * 2**20
"""A longer reply is not read to its end."""
MOST_NESTED = 64
"""A reply with more brackets open at a time is not parsed: a completion has about ten."""

_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)
_OPENS = (b"[", b"{")


class Unreadable(Exception):
    """A whole reply, paid for, that holds no answer: asking again would be paid for again."""


class Broken(Exception):
    """No whole completion: cut off, or an error in the place of one. Another attempt may bring it."""


def read_reply(raw: bytes) -> Response:
    """The answer in a reply.

    Args:
        raw: The body, JSON or a stream of events.

    Raises:
        Unreadable: It is a completion of a form that has no answer.
        Broken: It is none.
    """
    if _nested(raw) > MOST_NESTED:
        raise Unreadable(f"the answer is nested more than {MOST_NESTED} deep")
    try:
        data = joined(raw) if is_stream(raw) else json.loads(raw)
    except (ValueError, TypeError, AttributeError):
        raise Broken("the answer is not JSON") from None
    try:
        choice = data["choices"][0]
        message, finish_reason = choice["message"], choice.get("finish_reason")
        text = _text(message.get("content") if _says_why(message) else message["content"])
        if text is None and _says_why(message):
            text = ""
        if text is None and finish_reason is not None:
            text = ""  # a model that spent all its tokens on hidden reasoning
        usage = data.get("usage") or {}
    except (AttributeError, IndexError, KeyError, TypeError):
        raise Broken("the answer is not a chat completion") from None
    if not isinstance(text, str) or finish_reason == "error":  # some relays say so when the model broke off
        raise Broken("the answer is not a chat completion")
    if not (finish_reason is None or isinstance(finish_reason, str)):
        raise Unreadable("the answer's finish_reason is no text")
    finish_reason = reason_of(finish_reason)
    if not text.strip():
        text, finish_reason = _without_answer(message, finish_reason)
    prompt, completion = (_count(usage, key) for key in ("prompt_tokens", "completion_tokens"))
    return Response(text, prompt, completion, finish_reason)


def read_completion(body: Any) -> list[Response]:
    """The answers in a completion that somebody stored; of several choices, each is one.

    Args:
        body: The parsed body of a reply.

    Returns:
        At least one. What holds no answer is a failed one, and says why. Of several choices, the completion tokens are unknown:
        a service counts them together.
    """
    choices = body.get("choices") if isinstance(body, dict) else None
    if not isinstance(choices, list) or len(choices) < 2:
        return [_stored(body)]
    alone = [_stored(body | {"choices": [choice]}) for choice in choices]
    return [replace(response, completion_tokens=None) for response in alone]


def _stored(body: Any) -> Response:
    try:
        return read_reply(json.dumps(body).encode())
    except (Unreadable, Broken, RecursionError) as error:
        return Response("", finish_reason="error", error=str(error))


_THOUGHTS = ("reasoning_content", "reasoning", "thinking")


def _says_why(message: dict[str, Any]) -> bool:
    """Whether a message has something in the place of a text."""
    return any(message.get(key) for key in (*_THOUGHTS, "tool_calls", "function_call", "refusal"))


def _without_answer(message: dict[str, Any], finish_reason: str | None) -> tuple[str, str | None]:
    """The text and the reason of a message without content; one that was cut off or withheld stays that."""
    if finish_reason in ("length", "content_filter"):
        return "", finish_reason
    if isinstance(refusal := message.get("refusal"), str) and refusal.strip():
        return refusal, "refusal"
    content = message.get("content")
    parts = [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []
    refusals = [part["refusal"] for part in parts if isinstance(part.get("refusal"), str)]
    if refusals:
        return "".join(refusals), "refusal"
    if message.get("tool_calls") or message.get("function_call"):
        return "", "tool_calls"
    if any(message.get(key) for key in _THOUGHTS) or any(part.get("type") in _THOUGHTS for part in parts):
        return "", "thought_only"
    return "", finish_reason


def _text(content: Any) -> Any:
    """The text of a message: some servers send a list of parts, of which those that are no text are left out."""
    if not isinstance(content, list):
        return content
    texts = [part if isinstance(part, str) else _of_part(part) for part in content]
    return "".join(texts)


def _of_part(part: dict[str, Any]) -> str:
    text = part.get("text")
    return text if part.get("type", "text") in ("text", "output_text") and isinstance(text, str) else ""


def _count(usage: Any, key: str) -> int | None:
    """A count of tokens, which some servers send as a float; None if it is no count. The answer is paid for either way."""
    n = usage.get(key) if isinstance(usage, dict) else None
    if isinstance(n, bool) or not isinstance(n, int | float) or not 0 <= n < 2**53 or n != int(n):
        return None
    return int(n)


def _nested(raw: bytes) -> int:
    """How many brackets are open at a time, at most; brackets in texts do not count."""
    depth = deepest = 0
    for token in _TOKEN.finditer(raw):
        sign = token[0]
        if sign[:1] != b'"':
            depth += 1 if sign in _OPENS else -1
            deepest = max(deepest, depth)
            if deepest > MOST_NESTED:
                break
    return deepest
