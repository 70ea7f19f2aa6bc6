"""Write the tables of docs/settings.md from the settings themselves.

Run it after a setting was added or changed::

    python scripts/write_settings_reference.py
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Iterator

from fer_edge.settings.field import told_default
from fer_edge.settings.from_environment import ENVIRONMENT_PREFIX
from fer_edge.settings.settings import CAMERA, SECTIONS, TABLES, Option

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"
BEGIN, END = "<!-- made by scripts/write_settings_reference.py -->\n", "<!-- until here -->\n"


def main() -> int:
    parser = argparse.ArgumentParser(description="Write the tables of docs/settings.md.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit code 1 when they are out of date")
    options = parser.parse_args()
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    made = "".join([before, BEGIN, "\n", *(f"{line}\n" for line in tables()), "\n", END, after])
    if options.check:
        if made != page:
            print(f"{PAGE.name} is out of date; run {Path(__file__).name}.", file=sys.stderr)
        return int(made != page)
    PAGE.write_text(made, encoding="utf-8")
    return 0


def tables() -> Iterator[str]:
    """Give the lines of all tables."""
    for number, (section, keys) in enumerate(TABLES.items()):
        if number:
            yield ""
        yield f"### `[{section}]`" if section != CAMERA else "### `[[camera]]`"
        yield ""
        yield summary(section)
        yield ""
        yield "| option | key | variable | default | what it is for |"
        yield "|---|---|---|---|---|"
        for key, known in keys.items():
            yield row(section, key, known)


def summary(section: str) -> str:
    return str(SECTIONS["cameras" if section == CAMERA else section].__doc__).split("\n")[0]


def row(section: str, key: str, known: Option) -> str:
    setting = known.setting
    option = setting.option
    flag = f"`--{option.replace('_', '-')} {setting.metavar}`" if option and not setting.private else ""
    variable = f"`{ENVIRONMENT_PREFIX}{option.upper()}`" if option else ""
    if section == CAMERA:
        of_one = f"`{ENVIRONMENT_PREFIX}CAMERA__NAME__{key.upper()}`"
        variable = "in each of these" if key == "name" else f"{variable}, {of_one}" if variable else of_one
    cells = [flag, f"`{key}`", variable, shown(known), setting.help]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def shown(known: Option) -> str:
    default = told_default(known.setting, known.default)
    return f"`{default}`" if default and "(default:" not in known.setting.help else ""


if __name__ == "__main__":
    sys.exit(main())
