"""What a cluster needs: several nodes, and the files for SLURM. Two torchrun agents on one machine stand for two nodes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time

import pytest
from safetensors.torch import load_file

from tests.sentences import line_that_says

from .running import ROOT, finish, history, imagery_recipe, run, start

SCRIPTS = ("one_node.sbatch", "nodes.sbatch", "node.sh")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.mark.slow
def test_two_nodes_train_as_one_node_of_as_many_ranks(tiny, tmp_path):
    recipe = imagery_recipe(tiny, run="one", deepspeed="zero2")
    one = run("stage1.py", recipe, tmp_path)
    assert one.returncode == 0, one.stderr[-3000:]
    meet = (
        "--nnodes",
        "2",
        "--rdzv_backend",
        "c10d",
        "--rdzv_id",
        "two",
        "--rdzv_endpoint",
        f"127.0.0.1:{free_port()}",
    )
    nodes = [start("stage1.py", {**recipe, "run": "two"}, tmp_path, ranks=1, torchrun=meet) for _ in range(2)]
    done = [finish(node) for node in nodes]
    assert [node.returncode for node in done] == [0, 0], done[0].stderr[-3000:]
    assert history(tmp_path / "two") == history(tmp_path / "one")
    whole, two = (load_file(tmp_path / name / "final" / "model.safetensors") for name in ("one", "two"))
    assert all(whole[name].equal(two[name]) for name in whole)
    assert sum("done: two/final" in node.stdout for node in done) == 1, "the run speaks from one node, once"


@pytest.mark.slow
def test_a_signal_to_what_slurm_starts_on_a_node_saves_and_ends_with_status_0(tiny, tmp_path):
    import yaml

    recipe = imagery_recipe(tiny, run="run", epochs=100, save_steps=1000)
    (tmp_path / "r.yaml").write_text(yaml.safe_dump(recipe))
    torchrun = tmp_path / "torchrun"
    torchrun.write_text(f'#!/bin/sh\nexec {sys.executable} -m torch.distributed.run "$@"\n')
    torchrun.chmod(0o755)
    process = subprocess.Popen(
        [ROOT / "launch/slurm/node.sh", "--standalone", "--nproc_per_node", "2", ROOT / "launch/stage1.py"]
        + ["--recipe", "r.yaml"],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    patience = time.monotonic() + 120
    while len(history(tmp_path / "run")) < 2:
        assert time.monotonic() < patience
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    done = finish(process, 120)
    assert done.returncode == 0, done.stderr[-3000:]
    line_that_says(done.stdout, "stopped", "SIGTERM", "saved", "run/checkpoint-")
    assert list((tmp_path / "run").glob("checkpoint-*/idf.json"))


def test_what_slurm_starts_on_a_node_ends_with_the_status_of_torchrun(tmp_path):
    torchrun = tmp_path / "torchrun"
    torchrun.write_text('#!/bin/sh\necho "$@"\nexit 7\n')
    torchrun.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run(
        [ROOT / "launch/slurm/node.sh", "--x", "a b"], env={**os.environ, "PATH": path}, capture_output=True, text=True
    )
    assert done.returncode == 7
    assert done.stdout == "--signals-to-handle SIGINT --x a b\n"


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_scripts_for_slurm_are_sound_bash(name):
    done = subprocess.run(["bash", "-n", ROOT / "launch/slurm" / name], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", SCRIPTS[:2])
def test_the_scripts_for_slurm_start_one_torchrun_a_node_and_are_warned_before_the_limit(name, tmp_path):
    text = (ROOT / "launch/slurm" / name).read_text()
    assert "#SBATCH --ntasks-per-node=1" in text
    assert "#SBATCH --signal=TERM@300" in text
    # Run it with stand-ins for SLURM's commands: what would each node be told to do?
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/activate").write_text("")
    for command, says in {"srun": 'printf "%s\\n" "$@"', "scontrol": "echo n1; sleep 0.3; echo n2"}.items():
        (tmp_path / command).write_text(f"#!/bin/sh\n{says}\n")
        (tmp_path / command).chmod(0o755)
    slurm = {
        "SLURM_SUBMIT_DIR": str(tmp_path),
        "SLURM_JOB_NODELIST": "n[1-2]",
        "SLURM_NNODES": "2",
        "SLURM_JOB_ID": "9",
        "SLURM_CPUS_PER_TASK": "64",
    }
    done = subprocess.run(
        ["bash", ROOT / "launch/slurm" / name, "launch/stage1.py", "gpus=16"],
        env={**os.environ, **slurm, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    words = done.stdout.splitlines()
    assert words[:4] == ["--cpus-per-task", "64", "--kill-on-bad-exit=1", "launch/slurm/node.sh"]
    assert words[-2:] == ["launch/stage1.py", "gpus=16"]
    assert words[words.index("--nproc_per_node") + 1] == "8"
    if name == "nodes.sbatch":
        assert words[words.index("--nnodes") + 1] == "2"
        assert words[words.index("--rdzv_endpoint") + 1] == "n1:20009"
