"""The training loop of both stages."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from idf.errors import UserError

from .checkpoint import STATE, carries_moments, complete_checkpoints, read_facts
from .collate import COUNTS, Collator
from .dataset import PackedRows, micro_batches, steps_in_run
from .engine import Engine
from .flops import Counts, peak_tflops, shape_of, train_flops
from .hook import EvaluationHook, evaluated
from .layout import read_layout, write_model
from .log import EVALUATIONS, SAVES, RunLog, StepFacts
from .lora import merged, save_adapter
from .loss_guard import LossGuard, StopSignal, stop_signal
from .model import GradientWatch, StageModel, parameter_counts
from .recipe import StageRecipe, TrainingRecipe
from .room import prefetched
from .saving import save_checkpoint
from .schedule import learning_rate


class StageTrainer:
    """Trains a model on packed rows, to the end or until something stops it in good order.

    Args:
        engine: The ranks.
        vlm: The model, frozen where it does not learn.
        rows: The data.
        processor: The model's processor.
        recipe: The stage's recipe.
        facts: What `idf.json` says of every checkpoint.
    """

    def __init__(
        self, engine: Engine, vlm: Any, rows: PackedRows, processor: Any, recipe: StageRecipe, facts: dict[str, Any]
    ) -> None:
        recipe.check_pictures(int(rows.tokens.patches().sum()))
        self.engine, self.rows, self.recipe, self.facts = engine, rows, recipe, facts
        self.run = Path(recipe.run)
        self.steps = steps_in_run(len(rows), recipe)
        self.shape = shape_of(vlm)
        self.counts = parameter_counts(vlm)
        self.collator = Collator(processor.image_processor, vlm.config.image_token_id, processor.tokenizer.pad_token_id)
        self.hook = EvaluationHook(recipe) if recipe.hook.mode == "inline" else None
        engine.first_does(lambda: self._read_layout(vlm))
        engine.prepare(StageModel(vlm, recipe.sharded, recipe.saves_memory))

    def _read_layout(self, vlm: Any) -> None:
        """Take note of how checkpoints will be written, so that nothing is left to be found out when the first one is."""
        self.layout = read_layout(self.recipe.model)
        self.layout.names_in_files(vlm)
        if unknown := self.layout.unknown_to(vlm):
            more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
            print(
                f"{self.recipe.model} holds {unknown[0]}{more}, which the model does not use: checkpoints will not hold it",
                flush=True,
            )

    def train(self, resume_from: Path | None) -> Path | None:
        """Train to the last step and write `final/`, or until a signal comes and a checkpoint is saved.

        Args:
            resume_from: The checkpoint whose weights were loaded; None at the start of a run.

        Returns:
            The final folder; None if a signal stopped the run.

        Raises:
            UserError: The loss is no number or jumps, or a checkpoint cannot be written.
        """
        engine, recipe = self.engine, self.recipe
        done, losses = self._go_on_from(resume_from) if resume_from else (0, [])
        self.guard = LossGuard(recipe.loss_spike, losses)
        self.stop = stop_signal()
        self.stop.training = True
        self.watch = engine.watch
        self.log = self._open_log(done) if engine.first else None
        self._announce(done)
        engine.model.train()
        batches = self._batches(done)
        try:
            for step in range(done, self.steps):
                self._step(step, batches)
                if self._signal and step + 1 < self.steps:
                    checkpoint = self._save(f"checkpoint-{step + 1}", step + 1)
                    if engine.first:
                        say_goodbye(recipe, engine.ranks, self._signal, checkpoint)
                    return None
                if (step + 1) % recipe.save_steps == 0 and step + 1 < self.steps:
                    self._evaluate(self._save(f"checkpoint-{step + 1}", step + 1), step + 1)
            final = self._save("final", self.steps)
            self._evaluate(final, self.steps)
            if self.log is not None:
                self._draw(self.log)
            return final
        except UserError as error:
            raise type(error)(f"{error}. {last_good(self.run)}") from None
        finally:
            self.watch.stop()
            if self.log is not None:
                self.log.close()

    def _open_log(self, done: int) -> RunLog:
        """The log of the run, with what its checkpoints were found to know."""
        known: dict[str, dict[str, float]] = {}
        if done and self.hook is not None:
            try:
                known = evaluated(self.run)
            except UserError as error:
                print(f"wandb gets no accuracy of the steps before: {error}", flush=True)
        return RunLog(self.recipe, self.engine.ranks, self.steps, done, self._peak(), known, self.recipe.epochs)

    def _go_on_from(self, checkpoint: Path) -> tuple[int, list[float]]:
        """Load the optimizer's state, if it fits; the number of steps done, and the last losses."""
        facts = read_facts(checkpoint)
        if facts is None:
            raise UserError(f"{checkpoint} holds no idf.json")
        state = checkpoint / STATE
        if not state.is_dir():  # pruned, and resume=weights
            return facts["step"], []
        if carries_moments(self.recipe, facts, self.engine.ranks):
            self.engine.load_state(state)
        progress = json.loads((state / "progress.json").read_text())
        return progress["step"], progress["losses"]

    def _step(self, step: int, batches: Iterator[dict[str, Tensor]]) -> None:
        """One optimizer step: fetch the micro-batches, count, train, look at the loss, log."""
        engine, recipe, begun = self.engine, self.recipe, time.perf_counter()
        self.watch.phase(f"step {step + 1}: waiting for data")
        mine = [next(batches) for _ in range(engine.accumulation)]
        waited = time.perf_counter() - begun
        counted = torch.stack([batch.pop("counts") for batch in mine]).sum(0).tolist()
        self.watch.phase(f"step {step + 1}: counting label tokens over ranks")
        totals = engine.add_up(counted)
        counts = Counts(**{name: int(n) for name, n in zip(COUNTS, totals, strict=True)})
        rate, peak = learning_rate(recipe, step, self.steps), recipe.vision_peak
        vision_rate = None if peak is None else learning_rate(recipe, step, self.steps, peak)
        self.watch.phase(f"step {step + 1}: forward, backward and update")
        gradients = GradientWatch(engine.bare) if step == 0 else None
        loss, norm = engine.step(mine, counts.label_tokens, rate, vision_rate)
        if gradients is not None:
            gradients.check()
        self.watch.phase(f"step {step + 1}: adding up the loss over ranks")
        signals, waits = self._at_my_rank(self.stop.number), self._at_my_rank(waited)
        total, *both = engine.add_up([loss, *signals, *waits])
        self._signal, waits = int(max(both[: engine.ranks])), both[engine.ranks :]
        loss = total / counts.label_tokens
        self.guard.check(loss, norm, step + 1)
        if self.log is not None:
            seconds = time.perf_counter() - begun
            rank = recipe.lora.rank if recipe.lora else None
            flops = train_flops(self.shape, counts, lora_rank=rank, train=recipe.train)
            memory = torch.cuda.max_memory_allocated() / 2**30 if engine.device.type == "cuda" else None
            self.log.step(
                StepFacts(
                    step=step + 1,
                    loss=loss,
                    grad_norm=norm,
                    learning_rate=rate,
                    label_tokens=counts.label_tokens,
                    tokens=counts.tokens,
                    seconds=seconds,
                    data_wait=max(waits),
                    teraflops=flops / seconds / engine.ranks / 1e12,
                    memory_gib=memory,
                    vision_learning_rate=vision_rate,
                )
            )

    def _batches(self, done: int) -> Iterator[dict[str, Tensor]]:
        """This rank's micro-batches from a step on; pictures are decoded by workers, each once a step."""
        engine, recipe, workers = self.engine, self.recipe, self.recipe.loader_workers
        order = list(micro_batches(len(self.rows), recipe, engine.rank, engine.ranks, done, self.steps))
        loader = DataLoader(
            self.rows,
            batch_sampler=order,
            collate_fn=self.collator,
            num_workers=workers,
            pin_memory=engine.device.type == "cuda",
            # Two steps ahead, over all workers; it is shared memory.
            prefetch_factor=prefetched(recipe, engine.accumulation) if workers else None,
            worker_init_fn=_ignore_signals,
            generator=torch.Generator(),  # else it would draw from the numbers that dropout uses
        )
        return iter(loader)

    def _at_my_rank(self, number: float) -> list[float]:
        """A number at this rank's place among zeros: added up, all ranks know all of them."""
        return [number if rank == self.engine.rank else 0.0 for rank in range(self.engine.ranks)]

    # --- checkpoints ----------------------------------------------------------------------------------------------

    def _save(self, name: str, step: int) -> Path:
        """Write a checkpoint, or `final/`, which nobody resumes from."""
        state = {"step": step, "losses": list(self.guard.losses)}
        self.watch.phase(f"step {step}: gathering the weights of {name}")
        begun = time.perf_counter()
        weights = self.engine.weights()
        saved = save_checkpoint(
            self.engine,
            self.run,
            name,
            weights=lambda folder: self._export(weights, folder, step),
            state=None if name == "final" else lambda folder: self.engine.save_state(folder, state),
            keep=self.recipe.keep_checkpoints,
            phase=lambda what: self.watch.phase(f"step {step}: {what}"),
        )
        if self.log is not None:
            self.log.took(SAVES, time.perf_counter() - begun)
        return saved

    def _export(self, state: dict[str, Tensor] | None, folder: Path, step: int) -> None:
        vlm, lora = self.engine.bare.vlm, self.recipe.lora
        if lora is not None:
            state = dict(vlm.state_dict()) if state is None else state
            save_adapter(state, lora, self.recipe.model, folder / "adapter")
            state = merged(state, lora)
        write_model(self.layout, vlm, folder, state, self.facts | {"step": step})

    def _evaluate(self, folder: Path, step: int) -> None:
        if self.hook is None:
            return
        begun = time.perf_counter()
        with self.watch.paused(f"step {step}: evaluating {folder.name}"):
            accuracy = self.hook.run(folder, self.stop)
            self.engine.model.train()
        if accuracy is not None and self.log is not None:
            self.log.took(EVALUATIONS, time.perf_counter() - begun)
            self.log.evaluation(step, accuracy)

    def _draw(self, log: RunLog) -> None:
        """Draw the curves. The run is finished: a plot that fails changes nothing of it, and is shown."""
        try:
            log.draw(evaluated(self.run))
        except (UserError, OSError) as error:
            print(f"no curves.png: {error}", flush=True)

    # --- what is said ---------------------------------------------------------------------------------------------

    def _peak(self) -> tuple[float, str] | None:
        if self.recipe.peak_tflops is not None:
            return self.recipe.peak_tflops, "recipe"
        if self.engine.device.type != "cuda":
            return None
        name = torch.cuda.get_device_name()
        known = peak_tflops(name)
        return None if known is None else (known, f"data sheet of {name}, dense bf16")

    def _announce(self, done: int) -> None:
        if self.log is None:
            return
        recipe, data, (total, frozen, trainable) = self.recipe, self.rows.facts(), self.counts
        peak = self.log.peak
        print(
            f"{recipe.stage}-distillation of {recipe.model} on {self.engine.ranks} x {recipe.device}: "
            f"{total:,} parameters, {frozen:,} frozen, {trainable:,} trainable\n"
            f"{data['samples']:,} samples, {data['tokens']:,} tokens ({data['label_tokens']:,} to learn) in "
            f"{data['rows']:,} rows, {data['filled']:.1%} filled; {self.steps:,} steps of {recipe.rows_per_step} rows"
            + (f", {done:,} of them done" if done else "")
            + (f"\n100 % MFU is {peak[0]:g} TFLOP/s ({peak[1]})" if peak else ""),
            flush=True,
        )


def _ignore_signals(worker: int) -> None:
    """SLURM signals every process of a job; a worker that obeyed would take its rank down before it has saved."""
    for number in StopSignal.SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def resume_command(recipe: TrainingRecipe, ranks: int) -> str:
    """The command that resumes this run."""
    local = os.environ.get("LOCAL_WORLD_SIZE", str(ranks))
    nodes = ranks // int(local)
    where = f" --nnodes {nodes} --rdzv_backend c10d --rdzv_endpoint HOST:PORT" if nodes > 1 else ""
    return f"torchrun{where} --nproc_per_node {local} {shlex.join(sys.argv)}"


def say_goodbye(recipe: TrainingRecipe, ranks: int, number: int, checkpoint: Path) -> None:
    """Say where a run that a signal stopped is saved, and how to resume it; for one rank to do."""
    print(
        f"stopped by {signal.Signals(number).name}: all of it is saved in {checkpoint}. Resume with\n"
        f"    {resume_command(recipe, ranks)}",
        flush=True,
    )


def last_good(run: Path) -> str:
    """The sentence on what is left of a run that was stopped."""
    complete = complete_checkpoints(run)
    if not complete:
        return "No checkpoint was saved before"
    return f"The last good checkpoint is {complete[-1]}: begin another run with model={complete[-1]}, or go on from it"
