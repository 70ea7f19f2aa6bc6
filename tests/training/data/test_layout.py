"""What lies at a path is found out by a short look, and what is no data set is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Callable

import pytest

from fer_edge.errors import DataSetError, MissingExtra
from fer_edge.system.installation import pip_install
from fer_edge.training.data import load_faces
from fer_edge.training.data.layout import find_format
from fer_edge.types import LABELS

Maker = Callable[..., Path]


def test_each_layout_is_known_by_what_it_holds(
    small_file: Path, fer2013_file: Maker, kdef_folder: Path, class_folder: Maker, tmp_path: Path
) -> None:
    nameless = tmp_path / "nameless"
    nameless.write_bytes(small_file.read_bytes())
    paths = [small_file, nameless, fer2013_file(), tmp_path, kdef_folder, class_folder(list(LABELS))]
    found = [find_format(path) for path in paths]
    assert found == ["parquet", "parquet", "fer2013", "fer2013", "kdef", "folder"]


def test_a_pipe_is_no_data_set_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "set.csv")
    with pytest.raises(DataSetError, match="neither a file nor a folder"):
        find_format(tmp_path / "set.csv")


def test_an_unknown_layout_is_refused_with_what_is_there(tmp_path: Path) -> None:
    with pytest.raises(DataSetError, match="it holds nothing"):
        find_format(tmp_path)
    (tmp_path / "set.parquet").touch()
    with pytest.raises(DataSetError, match=r"a folder of Parquet files: set\.parquet"):
        find_format(tmp_path)
    (tmp_path / "set.parquet").rename(tmp_path / "notes.txt")
    (tmp_path / "stuff").mkdir()
    with pytest.raises(DataSetError, match=r"it holds notes\.txt, stuff"):
        find_format(tmp_path)
    with pytest.raises(DataSetError, match=r"notes\.txt is neither a Parquet file nor fer2013\.csv"):
        find_format(tmp_path / "notes.txt")
    with pytest.raises(DataSetError, match="There is no data set at"):
        find_format(tmp_path / "nowhere")


def test_a_folder_that_is_no_data_set_is_told_the_four_layouts(tmp_path: Path) -> None:
    (tmp_path / "holidays").mkdir()
    (tmp_path / "test").mkdir()
    for number in range(3):
        (tmp_path / "holidays" / f"beach{number}.jpg").touch()
    with pytest.raises(DataSetError, match="no layout that is known: it holds holidays, test") as refused:
        load_faces(tmp_path)
    for layout in ("Parquet file", "fer2013.csv", "AF01ANS.JPG", "subfolder for each expression"):
        assert layout in str(refused.value)


@pytest.mark.parametrize("deep", ["few", "far"])
def test_a_few_photographs_of_kdef_somewhere_below_do_not_make_a_folder_kdef(tmp_path: Path, deep: str) -> None:
    folder = tmp_path / "mine" / ("old/KDEF" if deep == "far" else "KDEF")
    folder.mkdir(parents=True)
    (folder / "AF01ANS.JPG").touch()
    assert find_format(folder) == find_format(folder.parent) == "kdef"
    if deep == "few":
        for number in range(2):
            (tmp_path / "mine" / f"beach{number}.png").touch()
    with pytest.raises(DataSetError, match="no layout that is known"):
        find_format(tmp_path / "mine")
    assert find_format(tmp_path / "mine", "kdef") == "kdef"


def test_names_that_mean_an_expression_by_chance_do_not_make_a_folder_per_class(tmp_path: Path) -> None:
    for language in ("af", "an", "de", "fr", "it", "ne", "pt"):
        (tmp_path / language).mkdir()
    with pytest.raises(DataSetError, match="no layout that is known: it holds af, an, de"):
        find_format(tmp_path)


def test_a_missing_library_is_named_with_its_extra(class_folder: Maker, fer2013_file: Maker) -> None:
    program = (
        "import sys; sys.modules['PIL'] = None; sys.argv[1:] = ['evaluate', 'fernet', '--data', sys.argv[1]]; "
        "from fer_edge.__main__ import main; sys.exit(main())"
    )
    for path in (class_folder(list(LABELS)), fer2013_file()):
        command = [sys.executable, "-c", program, str(path)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
        assert done.returncode == MissingExtra.exit_code, done.stderr
        assert "'pillow'" in done.stderr
        assert pip_install("train") in done.stderr
