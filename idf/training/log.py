"""What a run says of itself: one dense line a step, `history.jsonl`, wandb, and a plot of the curves."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from idf.errors import RankError, UserError
from idf.recipe import to_plain

from .recipe import TrainingRecipe

HISTORY = "history.jsonl"
STEPS, SAVES, EVALUATIONS = "steps", "saves", "evaluations"
"""What a run's time goes to."""


@dataclass(frozen=True)
class StepFacts:
    """The figures of one optimizer step, over all ranks.

    Attributes:
        step: Steps done, this one included.
        loss: Nats per label token.
        grad_norm: Of the whole gradient, before clipping.
        learning_rate: Of this step.
        label_tokens: In the global batch.
        tokens: In the global batch, padding left out.
        seconds: Wall-clock time of the step.
        data_wait: Seconds of it in which the slowest rank waited for data.
        teraflops: Model FLOPs done per second and device, in 10^12.
        memory_gib: Peak memory of rank 0's GPU so far; None on a CPU.
        vision_learning_rate: That of the vision part; None where none of it learns, and then not in the history.
    """

    step: int
    loss: float
    grad_norm: float
    learning_rate: float
    label_tokens: int
    tokens: int
    seconds: float
    data_wait: float
    teraflops: float
    memory_gib: float | None
    vision_learning_rate: float | None = None


class RunLog:
    """Writes the log of a run; on rank 0 only.

    Args:
        recipe: The stage's recipe.
        ranks: How many devices there are.
        steps: Steps of the whole run.
        done: Steps that are done already; what the history says beyond them is dropped, since they are done again.
        peak: 100 % MFU, in 10^12 operations a second and device, with the name of where the figure is from; None if unknown.
        evaluations: What is known of the run's checkpoints: name -> mode -> accuracy.
        epochs: Passes over the data in the whole run; None if the line shall not tell them.
    """

    def __init__(
        self,
        recipe: TrainingRecipe,
        ranks: int,
        steps: int,
        done: int,
        peak: tuple[float, str] | None,
        evaluations: Mapping[str, Mapping[str, float]] | None = None,
        epochs: float | None = None,
    ) -> None:
        self.recipe, self.ranks, self.steps, self.peak, self.epochs = recipe, ranks, steps, peak, epochs
        self.run = Path(recipe.run)
        kept = [row for row in read_history(self.run) if row["step"] <= done]
        part = self.run / f".{HISTORY}"
        part.write_text("".join(json.dumps(row) + "\n" for row in kept))
        os.replace(part, self.run / HISTORY)
        self._file = (self.run / HISTORY).open("a")
        self._since: list[dict[str, Any]] = []
        self._seconds: dict[str, list[float]] = {STEPS: [], SAVES: [], EVALUATIONS: []}
        self._sent = 0  # the last step that wandb has already
        self.wandb = _open_wandb(recipe, self.run) if recipe.wandb else None
        if self.wandb is not None and self.wandb.offline:
            self._write_again(kept, evaluations or {})
        elif self.wandb is not None and self.wandb.resumed:
            self._sent = int(self.wandb.summary.get("train/step", 0))

    def _write_again(self, rows: list[dict[str, Any]], evaluations: Mapping[str, Mapping[str, float]]) -> None:
        """Make an offline run of a job that resumes whole: the steps before, and what earlier jobs wrote set aside.

        wandb cannot resume offline: each job writes a folder of its own under the run's one id, and `wandb sync` of a later
        one replaces the history of an earlier one from its first line on (wandb/wandb#3841, #5865). So the last folder holds
        all of the run, and is the only one.
        """
        accuracy = {int(name.rpartition("-")[2]): by for name, by in evaluations.items() if name != "final"}
        for row in rows:
            self._to_wandb(self._row(row))
            if row["step"] in accuracy:
                self.evaluation(row["step"], accuracy[row["step"]])
        if self.wandb is not None:
            set_aside(self.run / "wandb", Path(self.wandb.dir).parent)

    def step(self, facts: StepFacts) -> None:
        """Take the figures of a step; print them if it is time to.

        Raises:
            RankError: The history cannot be written.
        """
        row = asdict(facts)
        if facts.vision_learning_rate is None:
            del row["vision_learning_rate"]
        self.take(row)

    def take(self, row: dict[str, Any]) -> None:
        """Take the figures of a step, `step` and `seconds` among them; print them if it is time to.

        Raises:
            RankError: The history cannot be written.
        """
        try:
            self._file.write(json.dumps(row) + "\n")
            self._file.flush()
        except OSError as error:
            raise RankError(f"{self.run / HISTORY} could not be written: {error.strerror}") from None
        self._since.append(row)
        self._seconds[STEPS].append(row["seconds"])
        if row["step"] > self._sent:  # of a run that resumes online, wandb keeps what an earlier job has sent
            self._to_wandb(self._row(row))
        if row["step"] % self.recipe.log_steps == 0 or row["step"] == self.steps:
            print(self.line(self._since), flush=True)
            self._since = []

    def took(self, what: str, seconds: float) -> None:
        """Note how long a save or an evaluation took, for the time that is left."""
        self._seconds[what].append(seconds)

    def left(self, step: int) -> str:
        """When the run will end, in words; to be asked before the step's own checkpoint is written.

        Steps, saves and evaluations that are left are taken to last as long as those of this job so far. What has not
        happened yet in this job is counted and not timed.

        Args:
            step: Steps done.
        """
        saves = (
            (self.steps - 1) // self.recipe.save_steps - (step - 1) // self.recipe.save_steps + 1
        )  # `final/` as well
        hook = saves if self.recipe.hook.mode == "inline" else 0
        seconds, untimed = 0.0, []
        for what, number in ((STEPS, self.steps - step), (SAVES, saves), (EVALUATIONS, hook)):
            known = self._seconds[what]
            if known:
                seconds += number * sum(known) / len(known)
            elif number:
                untimed.append(f"{number} {what if number > 1 else what[:-1]}")
        more = f" and {' and '.join(untimed)}" if untimed else ""
        return f"{seconds / 60:.1f} min left{more}, ends {'after ' if untimed else ''}{clock(seconds)}"

    def progress(self, step: int) -> str:
        """How far the run is, in steps and in epochs."""
        told = f"step {step}/{self.steps}"
        return told if self.epochs is None else f"{told}  epoch {self.epochs * step / self.steps:.2f}/{self.epochs:g}"

    def line(self, rows: list[dict[str, Any]]) -> str:
        """The log line of some steps: the loss is their mean over label tokens, times and rates are theirs together."""
        facts = [StepFacts(**row) for row in rows]
        last, label_tokens = facts[-1], sum(f.label_tokens for f in facts)
        seconds, tokens = sum(f.seconds for f in facts), sum(f.tokens for f in facts)
        loss = sum(f.loss * f.label_tokens for f in facts) / label_tokens
        teraflops = sum(f.teraflops * f.seconds for f in facts) / seconds
        if self.peak is None:
            speed = f"{1000 * teraflops:,.1f} GFLOP/s" if teraflops < 1 else f"{teraflops:,.1f} TFLOP/s"
        else:
            speed = f"MFU {teraflops / self.peak[0]:.1%} of {self.peak[0]:g}"
        memory = "" if last.memory_gib is None else f"  {last.memory_gib:.1f} GiB"
        seen = "" if last.vision_learning_rate is None else f"  vision lr {last.vision_learning_rate:.2e}"
        return (
            f"{self.progress(last.step)}  loss {loss:.4f}  grad {last.grad_norm:.2f}  lr {last.learning_rate:.2e}{seen}  "
            f"{label_tokens:,} label tokens  {tokens / seconds / self.ranks:,.0f} tok/s/device  {speed}{memory}  "
            f"data wait {sum(f.data_wait for f in facts) / seconds:.1%}  {self.left(last.step)}"
        )

    def _row(self, row: dict[str, Any]) -> dict[str, float]:
        """A row of the history as wandb gets it, with the rates that follow from it."""
        named = {f"train/{key}": value for key, value in row.items()}
        if "tokens" in row and "seconds" in row:  # a line that somebody wrote by hand may lack them
            named["train/tokens_per_second_per_device"] = row["tokens"] / row["seconds"] / self.ranks
        if self.peak is not None and "teraflops" in row:
            named["train/mfu"] = row["teraflops"] / self.peak[0]
        return named

    def evaluation(self, step: int, accuracy: Mapping[str, float]) -> None:
        """Take the accuracy of a checkpoint, by mode."""
        self._to_wandb({"train/step": step} | {f"eval/{mode}_accuracy": share for mode, share in accuracy.items()})

    def _to_wandb(self, row: dict[str, float]) -> None:
        """Log to wandb. Its helper process obeys the signal that SLURM sends to all of a job: training goes on without."""
        if self.wandb is None:
            return
        try:
            self.wandb.log(row)
        except (OSError, wandb_error()) as error:
            print(
                f"wandb takes no more ({type(error).__name__}: {error}); {self.run / HISTORY} has every step",
                flush=True,
            )
            self.wandb = None

    def draw(self, evaluations: dict[str, dict[str, float]]) -> None:
        """Draw `curves.png` of a finished run."""
        draw_curves(read_history(self.run), evaluations, self.run / "curves.png", self.run.name)

    def close(self) -> None:
        """End the log."""
        self._file.close()
        if self.wandb is not None:
            try:
                self.wandb.finish()
            except (OSError, wandb_error()) as error:
                print(
                    f"wandb did not end well ({type(error).__name__}: {error}); `wandb sync` reads its files",
                    flush=True,
                )


def clock(seconds: float, now: datetime | None = None) -> str:
    """The local time in so many seconds: hours and minutes, with the date if it is another day."""
    now = now or datetime.now()
    then = now + timedelta(seconds=seconds)
    return f"{then:%H:%M}" if then.date() == now.date() else f"{then:%Y-%m-%d %H:%M}"


def read_history(run: Path) -> list[dict[str, Any]]:
    """The rows of `history.jsonl`. A broken line costs that line: it is named, but for a last one that a kill cut off."""
    path = run / HISTORY
    rows: list[dict[str, Any]] = []
    lines = path.read_text(errors="replace").split("\n") if path.exists() else []
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            row["step"] + row["loss"]
        except (ValueError, TypeError, KeyError):
            if number < len(lines):
                print(
                    f"{path}, line {number} is broken and left out: the step of that line is not in the curves",
                    flush=True,
                )
            continue
        rows.append(row)
    return rows


def set_aside(folder: Path, whole: Path) -> None:
    """Move the offline runs that another one replaces to `replaced/`, where neither `wandb sync` nor a reader finds them.

    Args:
        folder: wandb's folder of a run.
        whole: The offline run that holds all of them.
    """
    old = [path for path in sorted(folder.glob("offline-run-*")) if path != whole]
    for path in old:
        aside = folder / "replaced" / path.name
        aside.parent.mkdir(exist_ok=True)
        path.rename(aside)
        for file in aside.glob("*.wandb"):
            file.rename(file.with_name(f"{file.name}.replaced"))
    if old:
        print(
            f"wandb: {whole} holds the run from its first step; {len(old)} of earlier jobs moved to {folder}/replaced",
            flush=True,
        )


def wandb_error() -> type[Exception]:
    """What wandb raises; imported where it is needed, since not every run logs there."""
    import wandb

    error: type[Exception] = wandb.Error
    return error


def _open_wandb(recipe: TrainingRecipe, run: Path) -> Any:
    """The run of Weights & Biases; a run that resumes has the same id there."""
    import wandb

    path = run / "wandb-id"
    if not path.exists():
        part = run / ".wandb-id"
        part.write_text(secrets.token_hex(4))
        part.replace(path)
    # An empty WANDB_MODE is none; without a key nobody could be asked for one.
    mode: Any = os.environ.get("WANDB_MODE") or (None if os.environ.get("WANDB_API_KEY") else "offline")
    try:
        opened = wandb.init(
            project=os.environ.get("WANDB_PROJECT", "idf"),
            name=run.name,
            id=path.read_text().strip(),
            resume=None if mode == "offline" else "allow",  # it would warn that it cannot; RunLog makes up for it
            dir=str(run),
            config=to_plain(recipe),
            mode=mode,
            settings=wandb.Settings(silent=True, console="off"),
        )
    except wandb.Error as error:
        raise UserError(
            f"wandb does not answer ({str(error).splitlines()[0]}): set WANDB_MODE=offline, or wandb=false"
        ) from None
    # Steps that are done again after a kill are logged again: the step is a value, not wandb's own ever-growing count.
    opened.define_metric("train/step")
    opened.define_metric("*", step_metric="train/step")
    return opened


def draw_curves(
    history: list[dict[str, Any]], evaluations: dict[str, dict[str, float]], path: Path, title: str
) -> None:
    """Plot loss, gradient norm, learning rate and speed against the step, and the accuracy of evaluated checkpoints.

    Args:
        history: Rows of `history.jsonl`.
        evaluations: Checkpoint name -> mode -> accuracy; `final` stands at the last step.
        path: PNG file to write.
        title: Name of the run.
    """
    from matplotlib.figure import Figure

    steps = [row["step"] for row in history]
    figure = Figure(figsize=(11, 6.5), layout="constrained")
    figure.suptitle(title)
    (loss, accuracy), (norm, speed) = figure.subplots(2, 2)
    loss.plot(steps, [row["loss"] for row in history], lw=1)
    loss.set(title="loss", ylabel="nats per label token", yscale="log")
    norm.plot(steps, [row["grad_norm"] for row in history], lw=1)
    norm.set(title="gradient norm (before clipping) and learning rate", xlabel="step", yscale="log")
    rate = norm.twinx()
    rate.plot(steps, [row["learning_rate"] for row in history], lw=1, color="tab:orange")
    rate.set(ylabel="learning rate (orange)")
    if any("vision_learning_rate" in row for row in history):
        rate.plot(steps, [row.get("vision_learning_rate") for row in history], lw=1, color="tab:orange", ls="--")
        rate.set(ylabel="learning rate (orange; dashed: vision)")
    speed.plot(steps, [row["tokens"] / row["seconds"] for row in history], lw=1)
    speed.set(title="tokens per second, all devices", xlabel="step", ylim=(0, None))
    points: dict[str, list[tuple[int, float]]] = {}
    for name, modes in evaluations.items():
        at = steps[-1] if name == "final" else int(name.rpartition("-")[2])
        for mode, share in modes.items():
            points.setdefault(mode, []).append((at, share))
    for mode, found in sorted(points.items()):
        accuracy.plot(*zip(*sorted(found), strict=True), "o-", label=mode)
    accuracy.set(title="accuracy of checkpoints (evaluation hook)", ylim=(0, 1))
    if points:
        accuracy.legend()
    else:
        accuracy.text(0.5, 0.5, "no checkpoint was evaluated", ha="center", va="center", transform=accuracy.transAxes)
    for axes in (loss, accuracy, norm, speed):
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)
