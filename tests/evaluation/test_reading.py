"""Reading an evaluation back."""

from __future__ import annotations

import json

import pytest

from idf.evaluation import read_results, read_samples
from tests.evaluation.folders import folder, told
from tests.sentences import refused


def test_what_was_written_is_read(tmp_path):
    rows = told([1, 2])
    assert read_samples(folder(tmp_path, rows)) == rows
    assert read_results(tmp_path)["run"]["evaluated"] == "me"


def test_rows_of_an_older_version_are_read_without_what_they_do_not_say(tmp_path):
    folder(tmp_path, told([], 1))
    line = json.loads((tmp_path / "samples.jsonl").read_text())
    for name in ("sample", "cluster", "size", "solved_prefix", "cause", "wrong_step", "cause_detail"):
        del line[name]
    (tmp_path / "samples.jsonl").write_text(json.dumps(line | {"later": 1}) + "\n\n")
    (row,) = read_samples(tmp_path)
    assert (row.id, row.sample, row.cluster) == ("cube_rolling:easy:0", 0, "")


def test_a_folder_without_results_or_samples_is_one_sentence(tmp_path):
    with refused("no results", tmp_path, f"idf-eval --out {tmp_path}"):
        read_results(tmp_path)
    with refused("no samples", tmp_path, f"idf-eval --out {tmp_path}", "samples.jsonl"):
        read_samples(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", "7", '{"worlds": {}}', '{"worlds": [], "run": {}}'])
def test_results_that_are_none_are_refused(tmp_path, text):
    (tmp_path / "results.json").write_text(text)
    with refused(tmp_path / "results.json", "no results"):
        read_results(tmp_path)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", ("scored response",)),
        ("[]", ("scored response", "must be an object")),
        ('{"id": "x"}', ("scored response", "key 'world'", "missing")),
    ],
)
def test_a_broken_line_is_named(tmp_path, line, said):
    folder(tmp_path, told([], 1))
    path = tmp_path / "samples.jsonl"
    path.write_text(path.read_text() + line + "\n")
    with refused(f"{path}, line 2", *said):
        read_samples(tmp_path)


def test_a_row_twice_and_no_row_are_refused(tmp_path):
    folder(tmp_path, told([], 1))
    path = tmp_path / "samples.jsonl"
    path.write_text(2 * path.read_text())
    with refused(f"{path}, line 2", "sample 0", "item cube_rolling:easy:0", "mode tqa", "once more"):
        read_samples(tmp_path)
    path.write_text("\n")
    with refused(path, "no rows"):
        read_samples(tmp_path)
    line = json.dumps(told([], 1)[0].to_json() | {"correct": 1})
    path.write_text(line)
    with refused(f"{path}, line 1", "correct must", "true or false", "not 1"):
        read_samples(tmp_path)
