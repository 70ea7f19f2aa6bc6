"""Who showed what from when to when: a line when a face begins to show something, and one when that is over."""

from __future__ import annotations

import threading

import fer_edge

changes = fer_edge.events("demo:2")  # or 0, or {"front": 0, "door": "rtsp://host/live"}

# The demo never ends, so it is stopped two seconds after somebody came; a program that watches for ever leaves this out.
end = threading.Timer(2.0, changes.session.stop)

for change in changes:
    who = f"face {change.track} of {change.camera}"
    if change.is_over:
        print(f"{who} was {change.label} for {change.duration:.1f} s, valence {change.valence:+.2f}")
    else:
        print(f"{who} is {change.label}")
        if end.ident is None:
            end.start()
