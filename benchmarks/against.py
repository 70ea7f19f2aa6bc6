"""How fast this checkout is against another one, on the same machine, in one run, in turn.

    git worktree add --detach ../old COMMIT
    python benchmarks/against.py ../old
    python benchmarks/against.py ../old --rounds 1 --seconds 2

Each round runs the program of either checkout as a process of its own, with this interpreter and its libraries: unpaced at
one, three and eight faces (``fer-edge --benchmark``), in FP32 and INT8, and as a user has it at a camera's rate (``fer-edge
--camera demo --camera-fps 30``). Which one is first changes from round to round. Processor time and the share of the machine
are taken from outside, in the same way of both, as an old checkout may not tell them or define them otherwise. Printed are
medians over the rounds; a ratio is this / other, taken within a round. What a checkout cannot do is left out, with its own
words; only INT8 is then against FP32 of the other. Linux only.

Give it the same checkout twice to see what the machine's noise is.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, List, Optional, Sequence, Tuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from checkout_runs import CannotBeHad, Case, Figures, run

from fer_edge.benchmark.environment import describe_environment

HERE = Path(__file__).resolve().parent.parent
RATE = 30
STAR = "*"


@dataclass(frozen=True)
class Row:
    """A line of the table; `instead` is the case to compare with where the other checkout lacks the one."""

    title: str
    case: str
    value: Callable[[Figures], float]
    digits: int = 1
    instead: str = ""


Run = Tuple[str, str]
"""Which checkout, and the name of the case."""


def cases() -> List[Case]:
    """Return what each checkout is asked to run in a round."""
    # Each with as many threads as it takes by itself, and the detector that both have.
    common = ("--detector", "blazeface", "--size", "640x480", "--log-level", "error")
    unpaced = [
        Case(
            f"{faces} {precision}",
            ("--benchmark", "--camera", f"demo:{faces}", "--precision", precision, *common),
            precision,
        )
        for precision in ("fp32", "int8")
        for faces in (1, 3, 8)
    ]
    alone = [
        Case(f"alone {precision}", (*case.arguments, "--threads", "1"), precision)
        for case, precision in ((unpaced[0], "fp32"), (unpaced[3], "int8"))
    ]
    paced = ("--camera", "demo", "--camera-fps", str(RATE), "--display", "none", *common)
    return [*unpaced, *alone, Case("paced", paced), Case("paced int8", (*paced, "--precision", "int8"), "int8")]


def rows() -> List[Row]:
    """Return the lines of the table."""
    faces = {1: "1 face", 3: "3 faces", 8: "8 faces"}
    return [
        *(Row(f"FPS total, {text}, FP32", f"{count} fp32", lambda run: run.total) for count, text in faces.items()),
        *(
            Row(f"FPS total, {text}, INT8", f"{count} int8", lambda run: run.total, instead=f"{count} fp32")
            for count, text in faces.items()
        ),
        *(
            Row(f"share of the machine, {text} (%)", f"{count} fp32", lambda run: 100 * run.share)
            for count, text in faces.items()
        ),
        Row(f"analysed of {RATE} frames a second", "paced", lambda run: run.total),
        Row("processor ms a frame at that pace", "paced", lambda run: run.cpu_ms, 2),
        Row("the same, INT8", "paced int8", lambda run: run.cpu_ms, 2, "paced"),
        Row("peak memory, 1 face (MB)", "1 fp32", lambda run: run.memory_mb),
        Row("classify ms, 1 face, 1 thread, FP32", "alone fp32", lambda run: run.classify_ms, 2),
        Row("classify ms, 1 face, 1 thread, INT8", "alone int8", lambda run: run.classify_ms, 2, "alone fp32"),
    ]


def measured_rounds(
    checkouts: Dict[str, Path], rounds: int, seconds: float
) -> Tuple[List[Dict[Run, Figures]], Dict[Run, str]]:
    """Run all rounds; return the figures of each by checkout and case, and why there are none of some."""
    found: List[Dict[Run, Figures]] = []
    missing: Dict[Run, str] = {}
    for number in range(rounds):
        found.append({})
        for case in cases():
            for which in sorted(checkouts, reverse=number % 2 == 1):
                if (which, case.name) in missing:
                    continue
                print(f"round {number + 1} of {rounds}: {case.name}, {which}", file=sys.stderr, flush=True)
                try:
                    found[-1][which, case.name] = run(checkouts[which], case, seconds)
                except CannotBeHad as why:
                    missing[which, case.name] = str(why)
    return found, missing


def table(found: Sequence[Dict[Run, Figures]], missing: Dict[Run, str]) -> List[List[str]]:
    """Return the cells of the table, its head first."""
    lines = [["", "other", "this", "ratio", "of rounds"]]
    for row in rows():
        this, other = ("this", row.case), ("other", row.case)
        mark = ""
        if row.instead and other in missing and this not in missing:
            other, mark = ("other", row.instead), STAR
        values = {run: [row.value(one[run]) for one in found if run in one] for run in (other, this)}
        shown = ["n/a" if run in missing else f"{statistics.median(values[run]):.{row.digits}f}" for run in values]
        ratios = ["n/a", ""]
        if "n/a" not in shown:
            each = [of_this / of_other for of_other, of_this in zip(values[other], values[this]) if of_other]
            ratios = [f"{statistics.median(each):.2f}", f"{min(each):.2f} to {max(each):.2f}"] if each else ratios
        lines.append([row.title, shown[0] + mark, shown[1], *ratios])
    return lines


def markdown(lines: Sequence[Sequence[str]]) -> str:
    """Return a table as Markdown that can be read as it is."""
    widths = [max(map(len, column)) for column in zip(*lines)]
    padded = [
        [
            cell.ljust(width) if number == 0 else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(line, widths))
        ]
        for line in lines
    ]
    rule = ["-" * width if number == 0 else "-" * (width - 1) + ":" for number, width in enumerate(widths)]
    return "\n".join("| " + " | ".join(line) + " |" for line in [padded[0], rule, *padded[1:]])


def footnotes(lines: Sequence[Sequence[str]], missing: Dict[Run, str]) -> str:
    """Return what to know of the table: which rows are missing, and why."""
    told = ["ratio: this / other, the median of the rounds, and the least and most of them"]
    if any(line[1].endswith(STAR) for line in lines):
        told.append("* of FP32, as the other checkout has no INT8")
    absent = sum("n/a" in line for line in lines)
    if absent:
        told.append(f"{absent} of {len(lines) - 1} rows cannot be had")
    for why in dict.fromkeys(missing.values()):
        runs = ", ".join(f"{case} of {which}" for (which, case), one in missing.items() if one == why)
        told.append(f"{runs}: {why}")
    return "".join(f"\n{line}" for line in told) + "\n"


def checkout(text: str) -> Path:
    """Read a folder that holds the program. Ends the script where it holds none."""
    path = Path(text).resolve()
    for name in ("__init__.py", "__main__.py"):  # without the first, Python would run another one that is installed
        if not (path / "fer_edge" / name).is_file():
            sys.exit(
                f"against.py: {text} is no checkout of this program: it has no fer_edge/{name}. "
                "Make one with: git worktree add --detach FOLDER COMMIT"
            )
    return path


def commit(path: Path) -> str:
    """Return which commit lies in a folder, with a + where something was changed; unknown without git."""

    def git(*arguments: str) -> Optional[str]:
        try:
            done = subprocess.run(
                ["git", "-C", str(path), *arguments], capture_output=True, text=True, timeout=60, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    found = git("rev-parse", "--short", "HEAD")
    return "unknown" if found is None else found + ("+" if git("status", "--porcelain", "-uno") else "")


def positive(text: str) -> float:
    """Read a number above 0, for `argparse`."""
    value = float(text)
    if not 0 < value < 1e6:
        raise ValueError
    return value


def whole(text: str) -> int:
    """Read a whole number above 0, for `argparse`."""
    value = int(text)
    if not 0 < value < 1000:
        raise ValueError
    return value


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", metavar="CHECKOUT", help="the folder of the other checkout")
    parser.add_argument(
        "--this", default=str(HERE), metavar="CHECKOUT", help="instead of the one that the script lies in"
    )
    parser.add_argument("--rounds", type=whole, default=5)
    parser.add_argument("--seconds", type=positive, default=5.0, help="that a run measures (5)")
    options = parser.parse_args()
    if not sys.platform.startswith("linux"):
        sys.exit("against.py: only Linux tells what this needs of other processes.")
    checkouts = {"other": checkout(options.other), "this": checkout(options.this)}
    begun = time.monotonic()
    found, missing = measured_rounds(checkouts, options.rounds, options.seconds)
    lines = table(found, missing)
    print(markdown(lines))
    print(footnotes(lines, missing), end="")
    named = ", ".join(f"{which} {commit(path)}" for which, path in checkouts.items())
    took = (time.monotonic() - begun) / 60
    print(
        f"\n{named}; medians of {options.rounds} round(s) in turn, {options.seconds:g} s a run, {took:.0f} minutes; "
        "measured on"
    )
    told = {key: value for key, value in describe_environment().items() if value is not None and key != "providers"}
    print("; ".join(f"{key} {value}" for key, value in told.items()))


if __name__ == "__main__":
    main()
