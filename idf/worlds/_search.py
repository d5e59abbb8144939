"""The worlds that can search. Another planning world joins with one more `Search` here."""

from __future__ import annotations

from ._search_moving_box import MovingBoxSearch
from ._search_wood_slide import WoodSlideSearch
from ._searching import AnySearch
from .moving_box import WORLD as _MOVING_BOX
from .wood_slide import WORLD as _WOOD_SLIDE

SEARCHES: dict[str, AnySearch] = {
    "moving_box": MovingBoxSearch(_MOVING_BOX),
    "wood_slide": WoodSlideSearch(_WOOD_SLIDE),
}
"""World -> how it searches. A world that is not here cannot: described worlds, whose steps are given, and worlds of others."""
