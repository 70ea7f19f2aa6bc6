"""Does a job whose files are at addresses: fetches what it needs to this machine, and puts there what comes of it."""

from __future__ import annotations

import contextlib
import os
import tempfile
from dataclasses import replace
from typing import Callable, Dict, Iterator, Optional, Sequence, Set, Tuple, TypeVar

from fer_edge.errors import FerEdgeError, SourceNotFound
from fer_edge.recordings.cluster.scratch import refuse_too_large, scratch
from fer_edge.recordings.cluster.storage import Storage, Tick, below, is_url, names_in
from fer_edge.recordings.jobs import (
    AnalysisJob,
    Job,
    JoinJob,
    JoinResult,
    PartJob,
    PartResult,
    Result,
    Span,
    SurveyJob,
    Tell,
)
from fer_edge.recordings.output import PARTS, writing
from fer_edge.recordings.recording import PICTURES, Recording
from fer_edge.recordings.rows import FRAMES_TABLE, STATES_TABLE
from fer_edge.recordings.summary import SUMMARY, read_summary, write_summary
from fer_edge.recordings.work import perform
from fer_edge.sinks.jsonl import told
from fer_edge.sinks.table_files import TABLES

Perform = Callable[[Job, Tell], Result]
ErrorT = TypeVar("ErrorT", bound=FerEdgeError)

_LONGEST_STAMP = 14
_MOST_SUMMARY = 1 << 20


def perform_anywhere(
    job: AnalysisJob, tell: Tell = lambda frames, seconds: None, work: Perform = perform, root: str = ""
) -> Result:
    """Do a job as `perform` does, also where paths of it are addresses.

    Parameters
    ----------
    job : AnalysisJob
    tell : callable
        As for `perform`; also told while files are copied.
    work : callable
        Does a job whose files are on this machine.
    root : str
        Where fetched files go; by default the folder for temporary files.

    Returns
    -------
    Result
        With the job's own paths.

    Raises
    ------
    FerEdgeError
        It cannot be done, or a file cannot be fetched or put back.
    """
    if not any(is_url(place) for place in _places(job)):
        return work(job, tell)
    with writing(root or tempfile.gettempdir(), "folder of fetched files"), scratch(root) as folder:
        stage = _Stage(job, folder, lambda: tell(0, 0.0))
        try:
            if isinstance(job, SurveyJob):
                return stage.survey(job, tell, work)
            if isinstance(job, PartJob):
                return stage.part(job, tell, work)
            return stage.join(job, tell, work)
        except FerEdgeError as error:
            raise stage.with_addresses(error) from error


class _Stage:
    """A job's files on this machine."""

    def __init__(self, job: AnalysisJob, folder: str, tick: Tick) -> None:
        self._folder = folder
        self._tick = tick
        self._url = job.recording.path if is_url(job.recording.path) else ""
        self._source = os.path.join(folder, "recording")
        os.mkdir(self._source)
        self._local = job.recording.path
        self._results = os.path.join(folder, "results")

    def survey(self, job: SurveyJob, tell: Tell, work: Perform) -> Result:
        recording = self._recording(job.recording, None)
        # Each part of a video would fetch all of it, and a cluster has other recordings to do.
        parts = job.parts if recording.path == job.recording.path or recording.kind == PICTURES else 1
        if not is_url(job.folder):
            return work(replace(job, recording=recording, parts=parts), tell)
        self._old_results(job.folder)
        survey = work(replace(job, recording=recording, parts=parts, folder=self._results), tell)
        if getattr(survey, "finished", None) is None:
            Storage(job.folder).remove(below(job.folder, PARTS))
        return survey

    def part(self, job: PartJob, tell: Tell, work: Perform) -> Result:
        recording = self._recording(job.recording, job.span)
        file = os.path.join(self._folder, "part.jsonl.gz") if is_url(job.file) else job.file
        result = work(replace(job, recording=recording, file=file), tell)
        if is_url(job.file):
            Storage(job.file).put(file, job.file, self._tick)
        if not isinstance(result, PartResult):
            return result
        return replace(result, file=job.file, problems=tuple(map(self._with_address, result.problems)))

    def join(self, job: JoinJob, tell: Tell, work: Perform) -> Result:
        recording = self._recording(job.recording, None, stand_in=True)
        parts = tuple(self._part(number, part) for number, part in enumerate(job.parts))
        folder = self._results if is_url(job.folder) else job.folder
        result = work(replace(job, recording=recording, parts=parts, folder=folder), tell)
        if not isinstance(result, JoinResult):
            return result
        if self._url:
            result = JoinResult({**result.summary, "path": told(self._url)})
            write_summary(folder, result.summary)
        if is_url(job.folder):
            self._publish(job.folder, job.asked.form)
        return result

    def with_addresses(self, error: ErrorT) -> ErrorT:
        """Return an error that names addresses, and not where their files were fetched to."""
        error.message, error.remedy = self._with_address(error.message), self._with_address(error.remedy)
        error.args = (error.message,)
        return error

    def _with_address(self, text: str) -> str:
        return text.replace(self._local, self._url) if self._url else text

    def _recording(self, recording: Recording, span: Optional[Span], stand_in: bool = False) -> Recording:
        """Return a recording whose files are here; of those that are not read, only their size and stamp."""
        if not self._url:
            return recording
        storage = Storage(self._url)
        if recording.kind == PICTURES:
            names = recording.files
            needed = names if span is None else names[span.first : span.first + span.count]
            urls = {below(self._url, name): os.path.join(self._source, name) for name in names}
            fetched = {below(self._url, name) for name in needed}
            self._local = self._source
        else:
            self._local = os.path.join(self._source, os.path.basename(self._url) or "recording")
            urls, fetched = {self._url: self._local}, {self._url}
        self._bring(storage, urls, set() if stand_in else fetched, single=len(urls) == 1)
        return replace(recording, path=self._local)

    def _bring(self, storage: Storage, urls: Dict[str, str], fetched: Set[str], single: bool) -> None:
        sizes = {}
        for url in urls:
            with contextlib.nullcontext() if single else contextlib.suppress(SourceNotFound):
                sizes[url] = storage.size(url)
            self._tick()
        refuse_too_large(self._folder, sum(size for url, size in sizes.items() if url in fetched))
        for url, size in sizes.items():
            stamp = storage.stamp(url)
            if url in fetched:
                storage.fetch(url, urls[url], self._tick)
            else:
                with open(urls[url], "wb") as file:
                    file.truncate(size)
                self._tick()
            # By this the recording is known to be the same, wherever it is fetched to.
            when = int(stamp[:_LONGEST_STAMP], 16)
            os.utime(urls[url], ns=(when, when))

    def _old_results(self, url: str) -> None:
        """Have the summary of earlier results here, and of their tables the sizes."""
        storage = Storage(url)
        os.mkdir(self._results)
        files = storage.files_below(url)
        summary = below(url, SUMMARY)
        if files.get(summary, _MOST_SUMMARY) >= _MOST_SUMMARY:
            return
        storage.fetch(summary, os.path.join(self._results, SUMMARY), self._tick)
        named = (read_summary(self._results) or {}).get("files")
        for name in names_in(url, files):
            if isinstance(named, dict) and name in named and "/" not in name:
                with open(os.path.join(self._results, name), "wb") as file:
                    file.truncate(files[below(url, name)])

    def _part(self, number: int, part: PartResult) -> PartResult:
        if not is_url(part.file):
            return part
        path = os.path.join(self._folder, f"{number}.jsonl.gz")
        storage = Storage(part.file)
        refuse_too_large(self._folder, storage.size(part.file))
        storage.fetch(part.file, path, self._tick)
        return replace(part, file=path)

    def _publish(self, url: str, form: str) -> None:
        """Put the results at their address; the summary last, so that it is there when they are whole."""
        storage = Storage(url)
        storage.remove(below(url, SUMMARY))
        for other in set(TABLES) - {form}:
            for name in (FRAMES_TABLE, STATES_TABLE):
                storage.remove(below(url, f"{name}.{other}"))
        for path, name in sorted(_files_in(self._results), key=lambda one: one[1] == SUMMARY):
            storage.put(path, below(url, name), self._tick)
        storage.remove(below(url, PARTS))


def moved(job: Job, folder: str, url: str) -> Job:
    """Return a job whose results go to an address, where it was made for a folder of this machine."""

    def there(path: str) -> str:
        inside = path.startswith(folder.rstrip(os.sep) + os.sep)
        return below(url, *os.path.relpath(path, folder).split(os.sep)) if inside else path

    if isinstance(job, PartJob):
        return replace(job, file=there(job.file))
    return replace(job, folder=there(job.folder))


def _places(job: AnalysisJob) -> Sequence[str]:
    result = job.file if isinstance(job, PartJob) else job.folder
    parts: Tuple[str, ...] = tuple(part.file for part in job.parts) if isinstance(job, JoinJob) else ()
    return (job.recording.path, result, *parts)


def _files_in(folder: str) -> Iterator[Tuple[str, str]]:
    for where, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(where, name)
            yield path, os.path.relpath(path, folder).replace(os.sep, "/")
