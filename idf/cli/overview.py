"""What `idf --help` shows: all commands by what one wants to do, each with an example; training and idf-eval among them."""

from __future__ import annotations

import shutil
import textwrap
from typing import Any

from idf.arguments import Parser

GROUPS: dict[str, dict[str, str]] = {
    "make training data": {
        "imagery": "idf imagery --out data/imagery --recipe recipes/imagery.yaml",
        "traces": "idf traces --out data/candidates --recipe recipes/traces.yaml",
        "filter": "idf filter data/candidates --out data/traces --keep 5000",
        "mix": "idf mix data/imagery data/traces:2 --out data/both",
    },
    "look at data": {
        "stats": "idf stats data/imagery --out stats",
        "gallery": "idf gallery data/imagery --out gallery.html",
    },
    "train": {
        "doctor": "idf doctor --recipe recipes/stage1.yaml",
        "plan": "idf plan --recipe recipes/stage1.yaml --gpus 8",
        "launch/stage1.py": "torchrun --nproc_per_node 8 launch/stage1.py --recipe recipes/stage1.yaml",
        "launch/stage2.py": "torchrun --nproc_per_node 8 launch/stage2.py --recipe recipes/stage2.yaml",
        "launch/stage3.py": "torchrun --nproc_per_node 8 launch/stage3.py --recipe recipes/stage3.yaml",
        "loop": "idf loop --recipe recipes/loop.yaml",
        "merge": "idf merge checkpoints/lora/checkpoint-100/adapter --out merged",
        "reproduce": "idf reproduce checkpoints/stage2/final",
        "tiny": "idf tiny data/imagery --out models/tiny",
        "base": "idf base smollm2 --out models/smollm2",
    },
    "get problems to evaluate on": {
        "suite": "idf suite --out suites/demo --items 20",
        "verify": "idf verify SpatialLite",
        "hub-layout": "idf hub-layout suites/demo --out hub/demo",
    },
    "evaluate": {
        "idf-eval": "idf-eval checkpoints/stage2/final --suite suites/demo --modes vtqa,tqa,vqa --out runs/ours",
        "prompts": "idf prompts suites/demo --out asked",
        "audit": "idf audit runs/ours --out audit.html",
        "play": "idf play cube_rolling",
        "paths": "lmms-eval --include_path $(idf paths lmms-eval) --tasks idf_spatialite ...",
        "import-lmms": "idf import-lmms logs/*/*_samples_idf_spatialite_*.jsonl --out responses.jsonl",
    },
    "compare results": {
        "compare": "idf compare runs/base runs/ours",
        "table": "idf table runs/base runs/ours --out table.tex",
        "leaderboard": "idf leaderboard runs/* --out board",
        "transfer": "idf transfer models/base checkpoints/stage2/final --set near --out runs/transfer",
    },
}
"""What one wants to do -> command -> an example of it."""

PROGRAMS = {
    "launch/stage1.py": "train on simulations (Imagery-Distillation); in a clone, started by torchrun",
    "launch/stage2.py": "train on traces (Reasoning-Distillation); begins from stage 1's final/",
    "launch/stage3.py": "train by reinforcement, with TRL (idf[rl])",
    "idf-eval": "ask a checkpoint, an endpoint or a trivial player a suite, and write a report",
}
"""What is no command of `idf`, and what it does."""


class OverviewParser(Parser):
    """The parser of `idf`; its help is the overview.

    Attributes:
        said: Command -> what it does, in the order in which they were made.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.said: dict[str, str] = {}

    def format_help(self) -> str:
        """As argparse's, with the commands in groups. Every command is shown, in a group or below them."""
        said = self.said | PROGRAMS
        grouped = {name for group in GROUPS.values() for name in group}
        others = {name: f"idf {name} --help" for name in self.said if name not in grouped}
        parts = [self.format_usage(), self.description or ""]
        parts += [_group(title, commands, said) for title, commands in GROUPS.items()]
        parts += [_group("more", others, said)] if others else []
        parts.append(
            "options:\n  -h, --help   show this help; `idf COMMAND --help` shows a command's own\n  --version    show the version"
        )
        return "\n\n".join(part.rstrip() for part in parts) + "\n"


def _group(title: str, commands: dict[str, str], said: dict[str, str]) -> str:
    """A group: each command, what it does, and below it an example."""
    width, column = max(60, shutil.get_terminal_size((100, 24)).columns), " " * 22
    lines = [f"{title}:"]
    for name, example in commands.items():
        told = textwrap.wrap(said[name], width - len(column))
        lines += [f"    {name:<17} {told[0]}", *(column + line for line in told[1:]), f"{column}$ {example}"]
    return "\n".join(lines)
