"""Write the networks of docs/table1.md with random weights: they can be timed before, or without, being trained.

    python scripts/export_untrained.py runs/table1

A file that is there already is kept. Each file says that it is untrained, and calls every answer uncertain. The time that
a network takes hardly depends on what its weights are.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import onnx
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fer_edge.classify.spec import ModelSpec
from fer_edge.training.atomic import write_atomically
from fer_edge.training.export import OURS, to_onnx
from fer_edge.zoo.catalogue import NETWORKS, find_network
from fer_edge.zoo.count import count_multiply_accumulates, count_parameters_keras_style
from fer_edge.zoo.network import Network

SEED = 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", default=[row.name for row in NETWORKS.values() if row.paper]
    )
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in options.only:
        output = options.folder / f"{name}.onnx"
        if not output.exists():
            write_untrained(find_network(name), output)
            print(output, flush=True)
    return 0


def write_untrained(entry: Network, output: Path) -> None:
    torch.manual_seed(SEED)
    network = entry.build(0.0)
    model = to_onnx(network)
    spec = ModelSpec(
        name=f"{entry.title} (untrained)",
        uncertain_below=1.0,
        parameters=count_parameters_keras_style(network),
        macs=count_multiply_accumulates(network),
        facts={"training_data": "none: random weights, only to be timed", "licence": "Apache-2.0"},
    )
    onnx.helper.set_model_props(model, spec.to_metadata())
    write_atomically(output, model.SerializeToString(), OURS)


if __name__ == "__main__":
    sys.exit(main())
