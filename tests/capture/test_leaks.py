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
from fer_edge.pipeline.pipeline import Pipeline
from fer_edge.pipeline.retry import Backoff
from fer_edge.pipeline.supervisor import Supervisor
from fer_edge.settings import Settings

tries = 0
settings = Settings.of(camera=sys.argv[1])

def reopen():
    global tries
    tries += 1
    return build_source(settings)

def used():
    memory = re.search(r"VmRSS:\\s*(\\d+)", Path("/proc/self/status").read_text()).group(1)
    # A connection that is just being made is no leak.
    descriptors = []
    for _ in range(20):
        descriptors.append(len(os.listdir("/proc/self/fd")))
        time.sleep(0.001)
    return {"memory_kb": int(memory), "descriptors": min(descriptors), "threads": threading.active_count()}

supervisor = Supervisor(reopen, from_the_start=True, backoff=Backoff(1e-4, 1e-4))
seen = []
with Pipeline(build_source(settings), FakeDetector, FakeClassifier, supervisor=supervisor) as pipeline:
    for goal in (500, 1500):
        while tries < goal:
            pipeline.look_after()
            assert pipeline.take(0.01) is None
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
