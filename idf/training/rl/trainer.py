"""TRL's GRPOTrainer with idf's rewards, checkpoints and log: what a step computes is TRL's, all around it is ours."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import TrainerCallback, TrainerState
from trl import GRPOConfig, GRPOTrainer

from idf.errors import UserError
from idf.recipe import to_plain

from ..checkpoint import STATE
from ..evaluations import evaluated
from ..hook import EvaluationHook
from ..layout import read_layout, write_model
from ..log import EVALUATIONS, SAVES, read_history
from ..lora import merged, save_adapter
from ..loss_guard import stop_signal
from ..model import parameter_counts
from ..ranks import Ranks
from ..saving import save_checkpoint
from ..stage3_recipe import Stage3Recipe
from ..trainer import last_good, say_goodbye
from .config import for_rollouts
from .generation import fast_generation
from .log import RolloutFacts, RolloutLog
from .pictures import pictures_of
from .prompts import Prompts
from .rewards import RewardFunction
from .stopping import Collapse

_STATE_FILE = "trainer_state.json"


class RolloutTrainer(GRPOTrainer):  # type: ignore[misc]
    """Trains a model on what its responses earn, to the last step or until something stops it in good order.

    Args:
        recipe: The stage's recipe.
        config: From `grpo_config`.
        ranks: This process among the others.
        vlm: The model, frozen where it does not learn.
        processor: Its processor.
        prompts: The problems.
        facts: What `idf.json` says of every checkpoint.
        resume_from: The checkpoint whose weights were loaded; None at the start of a run.
    """

    def __init__(
        self,
        recipe: Stage3Recipe,
        config: GRPOConfig,
        ranks: Ranks,
        vlm: Any,
        processor: Any,
        prompts: Prompts,
        facts: dict[str, Any],
        resume_from: Path | None,
    ) -> None:
        self.recipe, self.peers, self.facts, self.resume_from = recipe, ranks, facts, resume_from
        self.run = Path(recipe.run)
        self.hook = EvaluationHook(recipe) if recipe.hook.mode == "inline" else None
        self.log_of_run: RolloutLog | None = None
        self.done, self.silent = 0, 0.0
        self.teaching: list[int] | None = None  # rows of the micro-batch whose loss is computed; None for all of them
        self.counts = parameter_counts(vlm)
        self.layout = read_layout(recipe.model)
        self.layout.names_in_files(vlm)
        vlm.config._name_or_path = (
            recipe.model
        )  # where TRL looks for a reference model: not at the checkpoint resumed from
        super().__init__(
            model=vlm,
            reward_funcs=[RewardFunction(recipe.rule, vlm.generation_config, processor.tokenizer)],
            args=config,
            train_dataset=prompts.rows(grid_of(processor)),
            processing_class=for_rollouts(processor),
            callbacks=[_RunCallback(self)],
        )
        if recipe.vllm is None:
            fast_generation(vlm)
        from transformers.trainer_callback import PrinterCallback

        self.remove_callback(PrinterCallback)

    def learn(self) -> Path | None:
        """Train and write `final/`.

        Returns:
            The final folder; None if a signal stopped the run.

        Raises:
            UserError: Reward or entropy fell away, or a checkpoint cannot be written.
        """
        self.stop_signal = stop_signal()
        self.stop_signal.training = True
        history = list[dict[str, Any]]()
        if self.resume_from is not None:
            self.done = int(TrainerState.load_from_json(str(self.resume_from / STATE / _STATE_FILE)).global_step)
            told = self.peers.first_says(lambda: read_history(self.run))  # before rank 0 writes it anew
            history = [row for row in told if row["step"] <= self.done]
        self.collapse = Collapse(self.recipe.stop, history)
        if self.peers.first:
            epochs = self.recipe.steps * self.recipe.prompts_per_step / len(self.train_dataset)
            self.log_of_run = RolloutLog(
                self.recipe, self.peers.ranks, self.recipe.steps, self.done, None, epochs=epochs
            )
        self._announce(self.done)
        try:
            self.train(resume_from_checkpoint=None if self.resume_from is None else str(self.resume_from / STATE))
            if self.state.global_step < self.recipe.steps:
                return None
            final = self._write("final", state=False)
            self._evaluate(final)
            if self.log_of_run is not None:
                self.log_of_run.draw(evaluated(self.run))
            return final
        except UserError as error:
            raise type(error)(f"{error}. {last_good(self.run)}") from None
        finally:
            if self.log_of_run is not None:
                self.log_of_run.close()

    def _tokenize_prompts(self, prompts: Any) -> Any:
        """As TRL's, but a prompt without pictures among others with some has an empty list: processors refuse its None."""
        ids, images, fields = super()._tokenize_prompts(prompts)
        return ids, None if images is None else [shown or [] for shown in images], fields

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> Tensor:
        """As TRL's, but what teaches nothing is not computed backwards: its gradient is exactly 0."""
        if self.beta == 0 and not self.aux_loss_enabled:
            self.teaching = teaching_rows(inputs["advantages"], inputs["completion_mask"])
        try:
            loss: Tensor = super()._compute_loss(model, inputs)
            return loss
        finally:
            self.teaching = None

    def _get_per_token_logps_and_entropies(
        self, model: Any, input_ids: Tensor, *rest: Any, batch_size: int | None = None, **more: Any
    ) -> Any:
        """As TRL's, but rows without any picture, cut out of a batch that has some, go past the vision tower."""
        attention_mask, *others = rest
        count = len(input_ids)
        size = batch_size or count
        parts = [(True, list(range(start, min(start + size, count)))) for start in range(0, count, size)]
        if self.teaching is not None:
            silent = sorted(set(range(count)) - set(self.teaching))
            # Those with a gradient last: DDP makes ready for the backward pass of the forward pass before it.
            parts = [(learns, rows) for learns, rows in ((False, silent), (True, self.teaching)) if rows]
        found = []
        for learns, rows in parts:
            with torch.set_grad_enabled(learns and torch.is_grad_enabled()):
                told = pictures_of(rows, more)
                found.append(
                    super()._get_per_token_logps_and_entropies(
                        model, input_ids[rows], attention_mask[rows], *others, **told
                    )
                )
        logps, entropies, losses = zip(*found, strict=True)
        order = torch.tensor([row for _, rows in parts for row in rows], device=input_ids.device).argsort()
        return (
            torch.cat(logps)[order],
            None if entropies[0] is None else torch.cat(entropies)[order],
            None if losses[0] is None else torch.stack(losses).mean(),
        )

    def _get_train_sampler(self, dataset: Any = None) -> Any:
        """As TRL's, but a resumed run keeps the order of its epoch: TRL would begin with the first one's."""
        sampler = super()._get_train_sampler(dataset)
        return after_epochs(sampler, self.done // (len(self.train_dataset) // self.recipe.prompts_per_step))

    def _calculate_rewards(self, *given: Any) -> Tensor:
        """As TRL's; notes the share of silent problems, which TRL tells only where rewards are compared by problem."""
        earned: Tensor = super()._calculate_rewards(*given)
        self.silent = share_silent(earned[:, 0], self.recipe.samples)
        return earned

    # --- checkpoints ----------------------------------------------------------------------------------------------

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """Instead of transformers': a complete folder of ours that appears by one rename; TRL's state lies in `state/`."""
        step = self.state.global_step
        if step >= self.recipe.steps:
            return  # `final/` comes next
        folder = self._write(f"checkpoint-{step}", state=True)
        if self.stop_signal.number:
            if self.peers.first:
                say_goodbye(self.recipe, self.peers.ranks, self.stop_signal.number, folder)
        else:
            self._evaluate(folder)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        """Nothing: the weights were loaded with the model, from the checkpoint's own folder."""

    def _write(self, name: str, state: bool) -> Path:
        # No preset of stage 3 shards weights, so rank 0 has them all: accelerate would copy them to the memory of every rank.
        begun = time.perf_counter()
        saved = save_checkpoint(
            self.peers,
            self.run,
            name,
            weights=self._write_weights,
            state=self._write_state if state else None,
            keep=self.recipe.keep_checkpoints,
            phase=lambda what: None,
        )
        if self.log_of_run is not None:
            self.log_of_run.took(SAVES, time.perf_counter() - begun)
        return saved

    def _write_weights(self, folder: Path) -> None:
        vlm, lora, weights = self.accelerator.unwrap_model(self.model), self.recipe.lora, None
        if lora is not None:
            weights = dict(vlm.state_dict())
            save_adapter(weights, lora, self.recipe.model, folder / "adapter")
            weights = merged(weights, lora)
        write_model(self.layout, vlm, folder, weights, self.facts | {"step": self.state.global_step})

    def _write_state(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._save_optimizer_and_scheduler(str(folder))
        self._save_rng_state(str(folder))
        if self.peers.first:
            self.state.save_to_json(str(folder / _STATE_FILE))

    def _evaluate(self, folder: Path) -> None:
        if self.hook is None:
            return
        begun = time.perf_counter()
        accuracy = self.hook.run(folder, self.stop_signal)
        self.model.train()
        if accuracy is not None and self.log_of_run is not None:
            self.log_of_run.took(EVALUATIONS, time.perf_counter() - begun)
            self.log_of_run.evaluation(self.state.global_step, accuracy)

    # --- what is said ---------------------------------------------------------------------------------------------

    def take(self, logs: dict[str, float], seconds: float) -> None:
        """The figures of a step, as TRL logs them on every rank.

        Raises:
            UserError: Reward or entropy fell away.
        """
        facts = RolloutFacts(
            step=self.state.global_step,
            loss=logs["loss"],
            reward=logs["reward"],
            right=logs["reward/right"],
            step_credit=logs["reward/steps"],
            price=logs["reward/price"],
            silent=self.silent,
            cut_off=logs["completions/clipped_ratio"],
            entropy=logs["entropy"],
            completion_tokens=logs["completions/mean_length"],
            grad_norm=float(logs["grad_norm"]),
            learning_rate=logs["learning_rate"],
            seconds=seconds,
        )
        if self.log_of_run is not None:
            self.log_of_run.rollouts(facts)
        self.collapse.check(to_plain(facts))

    def _announce(self, done: int) -> None:
        if self.log_of_run is None:
            return
        recipe, (total, frozen, trainable) = self.recipe, self.counts
        print(
            f"reinforcement of {recipe.model} on {self.peers.ranks} x {recipe.device}: {total:,} parameters, {frozen:,} frozen, "
            f"{trainable:,} trainable\n"
            f"{len(self.train_dataset):,} problems; {recipe.steps:,} steps of {recipe.prompts_per_step} x {recipe.samples} "
            f"responses" + (f", {done:,} of them done" if done else ""),
            flush=True,
        )


class _RunCallback(TrainerCallback):  # type: ignore[misc]
    """Hands each step's figures on, and stops in good order when a signal came to any rank."""

    def __init__(self, trainer: RolloutTrainer) -> None:
        self.trainer = trainer
        self._begun = time.perf_counter()

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._begun = time.perf_counter()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        numbers = self.trainer.peers.gather(self.trainer.stop_signal.number)
        if number := max(numbers):
            self.trainer.stop_signal.number = number
            control.should_save = control.should_training_stop = True

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any) -> None:
        if logs and "reward" in logs:
            self.trainer.take(logs, time.perf_counter() - self._begun)


def grid_of(processor: Any) -> int:
    """Side in pixels of what becomes one vision token."""
    cells = processor.image_processor
    return int(cells.patch_size * cells.merge_size)


def after_epochs(sampler: Any, epochs: int) -> Any:
    """TRL's sampler as it is after some epochs: each takes one order from its generator.

    Args:
        sampler: The sampler, which has given nothing yet; it is changed.
        epochs: How many are over.
    """
    for _ in range(epochs):
        torch.randperm(sampler.num_samples, generator=sampler.generator)
    return sampler


def teaching_rows(advantages: Tensor, completion_mask: Tensor) -> list[int]:
    """The rows of a micro-batch whose gradient is not exactly 0, without a reference model; never none of them.

    A response to a silent problem has the advantage 0, and one that was cut off has no token that counts. Where no row teaches
    anything, the first one is computed all the same: the ranks wait for each other in the backward pass.

    Args:
        advantages: (rows), how much better a response is than the others to its problem.
        completion_mask: (rows, tokens), 1 for the tokens that count.
    """
    counts = (advantages != 0) & completion_mask.any(1)
    return [int(row) for row in counts.nonzero()[:, 0].tolist()] or [0]


def share_silent(earned: Tensor, samples: int) -> float:
    """The share of problems whose responses all earned the same.

    Args:
        earned: What the responses of a step earned, over all ranks; those to one problem stand side by side.
        samples: Responses to a problem.
    """
    groups = earned.view(-1, samples)
    return float((groups == groups[:, :1]).all(1).float().mean())
