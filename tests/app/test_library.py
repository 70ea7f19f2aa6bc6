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


def test_a_program_says_how_often_faces_are_looked_for() -> None:
    looked = []
    for observation in fer_edge.watch("demo", detect_every=2):
        looked.append(not observation.predicted)
        assert len(observation.faces) == 1
        if len(looked) == 8:
            break
    assert False in looked
    assert (False, False) not in list(zip(looked, looked[1:]))


@pytest.mark.parametrize("wrong", [0, 4, 1.5, True, None, "seldom"])
def test_another_turn_is_an_error_that_names_it(wrong: Any) -> None:
    with pytest.raises(UsageError, match="detect_every: .* it must be auto, 1, 2 or 3"):
        fer_edge.watch("demo", detect_every=wrong)
