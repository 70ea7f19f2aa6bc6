#!/usr/bin/env python3
"""Plant faults in a copy of the tree, one at a time, and see whether the tests notice.

A fault that no test notices says what the tests do not look at. The faults stand in ``tests/mutants/*.toml``::

    [[plant]]
    file = "fer_edge/pipeline/meter.py"
    was = "self._count += 1"
    becomes = "pass"
    tests = ["tests/pipeline/test_meter.py"]
    promise = "every frame is counted"
    survives = "only where no test can see it: the reason"

``was`` occurs once in the file; ``tests`` are arguments for pytest. Exit code 1: fewer than nine in ten died, one lives
without a reason, or some could not be tried; 2: the plants do not fit the tree.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import queue
import re
import signal
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

from plant_copy import Copy
from plants import Plant, line_of, misfits, read_plants

ROOT = Path(__file__).resolve().parents[1]
ENOUGH = 0.9
"""The share of faults that has to die."""


@dataclass(frozen=True)
class Outcome:
    """What the tests said to a plant: ``killed``, ``lives`` or ``untried``, and the test or the reason."""

    plant: Plant
    verdict: str
    why: str


class Field:
    """The copies, and what became of each plant."""

    def __init__(self, root: Path, folder: Path, jobs: int, least: float) -> None:
        self._copies = [Copy(root, folder / str(number)) for number in range(jobs)]
        self._root = root
        self._least = least
        self._sound: Dict[Tuple[str, ...], Tuple[str, float]] = {}
        self._outcomes: List[Outcome] = []

    def run(self, plants: Sequence[Plant]) -> List[Outcome]:
        """Try the tests without a fault, then with each; tell each as it comes."""
        distinct = sorted({plant.tests for plant in plants})
        tell(f"{len(plants)} faults; first their tests without a fault")
        self._share(distinct, self._try_sound)
        self._share(plants, self._try_plant)
        return self._outcomes

    def _share(self, items: Sequence[Any], work: Any) -> None:
        waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
        errors: List[BaseException] = []

        def take(copy: Copy) -> None:
            with contextlib.suppress(queue.Empty):
                while not errors:
                    try:
                        work(copy, waiting.get_nowait())
                    except OSError as error:
                        errors.append(error)

        for item in items:
            waiting.put(item)
        threads = [threading.Thread(target=take, args=(copy,)) for copy in self._copies]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        except KeyboardInterrupt as interrupt:
            errors.append(interrupt)
            for copy in self._copies:
                copy.end_processes()
            for thread in threads:
                thread.join()
        if errors:
            raise errors[0]

    def _try_sound(self, copy: Copy, tests: Tuple[str, ...]) -> None:
        began = time.monotonic()
        code, text = copy.test(tests, 900.0)
        why = ""
        if code != 0 or not re.search(r"\b[1-9]\d* passed", text):
            why = f"its tests do not pass by themselves: {failed(text) or last_line(text)}"
            tell(f"without a fault: {' '.join(tests)}: {why}\n{text[-3000:]}")
        self._sound[tests] = (why, time.monotonic() - began)

    def _try_plant(self, copy: Copy, plant: Plant) -> None:
        unsound, seconds = self._sound[plant.tests]
        if unsound:
            outcome = Outcome(plant, "untried", unsound)
        else:
            limit = self._least + 4 * seconds
            with copy.planted(plant):
                code, text = copy.test(plant.tests, limit)
            outcome = judge(plant, code, text, limit)
        self._outcomes.append(outcome)
        place = f"{plant.file}:{line_of(plant, self._root)}"
        tell(f"{outcome.verdict:8}{place}  {plant.promise}{f'  ({outcome.why})' if outcome.why else ''}")


def judge(plant: Plant, code: Optional[int], text: str, limit: float) -> Outcome:
    """Return what a run of the tests with a fault says."""
    if code is None:
        return Outcome(plant, "killed", f"the tests hung for {limit:.0f} s")
    if code in (-signal.SIGKILL, -signal.SIGTERM):
        return Outcome(plant, "untried", "somebody ended the tests, or the memory did not suffice")
    if code < 0:
        return Outcome(plant, "killed", f"the tests ended with signal {-code}")
    if code == 0:
        return Outcome(plant, "lives", plant.survives)
    if code == 1:
        return Outcome(plant, "killed", failed(text))
    return Outcome(plant, "untried", f"pytest ended with {code}: {last_line(text)}")


def tell(line: str) -> None:
    """Print a line in one piece, whatever other threads print."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def failed(text: str) -> str:
    """Return the test that failed first."""
    found = re.search(r"^(?:FAILED|ERROR) (\S+)", text, re.MULTILINE)
    return found.group(1) if found else ""


def last_line(text: str) -> str:
    """Return the last line that says something."""
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "nothing was written"


def report(outcomes: Sequence[Outcome]) -> str:
    """Return the tables for docs/reliability.md: how many died by area, and those that live with the reason."""
    rows = ["| area | planted | died | |", "| --- | ---: | ---: | ---: |"]
    for area in [*sorted({outcome.plant.area for outcome in outcomes}), "all"]:
        of_area = [outcome for outcome in outcomes if area in (outcome.plant.area, "all")]
        died = sum(outcome.verdict == "killed" for outcome in of_area)
        rows.append(f"| {area} | {len(of_area)} | {died} | {100 * died // len(of_area)} % |")
    rest = sorted(
        (outcome for outcome in outcomes if outcome.verdict != "killed"),
        key=lambda one: (one.plant.file, one.plant.promise),
    )
    if rest:
        rows += ["", "| promise that no test holds | file | why |", "| --- | --- | --- |"]
        rows += [f"| {one.plant.promise} | `{one.plant.file}` | {one.why or 'no reason is given'} |" for one in rest]
    return "\n".join(rows) + "\n"


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the script; return its exit code."""
    parser = argparse.ArgumentParser(description="Plant faults in a copy of the tree and see whether the tests notice.")
    parser.add_argument("files", nargs="*", type=Path, help="tests/mutants/*.toml by default")
    parser.add_argument("--list", action="store_true", help="show the faults and run nothing")
    parser.add_argument("--only", default="", metavar="TEXT", help="those with TEXT in area, file or promise")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at a time")
    parser.add_argument(
        "--limit", type=float, default=60.0, help="seconds for tests, beside four times what they take by themselves"
    )
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the tables of docs/reliability.md")
    parser.add_argument("--root", type=Path, default=ROOT, help="the tree")
    asked = parser.parse_args(arguments)
    root = asked.root.resolve()
    plants, wrong = read_plants(asked.files or sorted((root / "tests" / "mutants").glob("*.toml")))
    plants = [one for one in plants if asked.only.lower() in f"{one.area} {one.file} {one.promise}".lower()]
    wrong += [reason for plant in plants for reason in misfits(plant, root)]
    for reason in wrong:
        print(reason, file=sys.stderr)
    if wrong or not plants:
        print(f"{len(wrong)} do not fit" if wrong else "no faults to plant", file=sys.stderr)
        return 2
    if asked.list:
        for plant in plants:
            print(f"{plant.area}: {plant.file}:{line_of(plant, root)}  {plant.promise}")
        return 0
    if asked.report:
        asked.report.open("a", encoding="utf-8").close()  # or a place that takes none is told after the work
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="plants-") as folder:
        outcomes = Field(root, Path(folder), max(1, min(asked.jobs, len(plants))), asked.limit).run(plants)
    return conclude(outcomes, asked.report)


def conclude(outcomes: Sequence[Outcome], file: Optional[Path]) -> int:
    """Tell what came of it; return the exit code."""
    died = sum(outcome.verdict == "killed" for outcome in outcomes)
    bad = [one for one in outcomes if one.verdict == "untried" or (one.verdict == "lives" and not one.why)]
    print(f"\n{report(outcomes)}\nkilled {died} of {len(outcomes)} = {100 * died // len(outcomes)} %")
    for one in outcomes:
        if one.verdict == "killed" and one.plant.survives:
            print(f"it has a reason to live and died: {one.plant.promise} ({one.why})")
    if file:
        file.write_text(report(outcomes), encoding="utf-8")
    return 1 if bad or died < ENOUGH * len(outcomes) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
