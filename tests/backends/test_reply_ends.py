"""Why a response ended, in one set of words."""

from __future__ import annotations

import pytest

from idf.backends import Response, reason_of, unknown_ends
from tests.sentences import says


@pytest.mark.parametrize(
    ("word", "means"),
    [
        (None, None),
        ("stop", "stop"),
        ("length", "length"),
        ("thought_only", "thought_only"),
        ("max_tokens", "length"),  # Anthropic
        ("MAX_TOKENS", "length"),  # Gemini
        ("STOP", "stop"),
        ("end_turn", "stop"),
        ("SAFETY", "content_filter"),
        ("model_length", "length"),  # Mistral, inspect_ai
        ("eos_token", "stop"),  # TGI
        ("tool_use", "tool_calls"),
        ("abort", "abort"),
    ],
)
def test_words_of_other_services_mean_ours(word, means):
    assert reason_of(word) == means


def test_a_reason_that_nobody_knows_is_said():
    told = [Response("a", finish_reason=reason) for reason in ("abort", "abort", "gone", "stop", None)]
    says(unknown_ends(told) or "", "warning", 3, "'abort' (2)", "'gone' (1)", "length")
    assert unknown_ends(told[3:]) is None
