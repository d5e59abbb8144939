"""What a cluster needs: several nodes, and the files for SLURM. Two torchrun agents on one machine stand for two nodes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.sentences import line_that_says

from .hub_layout import weights as weights_of
from .running import ROOT, finish, history, imagery_recipe, run, start

JOBS = ("one_node.sbatch", "nodes.sbatch", "data.sbatch", "evaluate.sbatch")
SCRIPTS = (*JOBS, "node.sh", "setup.sh")


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
    whole, two = (weights_of(tmp_path / name / "final") for name in ("one", "two"))
    assert all(whole[name].equal(two[name]) for name in whole)
    assert sum("done: two/final" in node.stdout for node in done) == 1, "the run speaks from one node, once"


@pytest.mark.slow
@pytest.mark.full  # the real SLURM of test_slurm stands for it in CI
def test_a_signal_to_what_slurm_starts_on_a_node_saves_and_ends_with_status_0(tiny, tmp_path):
    import yaml

    recipe = imagery_recipe(tiny, run="run", epochs=100, save_steps=1000)
    (tmp_path / "r.yaml").write_text(yaml.safe_dump(recipe))
    torchrun = tmp_path / "torchrun"
    torchrun.write_text(f'#!/bin/sh\nexec {sys.executable} -m torch.distributed.run "$@"\n')
    torchrun.chmod(0o755)
    (tmp_path / "pkill").write_text("#!/bin/sh\nexit 127\n")  # a container may have none
    (tmp_path / "pkill").chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [ROOT / "launch/slurm/node.sh", "--standalone", ROOT / "launch/stage1.py", "--recipe", "r.yaml"],
        cwd=tmp_path,
        env={**os.environ, **environment, "SLURM_GPUS_ON_NODE": "2"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    patience = time.monotonic() + 500
    while len(history(tmp_path / "run")) < 2:
        assert time.monotonic() < patience
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    done = finish(process, 500)
    assert done.returncode == 0, done.stderr[-3000:]
    line_that_says(done.stdout, "stopped", "SIGTERM", "saved", "run/checkpoint-")
    assert list((tmp_path / "run").glob("checkpoint-*/idf.json"))


def test_what_slurm_starts_on_a_node_ends_with_the_status_of_torchrun(tmp_path):
    done = on_a_node(tmp_path, 7, "--x", "a b", SLURM_GPUS_ON_NODE="4")
    assert done.returncode == 7
    assert done.stdout == "--signals-to-handle SIGINT --nproc_per_node 4 --x a b\n"


@pytest.mark.parametrize(
    ("given", "ranks"),
    [
        ({"SLURM_GPUS_ON_NODE": "3"}, "3"),
        ({"CUDA_VISIBLE_DEVICES": "0,1,5,7"}, "4"),
        ({"SLURM_GPUS_ON_NODE": "8", "IDF_RANKS_PER_NODE": "2"}, "2"),
    ],
)
def test_there_are_as_many_ranks_as_slurm_gave_gpus(tmp_path, given, ranks):
    assert f"--nproc_per_node {ranks} " in on_a_node(tmp_path, 0, "x", **given).stdout


def test_a_node_without_gpus_is_told(tmp_path):
    done = on_a_node(tmp_path, 0, "x")
    assert done.returncode == 1
    assert done.stdout == ""
    line_that_says(done.stderr, "error", "no GPU", "--gpus-per-node", "IDF_RANKS_PER_NODE", "device=cpu")


def on_a_node(folder: Path, status: int, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run node.sh with a torchrun that prints its arguments."""
    command(folder, "torchrun", f'echo "$@"\nexit {status}')
    known = {key: value for key, value in os.environ.items() if not key.startswith(("SLURM_", "CUDA_", "IDF_RANKS"))}
    environment = {**known, "PATH": f"{folder}:{os.environ['PATH']}", **variables}
    return subprocess.run([ROOT / "launch/slurm/node.sh", *words], env=environment, capture_output=True, text=True)


def command(folder: Path, name: str, says: str = "true") -> None:
    """A stand-in for a command."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{says}\n")
    (folder / name).chmod(0o755)


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_scripts_for_slurm_are_sound_bash_and_need_no_procps(name):
    done = subprocess.run(["bash", "-n", ROOT / "launch/slurm" / name], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "pkill" not in (ROOT / "launch/slurm" / name).read_text()


@pytest.mark.parametrize("name", JOBS)
def test_a_job_that_starts_again_appends_to_its_log(name):
    text = (ROOT / "launch/slurm" / name).read_text()
    assert "#SBATCH --requeue" in text
    assert "#SBATCH --open-mode=append" in text, "SLURM truncates the log of a job that it starts again"


@pytest.mark.parametrize("name", JOBS[:2])
def test_the_scripts_for_slurm_start_one_torchrun_a_node_and_are_warned_before_the_limit(name, tmp_path):
    text = (ROOT / "launch/slurm" / name).read_text()
    assert "#SBATCH --ntasks-per-node=1" in text
    assert "#SBATCH --signal=TERM@300" in text
    done = job(name, tmp_path, "launch/stage1.py", "gpus=16", SLURM_NNODES="2", SLURM_RESTART_COUNT="1")
    assert done.returncode == 0, done.stderr
    words = done.stdout.splitlines()
    assert words[0] == "srun"
    assert words[-2:] == ["launch/stage1.py", "gpus=16"]
    assert "launch/slurm/node.sh" in words
    if name == "nodes.sbatch":
        assert words[words.index("--nnodes") + 1] == "2"
        assert words[words.index("--rdzv_endpoint") + 1] == f"{socket.gethostname()}:20009"
        assert words[words.index("--rdzv_id") + 1] == "9-1", "a job that starts again meets by itself"


def job(name: str, folder: Path, *words: str, venv: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a job file, as SLURM would, with commands that print what they are called with."""
    shown = 'printf "%s\\n" "$(basename "$0")" "$@"'
    (folder / "launch").symlink_to(ROOT / "launch")
    command(folder / "slurm", "srun", shown)
    if venv:
        for tool in ("torchrun", "idf", "idf-eval"):
            command(folder / ".venv/bin", tool, shown)
        (folder / ".venv/bin/activate").write_text(f"PATH={folder}/.venv/bin:$PATH\n")
    slurm = {"SLURM_SUBMIT_DIR": str(folder), "SLURM_JOB_ID": "9", "SLURM_CPUS_PER_TASK": "16"}
    return subprocess.run(
        ["bash", ROOT / "launch/slurm" / name, *words],
        env={"PATH": f"{folder}/slurm:/usr/bin:/bin", **slurm, **variables},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("name", "words", "gpus", "called"),
    [
        (
            "data.sbatch",
            "idf imagery --out data/imagery",
            None,
            "idf imagery --workers 16 --out data/imagery",
        ),
        ("data.sbatch", "idf filter data/a --out data/b", None, "idf filter data/a --out data/b"),
        (
            "evaluate.sbatch",
            "idf-eval final --out runs/a",
            "8",
            "idf-eval final --out runs/a --workers 8",
        ),
        ("evaluate.sbatch", "idf-eval final", "1", "idf-eval final --out runs/eval-9"),
        ("evaluate.sbatch", "idf-eval --watch run", "8", "idf-eval --watch run"),
        (
            "evaluate.sbatch",
            "idf-eval final --backend vllm --gpus 4 --out o",
            "4",
            "idf-eval final --backend vllm --gpus 4 --out o",
        ),
    ],
)
def test_data_and_evaluation_use_what_slurm_gave(tmp_path, name, words, gpus, called):
    given = {} if gpus is None else {"SLURM_GPUS_ON_NODE": gpus}
    done = job(name, tmp_path, *words.split(), **given)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == called.split()


@pytest.mark.parametrize("how", ["folder", "file", "commands"])
def test_the_environment_is_a_venv_a_file_or_commands(tmp_path, how):
    venv, module = tmp_path / "elsewhere", tmp_path / "module.sh"
    command(venv / "bin", "torchrun")
    (venv / "bin/activate").write_text(f"PATH={venv}/bin:$PATH\n")
    # As modules and conda write them: a name that is not set, a command that fails.
    module.write_text(f'[ -z "$NOT_SET_ANYWHERE" ]\nfalse\nload() {{ PATH={venv}/bin:$PATH; }}\n')
    named = {"folder": str(venv), "file": str(tmp_path / "file.sh"), "commands": f"source {module} && false || load"}
    (tmp_path / "file.sh").write_text(f"source {module}\nload\n")
    done = job("one_node.sbatch", tmp_path, "launch/stage1.py", venv=False, IDF_ENVIRONMENT=named[how])
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == "launch/stage1.py"


@pytest.mark.parametrize("how", [None, "module load no-such-module"])
def test_an_environment_without_torchrun_is_told(tmp_path, how):
    done = job("one_node.sbatch", tmp_path, "x", venv=False, **({} if how is None else {"IDF_ENVIRONMENT": how}))
    assert done.returncode == 1
    line_that_says(done.stderr, "error", "no torchrun", f"IDF_ENVIRONMENT={how or '.venv'}")
