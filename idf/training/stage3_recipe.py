"""What stage 3 is, in one typed object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from idf.errors import UserError
from idf.recipe import key
from idf.scoring import RewardRule

from .others_names import OTHERS_NAMES
from .recipe import TrainingRecipe

_SAMPLES = "write samples=N, the responses to each problem whose rewards are compared"
_LENGTH = "write max_new_tokens=N; prompts are never cut"
_AT_ONCE = (
    "write prompts_per_step=N, the problems of one optimizer step over all devices, and samples_per_micro_batch=N, the "
    "responses that a device takes at once; what is accumulated follows"
)
_STEPS = "write steps=N, the optimizer steps of the run"
_KL = "write beta=X; at 0 no reference model is in memory"
_REWARD = "the reward is the verdict of the problem's world: see reward.step_credit and reward.price"
_ROLLOUTS = {
    **dict.fromkeys(("num_generations", "n_samples", "rollout_n", "n", "group_size"), _SAMPLES),
    **dict.fromkeys(("max_completion_length", "max_response_length", "max_tokens", "response_length"), _LENGTH),
    **dict.fromkeys(("per_device_train_batch_size", "gradient_accumulation_steps", "generation_batch_size"), _AT_ONCE),
    **dict.fromkeys(("batch_size", "train_batch_size", "rollout_batch_size", "rows_per_step"), _AT_ONCE),
    **dict.fromkeys(("rows_per_micro_batch", "steps_per_generation"), _AT_ONCE),
    **dict.fromkeys(("max_steps", "num_train_epochs", "epochs", "total_epochs"), _STEPS),
    **dict.fromkeys(("kl_coef", "kl_loss_coef", "kl_beta"), _KL),
    **dict.fromkeys(("loss_type", "adv_estimator"), "write loss=dr_grpo, or dapo, grpo, bnpo"),
    **dict.fromkeys(("epsilon", "clip_ratio", "cliprange"), "write clip=0.2"),
    **dict.fromkeys(("reward_funcs", "reward_function", "reward_weights", "reward_model"), _REWARD),
    **dict.fromkeys(
        ("use_vllm", "vllm_mode"), "write vllm={mode: colocate}, or vllm={mode: server, url: http://HOST:8000}"
    ),
    "num_iterations": "each response is learned from once",
    "mask_truncated_completions": "nothing is ever learned from a response that is cut off",
}
"""What GRPO trainers (TRL, verl, EasyR1, OpenRLHF) call these keys."""


@dataclass(frozen=True)
class RewardRecipe:
    """What a response earns; see `idf.scoring.reward`.

    Attributes:
        step_credit: What a false answer earns at most, for steps that are right in order up to the first false one.
        price: What a right answer loses if it is `max_new_tokens` long; in proportion if it is shorter.
        most_over_optimal: A plan of more than so many times the moves of a shortest one earns nothing.
    """

    step_credit: float = key(0.2, least=0, below=0.5)
    price: float = key(0.0, least=0, below=1)
    most_over_optimal: float = key(2.0, least=1)


@dataclass(frozen=True)
class StopRecipe:
    """When a run that falls apart is stopped: means over the last `window` steps are compared with earlier ones.

    Attributes:
        window: Steps in a mean.
        reward_fall: Stop if the mean reward is so far below the best mean of the run; None for never.
        entropy_share: Stop if the mean entropy is below this share of that of the first `window` steps, while fewer than
            `solved` of the responses are right; None for never.
        solved: From this share of right responses on, entropy may fall as it likes.
    """

    window: int = key(16, least=1, may_change="exact")
    reward_fall: float | None = key(0.25, above=0, may_change="exact")
    entropy_share: float | None = key(0.05, above=0, below=1, may_change="exact")
    solved: float = key(0.9, least=0, most=1, may_change="exact")


@dataclass(frozen=True)
class VllmRecipe:
    """vLLM for the rollouts, by TRL.

    Attributes:
        mode: "colocate": in the training processes. "server": `trl vllm-serve` on other GPUs.
        url: Where the server is; with mode "server".
        gpu_memory: Share of a GPU's memory for vLLM; with mode "colocate".
        tensor_parallel: GPUs that hold one copy of the model; with mode "colocate".
    """

    mode: Literal["colocate", "server"] = "colocate"
    url: str | None = None
    gpu_memory: float = key(0.3, above=0, below=1)
    tensor_parallel: int = key(1, least=1)

    def check(self) -> None:
        """Refuse a server without an address."""
        if (self.mode == "server") != (self.url is not None):
            raise UserError("vllm.url names the server of vllm.mode server, and belongs to no other mode")


@dataclass(frozen=True)
class Stage3Recipe(TrainingRecipe):
    """Reinforcement: the model answers problems, and learns from what its answers earn.

    Attributes:
        stage: "reinforcement".
        data: Dataset folder of `idf traces` or `idf filter`: its problems are asked, its responses are not looked at.
        warmup: Share of the steps over which the learning rate rises linearly; then it stays.
        resume: "exact" alone: TRL's state fits the devices and the preset that wrote it.
        steps: Optimizer steps.
        prompts_per_step: Problems that are asked for one step, over all devices.
        samples: Responses to each of them, whose rewards are compared.
        samples_per_micro_batch: Responses in one forward pass on one device.
        max_new_tokens: Longest response; one that is cut off earns nothing, and nothing is learned from it.
        temperature: Of the rollouts.
        top_p: Only the likeliest tokens that together have this probability.
        loss: Which of TRL's losses.
        scale_rewards: Whether advantages are divided by the spread of the rewards: "none", "group" or "batch".
        beta: Weight of the divergence from the model that the run began with; 0 for no such model in memory.
        clip: How far a token's probability ratio counts. It is 1 in a first update, and there is one update a step: TRL never
            clips here.
        reward: What a response earns.
        stop: When a run is stopped that falls apart.
        vllm: vLLM for the rollouts; None for transformers.
    """

    others_names: ClassVar[Mapping[str, str]] = {**OTHERS_NAMES, **_ROLLOUTS}

    stage: Literal["reinforcement"]
    learning_rate: float = key(1e-6, above=0)
    warmup: float = key(0.05, least=0, below=1)
    save_steps: int = key(50, least=1, may_change="exact")
    resume: Literal["exact"] = key("exact", may_change="exact")
    steps: int = key(400, least=1)
    prompts_per_step: int = key(64, least=1)
    samples: int = key(8, least=2)
    samples_per_micro_batch: int = key(4, least=1)
    max_new_tokens: int = key(2048, least=1)
    temperature: float = key(1.0, above=0)
    top_p: float = key(1.0, above=0, most=1)
    loss: Literal["dr_grpo", "dapo", "grpo", "bnpo"] = "dr_grpo"
    scale_rewards: Literal["none", "group", "batch"] = "none"
    beta: float = key(0.0, least=0)
    clip: float = key(0.2, above=0)
    reward: RewardRecipe = key(factory=RewardRecipe)
    stop: StopRecipe = key(factory=StopRecipe)
    vllm: VllmRecipe | None = None

    def check(self) -> None:
        """Refuse what cannot work, before any device is touched."""
        super().check()
        if self.train != "language":
            raise UserError(
                f"train must be language in stage 3, not {self.train}: the vision part learns in stages 1 and 2 alone"
            )
        if self.sharded:
            raise UserError(
                f"deepspeed {self.deepspeed} does not go with stage 3: ranks that draw pictures and ranks that draw none wait "
                "for each other forever (ms-swift#3213); use zero2, zero2_offload or lora"
            )
        if self.lora is not None and self.lora.dropout > 0:
            raise UserError(
                "lora.dropout must be 0 in stage 3: responses would be drawn from another model than the one that learns"
            )
        if self.vllm is not None:
            self.vllm.check()
            if self.lora is not None:
                raise UserError(
                    "vllm does not go with lora: TRL would send vLLM the weights under the names that adapters give them, which "
                    "vLLM does not know; leave vllm out, or train all weights"
                )
        _ = self.rule

    @property
    def rule(self) -> RewardRule:
        """The rule that rewards follow.

        Raises:
            UserError: A false answer could earn half of a right one.
        """
        reward = self.reward
        try:
            return RewardRule(reward.step_credit, reward.price, self.max_new_tokens, reward.most_over_optimal)
        except UserError as error:
            raise UserError(f"reward: {error}") from None

    @property
    def attention(self) -> str:
        """The implementation of attention: TRL hands over padded batches, which idf's own does not take."""
        return "sdpa"

    def accumulation_steps(self, devices: int) -> int:
        """Micro-batches that each device adds up before an optimizer step.

        Raises:
            UserError: The responses of a step do not divide over them.
        """
        at_once = self.samples_per_micro_batch * devices
        if self.prompts_per_step * self.samples % at_once:
            raise UserError(
                f"prompts_per_step x samples ({self.prompts_per_step} x {self.samples}) must be a multiple of "
                f"samples_per_micro_batch x devices ({self.samples_per_micro_batch} x {devices} = {at_once})"
            )
        return self.prompts_per_step * self.samples // at_once
