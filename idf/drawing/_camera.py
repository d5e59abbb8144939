"""A perspective camera that looks at the origin, and the fitting of a native picture into any size.

Source: the pinhole model. Camera positions and focal lengths are given by the drawings that use it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Points = NDArray[np.float64]


class Camera(NamedTuple):
    """A pinhole camera that looks at the origin, with +y upwards in the picture.

    Attributes:
        axes: (3, 3); rows are the camera's directions right, up and back (from the origin to the camera), length 1.
        distance: Distance from the origin, in units of the scene.
        focal: Focal length in pixels.
    """

    axes: Points
    distance: float
    focal: float

    def project(self, points: ArrayLike) -> Points:
        """Where points of the scene appear.

        Args:
            points: (..., 3), in units of the scene.

        Returns:
            (..., 2) pixels from the middle of the picture, x to the right, y downwards.
        """
        right, up, back = np.moveaxis(np.asarray(points, float) @ self.axes.T, -1, 0)
        pixels_per_unit = self.focal / (self.distance - back)
        return np.stack((right * pixels_per_unit, -up * pixels_per_unit), -1)

    def billboard(self, at: ArrayLike, offsets: ArrayLike) -> Points:
        """Points of the plane through `at` that faces the camera, so that what lies in it is not distorted.

        Args:
            at: (3,), a point of the scene.
            offsets: (..., 2), to the right and upwards from `at`, in units of the scene.

        Returns:
            (..., 3) points of the scene.
        """
        return np.asarray(at, float) + np.asarray(offsets, float) @ self.axes[:2]


def look_from(position: ArrayLike, focal: float) -> Camera:
    """The camera at a position (not on the y axis).

    Args:
        position: (3,), in units of the scene.
        focal: Focal length in pixels.
    """
    back = np.asarray(position, float)
    distance = float(np.linalg.norm(back))
    back = back / distance
    right = np.cross((0.0, 1.0, 0.0), back)
    right /= np.linalg.norm(right)
    return Camera(np.stack((right, np.cross(back, right), back)), distance, focal)


class Frame(NamedTuple):
    """Where a native picture lies in one of another size.

    Attributes:
        scale: Pixels per native pixel.
        left: Column of the native left edge.
        top: Row of the native top edge.
    """

    scale: float
    left: float
    top: float

    def place(self, points: Points) -> Points:
        """Native pixels, (..., 2), as pixels of the picture."""
        return points * self.scale + (self.left, self.top)


def fit(native: tuple[int, int], size: tuple[int, int]) -> Frame:
    """Scales a native picture by the smaller of the two factors, and centres it.

    Args:
        native: (width, height) in which the drawing is described.
        size: (width, height) of the picture.
    """
    scale = min(size[0] / native[0], size[1] / native[1])
    return Frame(scale, (size[0] - native[0] * scale) / 2, (size[1] - native[1] * scale) / 2)
