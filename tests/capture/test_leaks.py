"""A source that is missing for days is sought thousands of times."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

SEEK = """
import json, os, re, sys, threading, time
from pathlib import Path
from fer_edge.app.parts import build_source
from fer_edge.classify import FakeClassifier
from fer_edge.detect import FakeDetector
from fer_edge.app.stages import stage_list
from fer_edge.pipeline.lane import LaneSpec
from fer_edge.pipeline.reconnection import Reconnection
from fer_edge.pipeline.retry import Backoff
from fer_edge.pipeline.session import Session
from fer_edge.settings import Settings

tries = 0
settings = Settings.of(camera=sys.argv[1])
(camera,) = settings.cameras

def reopen():
    global tries
    tries += 1
    return build_source(settings, camera)

def used():
    memory = re.search(r"VmRSS:\\s*(\\d+)", Path("/proc/self/status").read_text()).group(1)
    # A connection that is just being made is no leak.
    descriptors = []
    for _ in range(20):
        descriptors.append(len(os.listdir("/proc/self/fd")))
        time.sleep(0.001)
    return {"memory_kb": int(memory), "descriptors": min(descriptors), "threads": threading.active_count()}

reconnection = Reconnection(reopen, lambda: True, Backoff(1e-4, 1e-4))
lane = LaneSpec(camera.name, build_source(settings, camera), reconnection)
seen = []
with Session([lane], stage_list(settings, {camera.name: FakeDetector}, FakeClassifier)) as session:
    for goal in (500, 1500):
        while tries < goal:
            assert session.take(0.01) is None
        seen.append(used())
print(json.dumps(seen))
"""


@pytest.mark.parametrize("source", ["/dev/video77", "http://127.0.0.1:9/stream", "rtsp://127.0.0.1:9/stream"])
def test_a_thousand_failed_openings_leak_nothing(source: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SEEK, source], capture_output=True, text=True, timeout=240, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    before, after = json.loads(done.stdout)
    assert after["descriptors"] == before["descriptors"]
    assert after["threads"] == before["threads"]
    assert after["memory_kb"] - before["memory_kb"] < 1000
