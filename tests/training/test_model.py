"""Packing, positions, loss and freezing, on the real Qwen2.5-VL classes at a tiny size."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy

from idf.training.collate import Collator, mrope_positions
from idf.training.encode import IGNORE, Encoder
from idf.training.load import load_model
from idf.training.model import GradientWatch, StageModel, freeze_vision, label_loss, parameter_counts
from tests.sentences import refused

from .conftest import pictures_of


@pytest.fixture(scope="module")
def samples(tiny):
    encoder = Encoder(tiny.processor, max_length=4096, max_pixels=112 * 112)
    found = [(encoder(sample), sample.images) for sample in tiny.imagery.samples()]
    with_picture = [sample for sample in found if sample[1]][:3]
    text_only = [sample for sample in found if not sample[1]][:2]
    assert len(with_picture) == 3
    assert len(text_only) == 2
    return [with_picture[0], text_only[0], with_picture[1], text_only[1], with_picture[2]]


@pytest.fixture(scope="module")
def collator(tiny):
    tokenizer = tiny.processor.tokenizer
    image_token = tokenizer.convert_tokens_to_ids("<|image_pad|>")
    collate = Collator(tiny.processor.image_processor, image_token, tokenizer.pad_token_id)

    def tensors(rows):
        """What the model takes of a micro-batch."""
        return {name: tensor for name, tensor in collate(rows).items() if name != "counts"}

    return tensors


def stage_model(tiny, attention: str = "packed") -> StageModel:
    torch.manual_seed(0)
    vlm = load_model(str(tiny.model), precision="fp32", attention=attention)
    with torch.no_grad():  # at the initial scale all logits are nearly equal, and a leak would hardly show
        for parameter in vlm.parameters():
            parameter.mul_(3.0)
    freeze_vision(vlm)
    return StageModel(vlm)


def logits(model: StageModel, batch) -> torch.Tensor:
    """(length, vocabulary) of a batch of one row."""
    seen = {name: tensor for name, tensor in batch.items() if name != "labels"}
    with torch.no_grad():
        return model.vlm.lm_head(model.hidden_states(**seen))[0]


def difference_to_alone(model: StageModel, samples, collator, packed: torch.Tensor) -> float:
    """The largest difference between logits in a pack and those of each sample alone, over the largest logit."""
    alone = torch.cat([logits(model, collator([[sample]])) for sample in samples])
    return float((packed - alone).abs().max() / alone.abs().max())


@pytest.mark.parametrize("attention", ["packed", "sdpa", "eager"])
def test_each_samples_logits_in_a_pack_are_those_that_it_has_alone(tiny, samples, collator, attention):
    model = stage_model(tiny, attention)
    assert difference_to_alone(model, samples, collator, logits(model, collator([samples]))) < 1e-5


def without_the_text_row(inputs):
    return inputs | {"position_ids": inputs["position_ids"][1:]}


def with_the_time_row_as_text_row(inputs):
    positions = inputs["position_ids"].clone()
    positions[0] = positions[1]
    return inputs | {"position_ids": positions}


def with_an_all_ones_mask(inputs):
    return inputs | {"attention_mask": torch.ones(inputs["inputs_embeds"].shape[:2], dtype=torch.long)}


def with_a_cache(inputs):
    return inputs | {"use_cache": True}


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize(
    "broken", [without_the_text_row, with_the_time_row_as_text_row, with_an_all_ones_mask, with_a_cache]
)
def test_samples_would_leak_if_one_condition_were_removed(tiny, samples, collator, attention, broken):
    # Each of the conditions that hidden_states keeps, taken away: the test above must be able to fail.
    model = stage_model(tiny, attention)
    language_model = model.vlm.model.language_model
    plain = language_model.forward
    language_model.forward = lambda **inputs: plain(**broken(inputs))
    packed = logits(model, collator([samples]))
    language_model.forward = plain
    assert difference_to_alone(model, samples, collator, packed) > 1e-3


def test_the_loss_of_a_pack_is_the_sum_of_the_losses_of_its_samples(tiny, samples, collator):
    model = stage_model(tiny)
    alone = [model(**collator([[sample]])) for sample in samples]
    packed = model(**collator([samples]))
    assert packed.item() == pytest.approx(sum(loss.item() for loss in alone), rel=1e-5)


def test_padding_beside_a_longer_row_changes_nothing(tiny, samples, collator):
    model = stage_model(tiny)
    alone = model(**collator([samples[:1]])) + model(**collator([samples[1:]]))
    assert model(**collator([samples[:1], samples[1:]])).item() == pytest.approx(alone.item(), rel=1e-5)


def test_the_loss_is_the_models_own(tiny, samples, collator):
    model, plain = stage_model(tiny), stage_model(tiny, "sdpa").vlm
    for sample in samples:
        batch = collator([[sample]])
        labels = sum(label != IGNORE for label in sample[0].labels)
        theirs = plain(
            input_ids=batch["input_ids"],
            attention_mask=torch.ones_like(batch["input_ids"]),
            labels=batch["labels"],
            mm_token_type_ids=(batch["input_ids"] == plain.config.image_token_id).int(),
            **pictures_of(batch),
        ).loss
        assert model(**batch).item() / labels == pytest.approx(theirs.item(), rel=1e-5)


def test_positions_are_those_of_the_model(tiny, samples, collator):
    model = stage_model(tiny)
    token = model.vlm.config.image_token_id
    for encoded, _ in samples:
        ids = torch.tensor(encoded.ids[None])
        grids = torch.tensor(encoded.grids) if encoded.grids else None
        theirs, _ = model.vlm.model.get_rope_index(ids, mm_token_type_ids=(ids == token).int(), image_grid_thw=grids)
        ours = mrope_positions(encoded.ids, encoded.grids, token, merge=2)
        assert torch.equal(ours[1:], theirs[:, 0])
        assert ours[0].tolist() == list(range(len(encoded)))


@pytest.mark.parametrize("least_chunks", [1, 20])
def test_chunked_loss_equals_plain_loss_and_so_do_its_gradients(monkeypatch, least_chunks):
    torch.manual_seed(0)
    monkeypatch.setattr("idf.training.model.CHUNK", 7)
    head = torch.nn.Linear(16, 50, bias=False)
    hidden = torch.randn(2, 40, 16, requires_grad=True)
    labels = torch.randint(0, 50, (2, 40))
    labels[torch.rand(2, 40) < 0.4] = IGNORE
    plain = cross_entropy(head(hidden)[:, :-1].reshape(-1, 50), labels[:, 1:].reshape(-1), reduction="sum")
    expected = torch.autograd.grad(plain, (hidden, head.weight))
    # More chunks than there are labels for: as a rank does under ZeRO-3 whose neighbour has more labels.
    chunked = label_loss(hidden, labels, head, least_chunks)
    assert chunked.item() == pytest.approx(plain.item(), rel=1e-5)
    for ours, theirs in zip(torch.autograd.grad(chunked, (hidden, head.weight)), expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_a_row_without_labels_gives_a_zero_that_has_gradients(tiny, collator):
    model = stage_model(tiny)
    loss = model(**collator([[]]))
    loss.backward()
    assert loss.item() == 0.0


@pytest.mark.parametrize("checkpointing", [False, True])
def test_every_trainable_tensor_gets_a_gradient_and_no_frozen_one(tiny, samples, collator, checkpointing):
    model = stage_model(tiny).train()
    if checkpointing:
        model.vlm.model.language_model.gradient_checkpointing_enable({"use_reentrant": False})
    model(**collator([samples])).backward()
    for name, parameter in model.vlm.named_parameters():
        assert (parameter.grad is not None) == (".visual." not in f".{name}"), name


def test_a_trainable_tensor_that_gets_no_gradient_is_noticed_in_the_first_step(tiny, samples, collator):
    model = stage_model(tiny)
    watch = GradientWatch(model)
    model(**collator([samples])).backward()
    watch.check()
    model.forgotten = torch.nn.Linear(2, 2)
    watch = GradientWatch(model)
    model(**collator([samples])).backward()
    with refused("2 trainable tensors", "no gradient", "forgotten"):
        watch.check()


def test_the_frozen_tower_runs_without_autograd(tiny, samples, collator):
    model = stage_model(tiny).train()
    model.vlm.model.language_model.gradient_checkpointing_enable({"use_reentrant": False})
    batch = collator([samples])
    features, deeper = model.picture_features(batch["patches"], batch["colours"], batch["cuts"].pictures)
    assert deeper == []
    assert not features.requires_grad
    assert features.grad_fn is None


def test_frozen_are_vision_encoder_and_merger_and_nothing_else(tiny):
    vlm = stage_model(tiny).vlm
    frozen = {name for name, parameter in vlm.named_parameters() if not parameter.requires_grad}
    assert frozen == {name for name, _ in vlm.named_parameters() if ".visual." in f".{name}"}
    assert any("merger" in name for name in frozen)
    total, still, learning = parameter_counts(vlm)
    assert total == still + learning
