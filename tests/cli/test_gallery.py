"""`idf gallery`: pictures and conversations on one page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from idf.data import conversation, open_dataset, text_of, write_dataset
from idf.suites import read_suite
from tests.cli.running import one_sentence, run
from tests.data.samples import plain


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gallery") / "s"
    assert run("suite", "--out", folder, "--items", 3, "worlds=[cube_rolling, rubiks_cube]", "max_pixels=3136") == 0
    return folder


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gallery") / "d"
    samples = [plain(i, pictures=i % 2) for i in range(8)]
    script = conversation("<script>ask()</script>", "<img src=x>\nAnswer: 1", with_picture=False)
    write_dataset([*samples, plain(8, pictures=0, messages=script, id="<b>8</b>")], folder, {})
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
    assert page.count('<img src="data:image/png;base64,') == page.count("<img") == 18
    assert page.count("<pre>Answer: ") == 18
    assert "{{" not in page


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
    assert "<img src=x" not in page
    assert "&lt;script&gt;ask()&lt;/script&gt;" in page
    assert "&lt;b&gt;8&lt;/b&gt;" in shown(tmp_path / "page.html")


def test_a_folder_that_is_neither_is_one_sentence(capsys, tmp_path):
    assert run("gallery", tmp_path, "--out", tmp_path / "page.html") == 1
    assert one_sentence(capsys, "idf") == f"{tmp_path} is neither a dataset (dataset.json) nor a suite (suite.json)"
    assert not (tmp_path / "page.html").exists()


def test_a_missing_picture_of_a_suite_is_one_sentence(tmp_path):
    assert run("suite", "--out", tmp_path / "s", "--items", 1, "worlds=[cube_rolling]", "max_pixels=3136") == 0
    next((tmp_path / "s" / "pictures").iterdir()).unlink()
    assert run("gallery", tmp_path / "s", "--out", tmp_path / "page.html") == 1
