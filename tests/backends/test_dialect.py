"""What a refusal teaches: which key to leave out, and when nothing may be left out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from idf.backends._dialect import Dialect

SENT: dict[str, Any] = {"model": "m", "messages": [], "max_tokens": 9, "temperature": 0.5, "seed": 3, "top_p": 0.9}


def error(message: str, **more: Any) -> Any:
    return {"error": {"message": message, **more}}


@pytest.mark.parametrize(
    ("refusal", "left_out"),
    [
        (error("Unsupported value", param="temperature", code="unsupported_value"), {"temperature"}),
        (error("Unrecognized request argument supplied: seed"), {"seed"}),
        (error("`temperature` is deprecated for this model."), {"temperature"}),
        ({"object": "error", "message": "top_p isn't supported here"}, {"top_p"}),
        ({"detail": "seed is not allowed"}, {"seed"}),
        ([error('unknown name "seed": cannot find field')], {"seed"}),
        # None of these says that a key is not taken.
        (error("temperature must be between 0 and 0.4", param="temperature"), set()),
        (error("max_tokens is too large: 9. This model supports at most 8", param="max_tokens"), set()),
        (error("maximum context length is 8 tokens", param="messages", code="context_length_exceeded"), set()),
        (error("pictures are not supported", param="messages"), set()),
        ("no JSON", set()),
        ([], set()),
    ],
)
def test_a_key_is_left_out_only_if_the_server_names_it_as_not_taken(refusal, left_out):
    dialect = Dialect("max_tokens", False)
    assert dialect.learns(SENT, json.dumps(refusal).encode()) == bool(left_out)
    assert dialect.left_out == left_out
    assert set(SENT) - set(dialect.spoken(SENT)) == left_out


def test_the_longest_response_is_always_told_under_one_of_its_two_names():
    dialect = Dialect("max_completion_tokens", False)
    sent = {"model": "m", "max_completion_tokens": 9}
    assert dialect.learns(sent, json.dumps(error("unknown parameter: max_completion_tokens")).encode())
    sent = dialect.spoken(sent)
    assert sent == {"model": "m", "max_tokens": 9}
    assert not dialect.learns(sent, json.dumps(error("unknown parameter: max_tokens")).encode())
    assert dialect.spoken(sent) == sent
