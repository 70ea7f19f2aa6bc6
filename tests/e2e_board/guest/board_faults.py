"""Makes a part of fer-edge hang while a file of that name is in the folder that BOARD_FAULTS names.

A .pth file in the guest's environment imports it, so that the program itself needs no switch for its tests.
"""

from __future__ import annotations

import os
import time
from typing import Any

FOLDER = os.environ.get("BOARD_FAULTS")


def _hang_in(owner: type, method: str, name: str) -> None:
    whole = getattr(owner, method)

    def hang_first(*arguments: Any) -> Any:
        while os.path.exists(f"{FOLDER}/{name}"):
            time.sleep(0.1)
        return whole(*arguments)

    setattr(owner, method, hang_first)


if FOLDER:
    from fer_edge.detect.blazeface import BlazeFaceDetector
    from fer_edge.service.watchdog import Watchdog

    _hang_in(BlazeFaceDetector, "detect", "detect")
    _hang_in(Watchdog, "tick", "loop")
