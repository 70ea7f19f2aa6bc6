"""The networks as a table: their size beside the size that the paper prints."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Optional

import torch

from fer_edge.system.table import table_lines
from fer_edge.zoo.catalogue import NETWORKS
from fer_edge.zoo.count import count_multiply_accumulates, count_parameters_keras_style
from fer_edge.zoo.network import Network

_COLUMNS = ("name", "title", "paper", "ours", "difference", "match", "M MACs")


@dataclass(frozen=True)
class NetworkSize:
    """A network's size, counted on the network itself.

    ``parameters`` are counted as Keras does; ``difference`` is ``parameters`` less the paper's, None without one.
    """

    name: str
    title: str
    paper_parameters: Optional[int]
    parameters: int
    difference: Optional[int]
    match: str
    multiply_accumulates: int
    note: str


def measure_network(network: Network) -> NetworkSize:
    """Build ``network`` without memory for its weights, and count."""
    with torch.device("meta"):
        module = network.build(0.0)
        parameters = count_parameters_keras_style(module)
        multiply_accumulates = count_multiply_accumulates(module)
    printed = network.paper.parameters if network.paper else None
    return NetworkSize(
        name=network.name,
        title=network.title,
        paper_parameters=printed,
        parameters=parameters,
        difference=None if printed is None else parameters - printed,
        match=network.match,
        multiply_accumulates=multiply_accumulates,
        note=network.note,
    )


def _cells(size: NetworkSize) -> tuple[str, ...]:
    return (
        size.name,
        size.title,
        "-" if size.paper_parameters is None else f"{size.paper_parameters:,}",
        f"{size.parameters:,}",
        "-" if size.difference is None else f"{size.difference:+,}" if size.difference else "0",
        size.match,
        f"{size.multiply_accumulates / 1e6:.1f}",
    )


def describe_networks() -> str:
    """Return a table of all networks, one a line, then a line on each that says how far it is the paper's network."""
    sizes = [measure_network(network) for network in NETWORKS.values()]
    rows = [_COLUMNS, *(_cells(size) for size in sizes)]
    lines = table_lines(rows, right=(2, 3, 4, 6))
    notes = table_lines([(size.name, size.note) for size in sizes], widths=(len(_COLUMNS[0]),))
    heading = "Parameters as Keras counts them; M MACs: millions of multiply-accumulates for one 64x64 picture."
    return "\n".join([heading, "", *lines, "", *notes]) + "\n"


def networks_as_json() -> str:
    """Return what ``describe_networks`` tells, with the paper's other figures, as a JSON list."""
    entries = [
        {**asdict(measure_network(network)), "paper": asdict(network.paper) if network.paper else None}
        for network in NETWORKS.values()
    ]
    return json.dumps(entries, indent=2) + "\n"
