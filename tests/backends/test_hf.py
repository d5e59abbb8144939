"""The transformers backend on a tiny model with random weights."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from idf.backends import HFBackend, Request, Response
from idf.errors import UserError
from tests.backends.server import request

PICTURE = np.random.default_rng(0).integers(0, 256, (56, 84, 3), dtype=np.uint8)
ASKED = [request("Which way is up?"), request("What is this?", PICTURE), request("Roll it to the right and look.")]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from idf.training.tiny import make_tiny_model

    folder = tmp_path_factory.mktemp("tiny") / "model"
    texts = [
        request(f"{word} the cube, and look at the {word} face {i}") for i in range(9) for word in ("roll", "turn")
    ]
    make_tiny_model([SimpleNamespace(samples=lambda: texts)], folder, vocabulary=400)  # type: ignore[list-item]
    return folder


def answers(model: Path, asked: list[Request] = ASKED, **changes: Any) -> list[Response]:
    backend = HFBackend(str(model), **{"max_new_tokens": 12, "batch_size": 8, "device": "cpu", **changes})
    found = dict(backend.generate(asked))
    return [found[i] for i in range(len(asked))]


def texts(responses: list[Response]) -> list[str]:
    return [response.text for response in responses]


def test_every_request_gets_its_own_answer_whatever_the_batches(model):
    together = answers(model)
    assert [response.finish_reason in ("stop", "length") for response in together] == [True] * 3
    assert len(set(together)) == 3
    assert answers(model, batch_size=1) == together
    assert answers(model, ASKED[::-1], batch_size=2)[::-1] == together


def test_more_requests_than_a_look_ahead_are_all_answered(model):
    asked = [request(f"number {i}") for i in range(19)]
    assert answers(model, asked, batch_size=2, max_new_tokens=2) == answers(model, asked, max_new_tokens=2)


def test_the_same_seed_gives_the_same_texts_and_another_seed_gives_others(model):
    first = answers(model, temperature=1.0, seed=1)
    assert answers(model, temperature=1.0, seed=1) == first
    assert answers(model, temperature=1.0, seed=2) != first
    assert first != answers(model)


def test_a_sampled_text_does_not_depend_on_its_batch(model):
    together = answers(model, temperature=1.0, seed=1)
    assert answers(model, temperature=1.0, seed=1, batch_size=1) == together
    assert answers(model, ASKED[1:2], temperature=1.0, seed=1) == together[1:2]


def test_samples_of_one_prompt_differ(model):
    asked = [request("Which way is up?", sample=i) for i in range(4)]
    assert len(set(texts(answers(model, asked, temperature=1.0)))) == 4


def test_next_to_no_temperature_is_greedy(model):
    assert answers(model, temperature=1e-4) == answers(model)
    assert answers(model, temperature=1.0, top_p=1e-6) == answers(model), "only the likeliest token is left"


def test_tokens_are_drawn_with_the_probabilities_of_the_model(model):
    import torch

    backend = HFBackend(str(model), max_new_tokens=1, batch_size=64, device="cpu", temperature=1.0)
    logits = torch.tensor([2.0, 1.0, 0.0, -torch.inf]).repeat(4000, 1)
    draw = backend._draws([request("a", sample=i) for i in range(4000)])
    counts = draw(torch.zeros(4000, 1, dtype=torch.long), logits).argmax(1).bincount(minlength=4)
    expected = 4000 * logits[0].softmax(0)
    assert counts[3] == 0
    assert float(((counts - expected)[:3] ** 2 / expected[:3]).sum()) < 13.8, "chi-squared, 2 degrees, p = 0.001"


def test_requests_are_looked_up_only_when_their_turn_comes(model):
    looked_up = []

    class Requests(list):  # type: ignore[type-arg]
        def __getitem__(self, i: Any) -> Any:
            looked_up.append(i)
            return request(f"number {i}")

    replies = HFBackend(str(model), max_new_tokens=1, batch_size=1, device="cpu").generate(Requests([None] * 20))
    next(replies)
    assert looked_up == list(range(8))
    list(replies)
    assert looked_up == list(range(20)), "each once"


def test_a_folder_that_is_no_checkpoint_is_refused(tmp_path):
    with pytest.raises(UserError, match="holds no config"):
        HFBackend(str(tmp_path), max_new_tokens=1, batch_size=1)
    with pytest.raises(UserError, match="no checkpoint in"):
        HFBackend(str(tmp_path / "none"), max_new_tokens=1, batch_size=1)
