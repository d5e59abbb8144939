"""Why a response ended, in one set of words: services have their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ._request import Response

KNOWN = frozenset(
    ("stop", "length", "error", "thought_only", "tool_calls", "function_call", "refusal", "content_filter")
)
"""The words of OpenAI's chat completions, and ours."""

MEANS = {
    **dict.fromkeys(("end_turn", "stop_sequence", "eos", "eos_token"), "stop"),
    **dict.fromkeys(("max_tokens", "max_output_tokens", "model_length", "model_context_window_exceeded"), "length"),
    **dict.fromkeys(("tool_use", "tool_call"), "tool_calls"),
    **dict.fromkeys(("safety", "recitation", "prohibited_content", "blocklist"), "content_filter"),
}
"""Words of others, in lower case: Anthropic's stop_reason, Gemini's finishReason, Mistral's and TGI's finish_reason, and that of
inspect_ai."""


def reason_of(word: str | None) -> str | None:
    """A reason to end in our words; one that is not known stays as it is."""
    if word is None or word in KNOWN:
        return word
    lower = word.lower()
    return lower if lower in KNOWN else MEANS.get(lower, word)


def unknown_ends(responses: Iterable[Response]) -> str | None:
    """A sentence on responses that ended for reasons that nobody here knows; None if there is none."""
    counts = Counter(response.finish_reason for response in responses)
    strange = {word: n for word, n in counts.items() if word is not None and word not in KNOWN}
    if not strange:
        return None
    named = ", ".join(f"{word!r} ({n})" for word, n in sorted(strange.items()))
    return (
        f"warning: {sum(strange.values())} responses ended for a reason that idf does not know: {named}. They count as whole: if "
        "they were cut off, write length there"
    )
