"""The networks with their counts, for people and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import torch

from fer_edge.zoo.catalogue import NETWORKS
from fer_edge.zoo.count import count_multiply_accumulates, count_parameters_keras_style


@dataclass(frozen=True)
class NetworkSize:
    """A row of the list; parameters as Keras counts them, multiply-accumulates of one 64x64 picture."""

    name: str
    title: str
    paper_parameters: int | None
    parameters: int
    multiply_accumulates: int
    match: str
    note: str


def network_sizes() -> list[NetworkSize]:
    """Build and count every network."""
    rows = []
    for entry in NETWORKS.values():
        # Counting needs shapes only; 300 million weights are not drawn for it.
        with torch.device("meta"):
            network = entry.build(0.0)
        rows.append(
            NetworkSize(
                entry.name,
                entry.title,
                entry.paper.parameters if entry.paper else None,
                count_parameters_keras_style(network),
                count_multiply_accumulates(network),
                entry.match,
                entry.note,
            )
        )
    return rows


def describe_networks() -> str:
    """Give the networks as a table."""
    table = [["NAME", "IN THE PAPER", "ITS COUNT", "OUR COUNT", "DIFFERENCE", "MATCH", "MMACS", "NOTE"]]
    for row in network_sizes():
        paper = f"{row.paper_parameters:,}" if row.paper_parameters else "-"
        difference = f"{row.parameters - row.paper_parameters:+,}" if row.paper_parameters else "-"
        counts = [paper, f"{row.parameters:,}", "0" if difference == "+0" else difference]
        title = row.title if row.paper_parameters else "-"
        table.append([row.name, title, *counts, row.match, f"{row.multiply_accumulates / 1e6:.1f}", row.note])
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    right = {2, 3, 4, 6}

    def line(cells: list[str]) -> str:
        padded = (
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return "  ".join(padded).rstrip()

    return "\n".join(map(line, table)) + "\n"


def networks_as_json() -> str:
    """Give the networks as a JSON list."""
    return json.dumps([asdict(row) for row in network_sizes()], indent=2) + "\n"
