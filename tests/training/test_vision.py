"""A vision part that learns: its gradients, its rows without pictures, its weights, and runs that are killed or spread."""

from __future__ import annotations

import json
from typing import get_args

import pytest
import torch
from transformers import AutoModelForImageTextToText

from idf.training.attention import Segments
from idf.training.collate import Collator
from idf.training.dataset import PackedRows, TokenStore, micro_batches, steps_in_run
from idf.training.encode import IGNORE, Encoder
from idf.training.engine import optimizer_groups
from idf.training.families import FAMILIES
from idf.training.layers import run_layers
from idf.training.load import load_model, load_processor
from idf.training.model import StageModel, checkpoint_tower, freeze_vision, is_vision, label_loss
from idf.training.patches import normalised
from idf.training.recipe import LoraRecipe, StageRecipe, Train
from idf.training.schedule import learning_rate
from idf.training.tower import tower_inputs
from tests.sentences import line_that_says, refused, says

from .conftest import MAX_PIXELS, pictures_of
from .hub_layout import weights
from .running import check_resumed_to_the_same_digits, history, imagery_recipe, run, sentence

VALUES: tuple[Train, ...] = get_args(Train)
LEARNING = VALUES[1:]


def learns(name: str, train: str) -> bool:
    """Whether a parameter of this name learns."""
    return not is_vision(name) or train == "all" or (train == "language+merger" and "merger" in name)


@pytest.fixture(scope="module", params=FAMILIES)
def base(request, hub):
    """The folder of a tiny model of each family."""
    return hub(request.param)


@pytest.fixture(scope="module")
def samples(tiny, base):
    encoder = Encoder(load_processor(str(base)), max_length=4096, max_pixels=MAX_PIXELS)
    found = [(encoder(sample), sample.images) for sample in tiny.imagery.samples()]
    shown, told = ([sample for sample in found if bool(sample[1]) == pictured] for pictured in (True, False))
    return [shown[0], told[0], shown[1], told[1], shown[2]]


@pytest.fixture(scope="module")
def collate(base):
    processor = load_processor(str(base))
    token = processor.tokenizer.convert_tokens_to_ids("<|image_pad|>")
    collator = Collator(processor.image_processor, token, processor.tokenizer.pad_token_id)
    return lambda rows: {name: thing for name, thing in collator(rows).items() if name != "counts"}


def loaded(folder, attention: str, train: Train):
    # As it begins: there the vision part's gradients are as large as the others', and rounding is not made much of.
    vlm = load_model(str(folder), precision="fp32", attention=attention)
    freeze_vision(vlm, train)
    return vlm


def gradients(vlm) -> dict[str, torch.Tensor]:
    return {name: parameter.grad for name, parameter in vlm.named_parameters() if parameter.grad is not None}


def apart(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).norm() / other.norm())


# --- the same as transformers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("train", LEARNING)
def test_loss_and_gradients_are_those_of_the_models_own_forward_pass(base, samples, collate, train, checkpointing):
    theirs, total = loaded(base, "sdpa", train), 0.0
    for sample in samples:
        batch = collate([[sample]])
        loss = theirs(
            input_ids=batch["input_ids"],
            attention_mask=torch.ones_like(batch["input_ids"]),
            labels=batch["labels"],
            mm_token_type_ids=(batch["input_ids"] == theirs.config.image_token_id).int(),
            **pictures_of(batch),
        ).loss
        summed = loss * int((batch["labels"] != IGNORE).sum())
        summed.backward()
        total += summed.item()
    vlm = loaded(base, "packed", train)
    if checkpointing:
        vlm.model.language_model.gradient_checkpointing_enable({"use_reentrant": False})
        checkpoint_tower(vlm)
    loss = StageModel(vlm).train()(**collate([samples]))
    loss.backward()
    assert loss.item() == pytest.approx(total, rel=1e-5)
    ours, wanted = gradients(vlm), gradients(theirs)
    assert ours.keys() == {name for name, _ in vlm.named_parameters() if learns(name, train)}
    for name, gradient in ours.items():
        if wanted[name].abs().max() < 1e-5 * max(g.abs().max() for g in wanted.values()):
            continue  # a bias of the keys, say, whose gradient is zero but for rounding
        assert apart(gradient, wanted[name]) < 1e-4, name
    assert apart(*(torch.cat([of[name].flatten() for name in ours]) for of in (ours, wanted))) < 1e-5


@pytest.mark.parametrize("attention", ["packed", "sdpa"])
@pytest.mark.parametrize("train", LEARNING)
def test_a_row_of_text_gives_the_vision_part_gradients_of_zero(base, samples, collate, train, attention):
    vlm = loaded(base, attention, train)
    model = StageModel(vlm).train()
    model(**collate([samples[1:2]])).backward()
    found = gradients(vlm)
    assert found.keys() == {name for name, _ in vlm.named_parameters() if learns(name, train)}
    assert all(bool(gradient.any()) != is_vision(name) for name, gradient in found.items())
    alone = loaded(base, attention, "language")
    StageModel(alone).train()(**collate([samples[1:2]])).backward()
    assert all(torch.equal(found[name], gradient) for name, gradient in gradients(alone).items())


def test_below_a_merger_that_learns_the_tower_builds_no_graph(base, samples, collate):
    vlm = loaded(base, "packed", "language+merger")
    reached = []
    for name, block in vlm.model.visual.named_modules():
        if name.startswith("blocks.") and name.count(".") == 1:
            block.register_forward_hook(lambda module, given, out: reached.append(out.requires_grad))
    batch = collate([samples])
    features, deeper = (
        StageModel(vlm).train().picture_features(batch["patches"], batch["colours"], batch["cuts"].pictures)
    )
    assert reached
    assert not any(reached)
    assert all(seen.requires_grad for seen in (features, *deeper))


def test_norms_and_biases_of_either_part_are_not_decayed_and_the_default_has_the_groups_that_it_had(base):
    for train in VALUES:
        vlm = loaded(base, "sdpa", train)
        groups, of_vision = optimizer_groups(StageModel(vlm), 0.1)
        assert of_vision == ([False, False] if train == "language" else [False, False, True, True])
        assert [group["weight_decay"] for group in groups] == [0.1, 0.0] * (len(groups) // 2)
        names = {id(parameter): name for name, parameter in vlm.named_parameters()}
        for group, vision in zip(groups, of_vision, strict=True):
            assert all(is_vision(names[id(p)]) == vision for p in group["params"])
            assert all((p.dim() > 1) == (group["weight_decay"] > 0) for p in group["params"])
        assert sum(len(group["params"]) for group in groups) == sum(learns(name, train) for name in names.values())


# --- a run ---------------------------------------------------------------------------------------------------------


def test_a_run_with_the_default_has_the_digits_of_a_plain_loop_around_a_frozen_tower(tiny, tmp_path):
    changes = {"train": "language", "gpus": 1, "rows_per_micro_batch": 4, "save_steps": 100}
    asked = imagery_recipe(tiny, run="run", **{key: changes[key] for key in changes if key != "train"})
    done = run("stage1.py", asked, tmp_path, ranks=1)
    assert done.returncode == 0, done.stderr[-3000:]
    steps = history(tmp_path / "run")
    assert "vision_learning_rate" not in steps[0]
    recipe = StageRecipe(**{k: v for k, v in {**asked, **changes}.items() if k not in ("hook", "lora")})
    (tokens,) = (tmp_path / "run").glob("tokens-*")
    rows = PackedRows(tiny.imagery, TokenStore(tokens), recipe.tokens_per_row, recipe.rows_per_step, recipe.seed)
    vlm = load_model(str(tiny.model), precision="fp32", attention="packed")
    tower, language_model = vlm.model.visual.requires_grad_(False), vlm.model.language_model
    StageModel(vlm)  # which makes a matrix product of the tower's convolution
    learned = [parameter for parameter in vlm.parameters() if parameter.requires_grad]
    kinds = [[p for p in learned if p.dim() > 1], [p for p in learned if p.dim() == 1]]
    optimizer = torch.optim.AdamW([{"params": some, "weight_decay": 0.0} for some in kinds], betas=(0.9, 0.95))
    collator = Collator(
        tiny.processor.image_processor, vlm.config.image_token_id, tiny.processor.tokenizer.pad_token_id
    )
    threads, total = torch.get_num_threads(), steps_in_run(len(rows), recipe)
    torch.set_num_threads(1)
    try:
        for step, taken in enumerate(micro_batches(len(rows), recipe, 0, 1, 0, total)):
            batch = collator([rows[row] for row in taken])
            embeddings = vlm.get_input_embeddings()(batch["input_ids"])
            place = batch["input_ids"] == vlm.config.image_token_id
            if "patches" in batch:
                with torch.no_grad():
                    pixels = normalised(batch["patches"], batch["colours"], 2)
                    seen = tower(pixels, **tower_inputs(tower, batch["cuts"].pictures, pixels.device)).pooler_output
                embeddings = embeddings.masked_scatter(place.unsqueeze(-1), seen)
            segments = Segments.of(batch["cuts"].samples, embeddings.device)
            hidden = run_layers(language_model, embeddings, batch["position_ids"], segments, place, [])
            loss = label_loss(hidden, batch["labels"], vlm.lm_head)
            labels = int((batch["labels"] != IGNORE).sum())
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(recipe, step, total)
            optimizer.zero_grad()
            (loss * (1 / labels)).backward()
            norm = torch.nn.utils.clip_grad_norm_(learned, 1.0)
            optimizer.step()
            assert (loss.item() / labels, norm.item()) == (steps[step]["loss"], steps[step]["grad_norm"]), step
    finally:
        torch.set_num_threads(threads)
    assert len(steps) == total >= 3


@pytest.mark.slow
@pytest.mark.parametrize("train", [pytest.param("language+merger", marks=pytest.mark.full), "all"])
def test_a_run_changes_what_learns_and_no_bit_of_the_rest_resumes_to_the_same_digits_and_exports_it(
    tiny, tmp_path, train
):
    changes = {"train": train, "vision_learning_rate": 2e-4, "gradient_checkpointing": True, "gpus": 1, "epochs": 2}
    recipe = imagery_recipe(tiny, run="run", **changes)
    check_resumed_to_the_same_digits("stage1.py", recipe, tmp_path)
    before, after, again = (
        weights(folder) for folder in (tiny.model, tmp_path / "run/final", tmp_path / "again/final")
    )
    assert before.keys() == after.keys()
    assert all(after[name].equal(again[name]) for name in after)
    still = {name for name in before if before[name].equal(after[name])}
    assert still == {name for name in before if not learns(name, train)}
    assert (train == "all") == (not still)
    for step in history(tmp_path / "run"):
        assert step["vision_learning_rate"] == pytest.approx(0.2 * step["learning_rate"])
    vlm, told = AutoModelForImageTextToText.from_pretrained(tmp_path / "run/final", output_loading_info=True)
    assert not told["missing_keys"]
    assert not told["unexpected_keys"]
    held = {name.replace("model.visual.", "visual."): tensor for name, tensor in vlm.state_dict().items()}
    assert all(after[name].equal(held[name]) for name in after if name.startswith("visual."))
    facts = json.loads((tmp_path / "run/final/idf.json").read_text())["recipe"]
    assert (facts["train"], facts["vision_learning_rate"]) == (train, 2e-4)


@pytest.fixture(scope="module")
def spread(tiny, tmp_path_factory):
    """A recipe with rows of one sample, its folder, and the steps of a run of it on one rank."""
    encoder = Encoder(tiny.processor, 4096, MAX_PIXELS)
    length = max(len(encoder(sample)) for sample in tiny.imagery.samples())
    changes = {"train": "all", "vision_learning_rate": 2e-3, "tokens_per_row": length, "rows_per_step": 2}
    recipe = imagery_recipe(tiny, **changes, hang_seconds=300, epochs=0.5)
    folder = tmp_path_factory.mktemp("spread")
    done = run("stage1.py", {**recipe, "run": "one"}, folder, ranks=1)
    assert done.returncode == 0, done.stderr[-3000:]
    line_that_says(done.stdout, "0 frozen")
    line_that_says(done.stdout, "step 2/", "vision lr")
    return recipe, folder, history(folder / "one")


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "preset", ["zero2", *(pytest.param(p, marks=pytest.mark.full) for p in (None, "zero3", "zero2_offload"))]
)
def test_two_ranks_of_which_one_has_no_picture_have_the_losses_of_one(tiny, spread, preset):
    # In some steps one rank has a picture and the other has none.
    recipe, folder, alone = spread
    name, length = f"two-{preset}", recipe["tokens_per_row"]
    done = run("stage1.py", {**recipe, "run": name, "deepspeed": preset}, folder, ranks=2)
    assert done.returncode == 0, done.stderr[-3000:]
    (tokens,) = (folder / name).glob("tokens-*")
    rows = PackedRows(tiny.imagery, TokenStore(tokens), length, 2, 0)
    shapes = StageRecipe("imagery", "m", "d", "r", rows_per_micro_batch=1, rows_per_step=2)
    shown = [
        [any(encoded.grids for row in batch for encoded, _ in rows[row]) for batch in share]
        for share in (micro_batches(len(rows), shapes, rank, 2, 0, len(alone)) for rank in (0, 1))
    ]
    assert any(a != b for a, b in zip(*shown, strict=True)), "no step had a picture on one rank alone"
    for one, two in zip(alone, history(folder / name), strict=True):
        assert two["loss"] == pytest.approx(one["loss"], rel=1e-4)
        assert two["grad_norm"] == pytest.approx(one["grad_norm"], rel=1e-2)
    before, after = weights(tiny.model), weights(folder / name / "final")
    assert not [tensor for tensor in before if before[tensor].equal(after[tensor])]


# --- what is refused -----------------------------------------------------------------------------------------------


def test_what_does_not_go_together_is_refused():
    recipe = {"stage": "imagery", "model": "m", "data": "d", "run": "r"}
    with refused("vision_learning_rate", "train=language", "train=all"):
        StageRecipe(**recipe, vision_learning_rate=1e-6).check()
    for train in LEARNING:
        with refused("lora", f"train={train}", "train=language", "lora=null"):
            StageRecipe(**recipe, train=train, lora=LoraRecipe()).check()
        StageRecipe(**recipe, train=train, vision_learning_rate=1e-6).check()


@pytest.mark.parametrize(
    ("train", "more", "ranks"),
    [("all", ["--dry-run"], 0), pytest.param("language+merger", [], 1, marks=pytest.mark.full)],
)
def test_data_without_pictures_is_refused_before_anything_is_trained(tiny, tmp_path, train, more, ranks):
    from idf.imagery import ImageryRecipe, build_imagery

    text = ImageryRecipe(samples=8, worlds={"cube_rolling": 1.0}, kinds={"step": 1.0}, modes={"tqa": 1.0})
    build_imagery(text, tmp_path / "text")
    recipe = imagery_recipe(tiny, run="run", train=train, gpus=1, rows_per_step=1, data=str(tmp_path / "text"))
    done = run("stage1.py", recipe, tmp_path, *more, ranks=ranks)
    assert done.returncode == 1
    says(sentence(done), f"train={train}", tmp_path / "text", "picture", "train=language")


def test_the_vision_part_takes_the_same_rate_unless_it_has_one_of_its_own():
    recipe = {"stage": "imagery", "model": "m", "data": "d", "run": "r", "learning_rate": 1e-5, "warmup": 0.3}
    assert StageRecipe(**recipe).vision_peak is None
    assert StageRecipe(**recipe, train="all").vision_peak == 1e-5
    own = StageRecipe(**recipe, train="all", vision_learning_rate=2e-6)
    for step in range(10):
        rates = (learning_rate(own, step, 10, peak) for peak in (own.vision_peak, None))
        assert next(rates) == pytest.approx(0.2 * next(rates))
