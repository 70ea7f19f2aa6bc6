"""Train, export and measure the networks of docs/table1.md, cheapest first; what is done already is kept.

    python scripts/train_table1.py train.parquet val.parquet runs/table1 --most-macs 200

A row whose network needs more multiply-accumulates than --most-macs (in millions) is left out. Cut off, the same command
goes on where it was.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from fer_edge.system.python_child import python_child
from fer_edge.zoo.catalogue import NETWORKS
from fer_edge.zoo.listing import measure_network


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("validation", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--most-macs", type=float, default=float("inf"), metavar="M")
    parser.add_argument("--only", nargs="+", metavar="NAME")
    parser.add_argument(
        "--precision", choices=("bf16", "fp32"), help="of the arithmetic; on a CPU the MobileNets are faster in fp32"
    )
    options = parser.parse_args()
    rows = [measure_network(network) for network in NETWORKS.values() if network.paper]
    rows = [row for row in rows if row.multiply_accumulates <= options.most_macs * 1e6]
    for row in sorted(rows, key=lambda row: row.multiply_accumulates):
        if options.only and row.name not in options.only:
            continue
        run = options.folder / row.name
        model = options.folder / f"{row.name}.onnx"
        data = ["--data", str(options.train), "--validation", str(options.validation)]
        recipe = ["--recipe", "table1", "--network", row.name]
        if options.precision:
            recipe += ["--precision", options.precision]
        steps = [
            ["train", *recipe, *data, "--run", str(run)],
            ["export", str(run / "best.pt"), str(model), "--validation", str(options.validation), "--name", row.name],
            ["evaluate", str(model), "--data", str(options.validation), "--report", str(options.folder / row.name)],
        ]
        for step in steps:
            print(f"{row.name}: {step[0]}", file=sys.stderr, flush=True)
            child = python_child("fer_edge", *step)
            done = subprocess.run(child.command, env=child.environment, check=False, stdout=subprocess.DEVNULL)
            if done.returncode:
                return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
