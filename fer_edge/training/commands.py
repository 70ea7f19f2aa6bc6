"""``fer-edge zoo``, ``train``, ``export`` and ``evaluate``: from arguments to calls; each verb imports its own libraries."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from fer_edge.classify.spec import ModelSpec
from fer_edge.errors import UsageError
from fer_edge.system.libraries import import_library, needing
from fer_edge.training.arguments import (
    add_evaluate_arguments,
    add_export_arguments,
    add_train_arguments,
    add_zoo_arguments,
    train_settings,
)
from fer_edge.training.atomic import check_writable
from fer_edge.training.export_command import run_export

if TYPE_CHECKING:
    from tqdm import tqdm

    from fer_edge.training.faces import Crop
    from fer_edge.training.module import EpochResult

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Command:
    """A verb of the command line."""

    description: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def run_train(args: argparse.Namespace) -> int:
    """Train, or go on with a run that was cut off."""
    settings = train_settings(args)
    folder = args.run or Path("runs", f"{Path(args.recipe).stem}-{settings.network}")
    with needing("train", "Training", "torch"):
        from fer_edge.training.begin import check_begin
        from fer_edge.training.curves import draw_log
        from fer_edge.training.data.arguments import pair_of
        from fer_edge.training.pictures import OURS
        from fer_edge.training.train import check_run, train
        from fer_edge.zoo.catalogue import find_network

    # A set takes long to read: a network or a start that does not exist, and a place that is taken, are told first.
    find_network(settings.network)
    check_run(folder)
    if not (folder / "last.pt").exists():
        check_begin(settings)
    check_writable(folder / "curves.png", OURS)
    faces, validation = pair_of(args)
    with _bar("step") as bar:

        def on_step(step: int, steps: int) -> None:
            if step == 1:
                bar.reset(total=steps)
            bar.update()

        def on_epoch(result: EpochResult) -> None:
            draw_log(folder / "log.csv", f"{settings.network}, recipe {args.recipe}", folder / "curves.png")
            _log.info(
                "epoch %d of %d: loss %.3f, validation accuracy %.2f %%, macro F1 %.3f, %.0f s",
                result.epoch,
                settings.epochs,
                result.train_loss,
                100 * result.accuracy,
                result.macro_f1,
                result.seconds,
            )

        best = train(settings, faces, validation, folder, on_epoch=on_epoch, on_step=on_step)
    _log.info("best: epoch %d with %.2f %%, in %s", best.epoch, 100 * best.accuracy, folder / "best.pt")
    return 0


def run_zoo(args: argparse.Namespace) -> int:
    """List the networks."""
    with needing("train", "Counting the networks", "torch"):
        from fer_edge.zoo.listing import describe_networks, networks_as_json
    sys.stdout.write(networks_as_json() if args.json else describe_networks())
    return 0


def run_evaluate(args: argparse.Namespace) -> int:
    """Measure a model on a labelled set."""
    with needing("train", "Evaluation", "torch"):
        from fer_edge.training.data import cutting_detector, load_faces, measured_part
        from fer_edge.training.data.arguments import data_source
        from fer_edge.training.evaluate import evaluate
        from fer_edge.training.evaluation_report import check_report, to_markdown, write_report
        from fer_edge.training.stress_figures import stresses_for, under_stress
    from fer_edge.classify.backend_choice import open_classifier
    from fer_edge.classify.onnx import read_contract
    from fer_edge.inference.model_files import find_model
    from fer_edge.training.parity import ComparedClassifier, check_agreement, wanted_from

    if args.min_agreement is not None and not args.against:
        raise UsageError("--min-agreement only makes sense with --against.", "Name the backend to compare with.")
    # A set takes long to read: a model, detector or library that is not there, or a place that is taken, is told first.
    if args.report:
        check_report(args.report, args.stress)
    model = find_model(args.model)
    # No choice by timing: figures of a network are of the file that was named.
    first = args.backend or f"onnx:cpu:{read_contract(model)[0].precision}"
    backends = [wanted_from(text) for text in (first, args.against) if text]
    with ExitStack() as stack:
        line = stack.enter_context(_line())
        classifiers = [
            stack.enter_context(
                closing(open_classifier(model, wanted, args.threads, progress=line.set_description_str))
            )
            for wanted in backends
        ]
        classifier = ComparedClassifier(*classifiers) if args.against else classifiers[0]
        source = measured_part(replace(data_source(args), colour=args.colour or classifier.spec.colour))
        cutter = cutting_detector(source)
        if cutter and args.detector:
            raise UsageError(
                f"The faces of {args.data} are cut by {cutter} as they are read (--data-detector); --detector "
                f"{args.detector} would find and cut each a second time.",
                f"To measure through {args.detector}, give --data-detector {args.detector} and leave --detector out.",
            )
        cut = f"the best face that {args.detector or cutter} finds" if args.detector or cutter else "the whole picture"
        crop, close = _crop(args.detector, classifier.spec)
        try:
            faces = load_faces(source)
            name = args.data_name or source.title
            runs = 2 + len(stresses_for(classifier.spec.colour)[0]) if args.stress else 1
            with _bar("face") as bar:
                bar.reset(total=runs * len(faces.labelled()[0]))
                result = evaluate(classifier, faces, name, crop, cut, on_batch=bar.update)
                if args.stress:
                    borne = under_stress(classifiers[0], faces, crop, args.stress_seed, on_batch=bar.update)
                    result = replace(result, stress=borne)
        finally:
            close()
    sys.stdout.write(to_markdown(result))
    if args.report:
        _log.info("wrote %s", ", ".join(map(str, write_report(result, args.report))))
    if result.parity and args.min_agreement is not None:
        check_agreement(result.parity, args.min_agreement)
    return 0


COMMANDS: Mapping[str, Command] = {
    "zoo": Command(
        "List the paper's networks and ours: the paper's count of parameters, our count, multiply-accumulates.",
        add_zoo_arguments,
        run_zoo,
    ),
    "train": Command(
        "Train a network by a recipe; after a crash, give the same command again to go on.",
        add_train_arguments,
        run_train,
    ),
    "export": Command(
        "Write a checkpoint as an ONNX file that says how it wants to be used, or with --int8 such a file in INT8.",
        add_export_arguments,
        run_export,
    ),
    "evaluate": Command(
        "Measure a model on a labelled set: accuracy, calibration, agreement with people, what cameras do.",
        add_evaluate_arguments,
        run_evaluate,
    ),
}


def _crop(detector_name: str | None, spec: ModelSpec) -> tuple[Crop | None, Callable[[], None]]:
    if not detector_name:
        return None, lambda: None
    from fer_edge.classify.crop import FaceCropper
    from fer_edge.detect import open_detector
    from fer_edge.training.faces import through_detector

    detector = open_detector(detector_name)
    return through_detector(detector, FaceCropper(spec)), detector.close


def _bar(unit: str) -> tqdm[NoReturn]:
    """Return a progress bar that watches itself without a thread."""
    return _progress_bar(unit=unit)


def _line() -> tqdm[NoReturn]:
    """Return a line of text that replaces itself on a terminal, for work without a count."""
    return _progress_bar(bar_format="{desc}")


def _progress_bar(**options: str) -> tqdm[NoReturn]:
    tqdm = import_library("tqdm", "train", "Showing how far the work is").tqdm
    tqdm.monitor_interval = 0
    return tqdm(leave=False, disable=None, **options)
