"""`idf gallery`: pictures and conversations on one page."""

from __future__ import annotations

import re
from base64 import b64decode
from pathlib import Path

import numpy as np
import pytest

from idf.data import _folder as folder_module
from idf.data import conversation, open_dataset, text_of, write_dataset
from idf.drawing import decode_png, encode_png
from idf.suites import read_suite
from tests.cli.running import one_sentence, run
from tests.data.samples import plain
from tests.evaluation.conftest import chromium  # noqa: F401 (a fixture)
from tests.looks import LOST
from tests.sentences import says


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gallery") / "s"
    assert run("suite", "--out", folder, "--items", 3, "worlds=[cube_rolling, rubiks_cube]", "max_pixels=3136") == 0
    return folder


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gallery") / "d"
    samples = [plain(i, pictures=i % 2) for i in range(8)]
    meta = {"mode": "<i>", "measures": {"<u>": "</section>"}}
    script = conversation("<script>ask()</script>", "<img src=x>\nAnswer: 1", with_picture=False)
    write_dataset([*samples, plain(8, pictures=0, messages=script, meta=meta, id="<b>8</b>")], folder, {})
    return folder


def shown(page: Path) -> list[str]:
    return re.findall("<h2>(.*?)</h2>", page.read_text(encoding="utf-8"))


def test_a_page_shows_items_of_every_world_and_difficulty_in_turn(capsys, suite, tmp_path):
    out = tmp_path / "deep" / "page.html"
    assert run("gallery", suite, "--out", out, "--limit", 8) == 0
    assert capsys.readouterr().out == f"8 shown in {out}\n"
    kinds = [f"{w}:{d}" for w in ("cube_rolling", "rubiks_cube") for d in ("easy", "hard", "medium")]
    assert shown(out) == [f"{kind}:0" for kind in kinds] + [f"{kind}:1" for kind in kinds[:2]]


def test_a_page_holds_its_pictures_and_the_truth_of_every_item(suite, tmp_path):
    assert run("gallery", suite, "--out", tmp_path / "page.html") == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert len(shown(tmp_path / "page.html")) == len(read_suite(suite)) == 18
    assert page.count('<img src="data:image/jpeg;base64,') == page.count("<img") == 18
    assert page.count("<pre>Answer: ") == 18
    assert "{{" not in page


def test_samples_of_every_world_and_kind_are_shown_in_turn(tmp_path):
    kinds = ["rollout"] * 5 + ["step"] * 2
    samples = [plain(i, kind=kind) for i, kind in enumerate(kinds)] + [plain(7, world="wood_slide")]
    write_dataset(samples, tmp_path / "d", {})
    for limit, wanted in ((1, "0"), (3, "057"), (5, "05716"), (6, "057162"), (40, "05716234")):
        assert run("gallery", tmp_path / "d", "--out", tmp_path / "page.html", "--limit", limit) == 0
        assert shown(tmp_path / "page.html") == [f"plain:{number}" for number in wanted]


def test_a_sample_is_found_in_whichever_shard_it_stands(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_module, "ROWS_PER_SHARD", 3)
    samples = [plain(i) for i in range(7)] + [plain(7, kind="step")]
    write_dataset(samples, tmp_path / "d", {})
    assert run("gallery", tmp_path / "d", "--out", tmp_path / "page.html", "--limit", 2) == 0
    assert shown(tmp_path / "page.html") == ["plain:0", "plain:7"]


def test_a_sample_says_its_kind_its_measures_and_its_length_in_tokens(tmp_path):
    meta = {"mode": "vqa", "wording": "short", "noise": True, "measures": {"rolls": 12}, "seed": 99}
    messages = conversation("red blue", "red", with_picture=True)
    write_dataset([plain(0, kind="inverse", meta=meta, messages=messages)], tmp_path / "d", {})
    assert run("gallery", tmp_path / "d", "--out", tmp_path / "page.html") == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    labels = re.findall("<span><b>(.*?)</b> (.*?)</span>", page)
    assert labels == [
        ("world", "cube_rolling"),
        ("kind", "inverse"),
        ("difficulty", "easy"),
        ("mode", "vqa"),
        ("wording", "short"),
        ("noise", "True"),
        ("rolls", "12"),
        ("tokens (estimated)", "prompt 24 + answer 2 + vision 4"),
        ("total", "30"),
    ]


def test_with_a_model_the_tokens_are_counted_exactly(dataset, tmp_path):
    from idf.training.tiny import make_tiny_model

    make_tiny_model([open_dataset(dataset, made_by="-")], tmp_path / "tiny")
    assert run("gallery", dataset, "--out", tmp_path / "page.html", "--model", tmp_path / "tiny") == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    lengths = [label for label in re.findall("<span><b>(.*?)</b>", page) if label.startswith("tokens")]
    assert len(lengths) == 9
    for label in lengths:
        says(label, "exact", "tiny")
    assert "estimated" not in page


def test_a_large_picture_is_shown_small_with_its_size_in_words(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (868, 1344, 3), np.uint8)
    write_dataset([plain(0, images=[encode_png(noise)])], tmp_path / "d", {})
    assert run("gallery", tmp_path / "d", "--out", tmp_path / "page.html") == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    data = re.findall('<img src="data:image/jpeg;base64,(.*?)" width="448" height="289"', page)
    assert len(data) == 1
    assert decode_png(b64decode(data[0])).shape == (289, 448, 3)
    assert "<figcaption>1344 x 868</figcaption>" in page
    assert len(page) < 200_000


def test_a_dataset_shows_its_conversations_with_as_many_pictures_as_they_have(dataset, tmp_path):
    assert run("gallery", dataset, "--out", tmp_path / "page.html") == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    samples = list(open_dataset(dataset, made_by="test").samples())
    assert page.count("<section>") == 9
    assert page.count("<img") == sum(len(sample.images) for sample in samples) == 4
    assert all(f"<pre>{text_of(sample.messages[0])}</pre>" in page for sample in samples[:8])


def test_nothing_that_a_conversation_says_becomes_part_of_the_page(dataset, tmp_path):
    assert run("gallery", dataset, "--out", tmp_path / "page.html") == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "default-src 'none'" in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;ask()&lt;/script&gt;" in page
    assert "&lt;b&gt;8&lt;/b&gt;" in shown(tmp_path / "page.html")
    assert "<i>" not in page
    assert "<u>" not in page
    assert page.count("</section>") == 9


def test_a_folder_that_is_neither_is_one_sentence(capsys, tmp_path):
    assert run("gallery", tmp_path, "--out", tmp_path / "page.html") == 1
    says(one_sentence(capsys, "idf"), tmp_path, "neither", "dataset.json", "suite.json")
    assert not (tmp_path / "page.html").exists()


def test_a_missing_picture_of_a_suite_is_one_sentence(tmp_path):
    assert run("suite", "--out", tmp_path / "s", "--items", 1, "worlds=[cube_rolling]", "max_pixels=3136") == 0
    next((tmp_path / "s" / "pictures").iterdir()).unlink()
    assert run("gallery", tmp_path / "s", "--out", tmp_path / "page.html") == 1


def test_a_dataset_that_is_broken_is_one_sentence(capsys, tmp_path):
    write_dataset([plain(0)], tmp_path / "d", {}).shards[0].unlink()
    assert run("gallery", tmp_path / "d", "--out", tmp_path / "page.html") == 1
    says(one_sentence(capsys, "idf"), "train-00000.parquet", "missing")
    assert not (tmp_path / "page.html").exists()


def test_a_picture_that_is_none_is_one_sentence_that_names_its_sample(capsys, tmp_path):
    write_dataset([plain(0, images=[encode_png(np.zeros((56, 56, 3), np.uint8))[:64]])], tmp_path / "d", {})
    assert run("gallery", tmp_path / "d", "--out", tmp_path / "page.html") == 1
    says(one_sentence(capsys, "idf"), "sample plain:0", "not a readable picture")


def test_a_page_in_the_place_of_a_folder_is_one_sentence(capsys, dataset, tmp_path):
    assert run("gallery", dataset, "--out", tmp_path) == 1
    says(one_sentence(capsys, "idf"), "--out", tmp_path, "folder", "HTML file")


def test_a_phone_loses_nothing_of_the_page(chromium, suite, tmp_path):  # noqa: F811
    long = "x" * 300
    meta = {"mode": long, "measures": {"rolls": 12, long: 1}}
    samples = [
        plain(0, pictures=2, id=long, meta=meta, messages=conversation(long, long, with_picture=False)),
        plain(1),
    ]
    write_dataset(samples, tmp_path / "d", {})
    context = chromium.new_context(viewport={"width": 390, "height": 800}, is_mobile=True)
    page = context.new_page()
    for source in (suite, tmp_path / "d"):
        assert run("gallery", source, "--out", tmp_path / "page.html") == 0
        page.goto((tmp_path / "page.html").as_uri())
        assert page.evaluate("innerWidth") == 390
        assert page.evaluate(LOST) == []
        assert page.locator("section").first.evaluate("one => one.scrollWidth <= one.clientWidth"), (
            "nothing to scroll to"
        )
    context.close()
