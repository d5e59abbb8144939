"""`idf doctor` on machines that are not here: what `nvidia-smi` printed on them, a torch that finds no GPU, a full disk."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import namedtuple
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
import yaml

from idf import gpus
from idf.cli.main import main
from idf.gpus import NEEDED_DRIVER, Gpus, Torch
from idf.training import doctor, surroundings
from idf.training.doctor import MAYBE, MISSING, OK, UNUSED, Finding, examine
from idf.training.memory import Size
from idf.training.overhead import disk_bytes
from idf.training.recipe import LoraRecipe, StageRecipe
from idf.training.stage import check_device
from tests.sentences import missing, refused, says

from .running import ROOT

NAMES = ["packages", "GPUs", "driver", "NCCL", "flash attention", "/dev/shm", "disk", "hub", "ports", "data"]
A100 = "NVIDIA A100-SXM4-80GB, {driver}, 81920\n"
# nvidia-smi as it answers on real machines: the query; its own table, which some clusters' wrappers print; and its troubles.
TABLE = """+-----------------------------------------------------------------------------+
| NVIDIA-SMI 470.82.01    Driver Version: 470.82.01    CUDA Version: 11.4     |
|   0  NVIDIA A100-SXM...  Off  | 00000000:07:00.0 Off |                    0 |
"""
NO_DRIVER = (
    "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is "
    "installed and running.\n"
)
STUB = """
__version__ = "2.14.1+cu130"
class version:
    cuda = "13.0"
class cuda:
    is_available = staticmethod(lambda: False)
    @staticmethod
    def init():
        raise RuntimeError("The NVIDIA driver on your system is too old (found version 12020).")
"""


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A function that puts an `nvidia-smi` on PATH that prints a text and ends with a status; None for none."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    def smi(text: str | None, status: int = 0) -> None:
        path = folder / "nvidia-smi"
        path.unlink(missing_ok=True)
        if text is not None:
            (folder / "said").write_text(text)
            path.write_text(f"#!/bin/sh\ncat {folder}/said\nexit {status}\n")
            path.chmod(0o755)

    smi(None)
    return smi


def in_a_process(*arguments: str, stub: str | None, folder: Path) -> subprocess.CompletedProcess[str]:
    """`idf doctor` in a process of its own, where `torch` is a stub, or is not installed."""
    (folder / "stubs").mkdir(exist_ok=True)
    if stub is not None:
        (folder / "stubs/torch.py").write_text(stub)
    hide = "sys.modules['torch'] = None; " if stub is None else ""
    program = f"import sys; {hide}from idf.cli.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, "doctor", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{folder}/stubs:{ROOT}", "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
    )


def of(findings: list[Finding] | str, name: str) -> tuple[str, str]:
    """State and sentence of a finding, or of a printed line."""
    if isinstance(findings, str):
        (line,) = [line for line in findings.splitlines() if line[9:].startswith(f"{name} ")]
        return line.split()[0], line[9 + len(name) :].strip()
    (found,) = [finding for finding in findings if finding.name == name]
    return found.state, found.sentence


def recipe_for(tmp_path: Path, tiny=None, **changes) -> StageRecipe:
    model = str(tiny.model) if tiny else "Qwen/Qwen2.5-VL-7B-Instruct"
    data = str(tiny.imagery.path) if tiny else str(tmp_path / "data")
    return StageRecipe(**{"stage": "imagery", "model": model, "data": data, "run": str(tmp_path / "run"), **changes})


# --- GPUs and their driver -----------------------------------------------------------------------------------------


def test_no_gpu_and_a_driver_that_is_too_old_are_two_sentences_and_the_second_has_the_pip_line(machine, tmp_path):
    recipe = tmp_path / "r.yaml"
    recipe.write_text(yaml.safe_dump({"stage": "imagery", "model": "m", "data": "d", "run": "r"}))
    done = in_a_process("--recipe", "r.yaml", stub=STUB, folder=tmp_path)
    assert done.returncode == 1
    assert [line[9:].split("  ")[0].strip() for line in done.stdout.splitlines()] == NAMES
    state, none = of(done.stdout, "GPUs")
    assert state == MISSING
    says(none, "no GPU", "nvidia-smi")
    assert of(done.stdout, "driver")[0] == UNUSED
    says(done.stderr, "r.yaml", "GPUs")

    machine(8 * A100.format(driver="535.104.05"))
    done = in_a_process("--recipe", "r.yaml", stub=STUB, folder=tmp_path)
    assert done.returncode == 1
    state, old = of(done.stdout, "driver")
    assert state == MISSING
    says(old, "too old", "535.104.05", "2.14.1+cu130", "CUDA 13.0", "580")
    says(old, "pip install --force-reinstall torch torchvision --index-url https://download.pytorch.org/whl/cu126")
    assert missing(old, "no GPU")
    assert of(done.stdout, "GPUs") == (OK, "8 x NVIDIA A100-SXM4-80GB of 80 GiB")


@pytest.mark.parametrize(
    ("said", "status", "cuda", "words"),
    [
        (A100.format(driver="470.82.01"), 0, "13.0", ("too old", "470.82.01", "580", "whl/cu118", "torch<2.8")),
        (TABLE, 0, "12.6", ("too old", "470.82.01", "525.60.13", "whl/cu118")),
        ("535.54\n535.54\n", 0, "13.0", ("too old", "535.54", "whl/cu126")),
        (A100.format(driver="390.157"), 0, "13.0", ("too old", "update the driver")),
        (A100.format(driver="525.60.13"), 0, "12.6", ("new enough", "torch finds no GPU", "its own reason")),
        (A100.format(driver="580.65.06"), 0, "", ("built without CUDA", "whl/cu130")),
        (NO_DRIVER, 9, "13.0", ("no GPU", "couldn't communicate with the NVIDIA driver")),
        ("No devices were found\n", 0, "13.0", ("no GPU", "No devices were found")),
        ("", 3, "13.0", ("no GPU", "nothing, status 3")),
    ],
)
def test_what_nvidia_smi_says_becomes_the_sentence_that_helps(machine, monkeypatch, said, status, cuda, words):
    machine(said, status)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(gpus, "find_torch", lambda: Torch("2.14.1", cuda, 0, "its own reason"))
    says(gpus.why_no_gpu(), *words)
    with refused("launch/quickstart.sh", "--dry-run", *words):  # training refuses with the same sentence
        check_device(StageRecipe("imagery", "m", "d", "r"))
    check_device(StageRecipe("imagery", "m", "d", "r", device="cpu"))


def test_gpus_that_are_hidden_are_told(machine, monkeypatch):
    machine(A100.format(driver="580.65.06"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr(gpus, "find_torch", lambda: Torch("2.14.1", "13.0", 0, "No CUDA GPUs are available"))
    says(gpus.why_no_gpu(), "CUDA_VISIBLE_DEVICES", "hides", "unset")
    monkeypatch.setattr(gpus, "find_torch", lambda: Torch("2.14.1", "13.0", 1))
    assert gpus.why_no_gpu() is None


def test_every_cuda_with_wheels_has_a_driver_that_it_needs():
    assert set(gpus.WHEELS) == set(NEEDED_DRIVER)


@pytest.mark.parametrize(
    ("here", "wanted", "state", "words"),
    [
        (8, {}, OK, ("8 x A100",)),
        (8, {"gpus": 16}, OK, ("2 such nodes",)),
        (4, {}, MAYBE, ("4 x A100", "recipe is for 8", "idf plan", "--gpus 4")),
        (3, {}, MISSING, ("3 x A100", "rows_per_step", "multiple")),
        (8, {"gpus": 1}, OK, ("recipe is for 1",)),
        (0, {"device": "cpu", "gpus": 2}, UNUSED, ("CPU", "2 processes")),
    ],
)
def test_the_number_of_gpus_is_held_against_the_recipe(monkeypatch, tmp_path, here, wanted, state, words):
    monkeypatch.setattr(doctor, "find_gpus", lambda: Gpus(("A100",) * here, 80, "580.65", "" if here else "no GPU"))
    monkeypatch.setattr(doctor, "find_torch", lambda: Torch("2.14.1", "13.0", here))
    found = of(examine(recipe_for(tmp_path, **wanted)), "GPUs")
    assert found[0] == state
    says(found[1], *words)


# --- the rest --------------------------------------------------------------------------------------------------------


def test_without_torch_the_doctor_says_so_in_one_of_ten_lines(machine, tmp_path):
    done = in_a_process(stub=None, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [line[9:].split("  ")[0].strip() for line in done.stdout.splitlines()] == NAMES
    says(of(done.stdout, "packages")[1], "torch", "not", "pip install 'idf[train]'")
    (tmp_path / "r.yaml").write_text(
        yaml.safe_dump({"stage": "imagery", "model": "m", "data": "d", "run": "r", "device": "cpu"})
    )
    done = in_a_process("--recipe", "r.yaml", stub=None, folder=tmp_path)
    assert done.returncode == 1
    assert of(done.stdout, "packages")[0] == MISSING
    says(done.stderr, "r.yaml", "packages")


def test_a_recipe_that_runs_here_ends_with_status_0(tiny, tmp_path, capsys):
    recipe = {
        "stage": "imagery",
        "model": str(tiny.model),
        "data": str(tiny.imagery.path),
        "run": str(tmp_path / "run"),
    }
    recipe |= {"device": "cpu", "gpus": 2, "max_pixels": 12544, "tokens_per_row": 768, "loader_workers": 1}
    (tmp_path / "r.yaml").write_text(yaml.safe_dump(recipe))
    with pytest.raises(SystemExit) as ended:
        main(["doctor", "--recipe", str(tmp_path / "r.yaml")])
    said = capsys.readouterr()
    assert ended.value.code == 0, said
    lines = said.out.splitlines()
    assert len(lines) == 10
    assert {line.split()[0] for line in lines} <= {OK, UNUSED}
    says(of(said.out, "data")[1], "48 samples")


def test_a_full_disk_and_a_small_dev_shm_are_told_before_the_run(tiny, tmp_path, monkeypatch):
    disk = namedtuple("disk", "f_bavail f_frsize")
    monkeypatch.setattr(os, "statvfs", lambda path: disk(16384, 4096))  # 64 MiB, Docker's /dev/shm
    findings = examine(recipe_for(tmp_path, gpus=8))
    state, sentence = of(findings, "/dev/shm")
    assert state == MISSING
    says(sentence, "64 MiB free", "8 ranks", "--shm-size=", "--ipc=host", "loader_workers=0")
    state, sentence = of(findings, "disk")
    assert state == MISSING
    says(sentence, "64 MiB free", tmp_path / "run", "keep_checkpoints")
    assert of(examine(recipe_for(tmp_path, loader_workers=0)), "/dev/shm")[0] == UNUSED


@pytest.mark.slow
@pytest.mark.full
def test_the_disk_that_a_run_takes_is_what_its_folders_take(tiny, tmp_path):
    from .running import imagery_recipe, run

    recipe = imagery_recipe(tiny, run="run", deepspeed="zero2", save_steps=1, keep_checkpoints=1)
    done = run("stage1.py", recipe, tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    from idf.training.survey import size

    typed = recipe_for(tmp_path, tiny, precision="fp32", keep_checkpoints=1, hook=SimpleNamespace(mode="off"))
    told = disk_bytes(typed, size(typed))
    (kept,) = (tmp_path / "run").glob("checkpoint-*")
    taken = 2 * _bytes(kept)  # one is kept, one is being written
    assert told == pytest.approx(taken, rel=0.25), "the tokenizer and small files are not counted"


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_7b_takes_the_disk_that_the_page_says():
    recipe = StageRecipe("imagery", "m", "d", "r")
    total, trained = 8_292_166_656, 7_615_616_512
    assert disk_bytes(recipe, Size(total, trained, 0)) == 4 * (2 * total + 14 * trained)
    adapters = 161_480_704
    lora = disk_bytes(StageRecipe("imagery", "m", "d", "r", lora=LoraRecipe()), Size(total + adapters, adapters, 0))
    assert lora < 100e9


def test_flash_attention_is_missing_only_if_the_recipe_asks_for_it(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "find_spec", lambda name: None if name == "flash_attn" else SimpleNamespace())
    state, sentence = of(examine(recipe_for(tmp_path, attention="flash_attention_2")), "flash attention")
    assert state == MISSING
    says(sentence, "flash_attn", "pip install flash-attn", "attention=sdpa")
    assert of(examine(recipe_for(tmp_path, attention="sdpa")), "flash attention")[0] == UNUSED


def test_packed_attention_says_which_kernel_it_uses_and_what_is_faster_than_none(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor, "find_spec", lambda name: None if name == "flash_attn" else SimpleNamespace())
    for found, state, words in (
        (lambda *_: None, OK, ("packed", "torch.nn.attention.varlen")),
        (None, MAYBE, ("packed", "neither", "once a sample", "flash-attn")),
    ):
        monkeypatch.setattr("idf.training.attention.varlen_call", lambda found=found: found)
        told, sentence = of(examine(recipe_for(tmp_path)), "flash attention")
        assert told == state
        says(sentence, *words)
    assert of(examine(recipe_for(tmp_path, device="cpu")), "flash attention")[0] == UNUSED


def test_a_hub_model_is_in_the_cache_or_the_hub_is_asked(monkeypatch, tmp_path):
    recipe = recipe_for(tmp_path)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    state, sentence = of(examine(recipe), "hub")
    assert state == MISSING
    says(sentence, "http://127.0.0.1:9", "does not answer", "hf download Qwen/Qwen2.5-VL-7B-Instruct", "HF_HOME")
    for status, words in (
        (200, None),
        (307, None),
        (404, ("no Qwen/Qwen2.5-VL-7B-Instruct",)),
        (401, ("who you are",)),
    ):
        monkeypatch.setattr(httpx, "head", lambda *_, status=status, **__: httpx.Response(status))
        problem = surroundings.hub_problem(recipe.model)
        assert problem is None if words is None else not missing(problem, *words)

    snapshot = tmp_path / "home/hub/models--Qwen--Qwen2.5-VL-7B-Instruct/snapshots/cc59489"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    (snapshot / "model.safetensors.index.json").write_text(
        '{"weight_map": {"a": "1.safetensors", "b": "2.safetensors"}}'
    )
    (snapshot / "1.safetensors").touch()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    state, sentence = of(examine(recipe), "hub")
    assert state == MISSING, "half of the weights are not there"
    says(sentence, "HF_HUB_OFFLINE")
    (snapshot / "2.safetensors").touch()
    assert of(examine(recipe), "hub")[0] == OK


def test_a_folder_that_cannot_be_trained_is_told(tiny, tmp_path):
    assert of(examine(recipe_for(tmp_path, tiny)), "hub")[0] == UNUSED
    base = shutil.copytree(tiny.model, tmp_path / "base")
    (base / "model-00002-of-00002.safetensors").unlink()
    state, sentence = of(examine(replace(recipe_for(tmp_path, tiny), model=str(base))), "hub")
    assert state == MISSING
    says(sentence, base, "lacks", "model-00002-of-00002.safetensors")


def test_a_machine_that_does_not_know_its_own_name_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(surroundings.socket, "gethostname", lambda: "no-such-name.invalid")
    state, sentence = of(examine(recipe_for(tmp_path)), "ports")
    assert state == MISSING
    says(sentence, "no-such-name.invalid", "/etc/hosts")


def test_changes_without_a_recipe_are_refused(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["doctor", "gpus=2"])
    assert ended.value.code == 1
    says(capsys.readouterr().err, "gpus=2", "--recipe")


def test_a_broken_torch_is_a_line_and_no_traceback(machine, tmp_path):
    done = in_a_process(stub="raise OSError('libcudart.so.13: cannot open shared object file')", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    says(of(done.stdout, "NCCL")[1], "torch cannot be imported", "libcudart.so.13")
