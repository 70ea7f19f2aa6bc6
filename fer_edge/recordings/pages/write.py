"""Makes the pages of ``fer-edge analyse --report``: one for each recording, and one of all.

A page is one file without anything beside it: its charts are SVG that was drawn here, so that it can be passed on, is shown at
once, and hundreds of them take no more place than pictures.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

from fer_edge.errors import FerEdgeError
from fer_edge.recordings.pages.document import as_it_is_called, link_back
from fer_edge.recordings.pages.film_strip import Thumbnail, cells_of, film_strip, picture_strip, strip_times
from fer_edge.recordings.pages.frame_sums import FrameSteps, FrameSums, last_time, steps_of, sums_of
from fer_edge.recordings.pages.index import index_of
from fer_edge.recordings.pages.reading import (
    INDEX,
    PAGE,
    Summary,
    read_failures,
    read_frames,
    read_states,
    read_summaries,
    read_summary,
)
from fer_edge.recordings.pages.recording import Content, page_of
from fer_edge.report.file import write_page
from fer_edge.system.masking import shown
from fer_edge.types import LABELS

logger = logging.getLogger("fer_edge")


def write_recording_page(
    folder: Path,
    out: Optional[Path] = None,
    pictures: bool = False,
    strip: Optional[Sequence[Thumbnail]] = None,
) -> Path:
    """Make the page of a recording out of what its analysis left in a folder.

    Parameters
    ----------
    folder : Path
        With ``summary.json``, and frames and states as CSV or Parquet. The page is put there as ``report.html``, as a whole or
        not at all, readable for its user and group.
    out : Path, optional
        The folder of all recordings, whose page the new one leads back to.
    pictures : bool
        Put small images of the recording into the page. They are read from where the summary says that it is; when it is not
        there any more, the page says so.
    strip : sequence of Thumbnail, optional
        These instead.

    Returns
    -------
    Path
        Of the page.

    Raises
    ------
    OutputError
        The results are not there or damaged, or the page cannot be written.

    Examples
    --------
    >>> write_recording_page(Path("results/interview.mp4"), Path("results"), pictures=True)  # doctest: +SKIP
    """
    summary = read_summary(folder)
    if not summary.pictures and summary.duration is None:
        summary = replace(summary, duration=last_time(read_frames(folder), summary.fps))
    steps = steps_of(summary)
    sums = sums_of(read_frames(folder), steps, summary.fps)
    if summary.pictures or (summary.faces and not any(summary.seconds.values())):
        # Where faces are not followed there are no states to add up: then frames are, and of pictures faces are counted.
        seconds = dict(zip(LABELS, sums.shown.sum(axis=0).tolist()))
        summary = replace(summary, seconds=seconds)
    no_strip = ""
    if strip is None and pictures:
        strip, no_strip = _strip_of(summary, steps, sums)
    page = page_of(
        Content(
            summary=summary,
            states=[] if summary.pictures else read_states(folder),
            steps=steps,
            sums=sums,
            strip=strip,
            no_strip=no_strip,
            back=link_back(folder, out, INDEX) if out is not None else "",
        )
    )
    place = folder / PAGE
    write_page(str(place), page)
    return place


def write_index(out: Path) -> Path:
    """Make the page of all recordings out of ``summary.csv`` and ``failures.csv``, after those of the recordings.

    Parameters
    ----------
    out : Path
        The folder with both files, and a folder for each recording. The page is put there as ``index.html``, as a whole or not
        at all, readable for its user and group.

    Returns
    -------
    Path
        Of the page.

    Raises
    ------
    OutputError
        A file is damaged, ``summary.csv`` is not there, or the page cannot be written.
    """
    page = index_of(out, read_summaries(out), read_failures(out))
    place = out / INDEX
    write_page(str(place), page)
    return place


def _strip_of(summary: Summary, steps: FrameSteps, sums: FrameSums) -> Tuple[Optional[Sequence[Thumbnail]], str]:
    """Return small images out of the recording, or why there are none."""
    path = as_it_is_called(summary.path)
    try:
        if steps.pictures:
            made: Sequence[Thumbnail] = picture_strip(_chosen(path, steps, sums.file))
        else:
            made = film_strip(path, strip_times(steps.length))
    except (FerEdgeError, OSError, ValueError) as error:
        reason = error.message if isinstance(error, FerEdgeError) else str(error)
        logger.warning("no small images of %s: %s", shown(path), reason)
        return None, f"There are no images: {reason}"
    return (made, "") if made else (None, "There are no images: none could be read.")


def _chosen(path: Path, steps: FrameSteps, files: Sequence[str]) -> List[Tuple[float, Path, int]]:
    """Return evenly spread pictures of a folder, with the index of each, and which of its file's pictures it is."""
    chosen = []
    for middle in strip_times(float(steps.count), cells_of(steps.count, True)):
        step = first = int(middle)
        if not files[step]:
            continue
        while first > 0 and files[first - 1] == files[step]:
            first -= 1
        file = as_it_is_called(str(path / files[step])) if path.is_dir() else path
        chosen.append((step * steps.width, file, int((step - first) * steps.width)))
    return chosen
