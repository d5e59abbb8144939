"""What a server takes of a request, learnt from what it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

LIMITS = ("max_tokens", "max_completion_tokens")
"""What servers call the longest response. One of them is always sent: the budget counts on it."""
CHOOSES_TOKENS = ("temperature", "top_p", "top_k", "min_p", "repetition_penalty")
"""Keys that decide how tokens are chosen: without one of them, sampling is the server's."""
MAY_BE_LEFT_OUT = (*CHOOSES_TOKENS, "seed", "stream_options")
"""Keys that are left out if a server names them as unsupported; what a user wrote out (extra_body, stop, system) is not."""

_UNSUPPORTED = re.compile(
    r"not\W+support|n't\W+support|unsupported|only the default|unknown|unrecogni[sz]ed|unexpected|extra[ _]inputs|"
    r"extra_forbidden|not permitted|not allowed|cannot find field|no such field|deprecated",
    re.IGNORECASE,
)
_STREAM_ONLY = re.compile(r"stream\w*( mode| calls| requests)? only|only\W+(supports?\W+)?stream", re.IGNORECASE)


NEUTRAL = {"top_p": 1.0, "top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0}
"""Filters of tokens, switched off. vLLM and SGLang fill in what a request leaves out from the model's generation_config."""
FILLS_IN = ("vllm", "sglang")
"""Servers that do so and take all of these keys, as they call themselves in their list of models."""


def server_of(models: bytes) -> str | None:
    """Who a server says in its list of models (GET /models) that it is: one of `FILLS_IN`, empty if it is another.

    Returns:
        None if this is no list of models.
    """
    try:
        data = json.loads(models)["data"]
        owners = {str(model.get("owned_by")).lower() for model in data}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return next((name for name in FILLS_IN if name in owners), "")


class Dialect:
    """What one server takes.

    Args:
        token_limit_key: What it is first told the longest response as.
        stream: Whether it is asked to stream.

    Attributes:
        left_out: Keys that it names as unsupported.
        server: One of `FILLS_IN`; empty for any other, None as long as that is not known.
        unknown_because: Why it is not known, after it was asked; empty if it is, or nobody asked.
    """

    def __init__(self, token_limit_key: str, stream: bool) -> None:
        self.limit, self.stream = token_limit_key, stream
        self.left_out: set[str] = set()
        self.server: str | None = None
        self.unknown_because = ""
        self._limits_refused: set[str] = set()

    def facts(self) -> dict[str, object]:
        """Who the server says that it is: `server` is "vllm", "sglang", "another", or null if it could not be asked."""
        if self.server is not None:
            return {"server": self.server or "another"}
        return {"server": None, "server_unknown": self.unknown_because} if self.unknown_because else {}

    def note(self) -> str | None:
        """A sentence on a server that could not be asked who it is; None if it could."""
        if not self.unknown_because:
            return None
        missing = ", ".join(f"{key}: {value:g}" for key, value in NEUTRAL.items() if key != "top_p")
        return (
            f"the server does not say who it is ({self.unknown_because}). If it is vLLM or SGLang, it may fill in what is not "
            f"sent from the model's generation_config.json: extra_body={{{missing}}} would prevent that"
        )

    def spoken(self, body: dict[str, Any]) -> dict[str, Any]:
        """A request as this server takes it."""
        spoken = {(self.limit if key in LIMITS else key): value for key, value in body.items()}
        if self.stream:
            spoken |= {"stream": True, "stream_options": {"include_usage": True}}
        return {key: value for key, value in spoken.items() if key not in self.left_out}

    def learns(self, sent: dict[str, Any], refusal: bytes) -> bool:
        """Whether a refusal says how to ask in another way; if so, `spoken` does from now on.

        Args:
            sent: The request that was refused.
            refusal: What the server said.
        """
        for named, words in _complaints(refusal):
            if not sent.get("stream") and (named == "stream" or _STREAM_ONLY.search(words)):
                self.stream = True
                return True
            if not _UNSUPPORTED.search(words):
                continue
            keys = [named] if named in sent else _named_in(words, sent)
            for key in keys[:1]:
                if key in LIMITS:
                    self._limits_refused.add(key)
                    other = LIMITS[1 - LIMITS.index(key)]
                    if other not in self._limits_refused:
                        self.limit = other
                        return True
                if key in MAY_BE_LEFT_OUT:
                    self.left_out.add(key)
                    return True
        return False


def left_out_of(sent: dict[str, Any], body: dict[str, Any]) -> str | None:
    """The keys of a request that were not sent, separated by commas; None if all were."""
    lost = [key for key in MAY_BE_LEFT_OUT if key in body and key not in sent]
    return ", ".join(lost) or None


def _named_in(words: str, sent: dict[str, Any]) -> list[str]:
    """The keys that were sent and stand in a sentence, the first one first."""
    found = {key: re.search(rf"(?<!\w){re.escape(key)}(?!\w)", words) for key in (*LIMITS, *MAY_BE_LEFT_OUT)}
    at = {key: match.start() for key, match in found.items() if match and key in sent}
    return sorted(at, key=lambda key: at[key])


def _complaints(refusal: bytes) -> Iterator[tuple[str, str]]:
    """Each complaint of a refusal: the parameter that it names (or ""), and its words.

    What a server repeats of the request is not among the words: it would name every key.
    """
    try:
        data = json.loads(refusal)
    except (ValueError, RecursionError):
        yield "", refusal[:2000].decode("utf-8", "replace")
        return
    for part in data if isinstance(data, list) else [data]:
        if not isinstance(part, dict):
            continue
        detail = part.get("detail")
        if isinstance(detail, list):
            for line in (line for line in detail if isinstance(line, dict)):
                where = line.get("loc")
                named = str(where[-1]) if isinstance(where, list) and where else ""
                yield named, f"{line.get('msg')} {line.get('type')}"
            continue
        error = part.get("error", part)
        if isinstance(error, dict):
            words = " ".join(str(error[key]) for key in ("message", "detail", "code", "type") if key in error)
            yield str(error.get("param") or ""), words
        else:
            yield "", str(error)
