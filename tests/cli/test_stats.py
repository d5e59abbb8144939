"""`idf stats`: what a dataset consists of, in tables and plots."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from idf.cli.stats import ModelTokens, shortened
from idf.data import Sample, open_dataset, write_dataset
from idf.drawing import decode_png
from tests.cli.running import one_sentence, run
from tests.data.samples import plain
from tests.sentences import line_that_says, says

PLOTS = ["actions.png", "answers.png", "difficulty.png", "distances.png", "kinds.png", "tokens.png"]
NOT_STATED = "not stated"  # how the heading of what meta does not say begins


def sample(number: int) -> Sample:
    meta: dict[str, Any] = {
        "scene": str(number // 2),
        "mode": ("vtqa", "tqa")[number % 2],
        "wording": "long",
        "noise": number % 4 == 0,
        "answer": ("red", "blue", "$x$")[number % 3],
        "actions": ["right", "front"][: 1 + number % 2],
        "measures": {"moves": number, "distance": number // 2},
    }
    kind, world = ("rollout", "step")[number % 2], ("cube_rolling", "wood_slide")[number % 4 == 3]
    return plain(number, pictures=1 - number % 2, world=world, kind=kind, meta=meta)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stats") / "d"
    write_dataset([sample(i) for i in range(12)], folder, {"stage": "imagery"})
    return folder


@pytest.fixture(scope="module")
def model(dataset: Path) -> Path:
    from idf.training.tiny import make_tiny_model

    out = dataset.parent / "tiny"
    make_tiny_model([open_dataset(dataset, made_by="-")], out)
    return out


def block(said: str, heading: str) -> list[list[str]]:
    """The cells of a table that was printed, its header first."""
    found = [part.split("\n")[1:] for part in said.strip().split("\n\n") if part.startswith(heading)]
    assert len(found) == 1, said
    return [line.split() for line in found[0]]


def test_tables_are_printed_and_nothing_is_written(capsys, dataset, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("stats", dataset) == 0
    said = capsys.readouterr().out
    assert said.startswith("12 samples, stage imagery\n\n")
    assert block(said, "samples") == [
        ["world", "difficulty", "rollout", "step", "all"],
        ["cube_rolling", "easy", "2", "1", "3"],
        ["cube_rolling", "medium", "2", "1", "3"],
        ["cube_rolling", "hard", "2", "1", "3"],
        ["wood_slide", "easy", "0", "1", "1"],
        ["wood_slide", "medium", "0", "1", "1"],
        ["wood_slide", "hard", "0", "1", "1"],
    ]
    assert block(said, "scenes") == [
        ["world", "samples", "scenes", "tqa", "vtqa", "long", "pictures", "noisy"],
        ["cube_rolling", "9", "6", "33.3%", "66.7%", "100.0%", "6", "50.0%"],
        ["wood_slide", "3", "3", "100.0%", "0.0%", "100.0%", "0", "-"],
    ]
    assert block(said, "answers")[1] == ["cube_rolling", "rollout", "6", "3", "33.3%", "$x$"]
    rows = [" ".join(cells) for cells in block(said, "measures")]
    assert rows[1:3] == [
        "cube_rolling distance 0 / 3 / 4 0 / 2 / 5 1 / 2 / 4",
        "cube_rolling moves 0 / 6 / 9 1 / 4 / 10 2 / 5 / 8",
    ]
    assert block(said, "actions")[1] == ["cube_rolling", "2", "of", "12", "right", "75.0%", "front", "25.0%"]
    line_that_says(said, "tokens (estimated)", "median / p90 / max")
    assert NOT_STATED not in said
    assert list(tmp_path.iterdir()) == []


def test_lengths_of_traces_are_a_table_of_their_own(capsys, tmp_path):
    told = [("full", "full"), ("full", "changes"), ("needed", "needed")]
    samples = [plain(i, pictures=0, meta={"length": a, "length_drawn": b}) for i, (a, b) in enumerate(told)]
    write_dataset(samples, tmp_path / "d", {"stage": "candidate traces"})
    assert run("stats", tmp_path / "d") == 0
    assert block(capsys.readouterr().out, "lengths of traces")[1] == ["cube_rolling", "2", "0", "1", "1"]


def test_what_meta_does_not_say_is_shown_and_topics_that_are_empty_are_left_out(capsys, tmp_path):
    write_dataset([plain(i, pictures=0) for i in range(3)], tmp_path / "d", {})
    assert run("stats", tmp_path / "d", "--out", tmp_path / "o") == 0
    said = capsys.readouterr().out
    assert ["cube_rolling", "measures", "3"] in block(said, NOT_STATED)
    assert [part for part in said.split("\n\n") if part.startswith("measures")] == []
    assert sorted(path.name for path in (tmp_path / "o").iterdir()) == [
        "actions.png",
        "kinds.png",
        "stats.json",
        "tokens.png",
    ]


def test_out_receives_the_numbers_and_a_plot_for_each_topic_the_same_every_time(dataset, tmp_path):
    for name in ("one", "two"):
        assert run("stats", dataset, "--out", tmp_path / "deep" / name) == 0
    one, two = (
        {path.name: path.read_bytes() for path in (tmp_path / "deep" / name).iterdir()} for name in ("one", "two")
    )
    assert sorted(one) == sorted([*PLOTS, "stats.json"])
    assert one == two
    stats = json.loads(one["stats.json"])
    assert stats["fingerprint"] == open_dataset(dataset, made_by="-").fingerprint()
    assert stats["worlds"]["cube_rolling"]["measures"]["moves"]["hard"] == {"2": 1, "5": 1, "8": 1}
    for name in PLOTS:
        assert np.std(decode_png(one[name])) > 1, f"{name} is blank"
        assert b"matplotlib" not in one[name].lower(), "a new version would change the file"


def test_a_plot_shows_what_the_numbers_say(tmp_path):
    for name, answer in (("one", "red"), ("two", "blue")):
        write_dataset([plain(0, meta=sample(0).meta | {"answer": answer})], tmp_path / name, {})
        assert run("stats", tmp_path / name, "--out", tmp_path / f"{name} out") == 0
    changed = [p for p in PLOTS if (tmp_path / "one out" / p).read_bytes() != (tmp_path / "two out" / p).read_bytes()]
    assert changed == ["answers.png"]


def test_with_a_model_tokens_are_those_of_its_processor(capsys, dataset, model):
    from idf.training.load import load_processor

    processor = load_processor(str(model))
    placeholder = processor.tokenizer.convert_tokens_to_ids("<|image_pad|>")
    count = ModelTokens(model)
    for one in open_dataset(dataset, made_by="-").samples():
        text = processor.apply_chat_template(one.messages, tokenize=False)
        pictures = [decode_png(image) for image in one.images]
        ids = list(processor(text=[text], images=pictures or None)["input_ids"][0])
        lengths = count(one)
        assert lengths.total == len(ids)
        assert lengths.vision == ids.count(placeholder)
        answer = one.messages[-1]["content"][0]["text"] + "<|im_end|>"
        assert lengths.answer == len(processor.tokenizer(answer)["input_ids"])
    assert run("stats", dataset, "--model", model) == 0
    said = capsys.readouterr().out
    line_that_says(said, "tokens", "exact", "tiny")
    assert "estimated" not in said


def test_no_pixel_is_decoded(dataset, monkeypatch):
    def refuse(*_: object) -> None:
        raise AssertionError("a picture was decoded")

    monkeypatch.setattr(Image.Image, "load", refuse)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", refuse)
    assert run("stats", dataset) == 0


def test_an_answer_stands_on_one_line_of_a_table():
    assert shortened("a\nb  c") == "a b c"
    assert shortened("x" * 24) == "x" * 24
    assert shortened("x" * 25) == "x" * 21 + "..."


# --- one sentence ------------------------------------------------------------------------------------------------


def test_an_empty_folder_is_one_sentence(capsys, tmp_path):
    assert run("stats", tmp_path) == 1
    says(one_sentence(capsys, "idf"), f"no dataset in {tmp_path}", f"`idf imagery --out {tmp_path}`")


@pytest.mark.parametrize("damage", ["manifest", "missing", "corrupt"])
def test_a_broken_folder_is_one_sentence_and_nothing_is_written(capsys, tmp_path, damage):
    folder = write_dataset([plain(0)], tmp_path / "d", {})
    if damage == "manifest":
        (folder.path / "dataset.json").write_text("{")
    elif damage == "missing":
        folder.shards[0].unlink()
    else:
        folder.shards[0].write_bytes(b"PAR1")
    assert run("stats", folder.path, "--out", tmp_path / "o") == 1
    broken = "dataset.json" if damage == "manifest" else "train-00000.parquet"
    assert broken in one_sentence(capsys, "idf")
    assert not (tmp_path / "o").exists()


def test_a_picture_that_is_none_is_one_sentence_that_names_its_sample(capsys, tmp_path):
    write_dataset([plain(0), plain(1, images=[b"no picture"])], tmp_path / "d", {})
    assert run("stats", tmp_path / "d", "--out", tmp_path / "o") == 1
    says(one_sentence(capsys, "idf"), "sample plain:1", "picture", "cannot be read")
    assert not (tmp_path / "o").exists()


def test_a_model_that_is_not_there_is_one_sentence(capsys, dataset, tmp_path):
    assert run("stats", dataset, "--model", tmp_path / "none") == 1
    says(one_sentence(capsys, "idf"), "--model", "no folder", tmp_path / "none")
    assert run("stats", dataset, "--model", tmp_path) == 1
    says(one_sentence(capsys, "idf"), "no model", tmp_path)


def test_out_that_is_a_file_is_one_sentence(capsys, dataset, tmp_path):
    (tmp_path / "o").write_text("mine")
    assert run("stats", dataset, "--out", tmp_path / "o") == 1
    says(one_sentence(capsys, "idf"), "--out", tmp_path / "o", "file", "folder")


def test_plots_without_matplotlib_are_refused_before_the_work_and_tables_need_none(
    capsys, dataset, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert run("stats", dataset, "--out", tmp_path / "o") == 1
    says(one_sentence(capsys, "idf"), "matplotlib", "pip install", "leave out --out")
    assert not (tmp_path / "o").exists()
    assert run("stats", dataset) == 0
