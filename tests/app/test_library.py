"""What ``fer_edge.watch`` makes of several sources."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fer_edge
from fer_edge.capture.fake import FakeSource
from fer_edge.errors import UsageError


@pytest.mark.parametrize("name", ["", "a/b", "..", "küche", "x" * 65, 1, None, ("a",)])
def test_a_name_in_a_mapping_is_checked_as_everywhere(name: Any) -> None:
    with pytest.raises(UsageError, match="will not do as the name of a camera") as caught:
        fer_edge.watch({name: "demo"})
    assert "digits" in caught.value.remedy


@pytest.mark.parametrize("several", [list, lambda pair: dict(zip("ab", pair))])
def test_one_source_object_is_one_camera(several: Any) -> None:
    source = FakeSource([np.zeros((48, 64, 3), np.uint8)])
    with pytest.raises(UsageError, match="one Source object is given twice"):
        fer_edge.watch(several([source, source]))
    other = FakeSource([np.zeros((48, 64, 3), np.uint8)])
    assert len(fer_edge.watch(several([source, other])).lanes) == 2
