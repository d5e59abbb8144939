"""Who the server is, by its list of models: recorded if it says so, and said if it does not."""

from __future__ import annotations

import json

import pytest

from idf.backends import OpenAIBackend, Sampling
from tests.backends.server import Reply, echo, failing, request, serving
from tests.sentences import says


def asked(url: str, *, timeout_s: float = 20.0, temperature: float | None = 0.0, **options: object) -> OpenAIBackend:
    """A backend that has asked one question."""
    sampling = Sampling(9, temperature)
    backend = OpenAIBackend("m", sampling=sampling, base_url=url, timeout_s=timeout_s, retries=0, **options)  # type: ignore[arg-type]
    assert backend.facts() == {}
    assert [reply.text for _, reply in backend.generate([request("a")])] == ["re: a"]
    return backend


@pytest.mark.parametrize(("owner", "server"), [("vllm", "vllm"), ("sglang", "sglang"), ("organization", "another")])
def test_a_server_that_says_who_it_is_is_recorded(owner, server):
    with serving(echo, owned_by=owner) as running:
        backend = asked(running.url)
    assert backend.facts() == {"server": server}
    assert backend.notes() == []


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (failing(404), "404"),
        (failing(401), "401"),
        (Reply(body=b"<html>"), "no list of models"),
        (Reply(body=b'{"data": [1]}'), "no list of models"),
        (Reply(body=b'{"data": {}}'), None),
        (Reply(body=json.dumps({"data": [{"id": "m"}]}).encode()), None),
        (Reply(delay_s=1.0), "no answer"),
    ],
)
def test_one_that_does_not_is_said_with_the_reason_and_answers_all_the_same(reply, why):
    with serving(echo) as running:
        running.models = reply
        backend = asked(running.url, timeout_s=0.4)
        if why is None:  # it has a list, in which it does not say that it is one of those that fill in
            assert backend.facts() == {"server": "another"}
            assert backend.notes() == []
            return
    found = backend.facts()
    assert found["server"] is None
    says(found["server_unknown"], f"{running.url}/models", why)
    says(backend.notes()[0], f"{running.url}/models", why, "vLLM", "SGLang", "extra_body={top_k: -1, min_p: 0")


def test_what_the_note_advises_is_sent_with_top_p_and_then_nothing_is_said():
    with serving(echo) as running:
        running.models = failing(404)
        filters = {"top_k": -1, "min_p": 0, "repetition_penalty": 1}
        backend = asked(running.url, extra_body=filters)
        assert {key: running.calls[0].body[key] for key in (*filters, "top_p")} == {**filters, "top_p": 1.0}
    assert backend.facts()["server"] is None
    assert backend.notes() == []


def test_where_the_server_chooses_tokens_who_it_is_changes_nothing():
    with serving(echo) as running:
        running.models = failing(404)
        backend = asked(running.url, temperature=None)
    assert backend.notes() == []


def test_the_server_is_asked_once():
    with serving(echo) as running:
        running.models = failing(404)
        backend = asked(running.url)
        running.models = Reply(body=json.dumps({"data": [{"id": "m", "owned_by": "vllm"}]}).encode())
        list(backend.generate([request("b")]))
        assert backend.facts()["server"] is None
        assert "top_k" not in running.calls[-1].body
