"""Drawing by idf's own loop: the distribution is the model's, and a row that has ended leaves."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from transformers import GenerationConfig

from idf.training.load import load_model, load_processor
from idf.training.rl.generation import fast_generation

N = 3000


@pytest.fixture(scope="module")
def loaded(halfway):
    vlm = load_model(str(halfway.model), precision="fp32", attention="sdpa").eval()
    fast_generation(vlm)
    return vlm, load_processor(str(halfway.model))


def config_of(processor, **changes) -> GenerationConfig:
    tokenizer = processor.tokenizer
    told = {"max_new_tokens": 2, "do_sample": True, "temperature": 1.0, "top_k": 0, "top_p": 1.0}
    told |= {"pad_token_id": tokenizer.pad_token_id, "eos_token_id": [tokenizer.eos_token_id]}
    return GenerationConfig(**told | changes)


def prompt_of(processor, rows: int) -> dict[str, torch.Tensor]:
    message = [{"role": "user", "content": [{"type": "text", "text": "Which face is red?"}]}]
    text = processor.apply_chat_template(message, tokenize=False, add_generation_prompt=True)
    inputs = processor(text=[text] * rows, return_tensors="pt")
    return {key: inputs[key] for key in ("input_ids", "attention_mask")}


def test_first_tokens_are_drawn_as_often_as_the_model_says(loaded):
    vlm, processor = loaded
    inputs = prompt_of(processor, N)
    with torch.no_grad():
        scores = vlm(**{key: value[:1] for key, value in inputs.items()}).logits[0, -1]
        banned = int(scores.argmax())
        expected = (scores / 3.0).index_fill(0, torch.tensor([banned]), float("-inf")).softmax(-1)
        torch.manual_seed(0)
        drawn = vlm.generate(
            **inputs,
            generation_config=config_of(processor, temperature=3.0, suppress_tokens=[banned], max_new_tokens=1),
        )
    counts = Counter(drawn[:, -1].tolist())
    assert banned not in counts
    for token, share in zip(expected.topk(5).indices.tolist(), expected.topk(5).values.tolist(), strict=True):
        deviation = (N * share * (1 - share)) ** 0.5
        assert abs(counts[token] - N * share) < 5 * deviation, (token, counts[token], N * share)


def test_rows_are_padded_after_their_end(loaded):
    vlm, processor = loaded
    inputs = prompt_of(processor, 40)
    torch.manual_seed(0)
    with torch.no_grad():
        said = vlm.generate(**inputs, generation_config=config_of(processor, max_new_tokens=60, temperature=2.0))
    assert torch.equal(said[:, : inputs["input_ids"].shape[1]], inputs["input_ids"])
    new = said[:, inputs["input_ids"].shape[1] :]
    end, pad = processor.tokenizer.eos_token_id, processor.tokenizer.pad_token_id
    ends = [row.tolist().index(end) for row in new if end in row.tolist()]
    assert len(set(ends)) > 1, "all rows end at once: the test shows nothing"
    for row in new.tolist():
        if end in row:
            assert set(row[row.index(end) + 1 :]) <= {pad}
