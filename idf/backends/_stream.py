"""A chat completion that came in pieces (server-sent events), as the one that a call without streaming gives."""

from __future__ import annotations

import json
from typing import Any

_BEGINNINGS = (b"data:", b"event:", b"id:", b"retry:", b":")


def is_stream(raw: bytes) -> bool:
    """Whether a reply is a stream of events; some servers stream unasked, some do not stream though asked."""
    return raw.lstrip().startswith(_BEGINNINGS)


def joined(raw: bytes) -> dict[str, Any]:
    """The pieces of a stream as one completion.

    Returns:
        What a call without streaming gives: `choices` with one message, and `usage` if it was told.

    Raises:
        ValueError: A piece is no JSON, or the stream ended before its end.
        TypeError, AttributeError: A piece is no piece of a completion.
    """
    texts: dict[str, list[str]] = {}
    whole: dict[str, Any] = {}
    tools: list[Any] = []
    finish_reason, ended = None, False
    for line in raw.splitlines():
        name, _, value = line.partition(b":")
        if name != b"data":
            continue
        if value.strip() == b"[DONE]":
            ended = True
            break
        piece = json.loads(value)
        if piece.get("error"):
            return {"error": piece["error"]}
        whole["usage"] = piece.get("usage") or whole.get("usage")
        for choice in piece.get("choices") or []:
            if choice.get("index") or 0:
                continue
            finish_reason = choice.get("finish_reason") or finish_reason
            for key, told in (choice.get("delta") or {}).items():
                if key == "tool_calls":
                    tools += told or []
                elif (
                    key == "content"
                    and isinstance(told, list)
                    and any(isinstance(part, dict) and "thinking" in part for part in told)
                ):
                    texts.setdefault("reasoning", []).append("thought")
                    texts.setdefault(key, []).extend(_texts(told))
                elif key != "role" and told is not None:
                    texts.setdefault(key, []).extend(_texts(told))
    if not ended and finish_reason is None:
        raise ValueError("the stream broke off")
    message: dict[str, Any] = {"content": None} | {key: "".join(parts) for key, parts in texts.items()}
    if tools:
        message["tool_calls"] = tools
    return {"choices": [{"message": message, "finish_reason": finish_reason}], "usage": whole.get("usage")}


def _texts(told: Any) -> list[str]:
    """The texts of a piece: of a list, those of its parts that are no thought."""
    if isinstance(told, str):
        return [told]
    if not isinstance(told, list):
        return []  # what else a server tells beside the text, such as signatures
    return [part["text"] for part in told if isinstance(part, dict) and isinstance(part.get("text"), str)]
