"""XTuner as the second engine, in its own environment: the tiny model from training to a scored folder."""

from __future__ import annotations

import json
import math
import os
import re
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from idf.data import open_dataset
from idf.imagery import ImageryRecipe, build_imagery
from idf.traces import FilterRecipe, TracesRecipe, build_traces, filter_traces
from idf.training.reproduce import reproduce
from idf.training.tiny import make_tiny_model
from tests.cli.running import evaluate, run
from tests.integrations import xtuner_probe
from tests.integrations.xtuner_env import (
    CONFIGS,
    ROOT,
    VENV,
    Ended,
    changed,
    environment,
    need_environment,
    start,
    train,
)
from tests.sentences import line_that_says, says
from tests.training.hub_layout import hub_layout, weights
from tests.training.running import history
from tests.training.running import run as run_idf

pytestmark = pytest.mark.slow

TINY = CONFIGS / "tiny"
STAGE1 = "checkpoints/xtuner-tiny/stage1"
FAMILIES = ("qwen2_5_vl", "qwen2_vl", "qwen3_vl")
IN_BF16 = 1e-3
"""The same in bf16, where a last digit of the gradient's norm can round a weight the other way. Measured: 4e-5."""
RELATIVE = 1e-6
"""How far losses of both engines may lie apart: they sum the same fp32 numbers up in another order. Measured: 7e-8."""


@dataclass(frozen=True)
class Trained:
    """A folder in which the tiny stage 1 was trained through `launch/xtuner.sh`."""

    folder: Path
    ended: Ended

    @property
    def run(self) -> Path:
        return self.folder / STAGE1

    @property
    def base(self) -> Path:
        return self.folder / "checkpoints/xtuner-tiny/base"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data of both stages and a base model, where the tiny configs look for them."""
    need_environment()
    root = tmp_path_factory.mktemp("xtuner")
    data = root / "data/xtuner-tiny"
    easy = {"worlds": {"cube_rolling": 2.0, "moving_box": 1.0}, "difficulties": {"easy": 1.0}, "max_pixels": 112 * 112}
    build_imagery(ImageryRecipe(samples=48, **easy), data / "imagery")
    build_traces(TracesRecipe(problems=24, **easy), root / "candidates")
    filter_traces(open_dataset(root / "candidates", made_by="-"), data / "traces", FilterRecipe(keep=16))
    make_tiny_model([open_dataset(data / "imagery", made_by="-")], root / "own")
    hub_layout(root / "own", root / "checkpoints/xtuner-tiny/base")
    return root


@pytest.fixture(scope="module")
def trained(folder: Path) -> Trained:
    ended = train(TINY / "stage1.py", folder)
    assert ended.status == 0, ended.said
    return Trained(folder, ended)


@pytest.mark.full  # the run that is killed stands for it in CI
def test_a_tiny_model_learns_through_xtuner_train(trained):
    losses = [row["loss"] for row in history(trained.run)]
    assert len(losses) > 5
    assert losses[-1] < losses[0] - 1
    line_that_says(trained.ended.said, f"{STAGE1}/final", "complete", "Hugging Face")


def test_both_engines_take_the_same_steps(trained, tmp_path):
    recipe = json.loads((trained.run / "final/idf.json").read_text())["recipe"]
    done = run_idf("stage1.py", recipe | {"run": "checkpoints/idf"}, trained.folder, ranks=1)
    assert done.returncode == 0, done.stderr
    _same_steps(history(trained.folder / "checkpoints/idf"), history(trained.run), relative=RELATIVE)
    a, b = weights(trained.folder / "checkpoints/idf/final"), weights(trained.run / "final")
    assert a.keys() == b.keys()
    assert max((a[name] - b[name]).abs().max().item() for name in a) < 1e-5


@pytest.mark.full  # ZeRO-2 in bf16 below stands for it in CI
def test_a_killed_run_goes_on_to_the_same_digits(trained):
    config = changed(TINY / "stage1.py", trained.folder / "killed.py", work_dir="checkpoints/killed")
    said = _kill_and_go_on(config, trained.folder, trained.folder / "checkpoints/killed")
    assert re.search(r"resumed epoch: 0, iter: (8|12)\b", said), (
        said
    )  # the kill came before or after the next checkpoint
    killed = trained.folder / "checkpoints/killed"
    assert history(killed) == history(trained.run)
    a, b = weights(killed / "final"), weights(trained.run / "final")
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_killed_under_zero2_in_bf16_it_ends_where_idfs_own_engine_does(trained):
    settings = {"work_dir": "checkpoints/zero2", "deepspeed": "zero2", "precision": "bf16"}
    config = changed(TINY / "stage1.py", trained.folder / "zero2.py", **settings)
    one_rank = {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0"}
    preset = _preset(trained.folder / "bf16.json", bf16=True)
    run_folder = trained.folder / "checkpoints/zero2"
    _kill_and_go_on(config, trained.folder, run_folder, "--deepspeed", preset, DS_ACCELERATOR="cpu", **one_rank)

    recipe = json.loads((run_folder / "final/idf.json").read_text())["recipe"]
    assert (recipe["deepspeed"], recipe["precision"]) == ("zero2", "bf16")
    done = run_idf("stage1.py", recipe | {"run": "checkpoints/idf-zero2"}, trained.folder, ranks=1)
    assert done.returncode == 0, done.stderr
    _same_steps(history(trained.folder / "checkpoints/idf-zero2"), history(run_folder), relative=IN_BF16)
    _frozen_alone_is_the_bases(trained.base, run_folder / "final")


@pytest.mark.full  # the run that is killed under ZeRO-2 stands for it in CI
def test_two_ranks_of_zero2_take_the_steps_of_one_device(trained):
    settings = {"work_dir": "checkpoints/two", "deepspeed": "zero2", "devices": 2, "accumulative_counts": 1}
    config = changed(TINY / "stage1.py", trained.folder / "two.py", **settings)
    # mmengine's launcher picks a GPU for each rank, whatever the backend; this is `xtuner train` without that line.
    script = trained.folder / "without_gpus.py"
    script.write_text(
        "import torch\n"
        "from idf.training.deepspeed import leave_to_gloo\n"
        "from xtuner.tools.train import main\n"
        "torch.cuda.set_device = lambda device: None\n"
        "leave_to_gloo()\n"
        "main()\n"
    )
    torchrun = [str(VENV / "bin" / "python"), "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    preset = _preset(trained.folder / "fp32.json", bf16=False)
    done = subprocess.run(
        [*torchrun, str(script), str(config), "--deepspeed", preset, "--launcher", "pytorch"],
        cwd=trained.folder,
        env=environment(DS_ACCELERATOR="cpu"),
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert done.returncode == 0, done.stderr
    run_folder = trained.folder / "checkpoints/two"
    assert json.loads((run_folder / "final/idf.json").read_text())["ranks"] == 2
    _same_steps(history(trained.run), history(run_folder), relative=RELATIVE)
    _frozen_alone_is_the_bases(trained.base, run_folder / "final")


def test_an_exported_folder_is_the_base_with_what_was_learned(trained):
    checkpoints = sorted(path.name for path in trained.run.glob("checkpoint-*"))
    assert checkpoints == ["checkpoint-4", "checkpoint-6"]
    files = {path.name for path in trained.base.iterdir()}
    for name in (*checkpoints, "final"):
        _frozen_alone_is_the_bases(trained.base, trained.run / name)
        card = {"README.md"} if name == "final" else set()
        assert {path.name for path in (trained.run / name).iterdir()} == files | {"idf.json"} | card


def test_an_exported_folder_says_where_it_is_from(trained):
    facts = json.loads((trained.run / "final/idf.json").read_text())
    assert facts["engine"] == "xtuner"
    assert facts["versions"]["xtuner"] == "0.2.0"
    assert facts["step"] == len(history(trained.run))
    script = reproduce(trained.run / "final")
    assert line_that_says(script, "xtuner", "same steps", "docs/xtuner.md").startswith("# ")
    assert "launch/stage1.py" in script


def test_idf_eval_scores_an_exported_folder(trained, tmp_path):
    suite, out = tmp_path / "suite", tmp_path / "out"
    assert (
        run("suite", "--out", suite, "--items", 2, "worlds=[cube_rolling]", "difficulties=[easy]", "max_pixels=12544")
        == 0
    )
    asked = ("--suite", suite, "--modes", "vtqa", "--prompts", "idf-short-1", "--max-new-tokens", 8)
    assert evaluate(trained.run / "final", *asked, "--out", out) == 0
    results = json.loads((out / "results.json").read_text())
    assert results["worlds"]["cube_rolling"]["vtqa"]["all"]["n"] == 2


@pytest.mark.full
def test_stage_2_begins_from_what_stage_1_exported(trained):
    ended = train(TINY / "stage2.py", trained.folder)
    assert ended.status == 0, ended.said
    final = trained.folder / "checkpoints/xtuner-tiny/stage2/final"
    facts = json.loads((final / "idf.json").read_text())
    assert facts["stage"] == "reasoning"
    assert facts["parent"]["facts"]["engine"] == "xtuner"
    _frozen_alone_is_the_bases(trained.run / "final", final)


def test_a_run_that_cannot_begin_ends_with_a_sentence_and_a_status(folder):
    config = changed(TINY / "stage1.py", folder / "wrong.py", data_path="data/nowhere", work_dir="checkpoints/wrong")
    ended = train(config, folder)
    assert ended.status == 1
    assert "data/nowhere" in ended.sentence


def test_a_misspelt_setting_ends_with_one_sentence_and_a_status(folder):
    ended = train(changed(TINY / "stage1.py", folder / "misspelt.py", max_epoch=2.0), folder)
    assert ended.status == 1
    assert ended.said == "error: the XTuner config: unknown key max_epoch; did you mean max_epochs?\n"


@pytest.fixture(scope="module")
def numbers(folder: Path) -> Path:
    """A micro-batch of each family with its loss, under transformers 5 in `here`, and under 4.57 in `there`."""
    data, root = folder / "data/xtuner-tiny/imagery", folder / "numbers"
    for place in ("here", "there"):
        (root / place).mkdir(parents=True)
    models = [root / family for family in FAMILIES]
    for model in models:
        make_tiny_model([open_dataset(data, made_by="-")], root / "own" / model.name, family=model.name)
        hub_layout(root / "own" / model.name, model)
        xtuner_probe.numbers(model, data, root / "here" / model.name)
    _probe("numbers", data, root / "there", *models)
    return root


@pytest.mark.parametrize("family", FAMILIES)
def test_encoding_collating_loss_and_gradient_are_the_same_under_transformers_4_and_5(numbers, family):
    here, there = load_file(numbers / "here" / family), load_file(numbers / "there" / family)
    assert here.keys() == there.keys()
    for name in ("input_ids", "labels", "position_ids", "samples", "pictures", "patches", "colours", "counts"):
        assert torch.equal(here[name], there[name])
    assert math.isclose(here["loss"], there["loss"], rel_tol=RELATIVE)
    assert math.isclose(here["gradient"], there["gradient"], rel_tol=1e-5)


def test_what_xtuner_cannot_do_is_refused(folder, tmp_path):
    said = json.loads(_probe("refusals", tmp_path))
    for allowed in ("good recipe", "fresh run", "goes on", "plain", "zero2"):
        assert said.pop(allowed, None) is None
    wanted = {
        "unknown key": ("learning_rate",),
        "lora": ("asks for lora,", "launch/stage1.py"),
        "packed": ("attention=packed",),
        "vision": ("train=all", "launch/stage1.py"),
        "zero3": ("deepspeed=zero3",),
        "inline": ("hook.mode=inline",),
        "decay": ("weight_decay",),
        "wandb": ("wandb=True",),
        "weights": ("resume=weights",),
        "one checkpoint": ("keep_checkpoints=1",),
        "begun by idf": ("begun", "engine=idf", "not xtuner"),
        "state lost": ("no last_checkpoint",),
        "other data": ("data's fingerprint", "=f", "not g"),
        "finished": ("finished", "already"),
        "no deepspeed": ("deepspeed=", "--deepspeed deepspeed_zero2"),
        "deepspeed": ("deepspeed=", "no --deepspeed"),
        "zero1": ("deepspeed=", "--deepspeed deepspeed_zero2"),
        "accumulation": ("rows_per_step", "accumulative_counts = 4"),
        "work_dir": ("set work_dir",),
    }
    assert said.keys() == wanted.keys()
    for name, words in wanted.items():
        says(said[name], *words)


def _kill_and_go_on(config: Path, folder: Path, run_folder: Path, *more: str, **variables: str) -> str:
    """Kill a run and all its processes on the way, give the same command again; what the second one said."""
    process = start(config, folder, *more, **variables)
    until = time.monotonic() + 300
    while len(history(run_folder)) < 5 and process.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
    assert time.monotonic() < until, "nothing happened"
    os.killpg(process.pid, signal.SIGKILL)
    said, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL, said
    assert len(history(run_folder)) >= 5, said
    assert not (run_folder / "final").exists()
    ended = train(config, folder, *more, **variables)
    assert ended.status == 0, ended.said
    return ended.said


def _preset(path: Path, bf16: bool) -> str:
    """ZeRO-2 on a CPU: XTuner's own presets ask torch for things that only GPUs have."""
    zero = {"stage": 2, "overlap_comm": False}
    settings = {"zero_optimization": zero, "zero_allow_untested_optimizer": True, "zero_force_ds_cpu_optimizer": False}
    path.write_text(json.dumps({**settings, "bf16": {"enabled": bf16}}))
    return path.name


def _same_steps(ours: list[dict[str, Any]], theirs: list[dict[str, Any]], relative: float) -> None:
    assert len(ours) == len(theirs) > 5
    for mine, its in zip(ours, theirs, strict=True):
        for key in ("step", "label_tokens", "tokens", "learning_rate"):
            assert mine[key] == its[key]
        assert math.isclose(mine["loss"], its["loss"], rel_tol=relative)
        assert math.isclose(mine["grad_norm"], its["grad_norm"], rel_tol=max(1e-4, 10 * relative))


def _frozen_alone_is_the_bases(base: Path, exported: Path) -> None:
    """The same names, and to the bit the base's tensors, in the type of training, where the vision part is, and nowhere else."""
    after = weights(exported)
    before = {name: tensor.to(next(iter(after.values())).dtype) for name, tensor in weights(base).items()}
    assert after.keys() == before.keys()
    frozen = {name for name in before if name.startswith("visual.")}
    assert frozen
    assert {name for name in before if torch.equal(before[name], after[name])} == frozen


def _probe(*arguments: object) -> str:
    script = ROOT / "tests" / "integrations" / "xtuner_probe.py"
    command = [str(VENV / "bin" / "python"), str(script), *map(str, arguments)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout
