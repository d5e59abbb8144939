"""Servers with the manners of real services: what they refuse, how they answer, and what a client then has to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.backends.server import Call, Reply, completion

Answer = Callable[[Call, int], Reply]


def refusing(key: str, message: str, status: int = 400) -> Reply:
    """A refusal in OpenAI's form."""
    error = {"message": message, "type": "invalid_request_error", "param": key, "code": "unsupported_parameter"}
    return Reply(status, json.dumps({"error": error}).encode())


def streamed(text: str, *, whole: bool = True, usage: bool = True) -> Reply:
    """A reply in pieces."""
    pieces: list[dict[str, Any]] = [
        {"choices": [{"index": 0, "delta": {"role": "assistant", "content": part}}]} for part in (text[:5], text[5:])
    ]
    if whole:
        pieces.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    if usage:
        pieces.append({"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 5}})
    lines = [f"data: {json.dumps(piece)}\n\n" for piece in pieces] + ["data: [DONE]\n\n"] * whole
    return Reply(body="".join(lines).encode(), headers={"Content_Type": "text/event-stream"})


def speaking(text: str) -> dict[str, Answer]:
    """Manner -> a server that has it and says a text.

    Args:
        text: What every answer is.
    """

    def plain(call: Call, before: int) -> Reply:
        return streamed(text) if call.body.get("stream") else completion(text)

    def reasoning(call: Call, before: int) -> Reply:
        """OpenAI's reasoning models."""
        if "max_tokens" in call.body:
            return refusing("max_tokens", "'max_tokens' is not supported; use 'max_completion_tokens'")
        if call.body.get("temperature", 1) != 1:
            return refusing("temperature", "'temperature' does not support this value; only the default (1) is")
        return plain(call, before)

    def without(key: str) -> Answer:
        return lambda call, before: (
            refusing(key, f"{key} is not supported for this model") if key in call.body else plain(call, before)
        )

    def no_seed(call: Call, before: int) -> Reply:
        """A server that checks its input as Mistral's does, and repeats all of it."""
        detail = [
            {"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "extra inputs are not permitted"}
            | {"input": call.body}
        ]
        return Reply(422, json.dumps({"detail": detail}).encode()) if "seed" in call.body else plain(call, before)

    def no_seed_list(call: Call, before: int) -> Reply:
        """Gemini's compatible endpoint: the error is wrapped in a list."""
        error = {"code": 400, "message": 'unknown name "seed": cannot find field', "status": "INVALID_ARGUMENT"}
        return Reply(400, json.dumps([{"error": error}]).encode()) if "seed" in call.body else plain(call, before)

    def stream_only(call: Call, before: int) -> Reply:
        if call.body.get("stream"):
            return plain(call, before)
        return refusing("stream", "this model supports stream mode only")

    def thinking_flag(call: Call, before: int) -> Reply:
        """Qwen3 as Alibaba serves it."""
        if call.body.get("enable_thinking", True) and not call.body.get("stream"):
            return refusing("enable_thinking", "enable_thinking must be false for calls that do not stream")
        return plain(call, before)

    def message(finish_reason: str, **said: Any) -> Answer:
        told = {"role": "assistant", "content": None} | said
        return lambda call, before: completion("", message=told, finish_reason=finish_reason)

    call = {"id": "1", "type": "function", "function": {"name": "answer", "arguments": "{}"}}
    return {
        "thought": message("stop", reasoning_content=text),
        "thought, in parts": message("stop", content=[{"type": "thinking", "thinking": text}]),
        "thought, cut off": message("length", reasoning_content=text),
        "tool call": message("tool_calls", tool_calls=[call]),
        "refusal": message("stop", refusal="I cannot help with that."),
        "filter": message("content_filter", content=""),
        "plain": plain,
        "reasoning models": reasoning,
        "no temperature": without("temperature"),
        "no seed": no_seed,
        "no seed, in a list": no_seed_list,
        "stream only": stream_only,
        "thinking flag": thinking_flag,
    }
