"""A sink of your own: one that counts the expressions of a video, or without an argument of the demo's portrait."""

from __future__ import annotations

import sys
from collections import Counter

import fer_edge
from fer_edge.capture.synthetic import PORTRAIT


class Tally(fer_edge.Sink):
    """Counts the expressions that are not uncertain."""

    def open(self, info: fer_edge.StreamInfo) -> None:
        self._counts: Counter[str] = Counter()
        print(f"images of {info.width} x {info.height} pixels")

    def write(self, observation: fer_edge.Observation, rates: fer_edge.Rates) -> None:
        # An OutputError that is raised here would end the run, or have the sink opened anew in one that never ends.
        self._counts.update(seen.expression.label for seen in observation.faces if not seen.expression.uncertain)

    def close(self) -> None:
        for label, count in self._counts.most_common():
            print(f"{label:9} {count}")


fer_edge.deliver(fer_edge.watch(sys.argv[1] if len(sys.argv) > 1 else PORTRAIT), Tally())
