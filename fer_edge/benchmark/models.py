"""Which models a benchmark measures."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Dict, Iterable, List, Sequence, Tuple

from fer_edge.classify.onnx import OnnxClassifier
from fer_edge.errors import ModelError, ModelNotFound
from fer_edge.inference.model_files import cache_folder, find_model, known_models, shipped_folder

ALL = "all"
"""Stands for every expression network that is here."""

logger = logging.getLogger("fer_edge")


@dataclass(frozen=True)
class Candidate:
    """A model to measure: what to call it, and its file."""

    name: str
    path: Path


def choose_models(given: Sequence[str]) -> Tuple[Candidate, ...]:
    """Find the models to measure.

    Parameters
    ----------
    given : sequence of str
        Names and files as `find_model` takes them; a folder stands for the ``.onnx`` files in it, and ``all`` for the
        shipped networks, the rows of docs/table1.md that lie in a source checkout, and those in the user's model folder.
        A file of a folder that is no expression network is left out with a warning.

    Returns
    -------
    tuple of Candidate
        Each file once, in the order given; those of a folder by name. Of two with one name each is called by its path.

    Raises
    ------
    ModelNotFound
        There is no model of a name, or none in a folder.
    """
    chosen: List[Candidate] = []
    for text in given:
        if text == ALL:
            known = known_models().values()
            shipped = [model for model in known if model.role == "classifier" and model.path.is_file()]
            others = _files(shipped_folder() / "table1")
            others += _files(cache_folder(), leave_out={model.path for model in known})
            chosen += [Candidate(model.name, model.path) for model in shipped] + _networks(others)
        elif Path(text).is_dir() and text not in known_models():
            found = _networks(_files(Path(text)))
            if not found:
                raise ModelNotFound(
                    f"There is no expression network in {text}.", "Give a folder with .onnx files of fer-edge export."
                )
            chosen += found
        else:
            chosen.append(Candidate(text, find_model(text)))
    once: Dict[Path, Candidate] = {}
    for candidate in chosen:
        once.setdefault(candidate.path.resolve(), candidate)
    return _told_apart(list(once.values()))


def _told_apart(chosen: Sequence[Candidate]) -> Tuple[Candidate, ...]:
    counts = Counter(candidate.name for candidate in chosen)
    return tuple(
        candidate if counts[candidate.name] == 1 else replace(candidate, name=str(candidate.path))
        for candidate in chosen
    )


def _files(folder: Path, leave_out: Iterable[Path] = ()) -> List[Path]:
    return sorted(set(folder.glob("*.onnx")) - set(leave_out))


def _networks(files: Sequence[Path]) -> List[Candidate]:
    networks: List[Candidate] = []
    for file in files:
        try:
            OnnxClassifier(file).close()
        except ModelError as error:
            logger.warning("%s is left out: %s", file, error.message)
        else:
            networks.append(Candidate(file.stem, file))
    return networks
