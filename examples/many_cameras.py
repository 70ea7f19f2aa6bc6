"""Several cameras in one process: each result names its camera. Here they are demos; put your own in their place."""

from __future__ import annotations

from collections import Counter

import fer_edge

CAMERAS = {"front": "demo", "door": "demo:3"}  # or {"front": 0, "door": "rtsp://host/live"}

frames: Counter[str] = Counter()
faces: Counter[str] = Counter()
for observation in fer_edge.watch(CAMERAS):
    camera = observation.frame.source
    frames[camera] += 1
    faces[camera] += len(observation.faces)
    if min(frames[name] for name in CAMERAS) >= 20:
        break

for camera in sorted(frames):
    print(f"{camera}: {frames[camera]} frames, {faces[camera] / frames[camera]:.1f} faces in each")
