from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from idf.training.collate import mrope_positions

IMAGE = 7
grid = st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 5))
parts = st.lists(st.one_of(st.lists(st.integers(0, 6), min_size=1, max_size=9), grid), max_size=8)


@given(parts, st.integers(1, 3), st.booleans())
def test_positions_count_up_in_texts_and_along_the_axes_of_pictures(parts, merge, as_array):
    """Token by token, as the paper says it."""
    ids, grids, expected, after = [], [], [], 0
    for part in parts:
        if isinstance(part, list):
            ids += part
            expected += [(after + n,) * 3 for n in range(len(part))]
            after += len(part)
        else:
            time, height, width = part
            grids.append((time, height * merge, width * merge))
            ids += [IMAGE] * (time * height * width)
            expected += [
                (after + t, after + y, after + x) for t in range(time) for y in range(height) for x in range(width)
            ]
            after += max(part)
    given_ids = np.array(ids, np.int32) if as_array else ids
    positions = mrope_positions(given_ids, grids, IMAGE, merge)
    assert positions.dtype == torch.long
    assert positions.tolist() == [list(range(len(ids))), *([p[axis] for p in expected] for axis in range(3))]


def test_more_tokens_that_stand_for_pictures_than_there_are_pictures_are_an_error():
    with pytest.raises(ValueError, match="1 pictures"):
        mrope_positions([1, IMAGE, IMAGE, 2, IMAGE], [(1, 2, 4)], IMAGE, 2)
