"""The pages of ``fer-edge analyse --report``: one for each recording, and one of all."""

from __future__ import annotations

from fer_edge.recordings.pages.write import write_index, write_recording_page

__all__ = ["write_index", "write_recording_page"]
