#!/usr/bin/env python3
"""Plant faults in a copy of the tree, one at a time, and see whether the tests notice.

A fault that no test notices says what the tests do not look at. The faults stand in ``tests/mutants/*.toml``::

    [[plant]]
    file = "fer_edge/meter.py"
    was = "self._count += 1"
    becomes = "pass"
    tests = ["tests/test_meter.py"]
    promise = "every frame is counted"
    survives = "only where no test can see it: the reason"

``was`` occurs once in the file; ``tests`` are arguments for pytest. Exit code 1: fewer than nine in ten died, one lives
without a reason, or some could not be tried; 2: the plants do not fit the tree.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
ENOUGH = 0.9
"""The share of faults that has to die."""
KEYS = {"file", "was", "becomes", "tests", "promise", "survives"}
OPTIONS = ("-k", "-m")
"""What may stand in ``tests`` beside paths; each takes a value."""
PYTEST = ("-m", "pytest", "-o", "addopts=", "-x", "-q", "-p", "no:cacheprovider")
"""Without the options of the project, since a second ``-q`` would hide how many passed."""


@dataclass(frozen=True)
class Plant:
    """One fault, the tests that should see it, and the promise it breaks."""

    area: str
    file: str
    was: str
    becomes: str
    tests: Tuple[str, ...]
    promise: str
    survives: str = ""


@dataclass(frozen=True)
class Outcome:
    """What the tests said to a plant: ``killed``, ``lives`` or ``untried``, and the test or the reason."""

    plant: Plant
    verdict: str
    why: str


def read_plants(files: Sequence[Path]) -> Tuple[List[Plant], List[str]]:
    """Return the plants of the files, and what is wrong with the rest."""
    plants, wrong = [], []
    for path in files:
        try:
            entries = tomllib.loads(path.read_text(encoding="utf-8")).get("plant", [])
        except (OSError, ValueError) as error:
            wrong.append(f"{path}: {error}")
            continue
        for number, entry in enumerate(entries, 1):
            odd = sorted((set(entry) | {"survives"}) ^ KEYS)
            if odd:
                wrong.append(f"{path.name}, plant {number}: missing or unknown: {', '.join(odd)}")
            else:
                plants.append(Plant(area=path.stem, **{**entry, "tests": tuple(entry["tests"])}))
    return plants, wrong


def misfits(plant: Plant, root: Path) -> List[str]:
    """Return why a plant does not fit the tree: its place is gone, it is no Python, its tests do not exist."""
    label = f"{plant.area}: {plant.file}: {plant.promise}"
    path = root / plant.file
    if not path.is_file():
        return [f"{label}: there is no such file"]
    text = path.read_text(encoding="utf-8")
    wrong = []
    if text.count(plant.was) != 1:
        wrong.append(f"{label}: occurs {text.count(plant.was)} times: {plant.was.strip()!r}")
    elif path.suffix == ".py":
        try:
            ast.parse(text.replace(plant.was, plant.becomes))
        except SyntaxError as error:
            wrong.append(f"{label}: what it becomes is no Python: {error}")
    if plant.was.strip() == plant.becomes.strip():
        wrong.append(f"{label}: it changes nothing")
    if not plant.tests:
        wrong.append(f"{label}: no tests are named")
    arguments = iter(plant.tests)
    for argument in arguments:
        if argument in OPTIONS:
            next(arguments, None)
            continue
        name, *parts = argument.split("::")
        tests = root / name
        if not tests.exists():
            wrong.append(f"{label}: there is no {name}")
        elif parts and not re.search(rf"def {re.escape(parts[-1].split('[')[0])}\b", tests.read_text(encoding="utf-8")):
            wrong.append(f"{label}: there is no test {argument}")
    return wrong


def line_of(plant: Plant, root: Path) -> int:
    """Return the line on which a plant begins."""
    text = (root / plant.file).read_text(encoding="utf-8")
    return text[: text.index(plant.was)].count("\n") + 1


class Copy:
    """A copy of the tree, with an environment of its own that imports it and nothing else.

    The environment stands before the one that runs this script, so that child processes get the copy too, whatever
    arguments and variables they are started with.
    """

    def __init__(self, root: Path, folder: Path) -> None:
        self.tree = folder / "tree"
        self._folder = folder
        self._stamp = 1_000_000_000
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=root,
            stdout=subprocess.PIPE,
            check=True,
        )
        for name in filter(None, listed.stdout.decode().split("\0")):
            if (root / name).is_file():
                (self.tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(root / name, self.tree / name)
        self._make_environment(folder / "env")
        (folder / "tmp").mkdir()
        self._environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        self._environment["TMPDIR"] = str(folder / "tmp")
        self._python = str(folder / "env" / "bin" / "python")
        self._check_import()

    def _make_environment(self, env: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(env)], check=True)
        here = Path(sys.executable).parent
        packages = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
        (own,) = env.glob("lib/python3*/site-packages")
        (own / "a_copy.pth").write_text(f"{self.tree}\n")
        (own / "b_packages.pth").write_text("".join(f"import site; site.addsitedir({path!r})\n" for path in packages))
        for tool in here.iterdir():
            if (
                not tool.name.lower().startswith(("python", "activate", "fer-edge"))
                and not (env / "bin" / tool.name).exists()
            ):
                (env / "bin" / tool.name).symlink_to(tool)
        program = env / "bin" / "fer-edge"
        program.write_text(
            f"#!{env / 'bin' / 'python'}\nimport sys\nfrom fer_edge.__main__ import main\nsys.exit(main())\n"
        )
        program.chmod(0o755)

    def _check_import(self) -> None:
        """Raise `SystemExit` if a program started in the copy's environment, however started, would run other code."""
        program = "import fer_edge; print(fer_edge.__file__)"
        for options, cwd in ([], self.tree), ([], self._folder), (["-I"], self._folder):
            asked = [self._python, *options, "-c", program]
            found = subprocess.run(
                asked, cwd=cwd, env=self._environment, stdout=subprocess.PIPE, check=False
            ).stdout.decode()
            if not found.startswith(f"{self.tree}{os.sep}"):
                raise SystemExit(f"the tests would not run the copy in {self.tree}, but {found.strip() or 'nothing'}")

    @contextlib.contextmanager
    def planted(self, plant: Plant) -> Iterator[None]:
        """Have a fault in the copy for as long as the block lasts."""
        path = self.tree / plant.file
        text = path.read_text(encoding="utf-8")
        try:
            self._write(path, text.replace(plant.was, plant.becomes))
            yield
        finally:
            self._write(path, text)

    def _write(self, path: Path, text: str) -> None:
        path.write_text(text, encoding="utf-8")
        # Python tells a stale .pyc by size and whole seconds.
        self._stamp += 1
        os.utime(path, (self._stamp, self._stamp))

    def test(self, tests: Sequence[str], limit: float) -> Tuple[Optional[int], str]:
        """Run tests; return pytest's exit code, None where they had not ended within `limit` seconds, and what it wrote."""
        command = [self._python, *PYTEST, "--basetemp", str(self._folder / "t"), *tests]
        with (self._folder / "log").open("w+b") as log:
            run = subprocess.Popen(
                command,
                cwd=self.tree,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            code: Optional[int] = None
            try:
                code = run.wait(limit)
            except subprocess.TimeoutExpired:
                pass
            finally:
                self.end_processes()
                run.wait()
            log.seek(0)
            return code, log.read().decode("utf-8", "replace")

    def end_processes(self) -> None:
        """Kill what a run has left behind: every process with this copy's folder in its command or its variables."""
        mark = f"{self._folder}{os.sep}".encode()
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mark in (process / "cmdline").read_bytes() + (process / "environ").read_bytes():
                    os.kill(int(process.name), signal.SIGKILL)


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
        rows.append(f"| {area} | {len(of_area)} | {died} | {100 * died / len(of_area):.0f} % |")
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
    with tempfile.TemporaryDirectory(prefix="plants-") as folder:
        outcomes = Field(root, Path(folder), max(1, min(asked.jobs, len(plants))), asked.limit).run(plants)
    return conclude(outcomes, asked.report)


def conclude(outcomes: Sequence[Outcome], file: Optional[Path]) -> int:
    """Tell what came of it; return the exit code."""
    died = sum(outcome.verdict == "killed" for outcome in outcomes)
    bad = [one for one in outcomes if one.verdict == "untried" or (one.verdict == "lives" and not one.why)]
    print(f"\n{report(outcomes)}\nkilled {died} of {len(outcomes)} = {100 * died / len(outcomes):.0f} %")
    for one in outcomes:
        if one.verdict == "killed" and one.plant.survives:
            print(f"it has a reason to live and died: {one.plant.promise} ({one.why})")
    if file:
        file.write_text(report(outcomes), encoding="utf-8")
    return 1 if bad or died < ENOUGH * len(outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
