"""A checkpoint that is damaged after it was written: it is told, and the run goes back to the newest whole one."""

from __future__ import annotations

import json
import shutil

import pytest

from idf.recipe import to_plain
from idf.training.checkpoint import find_resume
from idf.training.recipe import StageRecipe
from idf.training.whole import FILES, damage, lacks, seal, write_list
from tests.sentences import line_that_says, refused


@pytest.fixture
def recipe(tmp_path):
    """The recipe of a run of two ranks with the checkpoints 2, 4 and 6, of files that are none of ours but for idf.json."""
    recipe = StageRecipe("imagery", "base", "data", str(tmp_path / "run"))
    for step in (2, 4, 6):
        folder = tmp_path / f"run/checkpoint-{step}"
        (folder / "state/zero").mkdir(parents=True)
        (folder / "model.safetensors").write_bytes(bytes(range(200)) * step)
        (folder / "tokenizer.json").write_text("{}")
        (folder / "state/progress.json").write_text(json.dumps({"step": step, "losses": []}))
        for rank in (0, 1):
            (folder / f"state/random-{rank}.pt").write_bytes(b"r" * 50)
            (folder / f"state/zero/bf16_zero_pp_rank_{rank}_mp_rank_00_optim_states.pt").write_bytes(b"o" * 500)
        facts = {"recipe": to_plain(recipe), "data": {"fingerprint": "f"}, "ranks": 2, "stage": "imagery", "step": step}
        (folder / "idf.json").write_text(json.dumps(facts))
        write_list(folder, [seal(folder, rank) for rank in (0, 1)])
    return recipe


def test_every_file_is_listed_by_the_rank_that_wrote_it(recipe, tmp_path):
    folder = tmp_path / "run/checkpoint-2"
    parts = [seal(folder, rank) for rank in (0, 1)]
    assert set(parts[1]) == {"state/random-1.pt", "state/zero/bf16_zero_pp_rank_1_mp_rank_00_optim_states.pt"}
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {FILES}
    assert set(parts[0]) | set(parts[1]) == there
    assert not set(parts[0]) & set(parts[1])
    assert damage(folder) is None


def cut(path):
    path.write_bytes(path.read_bytes()[:-7])


def changed(path):
    content = bytearray(path.read_bytes())
    content[3] ^= 1
    path.write_bytes(content)


def removed(path):
    path.unlink()


DAMAGES = [
    (cut, "model.safetensors"),
    (changed, "model.safetensors"),
    (cut, "state/zero/bf16_zero_pp_rank_1_mp_rank_00_optim_states.pt"),
    (cut, "state/progress.json"),
    (removed, "state/random-1.pt"),
    (removed, "tokenizer.json"),
    (cut, FILES),
]


@pytest.mark.parametrize(("how", "name"), DAMAGES)
def test_a_damaged_newest_checkpoint_is_told_and_the_one_before_is_taken(recipe, tmp_path, capsys, how, name):
    run = tmp_path / "run"
    how(run / "checkpoint-6" / name)
    assert find_resume(recipe, "f", 2, True) == run / "checkpoint-4"
    said = capsys.readouterr().out.splitlines()
    line_that_says(said, run / "checkpoint-6", "damaged", name, "goes back", "checkpoint-4")
    assert not (run / "checkpoint-6").exists()
    assert (run / "damaged-checkpoint-6").exists(), "it is set aside, so that step 6 can be saved again"
    assert find_resume(recipe, "f", 2, True) == run / "checkpoint-4"


def test_other_ranks_move_and_say_nothing(recipe, tmp_path, capsys):
    removed(tmp_path / "run/checkpoint-6/tokenizer.json")
    assert find_resume(recipe, "f", 2, False) == tmp_path / "run/checkpoint-4"
    assert (tmp_path / "run/checkpoint-6").exists()
    assert capsys.readouterr().out == ""


def test_a_run_of_damaged_checkpoints_does_not_begin_anew_by_itself(recipe, tmp_path):
    for step in (2, 4, 6):
        cut(tmp_path / f"run/checkpoint-{step}/model.safetensors")
    with refused("no checkpoint", "whole", "checkpoint-2", "checkpoint-6", "model.safetensors", "remove"):
        find_resume(recipe, "f", 2, True)
    assert len(list((tmp_path / "run").glob("checkpoint-*"))) == 3


def test_a_pruned_state_is_told_what_weights_alone_would_do(recipe, tmp_path):
    last = tmp_path / "run/checkpoint-6"
    shutil.rmtree(last / "state")
    assert lacks(last, "state")
    with refused(last, "state", "resume=weights", "moments", "zero"):
        find_resume(recipe, "f", 2, True)
    weights = StageRecipe("imagery", "base", "data", recipe.run, resume="weights")
    assert find_resume(weights, "f", 2, True) == last
    cut(last / "tokenizer.json")
    assert find_resume(weights, "f", 2, True) == tmp_path / "run/checkpoint-4"


def test_a_checkpoint_from_before_the_list_is_taken_as_it_is(recipe, tmp_path):
    (tmp_path / "run/checkpoint-6" / FILES).unlink()
    assert find_resume(recipe, "f", 2, True) == tmp_path / "run/checkpoint-6"
