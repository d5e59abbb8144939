"""The player that knows: what a perfect reply to each turn is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ._episode import Episode


class Oracle:
    """Plays an episode perfectly, from wherever it stands.

    Args:
        episode: The episode, begun.
    """

    def __init__(self, episode: Episode) -> None:
        self.episode = episode
        self._way: dict[Any, str] = {}  # state -> the next action of a shortest plan

    def reply(self) -> str:
        """What to say at this turn."""
        episode = self.episode
        world, problem = episode.world, episode.problem
        if episode.asks == "move":
            if episode.state not in self._way:
                plan = world.solve(replace(problem, start=episode.state))
                self._way |= zip(world.replay(episode.state, plan), plan)
            return f"Move: {self._way[episode.state]}"
        if episode.asks == "state":
            return f"State: {world.line(world.step(episode.state, episode.course[episode.moves]))}"
        if episode.asks == "belief":
            return world.write(episode.state)
        return f"Answer: {world.answer(problem).write(world.truth(problem))}"

    def play(self) -> float:
        """Play to the end; the reward of the episode."""
        reward = 0.0
        while not self.episode.done:
            reward += self.episode.step(self.reply()).reward
        return reward
