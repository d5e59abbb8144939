"""The one schema of training data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Sample:
    """One training conversation.

    Attributes:
        id: Unique within its dataset.
        world: Name of the world.
        difficulty: "easy", "medium" or "hard".
        kind: What sort of sample it is ("rollout", "trace").
        images: Picture files that `idf.drawing.decode_picture` reads (ours are PNG or JPEG), in the order in which the
            messages show them.
        messages: `[{"role": ..., "content": [{"type": "image"} | {"type": "text", "text": ...}]}]`.
        meta: Where it comes from: seed, states, actions, hashes (JSON values).
    """

    id: str
    world: str
    difficulty: str
    kind: str
    images: list[bytes]
    messages: list[dict[str, Any]]
    meta: dict[str, Any]


def conversation(prompt: str, response: str | None, *, with_picture: bool) -> list[dict[str, Any]]:
    """One question and, unless None, its answer, in the form of `Sample.messages`."""
    content: list[dict[str, Any]] = [{"type": "image"}] if with_picture else []
    messages = [{"role": "user", "content": [*content, {"type": "text", "text": prompt}]}]
    if response is not None:
        messages.append({"role": "assistant", "content": [{"type": "text", "text": response}]})
    return messages


def text_of(message: dict[str, Any]) -> str:
    """All text of a message."""
    return "".join(part["text"] or "" for part in message["content"] if part["type"] == "text")
