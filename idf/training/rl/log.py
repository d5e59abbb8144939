"""What a run of stage 3 says of itself: a line a step, `history.jsonl`, wandb, and a plot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..log import RunLog, read_history


@dataclass(frozen=True)
class RolloutFacts:
    """The figures of one optimizer step, over all ranks.

    Attributes:
        step: Steps done, this one included.
        loss: TRL's; with advantages of mean 0 and one update a step it says little.
        reward: Mean of what the responses earned.
        right: Share of right answers.
        step_credit: Mean over all responses of what false answers earned for their steps.
        price: Mean over all responses of what right answers lost for their length; reward is right + step_credit - price.
        silent: Share of the problems whose responses all earned the same: nothing is learned from them.
        cut_off: Share of the responses that were cut off.
        entropy: Mean over the tokens of responses that are not cut off, in nats: of each micro-batch over all ranks, then over
            these. A micro-batch whose responses are all cut off counts as 0.
        completion_tokens: Mean length of a response, in tokens.
        grad_norm: Of the whole gradient, before clipping.
        learning_rate: Of this step.
        seconds: Wall-clock time of the step.
    """

    step: int
    loss: float
    reward: float
    right: float
    step_credit: float
    price: float
    silent: float
    cut_off: float
    entropy: float
    completion_tokens: float
    grad_norm: float
    learning_rate: float
    seconds: float


class RolloutLog(RunLog):
    """Writes the log of a run of stage 3; on rank 0 only. Its arguments are those of `RunLog`."""

    def rollouts(self, facts: RolloutFacts) -> None:
        """Take the figures of a step; print them if it is time to.

        Raises:
            RankError: The history cannot be written.
        """
        self.take(asdict(facts))

    def line(self, rows: list[dict[str, Any]]) -> str:
        """The log line of some steps: their means."""
        last = rows[-1]
        mean = {name: sum(row[name] for row in rows) / len(rows) for name in last}
        return (
            f"{self.progress(last['step'])}  reward {mean['reward']:.3f}  right {mean['right']:.1%}  "
            f"{mean['completion_tokens']:.0f} tokens  cut off {mean['cut_off']:.1%}  silent {mean['silent']:.0%}  "
            f"entropy {mean['entropy']:.4f}  grad {mean['grad_norm']:.3f}  lr {last['learning_rate']:.2e}  "
            f"{mean['seconds']:.1f} s a step  {self.left(last['step'])}"
        )

    def draw(self, evaluations: Mapping[str, Mapping[str, float]]) -> None:
        """Draw `curves.png` of a finished run."""
        draw_rollouts(read_history(self.run), evaluations, self.run / "curves.png", self.run.name)


def draw_rollouts(
    history: list[dict[str, Any]], evaluations: Mapping[str, Mapping[str, float]], path: Path, title: str
) -> None:
    """Plot reward, accuracy, length and entropy over steps.

    Args:
        history: Rows of `history.jsonl`.
        evaluations: Checkpoint name -> mode -> accuracy.
        path: The picture to write.
        title: What stands above.
    """
    from matplotlib.figure import Figure

    steps = [row["step"] for row in history]
    figure = Figure(figsize=(11, 6.5), layout="constrained")
    figure.suptitle(title)
    axes = figure.subplots(2, 2)
    (reward, accuracy), (length, entropy) = axes
    reward.plot(steps, [row["reward"] for row in history], lw=1, label="reward")
    reward.plot(steps, [row["right"] for row in history], lw=1, label="right")
    reward.set(title="rollouts: mean reward, share of right answers", ylim=(0, 1))
    reward.legend()
    for mode in sorted({mode for modes in evaluations.values() for mode in modes}):
        points = sorted(
            (steps[-1] if name == "final" else int(name.rpartition("-")[2]), modes[mode])
            for name, modes in evaluations.items()
            if mode in modes
        )
        accuracy.plot(*zip(*points, strict=True), "o-", label=mode)
        accuracy.legend()
    accuracy.set(title="accuracy of checkpoints (evaluation hook)", ylim=(0, 1))
    length.plot(steps, [row["completion_tokens"] for row in history], lw=1)
    length.set(title="tokens of a response", xlabel="step", ylim=(0, None))
    entropy.plot(steps, [row["entropy"] for row in history], lw=1)
    entropy.set(title="entropy, nats a token", xlabel="step", ylim=(0, None))
    for one in axes.flat:
        one.grid(alpha=0.3)
    figure.savefig(path, dpi=120)
