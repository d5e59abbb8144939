"""Gymnasium: after `import idf.integrations.gymnasium`, `gymnasium.make("idf/CubeRolling-v0")`, and so on for every world."""

import string
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Dict, Text

from idf.drawing import draw, picture_size
from idf.env import Episode, Observation, Options, Source
from idf.worlds import WORLDS

from ._live_text import LiveText

CHARACTERS = string.digits + string.ascii_letters + string.punctuation + " \n"
LONGEST = 4096


class IdfEnv(gymnasium.Env[dict[str, Any], str]):
    """Episodes of a world; other keywords are those of `idf.env.Options`. A spent budget truncates, all else terminates."""

    metadata = {"render_modes": ["ansi", "rgb_array"], "render_fps": 1}

    def __init__(self, world: str, difficulty: str = "easy", split: str = "train", render_mode: Any = None, **o: Any):
        self.episode, self.render_mode = Episode(Source(world, difficulty, split), Options(**o)), render_mode
        self.begun = False
        width, height = picture_size(world, self.episode.options.max_pixels)
        picture = {"picture": Box(0, 255, (height, width, 3), np.uint8)} if self.episode.options.pictured else {}
        self.observation_space = Dict({"text": LiveText(LONGEST, charset=CHARACTERS), **picture})
        self.action_space = Text(LONGEST, min_length=0, charset=CHARACTERS)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        """The source's next problem; its first one is of a random seed, if none is given."""
        super().reset(seed=seed)
        first = int(self.np_random.integers(2**31)) if seed is None and not self.begun else seed
        self.begun = True
        return self._seen(self.episode.reset(seed=first)), self.episode.information

    def step(self, action: str) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        """Take a reply in any wording."""
        seen, reward, done, information = self.episode.step(action)
        spent = information["end"] in ("moves", "tokens")
        return self._seen(seen), reward, done and not spent, spent, information

    def render(self) -> Any:
        """The scene now (of a described world: at its start), in words or as an RGB picture."""
        view = self.episode.view
        return draw(view).copy() if self.render_mode == "rgb_array" else WORLDS[view.world].write(view.start)

    def _seen(self, observation: Observation) -> dict[str, Any]:
        if (picture := observation.picture()) is not None:
            self.picture = picture
        text = observation.text.encode("ascii", "backslashreplace").decode()  # it may quote a reply
        return {"text": text} | ({"picture": self.picture.copy()} if self.episode.options.pictured else {})


for _name in WORLDS:
    _called = f"idf/{_name.title().replace('_', '')}-v0"
    gymnasium.register(_called, f"{__name__}:IdfEnv", kwargs={"world": _name})
