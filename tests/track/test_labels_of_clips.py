"""Label changes of real faces, frame by frame and steadily."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Tuple

import pytest
from expression_streams import changes

from fer_edge.app.session import build_session
from fer_edge.settings import Settings


@pytest.mark.slow
def test_on_clips_with_real_faces_the_steady_label_changes_five_times_less_often(shared: Path) -> None:
    raw, steady = 0, 0
    for clip in sorted((shared / "clips").glob("*.gif")):
        faces: Dict[int, List[Tuple[str, str]]] = {}
        # The near detector finds only faces whose label never changes.
        for observation in build_session(Settings.of(camera=str(clip), detector="blazeface-full")):
            for seen in observation.faces:
                assert seen.track is not None
                faces.setdefault(seen.track.id, []).append((seen.expression.label, seen.steady.label))
        for labels in faces.values():
            raw += changes([one for one, _ in labels])
            steady += changes([one for _, one in labels])
    assert raw >= 10
    assert steady * 5 <= raw
