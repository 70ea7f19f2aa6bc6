from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import List

import pytest

ROOT = Path(__file__).parents[2]

RUN = ["--camera", "demo", "--display", "none", "--frames", "2"]
VERBS = [
    ["--version"],
    ["--help"],
    ["cameras"],
    ["cameras", "--help"],
    ["models"],
    ["models", "list"],
    ["zoo", "--help"],
    ["doctor"],
    ["doctor", "--json"],
    ["service", "--help"],
    ["soak", "--help"],
    ["--benchmark", "--frames", "10", "--warm-up", "0"],
]


def run(arguments: List[str], redirection: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = ["sh", "-c", f'exec "$@" {redirection}', "sh", sys.executable, "-m", "fer_edge", *arguments]
    plain = {key: value for key, value in os.environ.items() if not key.startswith(("FER_EDGE_", "DISPLAY"))}
    return subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**plain, "PYTHONPATH": str(ROOT)},
    )


def check_the_message(error: str, words: str) -> None:
    errors = [line for line in error.splitlines() if line.startswith("fer-edge: error:")]
    assert len(errors) == 1, error
    assert words in errors[0]
    assert "Traceback" not in error
    assert "Exception ignored" not in error


@pytest.mark.parametrize("arguments", [*VERBS, RUN], ids=" ".join)
def test_an_answer_that_finds_no_space_ends_with_one_message_and_its_exit_code(
    arguments: List[str], tmp_path: Path
) -> None:
    done = run(arguments, ">/dev/full", tmp_path)
    assert done.returncode == 31, done.stderr
    check_the_message(done.stderr, "The standard output takes nothing more")


@pytest.mark.parametrize("arguments", VERBS, ids=" ".join)
def test_an_answer_for_which_the_standard_output_is_closed_ends_with_one_message_and_its_exit_code(
    arguments: List[str], tmp_path: Path
) -> None:
    done = run(arguments, ">&-", tmp_path)
    assert done.returncode == 30, done.stderr
    check_the_message(done.stderr, "The standard output is closed")


def test_whoever_closes_the_standard_output_wants_no_summary(tmp_path: Path) -> None:
    done = run([*RUN, "--output", "out.jsonl"], ">&-", tmp_path)
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / "out.jsonl").read_bytes().splitlines()) == 2, "and no library prints into the results"


def test_results_for_a_closed_standard_output_are_refused(tmp_path: Path) -> None:
    done = run([*RUN, "--output", "-"], ">&-", tmp_path)
    assert done.returncode == 30, done.stderr
    check_the_message(done.stderr, "standard output is closed")


def test_an_error_is_told_as_such_also_when_the_answer_before_it_finds_no_space(tmp_path: Path) -> None:
    done = run(["--benchmark", "--frames", "10", "--warm-up", "0", "--min-fps", "1000000"], ">/dev/full", tmp_path)
    assert done.returncode in (31, 50), done.stderr
    assert done.stderr.count("fer-edge: error:") == 1
    assert "Exception ignored" not in done.stderr


def test_names_that_the_terminal_s_encoding_lacks_are_printed_all_the_same(tmp_path: Path) -> None:
    name = os.fsdecode(b"r\xe9sultats.jsonl")
    for encoding in ("ascii", "utf-8"):
        command = [sys.executable, "-m", "fer_edge", *RUN, "--output", name]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding}
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120, check=False, env=environment)
        assert done.returncode == 0, done.stderr
        assert b"the results are in r" in done.stdout
