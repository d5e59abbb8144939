"""Log-probabilities of padded, mixed batches against those of each response alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from trl import GRPOTrainer

from idf.backends import HFBackend, Request, Sampling
from idf.recipe import build_recipe
from idf.training.load import load_processor, load_trainable
from idf.training.ranks import Ranks
from idf.training.stage3_recipe import Stage3Recipe

EXACT = 1e-5


@pytest.fixture
def trainer(halfway, tmp_path, monkeypatch) -> Any:
    from idf.training.rl.config import grpo_config
    from idf.training.rl.prompts import read_prompts
    from idf.training.rl.trainer import RolloutTrainer

    recipe = build_recipe(
        Stage3Recipe,
        halfway.recipe(run=str(tmp_path / "run"), temperature=0.7, max_new_tokens=24, samples=2, prompts_per_step=8),
        "-",
    )
    with monkeypatch.context() as patched:
        patched.setenv("RANK", "0")
        patched.setenv("WORLD_SIZE", "1")
        ranks = Ranks()
    vlm = load_trainable(recipe, None)
    processor = load_processor(recipe.model)
    processor.tokenizer.padding_side = "right"  # whatever it says itself
    prompts = read_prompts(recipe)
    config = grpo_config(recipe, ranks)
    return RolloutTrainer(recipe, config, ranks, vlm, processor, prompts, {}, None)


def mixed_rows(trainer: Any, each: int = 3) -> list[dict[str, Any]]:
    """Some problems with and without a picture, alternating, each twice; their prompts are of unequal length."""
    rows = [trainer.train_dataset[i] for i in range(60)]
    shown = [row for row in rows if row["images"]][:each]
    told = [row for row in rows if not row["images"]][:each]
    return [row for pair in zip(shown, told, strict=True) for one in pair for row in (one, one)]


def in_the_batch(trainer: Any, batch: dict[str, Any]) -> torch.Tensor:
    """Log-probabilities (rows, tokens) as TRL's loss computes them."""
    keys = ("pixel_values", "image_grid_thw", "num_images", "mm_token_type_ids")
    with torch.no_grad():
        logps, _, _ = trainer._get_per_token_logps_and_entropies(
            trainer.model,
            torch.cat([batch["prompt_ids"], batch["completion_ids"]], 1),
            torch.cat([batch["prompt_mask"], batch["completion_mask"]], 1),
            batch["completion_ids"].shape[1],
            compute_entropy=True,
            **{key: batch[key] for key in keys if key in batch},
        )
    return logps


def alone(trainer: Any, halfway: Any, row: dict[str, Any], completion: torch.Tensor) -> torch.Tensor:
    """Log-probabilities (tokens) of one response, by transformers' plain forward pass of one prompt without padding."""
    backend = HFBackend(str(halfway.model), sampling=Sampling(1), device="cpu")
    content = [{"type": "image"}] * len(row["images"]) + [{"type": "text", "text": row["prompt"][0]["content"]}]
    text = backend.render(Request([{"role": "user", "content": content}], None))
    inputs = backend.processor(text=[text], images=row["images"] or None, return_tensors="pt", do_resize=False)
    prompt = inputs["input_ids"].shape[1]
    inputs["input_ids"] = torch.cat([inputs["input_ids"], completion[None]], 1)
    inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
    if "mm_token_type_ids" in inputs:
        inputs["mm_token_type_ids"] = torch.nn.functional.pad(inputs["mm_token_type_ids"], (0, len(completion)))
    with torch.no_grad():
        logits = backend.model(**inputs).logits[0, prompt - 1 : -1]
    scores = (logits.float() / trainer.recipe.temperature).log_softmax(-1)
    return scores.gather(1, completion[:, None])[:, 0]


def farthest(trainer: Any, halfway: Any, batch: dict[str, Any], rows: list[dict[str, Any]]) -> float:
    found = in_the_batch(trainer, batch)
    worst = 0.0
    for row, logps, ids, mask in zip(rows, found, batch["completion_ids"], batch["completion_mask"], strict=True):
        n = int(mask.sum())
        if n:  # one that was cut off is masked
            worst = max(worst, float((alone(trainer, halfway, row, ids[:n]) - logps[:n]).abs().max()))
    return worst


def drawn(trainer: Any, rows: list[dict[str, Any]]) -> dict[str, Any]:
    trainer.mask_truncated_completions = False  # compare them all
    trainer.model.train()
    torch.manual_seed(3)
    batch: dict[str, Any] = trainer._generate_and_score_completions(rows)
    return batch


def test_a_mixed_batch_has_the_log_probabilities_of_each_response_alone(trainer, halfway):
    rows = mixed_rows(trainer)
    assert len({len(row["prompt"][0]["content"]) for row in rows}) > 1, "prompts of one length show nothing"
    batch = drawn(trainer, rows)
    assert not bool(batch["prompt_mask"].all())
    assert farthest(trainer, halfway, batch, rows) < EXACT


def test_padding_on_the_right_would_be_wrong(trainer, halfway):
    """TRL 1.16 takes pictures' places from what the processor pads; that is why ours always pads on the left."""
    rows = [row for row in mixed_rows(trainer, 6) if row["images"]]
    assert len({len(row["prompt"][0]["content"]) for row in rows}) > 1
    trainer.processing_class.tokenizer.padding_side = "right"
    batch = drawn(trainer, rows)
    assert farthest(trainer, halfway, batch, rows) > EXACT


def test_micro_batches_have_the_log_probabilities_of_the_whole(trainer, halfway):
    """One of them has no picture at all: rows are cut where pictures begin and end."""
    rows = sorted(mixed_rows(trainer), key=lambda row: len(row["images"]))
    batch = drawn(trainer, rows)
    whole = in_the_batch(trainer, batch)
    keys = ("pixel_values", "image_grid_thw", "num_images", "mm_token_type_ids")
    with torch.no_grad():
        parts, _, _ = trainer._get_per_token_logps_and_entropies(
            trainer.model,
            torch.cat([batch["prompt_ids"], batch["completion_ids"]], 1),
            torch.cat([batch["prompt_mask"], batch["completion_mask"]], 1),
            batch["completion_ids"].shape[1],
            batch_size=4,
            **{key: batch[key] for key in keys},
        )
    here = batch["completion_mask"].bool()
    assert float((parts - whole)[here].abs().max()) < EXACT


@pytest.mark.parametrize("silent", ["some", "all", "none"])
def test_what_teaches_nothing_is_not_computed_backwards_and_loss_and_gradients_stay(
    trainer, halfway, monkeypatch, silent
):
    """Against TRL's own loss over all rows."""
    batch = drawn(trainer, mixed_rows(trainer))
    rows = len(batch["completion_ids"])
    batch["advantages"] = (
        torch.linspace(-1, 1, rows) * {"some": torch.arange(rows) % 3 == 0, "all": 0, "none": 1}[silent]
    )
    batch["completion_mask"][3] = 0  # one that was cut off
    trainer.current_gradient_accumulation_steps = 1
    computed = []
    forward = trainer.model.forward

    def noted(*given: Any, **more: Any) -> Any:
        computed.append((torch.is_grad_enabled(), len(more["input_ids"])))
        return forward(*given, **more)

    def loss_and_gradients() -> tuple[float, dict[str, torch.Tensor]]:
        trainer.model.zero_grad()
        loss = trainer.compute_loss(trainer.model, batch)
        loss.backward()
        return loss.item(), {n: p.grad.clone() for n, p in trainer.model.named_parameters() if p.grad is not None}

    monkeypatch.setattr(trainer.model, "forward", noted)
    ours, gradients = loss_and_gradients()
    teach = {"some": 3, "all": 1, "none": rows - 1}[silent]  # of every third one, the fourth was cut off
    assert computed == [(False, rows - teach), (True, teach)]
    monkeypatch.setattr("idf.training.rl.trainer.teaching_rows", lambda advantages, mask: list(range(rows)))
    theirs, wanted = loss_and_gradients()
    assert computed[2:] == [(True, rows)]
    assert ours == pytest.approx(theirs, abs=1e-7)
    assert gradients.keys() == wanted.keys()
    largest = max(float(one.abs().max()) for one in wanted.values())
    assert (largest == 0) == (silent == "all")
    for name, gradient in gradients.items():
        assert torch.allclose(gradient, wanted[name], rtol=1e-4, atol=1e-6 * largest), name


def test_with_a_reference_model_every_row_is_computed_backwards(trainer, monkeypatch):
    """What pulls towards it has a gradient of its own."""
    monkeypatch.setattr(trainer, "beta", 0.1)
    seen = []
    monkeypatch.setattr(GRPOTrainer, "_compute_loss", lambda self, model, inputs: seen.append(self.teaching))
    trainer.compute_loss(trainer.model, {"advantages": torch.zeros(2), "completion_mask": torch.ones(2, 3)})
    assert seen == [None]


def test_a_prompt_is_the_one_that_evaluation_asks(trainer, halfway):
    backend = HFBackend(str(halfway.model), sampling=Sampling(1), device="cpu")
    for row in mixed_rows(trainer, 2):
        images = row["images"]
        from trl.data_utils import prepare_multimodal_messages

        ids, _, _ = trainer._tokenize_prompts([prepare_multimodal_messages(row["prompt"], images=images)])
        content = [{"type": "image"}] * len(images) + [{"type": "text", "text": row["prompt"][0]["content"]}]
        text = backend.render(Request([{"role": "user", "content": content}], None))
        inputs = backend.processor(text=[text], images=images or None, return_tensors="pt", do_resize=False)
        assert ids[0] == inputs["input_ids"][0].tolist()


def test_a_response_earns_what_scoring_says(trainer):
    from idf.scoring import reward
    from idf.worlds import problem_from_json

    rows = mixed_rows(trainer)
    told: dict[str, float] = {}
    ends = trainer.processing_class.tokenizer.eos_token_id
    texts = ["Answer: red"] * len(rows)
    ids = [[5] * 7 + [ends] for _ in rows]
    ids[0] = [5] * 8
    earned = trainer.reward_funcs[0](
        completions=[[{"role": "assistant", "content": text}] for text in texts],
        completion_ids=ids,
        problem=[row["problem"] for row in rows],
        log_metric=told.__setitem__,
        prompts=None,
    )
    for row, text, got, tokens in zip(rows, texts, earned, ids, strict=True):
        problem = problem_from_json(json.loads(row["problem"]))
        reason = "stop" if tokens[-1] == ends else "length"
        assert got == reward(problem, text, tokens=8, finish_reason=reason, rule=trainer.recipe.rule).total
    assert earned[0] == 0
    assert set(told) == {"reward/right", "reward/steps", "reward/price"}
