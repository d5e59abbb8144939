"""Adapters: where they sit, what they change, and what is exported of them."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from idf.training.attention import Cuts
from idf.training.families import FAMILIES
from idf.training.load import load_model, load_processor
from idf.training.lora import add_adapters, load_adapter, merged, save_adapter
from idf.training.model import StageModel, parameter_counts
from idf.training.recipe import LoraRecipe
from tests.cli.running import one_sentence
from tests.cli.running import run as idf
from tests.sentences import line_that_says, says

from .hub_layout import weights
from .running import history, imagery_recipe, run

LORA = LoraRecipe(rank=4, alpha=8)
LINEAR = {"self_attn": ["q_proj", "k_proj", "v_proj", "o_proj"], "mlp": ["gate_proj", "up_proj", "down_proj"]}


def load(folder):
    return load_model(str(folder), precision="fp32", attention="sdpa").eval()


@pytest.fixture(scope="module", params=FAMILIES)
def base(request, hub):
    """The folder of a tiny model of each family."""
    return hub(request.param, tied=request.param != "qwen2_vl")


@pytest.fixture
def adapted(base):
    vlm = load(base)
    add_adapters(vlm, LORA, seed=0)
    return vlm


@pytest.fixture(scope="module")
def asked(tiny):
    """What a model is asked to compare its logits: a conversation with a picture."""

    def inputs(folder):
        processor = load_processor(str(folder))
        sample = next(sample for sample in tiny.imagery.samples() if len(sample.images) == 1)
        text = processor.apply_chat_template(sample.messages, tokenize=False)
        picture = torch.arange(3 * 224 * 224, dtype=torch.uint8).reshape(224, 224, 3).numpy()
        return processor(text=[text], images=[picture], do_resize=False, return_tensors="pt")

    return inputs


def logits(vlm, inputs):
    with torch.no_grad():
        return vlm(**inputs).logits


def difference(one, other):
    return float((one - other).abs().max() / other.abs().max())


def train(vlm):
    """Give the adapters' zero halves some numbers, as training would."""
    torch.manual_seed(1)
    with torch.no_grad():
        for name, parameter in vlm.named_parameters():
            if ".lora_B." in name:
                parameter.normal_(std=0.1)


# --- where they sit ------------------------------------------------------------------------------------------------


def test_adapters_sit_on_every_linear_layer_of_the_language_model_and_nowhere_else(adapted):
    found = {name for name, module in adapted.named_modules() if hasattr(module, "lora_A")}
    layers = range(adapted.config.get_text_config().num_hidden_layers)
    parts = [f"{part}.{name}" for part, names in LINEAR.items() for name in names]
    assert found == {f"model.language_model.layers.{i}.{part}" for i in layers for part in parts}


def test_only_adapters_learn(adapted):
    learning = {name for name, parameter in adapted.named_parameters() if parameter.requires_grad}
    assert learning == {name for name, _ in adapted.named_parameters() if ".lora_" in name}
    total, frozen, trainable = parameter_counts(adapted)
    assert 0 < trainable < 0.1 * total
    assert total == frozen + trainable


def test_a_fresh_adapter_changes_no_logit(base, adapted, asked):
    inputs = asked(base)
    assert torch.equal(logits(adapted, inputs), logits(load(base), inputs))


@pytest.mark.parametrize("checkpointing", [False, True])
def test_every_adapter_gets_a_gradient(adapted, asked, base, checkpointing):
    # Embeddings are frozen: a reentrant checkpoint would leave all but the last layers without any.
    if checkpointing:
        adapted.model.language_model.gradient_checkpointing_enable({"use_reentrant": False})
    train(adapted)
    inputs = asked(base)
    length, side = inputs["input_ids"].shape[1], adapted.config.vision_config.patch_size
    batch = {
        "input_ids": inputs["input_ids"],
        "labels": inputs["input_ids"],
        "position_ids": torch.arange(length).expand(4, 1, length),
        "cuts": Cuts((length,), tuple(map(tuple, inputs["image_grid_thw"].tolist()))),
        "patches": torch.randint(0, 256, (len(inputs["pixel_values"]), 3, side, side), dtype=torch.uint8),
        "colours": torch.full((2, 3), 127.5),
    }
    StageModel(adapted.train())(**batch).backward()
    for name, parameter in adapted.named_parameters():
        assert (parameter.grad is not None and bool(parameter.grad.any())) == (".lora_" in name), name


# --- what is exported ----------------------------------------------------------------------------------------------


def test_merged_weights_have_the_bases_names_and_say_what_the_adapted_model_says(base, adapted, asked):
    train(adapted)
    plain = load(base)
    state = merged(adapted.state_dict(), LORA)
    assert set(state) == set(plain.state_dict())
    inputs = asked(base)
    without = logits(plain, inputs)
    plain.load_state_dict(state)
    assert difference(logits(plain, inputs), logits(adapted, inputs)) < 1e-5
    assert difference(without, logits(adapted, inputs)) > 1e-2


def test_a_saved_adapter_is_what_peft_reads_and_no_no_op(base, adapted, asked, tmp_path):
    from peft import PeftModel

    train(adapted)
    save_adapter(adapted.state_dict(), LORA, str(base), tmp_path / "adapter")
    inputs = asked(base)
    read = PeftModel.from_pretrained(load(base), str(tmp_path / "adapter"), torch_device="cpu").eval()
    assert difference(logits(read, inputs), logits(adapted, inputs)) < 1e-5
    assert difference(logits(read, inputs), logits(load(base), inputs)) > 1e-2
    again = load(base)
    add_adapters(again, LORA, seed=5)
    load_adapter(again, tmp_path / "adapter")
    assert torch.equal(logits(again, inputs), logits(adapted, inputs))


# --- idf merge -----------------------------------------------------------------------------------------------------


def test_merge_writes_a_complete_folder_under_the_bases_names(capsys, base, adapted, asked, tmp_path):
    train(adapted)
    save_adapter(adapted.state_dict(), LORA, str(base), tmp_path / "adapter")
    assert idf("merge", tmp_path / "adapter", "--out", tmp_path / "merged") == 0
    line_that_says(capsys.readouterr().out, "28 layers", "merged")
    before, after = (weights(folder) for folder in (base, tmp_path / "merged"))
    assert {name: tensor.shape for name, tensor in before.items()} == {name: t.shape for name, t in after.items()}
    assert {path.name for path in base.iterdir()} == {path.name for path in (tmp_path / "merged").iterdir()}
    load_processor(str(tmp_path / "merged"))
    inputs = asked(base)
    assert difference(logits(load(tmp_path / "merged"), inputs), logits(adapted, inputs)) < 1e-5


@pytest.fixture
def adapter(tiny, tmp_path):
    """A folder of adapters as training leaves it in a checkpoint."""
    vlm = load(tiny.model)
    add_adapters(vlm, LORA, seed=0)
    train(vlm)
    save_adapter(vlm.state_dict(), LORA, str(tiny.model), tmp_path / "checkpoint-2" / "adapter")
    return tmp_path / "checkpoint-2" / "adapter"


def change(adapter, what):
    """Write other tensors into a folder of adapters."""
    path = adapter / "adapter_model.safetensors"
    save_file(what(load_file(path)), path)


def configure(adapter, **changes):
    config = json.loads((adapter / "adapter_config.json").read_text())
    (adapter / "adapter_config.json").write_text(json.dumps(config | changes))


def refused(capsys, adapter, tmp_path, *more):
    assert idf("merge", adapter, "--out", tmp_path / "merged", *more) == 1
    assert not (tmp_path / "merged").exists()
    return one_sentence(capsys, "idf")


def test_merge_finds_the_adapters_inside_of_a_checkpoint_and_a_base_that_has_moved(tiny, adapter, tmp_path):
    configure(adapter, base_model_name_or_path="./gone")
    assert idf("merge", adapter.parent, "--out", tmp_path / "merged", "--base", tiny.model) == 0
    assert (tmp_path / "merged" / "config.json").exists()


@pytest.mark.parametrize("other", [".decoder", ""])  # some other model's names, and those before transformers 4.52
def test_adapters_under_other_names_are_refused_since_they_would_do_nothing(capsys, adapter, tmp_path, other):
    change(adapter, lambda tensors: {name.replace(".language_model", other): t for name, t in tensors.items()})
    says(refused(capsys, adapter, tmp_path), "56 tensors", adapter, "no layer")


def test_a_part_of_the_adapters_is_refused(capsys, adapter, tmp_path):
    change(adapter, lambda tensors: {name: t for name, t in tensors.items() if "layers.0." not in name})
    says(refused(capsys, adapter, tmp_path), adapter, "lacks", "14 tensors", "config")


def test_untrained_adapters_are_refused(capsys, adapter, tmp_path):
    change(adapter, lambda tensors: {name: tensor * ("lora_A" in name) for name, tensor in tensors.items()})
    says(refused(capsys, adapter, tmp_path), adapter, "change nothing")


def test_adapters_of_a_base_of_another_width_are_refused(capsys, adapter, tmp_path):
    change(adapter, lambda tensors: {name: t[:, :64].contiguous() for name, t in tensors.items()})
    says(refused(capsys, adapter, tmp_path), adapter, "not fit", "size mismatch")


def test_a_missing_base_is_named(capsys, adapter, tmp_path):
    configure(adapter, base_model_name_or_path="./gone")
    says(refused(capsys, adapter, tmp_path), "no model", "./gone", "--base")
    configure(adapter, base_model_name_or_path=None)
    says(refused(capsys, adapter, tmp_path), adapter / "adapter_config.json", "no base model", "--base")


def test_a_folder_without_adapters_is_refused(capsys, tiny, adapter, tmp_path):
    says(refused(capsys, tiny.model, tmp_path), "no adapters", tiny.model, "adapter_config.json")
    (adapter / "adapter_model.safetensors").unlink()
    says(refused(capsys, adapter, tmp_path), "no adapters", adapter, "adapter_model.safetensors")


def test_adapters_of_another_kind_are_refused(capsys, adapter, tmp_path):
    configure(adapter, peft_type="IA3")
    says(refused(capsys, adapter, tmp_path), adapter, "IA3", "only LoRA")


def test_a_folder_that_exists_is_not_written_over(capsys, adapter, tmp_path):
    (tmp_path / "merged").mkdir()
    assert idf("merge", adapter, "--out", tmp_path / "merged") == 1
    says(one_sentence(capsys, "idf"), tmp_path / "merged", "exists already", "another folder")


# --- runs ----------------------------------------------------------------------------------------------------------


OTHERS = [pytest.param(None, id="plain", marks=pytest.mark.full), pytest.param("zero2", marks=pytest.mark.full)]


@pytest.fixture(scope="module", params=[*OTHERS, "zero3"])
def trained(request, tiny, tmp_path_factory):
    """The folder of a run on two ranks, and its recipe."""
    folder = tmp_path_factory.mktemp("lora")
    changes = {"deepspeed": request.param, "gradient_checkpointing": True, "learning_rate": 5e-3}
    recipe = imagery_recipe(tiny, run="run", lora={"rank": 4, "alpha": 8}, **changes)
    done = run("stage1.py", recipe, folder)
    assert done.returncode == 0, done.stderr[-3000:]
    line_that_says(done.stdout, "38,912 trainable")
    return folder / "run", recipe


@pytest.mark.slow
def test_a_run_of_adapters_learns(trained):
    found = [row["loss"] for row in history(trained[0])]
    assert len(found) >= 3
    assert found[-1] < found[0] - 0.1


@pytest.mark.slow
def test_its_final_folder_is_complete_and_differs_from_the_base_in_the_adapted_layers_alone(tiny, trained):
    final = trained[0] / "final"
    before, after = (weights(folder) for folder in (tiny.model, final))
    assert {name: tensor.shape for name, tensor in before.items()} == {name: t.shape for name, t in after.items()}
    changed = {name for name in before if not before[name].equal(after[name])}
    names = tuple(f"{name}.weight" for names in LINEAR.values() for name in names)
    assert changed == {name for name in before if name.endswith(names) and "visual." not in name}
    load_processor(str(final))


@pytest.mark.slow
def test_its_final_folder_says_what_base_and_adapters_say(tiny, trained, asked):
    from peft import PeftModel

    inputs = asked(tiny.model)
    found = [*trained[0].glob("checkpoint-*"), trained[0] / "final"]
    assert len(found) >= 2
    for folder in found:
        read = PeftModel.from_pretrained(load(tiny.model), str(folder / "adapter"), torch_device="cpu").eval()
        assert difference(logits(load(folder), inputs), logits(read, inputs)) < 1e-4
        assert difference(logits(read, inputs), logits(load(tiny.model), inputs)) > 1e-3, "it does something"


@pytest.mark.slow
def test_merging_its_adapters_gives_its_final_folder(trained, tmp_path):
    final = trained[0] / "final"
    assert idf("merge", final / "adapter", "--out", tmp_path / "merged") == 0
    ours, theirs = (weights(folder) for folder in (final, tmp_path / "merged"))
    assert set(ours) == set(theirs)
    for name in ours:
        torch.testing.assert_close(ours[name], theirs[name], rtol=1e-5, atol=1e-6)


def interrupt(folder, recipe, ranks):
    """Run again from checkpoint-2 on, under another name; its history."""
    again = folder.parent / "again"
    shutil.copytree(folder, again)
    shutil.rmtree(again / "final")
    for checkpoint in again.glob("checkpoint-*"):
        if checkpoint.name != "checkpoint-2":
            shutil.rmtree(checkpoint)
    done = run("stage1.py", {**recipe, "run": "again"}, folder.parent, ranks=ranks)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "resuming from" in done.stdout
    return again


@pytest.mark.slow
def test_an_interrupted_run_of_adapters_goes_on_to_the_same_losses_and_weights(trained):
    folder, recipe = trained
    again = interrupt(folder, recipe, ranks=2)
    assert history(again) == history(folder)
    whole, resumed = (weights(path / "final") for path in (folder, again))
    assert all(whole[name].equal(resumed[name]) for name in whole)


@pytest.mark.slow
@pytest.mark.full
def test_what_is_dropped_after_an_interruption_is_what_would_have_been_dropped(tiny, tmp_path):
    lora = {"rank": 4, "alpha": 8, "dropout": 0.2}
    changes = {"lora": lora, "learning_rate": 5e-3, "gpus": 1, "deepspeed": "zero1"}
    recipe = imagery_recipe(tiny, run="run", **changes)
    done = run("stage1.py", recipe, tmp_path, ranks=1)
    assert done.returncode == 0, done.stderr[-3000:]
    again = interrupt(tmp_path / "run", recipe, ranks=1)
    assert history(again) == history(tmp_path / "run")
