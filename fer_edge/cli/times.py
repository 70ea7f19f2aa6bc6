"""From when to when: the options that every verb has which reads a history, and what people may write there."""

from __future__ import annotations

import argparse
import re
from typing import List, Sequence

TIMES = """\
A day is one of the clocks of --timezone: --to 2026-11-26 holds that whole day. Times are 2026-11-26T08:30 (local, or with
Z or +01:00 behind them), today, yesterday, now, or how long ago: -90m, -12h, -7d, -2w.
"""


def add_times(parser: argparse.ArgumentParser, to_help: str) -> None:
    """Declare ``--from``, ``--to`` and ``--timezone``, as `first`, `last` and `timezone`."""
    parser.add_argument(
        "--from", dest="first", metavar="TIME", help="from when (default: what the history begins with)"
    )
    parser.add_argument("--to", dest="last", metavar="TIME", help=to_help)
    parser.add_argument(
        "--timezone", default="", metavar="ZONE", help="such as Europe/Berlin (default: that of this machine)"
    )


def joined_times(arguments: Sequence[str]) -> List[str]:
    """Return the arguments such that ``--from -7d`` is understood, whose value looks like an option."""
    joined: List[str] = []
    for argument in arguments:
        if joined and joined[-1] in ("--from", "--to") and re.match("-[0-9]", argument):
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined
