"""Several dataset folders as one."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from idf.cli.main import main
from idf.data import DatasetFolder, mix_datasets, open_dataset
from idf.imagery import ImageryRecipe, build_imagery
from idf.traces import FilterRecipe, TracesRecipe, build_traces, filter_traces
from idf.training.recipe import StageRecipe
from idf.training.reproduce import reproduce
from idf.training.stage import checkpoint_facts
from tests.sentences import line_that_says, refused

WORLDS = {"cube_rolling": 1.0}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[DatasetFolder, DatasetFolder]:
    root = tmp_path_factory.mktemp("mixture")
    build_imagery(ImageryRecipe(samples=40, worlds=WORLDS, max_pixels=12544), root / "imagery")
    build_traces(TracesRecipe(problems=12, worlds=WORLDS, max_pixels=12544), root / "candidates")
    filter_traces(open_dataset(root / "candidates", made_by="-"), root / "traces", FilterRecipe(keep=10))
    return open_dataset(root / "imagery", made_by="-"), open_dataset(root / "traces", made_by="-")


def test_every_sample_is_there_as_often_as_asked_unchanged_and_mixed(folders, tmp_path):
    imagery, traces = folders
    mixed = mix_datasets([(imagery, 1), (traces, 2)], tmp_path / "mixed")
    found = list(open_dataset(mixed.path, made_by="-").samples())
    before = {sample.id: sample for folder in folders for sample in folder.samples()}
    for sample in found:
        assert sample.messages == before[sample.id.partition("#")[0]].messages
        assert sample.images == before[sample.id.partition("#")[0]].images
    assert len({sample.id for sample in found}) == len(found) == 60
    assert Counter(sample.id.partition("#")[0] for sample in found) == {
        id: 2 if id.startswith("trace:") else 1 for id in before
    }
    kinds = "".join("t" if sample.kind == "trace" else "i" for sample in found)
    assert kinds.count("it") + kinds.count("ti") > 10  # neither stands in one piece


def test_the_manifest_says_what_it_was_mixed_of(folders, tmp_path):
    imagery, traces = folders
    manifest = mix_datasets([(imagery, 1), (traces, 2)], tmp_path / "mixed", seed=3).manifest
    assert manifest["stage"] == "mixture"
    assert manifest["split"] == "train"
    assert manifest["published"] == imagery.manifest["published"]
    assert [(part["folder"], part["times"], part["fingerprint"]) for part in manifest["source"]] == [
        ("imagery", 1, imagery.fingerprint()),
        ("traces", 2, traces.fingerprint()),
    ]
    assert "idf mix" in (tmp_path / "mixed/README.md").read_text()


def test_the_same_folders_give_the_same_bytes_and_another_seed_others(folders, tmp_path):
    imagery, traces = folders
    prints = [
        mix_datasets([(imagery, 1), (traces, 1)], tmp_path / name, seed).fingerprint()
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    ]
    assert prints[0] == prints[1] != prints[2]


def test_what_is_no_mixture_is_refused(folders, tmp_path):
    imagery, traces = folders
    with refused("mixture", "at least two"):
        mix_datasets([(imagery, 2)], tmp_path / "a")
    with refused(traces.path, "at least once", 0):
        mix_datasets([(imagery, 1), (traces, 0)], tmp_path / "b")
    with refused("two samples", f"id {next(imagery.samples()).id}", "same seed"):
        mix_datasets([(imagery, 1), (imagery, 1)], tmp_path / "c")
    assert not (tmp_path / "c/dataset.json").exists()


def test_the_command_takes_a_folder_several_times(folders, tmp_path, capsys):
    imagery, traces = folders
    with pytest.raises(SystemExit) as ending:
        main(["mix", str(imagery.path), f"{traces.path}:3", "--out", str(tmp_path / "mixed")])
    assert ending.value.code == 0
    line_that_says(capsys.readouterr().out, "70 samples", "2 datasets")


def test_a_checkpoint_that_learned_from_a_mixture_says_how_to_make_it(folders, tmp_path):
    imagery, traces = folders
    mixed = mix_datasets([(imagery, 1), (traces, 2)], tmp_path / "mixed", seed=5)
    recipe = StageRecipe(stage="imagery", model="base", data=str(mixed.path), run="run")
    (tmp_path / "idf.json").write_text(json.dumps(checkpoint_facts(recipe, mixed) | {"step": 1}))
    script = reproduce(tmp_path)
    commands = [line for line in script.splitlines() if line.startswith(("idf ", "torchrun "))]
    assert [command.partition(" --recipe")[0] for command in commands] == [
        "idf imagery",
        "idf traces",
        "idf filter candidates",
        f"idf mix imagery:1 traces:2 --seed 5 --out {mixed.path}",
        "torchrun --nproc_per_node 1 launch/stage1.py",
    ]
    for folder in (imagery, traces, mixed):
        assert folder.fingerprint() in script
