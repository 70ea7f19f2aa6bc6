from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

AT_THE_LIMIT = """
import os, resource, tempfile
from fer_edge.errors import OutputError
from fer_edge.sinks.video.opencv import StreamEncoder

tempfile.gettempdir()  # which is chosen by trying
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
taken = []
try:
    while True:
        taken.append(os.dup(0))
except OSError:
    pass
try:
    StreamEncoder("mp4v", 25.0, (64, 48), lambda piece: None)
except OutputError as error:
    print(error)
"""


def test_without_a_free_descriptor_no_folder_is_left_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-c", AT_THE_LIMIT]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert "Too many open files" in done.stdout, done.stderr
    assert list(tmp_path.iterdir()) == []
