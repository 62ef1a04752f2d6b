"""How values are compared: also those that are very large, as an edit of a backward pass may make them."""

from __future__ import annotations

import numpy as np
import pytest

from gated.audit.diagnosis.samples import near, norm


def test_the_norm_of_numbers_whose_squares_overflow() -> None:
    assert norm([3.0, 4.0]) == 5.0 and norm([]) == 0.0
    assert norm([3e200, 4e200]) == pytest.approx(5e200, rel=1e-15)
    assert norm([1.0, np.inf]) == np.inf and np.isnan(norm([1.0, np.nan]))


def test_large_values_are_near_only_if_they_are() -> None:
    large = np.array([3e200, -4e200])
    assert near(large * (1 + 1e-12), large)
    assert not near(large * 1.5, large) and not near(np.ones(2), large) and not near(large, np.ones(2))
