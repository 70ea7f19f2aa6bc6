"""Findings about detectors: which suits which camera, whether the networks that ``auto`` needs are there, and what it costs."""

from __future__ import annotations

from typing import Callable, Dict, List, Sequence, Tuple

from fer_edge.capture.settings import HEIGHT, WIDTH
from fer_edge.detect.reach import SMALLEST, smallest_face
from fer_edge.detect.registry import DETECTORS
from fer_edge.doctor.finding import NOTE, OK, WARNING, Finding
from fer_edge.doctor.probe import Probe
from fer_edge.inference.model_files import KnownModel

FAR = "auto"
NEAR = "blazeface"

# The demo's portrait, moving: a search looks at the first image everywhere, and at the others as at a video's. Three warm up.
TRY_DETECTORS = """
import statistics, time
import cv2, numpy
from fer_edge.capture.settings import FPS, HEIGHT, WIDTH
from fer_edge.capture.synthetic import PORTRAIT
from fer_edge.detect import open_detector
face = cv2.resize(cv2.imread(str(PORTRAIT)), (HEIGHT // 2, HEIGHT // 2), interpolation=cv2.INTER_AREA)
facts = {}
for name in ("blazeface", "auto"):
    detector = open_detector(name)
    search, taken = detector.search(), []
    for number in range(15):
        image = numpy.full((HEIGHT, WIDTH, 3), 110, numpy.uint8)
        image[100:100 + len(face), 100 + 4 * number:100 + 4 * number + len(face)] = face
        begun = time.perf_counter()
        detector.detect(image) if search is None else search.look(image, number / FPS)
        taken.append((time.perf_counter() - begun) * 1e3)
    facts[name] = statistics.median(taken[3:])
    detector.close()
"""

_BUDGET = 1000 / 30
"""Milliseconds between two frames of a camera that gives 30 a second."""

_TOPIC = "detectors"


def network_findings(
    known: Callable[[], Dict[str, KnownModel]], state_of: Callable[[KnownModel], str]
) -> List[Finding]:
    """Return whether both networks that `FAR` needs are there and whole.

    Parameters
    ----------
    known, state_of : callable
        As of `fer_edge.doctor.models.model_findings`.
    """
    models, needed = known(), DETECTORS[FAR].models
    lacking = [name for name in needed if name not in models or state_of(models[name]) != "ok"]
    if lacking:
        meaning = f"--detector {FAR} cannot run without {' and '.join(lacking)}: install fer-edge again."
        return [
            Finding(_TOPIC, f"for {FAR}", f"{len(needed) - len(lacking)} of {len(needed)} networks", WARNING, meaning)
        ]
    return [Finding(_TOPIC, f"for {FAR}", f"{len(needed)} of {len(needed)} networks", OK, "Its files are whole.")]


def reach_findings(cameras: Probe) -> List[Finding]:
    """Return from which height on faces are found in the pictures that the cameras give.

    Parameters
    ----------
    cameras : Probe
        Of `fer_edge.doctor.cameras.TRY_CAMERAS`; where it tells no size, it is the one that cameras are asked for.
    """
    sizes: Dict[Tuple[int, int], None] = {}
    for device in cameras.facts or []:
        sizes.update(dict.fromkeys(_sizes(device["modes"])))
    return [_reach(size) for size in sizes or [(WIDTH, HEIGHT)] if smallest_face(NEAR, *size) is not None]


def cost_findings(trial: Probe, slowed: bool) -> List[Finding]:
    """Return what a look of `FAR` takes here, beside one of `NEAR`.

    Parameters
    ----------
    trial : Probe
        Of `TRY_DETECTORS`.
    slowed : bool
        Whether the machine is slowed down because of heat.
    """
    if trial.facts is None:
        return [Finding(_TOPIC, "time of a look", "unknown", NOTE, f"It could not be measured: {trial.reason}.")]
    near, far = (float(trial.facts[name]) for name in (NEAR, FAR))
    value = f"{FAR} {far:.1f} ms, {NEAR} {near:.1f} ms"
    measured = f"Of one moving face at {WIDTH}x{HEIGHT}, now; more and smaller faces take longer."
    if not slowed and far <= _BUDGET:
        return [Finding(_TOPIC, "time of a look", value, OK, measured)]
    why = "The machine is slowed down by heat." if slowed else f"{FAR} is slower than 30 frames a second."
    meaning = f"{measured} {why} Where faces are near:  --detector {NEAR} ; else  --detect-every auto"
    return [Finding(_TOPIC, "time of a look", value, NOTE, meaning)]


def _sizes(modes: Sequence[Dict[str, int]]) -> List[Tuple[int, int]]:
    """Return the size that a camera is asked for, if it has it, and its largest."""
    given = {(mode["width"], mode["height"]) for mode in modes}
    largest = max(given, key=lambda size: size[0] * size[1], default=(WIDTH, HEIGHT))
    return [(WIDTH, HEIGHT), largest] if (WIDTH, HEIGHT) in given else [largest]


def _reach(size: Tuple[int, int]) -> Finding:
    heights = {name: smallest_face(name, *size) for name in SMALLEST}
    told = ", ".join(f"{name} from {pixels}" for name, pixels in heights.items())
    asked = "Cameras are asked for this size." if size == (WIDTH, HEIGHT) else f"With  --size {size[0]}x{size[1]}"
    meaning = f"Height of faces that are found, in pixels: {told}. {asked}"
    value = f"{NEAR} from {heights[NEAR]} px, {FAR} from {heights[FAR]}"
    return Finding(_TOPIC, f"faces at {size[0]}x{size[1]}", value, OK, meaning)
