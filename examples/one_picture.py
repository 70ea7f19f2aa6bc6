"""One picture: which expressions are in it, and how sure that is. Without an argument it reads the demo's portrait."""

from __future__ import annotations

import sys

import fer_edge
from fer_edge.capture.synthetic import PORTRAIT

try:
    faces = fer_edge.read_image(sys.argv[1] if len(sys.argv) > 1 else PORTRAIT)
except fer_edge.FerEdgeError as error:
    sys.exit(f"{error.message} {error.remedy}")

print(f"faces: {len(faces)}")
for seen in faces:
    x, y, width, height = (round(number) for number in seen.face.box)
    doubt = ", not to be trusted" if seen.expression.uncertain else ""
    print(f"a face of {width} x {height} pixels at ({x}, {y}){doubt}")
    for label, probability in sorted(zip(fer_edge.LABELS, seen.expression.probabilities), key=lambda pair: -pair[1]):
        print(f"  {label:9} {probability:6.1%} {'#' * round(40 * probability)}")
