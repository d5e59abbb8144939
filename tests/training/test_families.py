"""The three model families, on their real classes at a tiny size: nothing but the name of the model differs."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from idf.backends import HFBackend, Sampling, share_weights
from idf.drawing import decode_png, encode_png, on_grid, size_on_grid
from idf.suites import SuiteRecipe, generate_suite
from idf.training.collate import Collator, mrope_positions
from idf.training.deepspeed import PRESETS
from idf.training.encode import Encoder
from idf.training.families import FAMILIES
from idf.training.load import load_model, load_processor, meta_model
from idf.training.model import StageModel, freeze_vision
from idf.training.tiny import make_tiny_model
from tests.backends.server import request
from tests.cli.running import evaluate
from tests.sentences import refused

from .conftest import MAX_PIXELS, pictures_of
from .hub_layout import weights
from .running import history, imagery_recipe, run

IN_CI = {("qwen2_5_vl", False, torch.bfloat16), ("qwen3_vl", False, torch.float32)}
"""Tied Qwen2.5-VL in fp32 is what most other tests begin from."""
ALL = [
    (family, tied, dtype) for family in FAMILIES for tied in (True, False) for dtype in (torch.float32, torch.bfloat16)
]


def named(layout):
    family, tied, dtype = layout
    return f"{family}-{'tied' if tied else 'untied'}-{str(dtype).removeprefix('torch.')}"


LAYOUTS = [pytest.param(layout, id=named(layout), marks=() if layout in IN_CI else pytest.mark.full) for layout in ALL]


@pytest.fixture(scope="module", params=LAYOUTS)
def base(request, hub):
    """The folder of a tiny model of each family, as it would lie on the hub: tied or not, in fp32 or bf16."""
    family, tied, dtype = request.param
    return hub(family, tied=tied, dtype=dtype)


@pytest.fixture(scope="module")
def processor(base):
    return load_processor(str(base))


@pytest.fixture(scope="module")
def model(base):
    return scaled(base, "packed")


@pytest.fixture(scope="module")
def plain(base):
    """The same with transformers' own attention."""
    return scaled(base, "sdpa")


def scaled(base, attention):
    vlm = load_model(str(base), precision="fp32", attention=attention)
    torch.manual_seed(0)
    with torch.no_grad():  # at the initial scale all logits are nearly equal, and what pictures show would hardly count
        for parameter in vlm.parameters():
            parameter.mul_(3.0)
    freeze_vision(vlm)
    return StageModel(vlm)


@pytest.fixture(scope="module")
def samples(tiny, processor):
    encoder = Encoder(processor, max_length=4096, max_pixels=MAX_PIXELS)
    found = [(encoder(sample), sample.images) for sample in tiny.imagery.samples()]
    with_picture = [sample for sample in found if sample[1]][:3]
    text_only = [sample for sample in found if not sample[1]][:2]
    return [with_picture[0], text_only[0], with_picture[1], text_only[1], with_picture[2]]


@pytest.fixture(scope="module")
def collate(processor, model):
    collator = Collator(processor.image_processor, model.vlm.config.image_token_id, processor.tokenizer.pad_token_id)

    def tensors(rows):
        """What the model takes of a micro-batch."""
        return {name: tensor for name, tensor in collator(rows).items() if name != "counts"}

    return tensors


def our_logits(model, batch):
    """(length, vocabulary) of a batch of one row."""
    seen = {name: tensor for name, tensor in batch.items() if name != "labels"}
    with torch.no_grad():
        return model.vlm.lm_head(model.hidden_states(**seen))[0]


def their_logits(model, batch):
    """Those of the model's own forward pass, which finds positions itself."""
    ids = batch["input_ids"]
    kinds = (ids == model.vlm.config.image_token_id).int()
    with torch.no_grad():
        return model.vlm(input_ids=ids, mm_token_type_ids=kinds, use_cache=False, **pictures_of(batch)).logits[0]


def difference(one, other):
    return float((one - other).abs().max() / other.abs().max())


def test_the_classes_are_the_familys_own(base, model, processor):
    prefix = {"qwen2_vl": "Qwen2VL", "qwen2_5_vl": "Qwen2_5_VL", "qwen3_vl": "Qwen3VL"}[model.vlm.config.model_type]
    assert type(model.vlm).__name__ == f"{prefix}ForConditionalGeneration"
    assert type(processor).__name__ == f"{prefix}Processor"
    vision = model.vlm.config.vision_config
    assert processor.image_processor.patch_size == vision.patch_size
    assert processor.image_processor.merge_size == vision.spatial_merge_size


def test_positions_are_those_of_the_model(model, samples):
    token, merge = model.vlm.config.image_token_id, model.vlm.config.vision_config.spatial_merge_size
    for encoded, _ in samples:
        ids = torch.tensor(encoded.ids[None])
        grids = torch.tensor(encoded.grids) if encoded.grids else None
        theirs, _ = model.vlm.model.get_rope_index(ids, mm_token_type_ids=(ids == token).int(), image_grid_thw=grids)
        ours = mrope_positions(encoded.ids, encoded.grids, token, merge)
        assert torch.equal(ours[1:], theirs[:, 0])
        assert ours[0].tolist() == list(range(len(encoded)))


@pytest.mark.parametrize(
    "size", [(224, 448), (84, 140)]
)  # the first is on every family's grid, the second not on Qwen3-VL's
def test_token_ids_are_those_of_the_processor(tiny, processor, size):
    picture = np.full((*size, 3), 200, np.uint8)
    sample = next(sample for sample in tiny.imagery.samples() if len(sample.images) == 1)
    encoded = Encoder(processor, 4096, 224 * 448)(replace(sample, images=[encode_png(picture)]))
    side = processor.image_processor.patch_size * processor.image_processor.merge_size
    text = processor.apply_chat_template(sample.messages, tokenize=False)
    shown = [on_grid(picture, side)]
    theirs = processor(text=[text], images=shown, do_resize=False, return_tensors="np")
    assert encoded.ids.tolist() == theirs["input_ids"][0].tolist()
    assert encoded.grids == [tuple(grid) for grid in theirs["image_grid_thw"].tolist()]


def test_each_samples_logits_in_a_pack_are_those_that_it_has_alone_and_those_of_the_models_own_forward(
    model, plain, samples, collate
):
    alone = [collate([[sample]]) for sample in samples]
    theirs = torch.cat([their_logits(plain, batch) for batch in alone])
    for ours in (model, plain):
        packed = our_logits(ours, collate([samples]))
        assert difference(packed, torch.cat([our_logits(ours, batch) for batch in alone])) < 1e-5
        assert difference(packed, theirs) < 1e-5


def test_what_a_picture_shows_counts(model, samples, collate):
    batch = collate([samples[:1]])
    blank = batch | {"patches": torch.zeros_like(batch["patches"])}
    assert difference(our_logits(model, batch), our_logits(model, blank)) > 1e-3


def test_qwen3_vl_adds_what_its_tower_saw_to_its_first_layers(model, samples, collate):
    batch = collate([samples])
    _, deeper = model.picture_features(batch["patches"], batch["colours"], batch["cuts"].pictures)
    assert len(deeper) == (2 if model.vlm.config.model_type == "qwen3_vl" else 0)
    if deeper:
        whole = our_logits(model, batch)
        plain = model.picture_features
        model.picture_features = lambda *inputs: (plain(*inputs)[0], [])
        without = our_logits(model, batch)
        del model.picture_features
        assert difference(without, whole) > 1e-3


def test_every_trainable_tensor_gets_a_gradient_and_no_frozen_one(model, samples, collate):
    language_model = model.vlm.model.language_model
    language_model.gradient_checkpointing_enable({"use_reentrant": False})
    model.train()
    model(**collate([samples])).backward()
    found = {name: parameter.grad for name, parameter in model.vlm.named_parameters()}
    model.zero_grad(set_to_none=True)
    language_model.gradient_checkpointing_disable()
    model.eval()
    assert any("visual.merger" in name for name in found)
    for name, gradient in found.items():
        if ".visual." in f".{name}":
            assert gradient is None, name
        else:
            assert gradient.abs().max() > 0, name


# --- a run ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(base, tiny, tmp_path_factory):
    """The final folder of a short run."""
    folder = tmp_path_factory.mktemp("run")
    changes = {"model": str(base), "gradient_checkpointing": True, "gpus": 1, "rows_per_step": 8}
    done = run("stage1.py", imagery_recipe(tiny, run="run", **changes), folder, ranks=1)
    assert done.returncode == 0, done.stderr[-3000:]
    found = [row["loss"] for row in history(folder / "run")]
    assert len(found) >= 2
    assert found[-1] < found[0]
    return folder / "run" / "final"


@pytest.mark.slow
def test_a_run_exports_the_names_and_frozen_tensors_of_its_base(base, trained):
    before, after = ({n: t.float() for n, t in weights(folder).items()} for folder in (base, trained))
    assert {name: tensor.shape for name, tensor in before.items()} == {name: t.shape for name, t in after.items()}
    still = {name for name in before if before[name].equal(after[name])}
    assert still == {name for name in before if "visual." in name}


@pytest.mark.slow
def test_what_a_run_exports_answers_about_a_picture(tiny, trained):
    # Our pictures are multiples of 28 pixels: to Qwen3-VL they get a margin up to multiples of 32, as in training.
    picture = decode_png(next(sample.images[0] for sample in tiny.imagery.samples() if sample.images))
    assert picture.shape[0] % 32 or picture.shape[1] % 32
    backend = HFBackend(str(trained), sampling=Sampling(8), batch_size=2, device="cpu")
    found = dict(backend.generate([request("What is this?", picture), request("What is this?")]))
    assert [found[i].completion_tokens > 0 for i in (0, 1)] == [True, True]
    cells = backend.processor.image_processor
    width, height = size_on_grid((picture.shape[1], picture.shape[0]), cells.patch_size * cells.merge_size)
    vision = width * height // (cells.patch_size * cells.merge_size) ** 2 + 2  # with the tokens around them
    assert found[0].prompt_tokens - found[1].prompt_tokens == vision


@pytest.mark.slow
@pytest.mark.full
@pytest.mark.parametrize("adapters", [False, True], ids=["all weights", "adapters"])
@pytest.mark.parametrize("preset", [None, *PRESETS])
@pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_way_of_training_begins_from_every_layout_of_the_hub(hub, tiny, tmp_path, family, tied, preset, adapters):
    base = hub(family, tied=tied)
    changes = {"model": str(base), "deepspeed": preset, "gpus": 1, "rows_per_step": 8, "save_steps": 1}
    changes |= {"lora": {"rank": 4, "alpha": 8}} if adapters else {}
    done = run("stage1.py", imagery_recipe(tiny, run="run", **changes), tmp_path, ranks=1)
    assert done.returncode == 0, done.stderr[-3000:]
    before = weights(base)
    for folder in ("checkpoint-1", "final"):
        after = weights(tmp_path / "run" / folder)
        assert {name: t.shape for name, t in before.items()} == {name: t.shape for name, t in after.items()}
        moved = {name for name in before if not before[name].equal(after[name])}
        assert moved
        assert not any("visual." in name for name in moved)
        if not tied and not adapters:
            assert "lm_head.weight" in moved
        vlm = load_model(str(tmp_path / "run" / folder), precision="fp32", attention="sdpa")
        assert share_weights(vlm) == tied


def test_idf_eval_asks_it_with_pictures_that_are_not_on_its_grid(base, tmp_path):
    recipe = SuiteRecipe(items=1, worlds=["cube_rolling"], difficulties=["easy"], max_pixels=84 * 112)
    generate_suite(recipe, tmp_path / "suite")
    options = ("--modes", "vqa,vtqa", "--max-new-tokens", 4, "--batch-size", 2, "--out", tmp_path / "out")
    assert evaluate(base, "--suite", tmp_path / "suite", *options) == 0
    lines = [json.loads(line) for line in (tmp_path / "out" / "samples.jsonl").read_text().splitlines()]
    assert len(lines) == 2


# --- others --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["qwen3_vl_moe", "llava"])
def test_a_model_of_another_family_is_refused_and_the_supported_ones_are_named(tmp_path, kind):
    from transformers import AutoConfig

    AutoConfig.for_model(kind).save_pretrained(tmp_path)
    for load in (meta_model, lambda name: load_model(name, precision="fp32", attention="sdpa")):
        with refused(f"type {kind}", "Qwen2-VL", "Qwen2.5-VL", "Qwen3-VL (dense)"):
            load(str(tmp_path))


def test_an_unknown_family_of_tiny_models_is_refused(tiny, tmp_path):
    with refused("unknown", "'llava'", "qwen2_vl, qwen2_5_vl, qwen3_vl"):
        make_tiny_model([tiny.imagery], tmp_path, family="llava")
