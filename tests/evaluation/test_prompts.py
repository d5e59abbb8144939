"""`idf prompts`: what is written is what idf-eval asks, and it comes whole or not at all."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from PIL import Image
from pydantic import ConfigDict, TypeAdapter, with_config

from idf.backends import OpenAIBackend, Sampling
from idf.evaluation import EvaluationRecipe, write_prompts
from idf.evaluation.run import prompts as prompts_module
from idf.evaluation.run.custom_id import LONGEST, asked_by, custom_id, id_of, plain_name
from idf.evaluation.run.queries import Form, Requests, all_asks
from idf.suites import MODES, Item, SuiteRecipe, generate_suite, open_suite
from idf.worlds import WORLDS
from tests.sentences import refused
from tests.suites.published import write_clone

PIXELS = 100_000


def as_lines(suite: object, *modes: str, **keys: Any) -> EvaluationRecipe:
    """The evaluation of responses that are not there yet."""
    asked = {"modes": list(modes)} if modes else {}
    return EvaluationRecipe.of(responses="FILE", suite=str(suite), **asked, **{"max_pixels": PIXELS} | keys)


def as_batch(suite: object, *modes: str, **keys: Any) -> EvaluationRecipe:
    """The evaluation of a model that a batch asks."""
    asked = {"modes": list(modes)} if modes else {}
    told = {"checkpoint": "m", "backend": "openai", "max_pixels": PIXELS}
    return EvaluationRecipe.of(suite=str(suite), **asked, **told | keys)


def write(recipe: EvaluationRecipe, out: Path, **options: Any) -> dict[str, Any]:
    return write_prompts(recipe, out, show=False, **options)


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prompts") / "suite"
    generate_suite(SuiteRecipe(items=2, difficulties=["easy"], max_pixels=PIXELS), folder)
    return folder


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published suite with a picture file for each item, of noise: a drawing is told from it."""
    folder = write_clone(tmp_path_factory.mktemp("published") / "clone")
    random = np.random.default_rng(0)
    for item in open_suite(f"spatialite:{folder}"):
        assert item.picture is not None
        item.picture.parent.mkdir(exist_ok=True)
        Image.fromarray(random.integers(0, 256, (450, 301, 3), np.uint8)).save(item.picture)
    return folder


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def pixels(file: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(file), formats=["PNG"]).convert("RGB"))


def asked_by_idf_eval(
    items: list[Item], modes: list[str], form: Form, samples: int = 1
) -> dict[tuple[str, str, int], Any]:
    asks = all_asks(items, modes, samples)
    return {(a.item.id, a.mode, a.sample): r for a, r in zip(asks, Requests(asks, form), strict=True)}


# --- prompts and pictures ----------------------------------------------------------------------------------------


def test_text_and_pixels_are_those_that_idf_eval_asks_with(suite, tmp_path):
    write(as_lines(suite, "vtqa", "tqa", "vqa"), tmp_path / "out")
    expected = asked_by_idf_eval(open_suite(str(suite)), ["vtqa", "tqa", "vqa"], Form("idf-long-1", PIXELS))
    rows = rows_of(tmp_path / "out" / "prompts.jsonl")
    assert {(row["id"], row["mode"], row["sample"]) for row in rows} == set(expected)
    assert len(rows) == len(expected) == 30
    for row in rows:
        request = expected[row["id"], row["mode"], row["sample"]]
        (message,) = row["messages"]
        texts = [part for part in message["content"] if part["type"] == "text"]
        shown = [part for part in message["content"] if part["type"] == "image"]
        assert texts == [part for part in request.messages[0]["content"] if part["type"] == "text"]
        assert len(shown) == (row["mode"] != "tqa")
        for part in shown:
            assert (pixels((tmp_path / "out" / part["image"]).read_bytes()) == request.picture).all()


@pytest.mark.parametrize(("pictures", "drawn"), [("auto", ["wood_slide"]), ("published", []), ("drawn", list(WORLDS))])
def test_a_published_suite_shows_its_files_or_drawings_as_idf_eval_does(clone, tmp_path, pictures, drawn):
    suite = f"spatialite:{clone}"
    write(as_lines(suite, pictures=pictures), tmp_path / "out")
    expected = asked_by_idf_eval(open_suite(suite), ["vtqa"], Form("idf-long-1", PIXELS, frozenset(drawn)))
    rows = rows_of(tmp_path / "out" / "prompts.jsonl")
    assert len(rows) == 12
    for row in rows:
        file = tmp_path / "out" / row["messages"][0]["content"][0]["image"]
        assert (pixels(file.read_bytes()) == expected[row["id"], "vtqa", 0].picture).all()


def test_a_picture_is_written_once_for_all_modes_and_samples(suite, tmp_path):
    told = write(as_lines(suite, "vtqa", "vqa", samples=3, limit=1), tmp_path / "out")
    assert len(list((tmp_path / "out" / "pictures").iterdir())) == 5
    rows = rows_of(tmp_path / "out" / "prompts.jsonl")
    assert told["requests"] == len(rows) == 5 * 2 * 3
    assert {row["sample"] for row in rows} == {0, 1, 2}


def test_a_suite_asked_by_text_alone_has_no_pictures(suite, tmp_path):
    write(as_lines(suite, "tqa"), tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["prompts.json", "prompts.jsonl"]


def test_the_manifest_says_what_decides_the_prompts(suite, tmp_path):
    recipe = as_lines(suite, limit=1, duplicates="drop", prompts="idf-short-1", max_pixels=None)
    told = write(recipe, tmp_path / "out")
    assert json.loads((tmp_path / "out" / "prompts.json").read_text()) == told
    expected = {"suite": str(suite), "modes": ["vtqa"], "limit": 1, "duplicates": "drop", "samples": 1, "items": 5}
    assert {key: told[key] for key in expected} == expected
    assert (told["prompts"], told["pictures"], told["files"]) == ("idf-short-1", "auto", ["prompts.jsonl"])
    assert told["max_pixels"] == 1_204_224
    assert {"idf", "wood_slide"} <= set(told["versions"])
    assert re.fullmatch("[0-9a-f]{64}", told["suite_sha256"])


# --- whole or not at all -----------------------------------------------------------------------------------------


def test_an_empty_folder_is_filled(suite, tmp_path):
    (tmp_path / "out").mkdir()
    write(as_lines(suite, "tqa"), tmp_path / "out")
    assert (tmp_path / "out" / "prompts.json").exists()


def test_a_folder_that_holds_something_is_refused_and_stays_as_it_is(suite, tmp_path):
    recipe = as_lines(suite, "tqa", limit=1)
    write(recipe, tmp_path / "out")
    before = {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    with refused(tmp_path / "out", "exported prompts", "another folder"):
        write(recipe, tmp_path / "out")
    assert {path: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("mine")
    with refused(tmp_path / "notes", "not empty"):
        write(recipe, tmp_path / "notes")
    with refused(tmp_path / "notes" / "mine.txt", "is a file"):
        write(recipe, tmp_path / "notes" / "mine.txt")


def test_what_fails_in_the_middle_leaves_nothing(clone, tmp_path):
    broken = open_suite(f"spatialite:{clone}")[-2].picture
    assert broken is not None
    whole = broken.read_bytes()
    try:
        broken.write_bytes(whole[:100])
        with refused(broken, "cannot be read"):
            write(as_lines(f"spatialite:{clone}"), tmp_path / "out")
    finally:
        broken.write_bytes(whole)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"prompts": "official-2025"}, ("cube_rolling:easy:0", "official-2025", "not a published item")),
        ({"pictures": "both"}, ("--pictures both", "auto", "published")),
        ({"suite": None}, ("suite",)),
        ({"responses": None, "baseline": "oracle"}, ("stored responses", "openai")),
    ],
)
def test_what_cannot_be_asked_is_one_sentence_and_nothing_is_written(suite, tmp_path, keys, said):
    recipe = dataclasses.replace(as_lines(suite), **keys)
    with refused(*said):
        write(recipe, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


# --- the batch form ----------------------------------------------------------------------------------------------


def strictly(kind: Any) -> TypeAdapter[Any]:
    """A validator of one of openai's types that takes no key beside its own."""
    return TypeAdapter(with_config(ConfigDict(extra="forbid"))(kind))


def test_a_batch_holds_the_bodies_that_an_endpoint_would_get_in_openais_own_types(suite, tmp_path):
    body_type = strictly(CompletionCreateParamsNonStreaming)
    same = {"extra_body": {"reasoning_effort": "low"}, "stop": ["END"], "system": "Be brief."}
    same["token_limit_key"] = "max_completion_tokens"
    sampling = {"max_new_tokens": 77, "temperature": 0.7, "top_p": 0.9, "seed": 3}
    told = write(as_batch(suite, "vtqa", "tqa", samples=2, **same, **sampling), tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["batch-00001.jsonl", "prompts.json"]
    assert {key: told[key] for key in ("model", *same, *sampling)} == {"model": "m"} | same | sampling
    endpoint = OpenAIBackend("m", sampling=Sampling(**sampling), **same)
    expected = asked_by_idf_eval(open_suite(str(suite)), ["vtqa", "tqa"], Form("idf-long-1", PIXELS), samples=2)
    rows = rows_of(tmp_path / "out" / "batch-00001.jsonl")
    assert {asked_by(row["custom_id"]) for row in rows} == set(expected)
    assert len(rows) == len(expected)
    for row in rows:
        assert set(row) == {"custom_id", "method", "url", "body"}
        assert (row["method"], row["url"]) == ("POST", "/v1/chat/completions")
        assert row["body"] == endpoint.body(expected[asked_by(row["custom_id"])])
        found = body_type.validate_python(row["body"])
        for message in found["messages"]:  # pydantic looks at these only now
            assert isinstance(message["content"], str) or list(message["content"])
    assert len({row["body"]["seed"] for row in rows}) == len(rows), "each sample is drawn with a seed of its own"


def test_the_pixels_of_a_batch_are_those_of_the_png_files(suite, tmp_path):
    for name, recipe in (("lines", as_lines(suite, "vqa")), ("batch", as_batch(suite, "vqa"))):
        write(recipe, tmp_path / name)
    files = {
        (row["id"], row["mode"], row["sample"]): tmp_path / "lines" / row["messages"][0]["content"][0]["image"]
        for row in rows_of(tmp_path / "lines" / "prompts.jsonl")
    }
    for row in rows_of(tmp_path / "batch" / "batch-00001.jsonl"):
        kind, _, data = row["body"]["messages"][0]["content"][0]["image_url"]["url"].partition(",")
        assert kind == "data:image/png;base64"
        assert (pixels(base64.b64decode(data)) == pixels(files[asked_by(row["custom_id"])].read_bytes())).all()


def test_a_batch_at_the_services_own_temperature_sends_no_sampling(suite, tmp_path):
    write(as_batch(suite, "tqa", temperature="default"), tmp_path / "o")
    assert {*rows_of(tmp_path / "o" / "batch-00001.jsonl")[0]["body"]} == {"model", "messages", "max_tokens"}


def test_no_key_of_the_surroundings_stands_in_what_is_written(suite, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    write(as_batch(suite, "tqa"), tmp_path / "o")
    assert not [path for path in (tmp_path / "o").iterdir() if "sk-secret" in path.read_text()]


def test_files_of_a_batch_stay_within_what_the_service_takes(suite, tmp_path, monkeypatch):
    monkeypatch.setattr(prompts_module, "MOST_REQUESTS", 4)
    told = write(as_batch(suite, "tqa"), tmp_path / "n")
    assert told["files"] == ["batch-00001.jsonl", "batch-00002.jsonl", "batch-00003.jsonl"]
    assert [len(rows_of(tmp_path / "n" / name)) for name in told["files"]] == [4, 4, 2]
    monkeypatch.undo()
    # of 10 requests, three fit into a million bytes
    told = write(as_batch(suite, "tqa", system="x" * 300_000), tmp_path / "b", file_megabytes=1)
    assert [len(rows_of(tmp_path / "b" / name)) for name in told["files"]] == [3, 3, 3, 1]
    assert all((tmp_path / "b" / name).stat().st_size <= 10**6 for name in told["files"])
    assert len({row["custom_id"] for name in told["files"] for row in rows_of(tmp_path / "b" / name)}) == 10


def test_a_request_that_no_file_holds_is_refused_by_its_item(suite, tmp_path):
    with refused("cube_rolling:easy:0", "1,000,000", "--file-megabytes", "--max-pixels"):
        write(as_batch(suite, "tqa", system="x" * 10**6), tmp_path / "out", file_megabytes=1)
    with refused("--file-megabytes", 1, 0):
        write(as_batch(suite, "tqa"), tmp_path / "out", file_megabytes=0)
    assert list(tmp_path.iterdir()) == []


def test_an_id_that_is_too_long_for_a_batch_is_refused_by_its_item(tmp_path):
    long = "cube_rolling_samples_" + "of_many_kinds_" * 4
    published = write_clone(tmp_path / "clone")
    rolls = published / "data" / "cube_rolling"
    (rolls / f"{long}.json").write_text((rolls / "cube_rolling_samples.json").read_text())
    suite = f"spatialite:{published}:{long}.json"
    with refused(f"{long}:0", "custom_id", LONGEST):
        write(as_batch(suite, "tqa"), tmp_path / "out")
    write(as_lines(suite, "tqa"), tmp_path / "out")


# --- names of requests -------------------------------------------------------------------------------------------

SAFE = re.compile(r"[A-Za-z0-9_-]{1,64}")


@given(st.text(max_size=14), st.sampled_from(MODES), st.integers(0, 9999))
def test_the_name_of_a_request_gives_item_mode_and_sample_back(id, mode, sample):
    try:
        name = custom_id(id, mode, sample)
    except ValueError:
        assert len(plain_name(id)) > LONGEST - len("vtqa-9999-"), "only a long one has no name"
        return
    assert SAFE.fullmatch(name)
    assert asked_by(name) == (id, mode, sample)


@given(st.text())
def test_a_plain_name_gives_the_id_back(id):
    assert re.fullmatch("[A-Za-z0-9_-]*", plain_name(id))
    assert id_of(plain_name(id)) == id


def test_the_names_of_usual_ids_can_be_read():
    assert custom_id("cube_rolling:easy:17", "vtqa", 0) == "vtqa-0-cube_rolling-easy-17"
    assert custom_id("wood_slide_samples_no_descrip:17", "tqa", 12) == "tqa-12-wood_slide_samples_no_descrip-17"


@given(st.from_regex(r"(vtqa|vqa|tqa|audio)-[0-9]{1,3}-[A-Za-z0-9_:Zz-]{0,9}", fullmatch=True))
def test_no_two_names_stand_for_one_request(name):
    try:
        found = asked_by(name)
    except ValueError:
        return
    assert custom_id(*found) == name


@pytest.mark.parametrize(
    "name", ["request-1", "", None, 7, "vtqa-0", "audio-0-a", "vtqa-x-a", "vtqa-00-a", "vtqa-0-Z3a", "vtqa-0-ZFF"]
)
def test_names_of_others_are_refused(name):
    with refused("custom_id", "idf prompts", by=ValueError):
        asked_by(name)
