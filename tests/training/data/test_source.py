"""What a person names is read, and a training set finds its validation set."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, List

import numpy as np
import pytest

from fer_edge.errors import UsageError
from fer_edge.training.data import DataSource, load_faces, load_pair, measured_part
from fer_edge.training.data.arguments import add_data_arguments, data_source, pair_of
from fer_edge.types import LABELS

Maker = Callable[..., Path]


def parse(*words: str, validation: bool = True) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_data_arguments(parser, validation)
    return parser.parse_args(words)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": "lmdb"}, "no data format"),
        ({"colour": "sepia"}, "no colour"),
        ({"part": "half"}, "no part 'half'"),
        ({"part": "test"}, "has no parts"),
        ({"votes": Path("v.csv")}, "takes no file of votes"),
        ({"detector": "yunet"}, "holds cut faces"),
    ],
)
def test_what_a_format_does_not_have_is_refused(small_file: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        load_faces(replace(DataSource(small_file), **change))


def test_grey_is_the_red_green_and_blue_of_each_picture_weighed(class_folder: Maker) -> None:
    root = class_folder(list(LABELS))
    rgb, grey = load_faces(DataSource(root, colour="rgb")).images, load_faces(root).images
    assert grey.shape == (*rgb.shape[:3], 1)
    assert np.abs(grey[..., 0] - rgb @ [0.299, 0.587, 0.114]).max() <= 1


def test_fer2013_is_validated_on_its_public_test(fer2013_file: Maker) -> None:
    def spoil(rows: List[List[str]]) -> None:
        for row in rows:
            row[1] = " ".join([str({"Training": 1, "PublicTest": 2, "PrivateTest": 3}[row[2]])] * 48 * 48)

    source = DataSource(fer2013_file(spoil=spoil))
    for validation in (None, source):
        train, other = load_pair(source, validation)
        assert set(train.images.ravel().tolist()) == {1}
        assert set(other.images.ravel().tolist()) == {2}
    with pytest.raises(UsageError, match="is not split"):
        load_pair(source, split="random")


def test_a_set_with_parts_is_measured_on_what_was_kept_from_training(
    small_file: Path, fer2013_file: Maker, class_folder: Maker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    whole = DataSource(fer2013_file())
    assert measured_part(whole) == replace(whole, part="validation")
    assert "its validation part (PublicTest) is measured on" in caplog.text
    named = replace(whole, part="test")
    assert measured_part(named) == named
    assert measured_part(DataSource(small_file)) == DataSource(small_file)
    assert DataSource(small_file).title == "small.parquet"
    assert named.title == "fer2013.csv, test part"

    class_folder(list(LABELS), under="set/test")
    folder = DataSource(class_folder([], under="set"))
    assert measured_part(folder).part == "test"
    class_folder(list(LABELS), under="set/train")
    for refused in (lambda: measured_part(folder), lambda: load_pair(DataSource(small_file), folder)):
        with pytest.raises(UsageError, match="no validation part to measure on; it has test, training"):
            refused()


def test_a_part_or_a_parquet_file_is_split_at_random(small_file: Path, fer2013_file: Maker) -> None:
    sides = load_pair(DataSource(small_file), share=0.25, seed=4)
    assert [len(side) for side in sides] == [42, 14]
    assert [len(side) for side in load_pair(DataSource(fer2013_file(), part="training"), share=0.3)] == [5, 2]


def test_a_test_part_is_never_trained_with(class_folder: Maker) -> None:
    for part in ("train", "test"):
        class_folder(list(LABELS), under=f"set/{part}")
    train, validation = load_pair(DataSource(class_folder([], under="set")), share=0.3)
    assert len(train) + len(validation) == 7


def test_training_on_the_validation_set_is_warned_of(small_file: Path, caplog: pytest.LogCaptureFixture) -> None:
    load_pair(DataSource(small_file), DataSource(small_file))
    assert "training set and validation set at once" in caplog.text


def test_options_name_a_pair(small_file: Path, class_folder: Maker) -> None:
    folder = class_folder(list(LABELS))
    both = pair_of(parse("--data", str(small_file), "--validation", str(folder), "--colour", "rgb"))
    assert [(len(side), side.images.shape[-1]) for side in both] == [(56, 3), (7, 3)]
    alone = pair_of(parse("--data", str(small_file), "--split", "random", "--validation-share", "0.5"))
    assert [len(side) for side in alone] == [28, 28]


def test_options_name_one_set(tmp_path: Path) -> None:
    words = ["--data", "k", "--data-format", "kdef", "--angles", "s,fl", "--data-detector", "yunet", "--colour", "rgb"]
    assert data_source(parse(*words, validation=False)) == DataSource(
        Path("k"), "kdef", detector="yunet", colour="rgb", angles=("S", "FL")
    )
    with pytest.raises(SystemExit):
        parse("--data", "k", "--validation-share", "1.5")
