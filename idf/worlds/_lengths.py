"""How each world tells its solutions shorter. A world that is not here tells what changes as far as its facts have names."""

from __future__ import annotations

from typing import Any

from ._tell_cube_rolling import CubeRollingTelling
from ._tell_mental_rotation import MentalRotationTelling
from ._tell_moving_box import MovingBoxTelling
from ._tell_rubiks_cube import RubiksCubeTelling
from ._tell_wood_slide import WoodSlideTelling
from ._telling import AnyTelling, Telling
from ._world import World
from .cube_rolling import WORLD as _CUBE_ROLLING
from .mental_rotation import WORLD as _MENTAL_ROTATION
from .moving_box import WORLD as _MOVING_BOX
from .rubiks_cube import WORLD as _RUBIKS_CUBE
from .wood_slide import WORLD as _WOOD_SLIDE

TELLINGS: dict[str, AnyTelling] = {
    "cube_rolling": CubeRollingTelling(_CUBE_ROLLING),
    "mental_rotation": MentalRotationTelling(_MENTAL_ROTATION),
    "moving_box": MovingBoxTelling(_MOVING_BOX),
    "rubiks_cube": RubiksCubeTelling(_RUBIKS_CUBE),
    "wood_slide": WoodSlideTelling(_WOOD_SLIDE),
}
"""World -> how it tells. Another world joins with one more `Telling` here."""


def telling_of(world: World[Any, Any]) -> AnyTelling:
    """How a world tells its solutions."""
    return TELLINGS.get(world.name) or Telling(world)
