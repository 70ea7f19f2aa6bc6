"""The child process in which a library is tried: its only argument is a piece of Python that leaves ``facts``.

What libraries print themselves stands before `MARK`. The process ends at once, so that a library that crashes when it is taken
down does not hide what it could do.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, Dict

MARK = "fer-edge-facts:"


def main() -> None:
    """Run the piece and write what came of it to the standard output, as a line of JSON behind `MARK`."""
    space: Dict[str, Any] = {}
    answer: Dict[str, Any]
    try:
        exec(sys.argv[1], space)  # noqa: S102  (the doctor's own pieces)
        answer = {"facts": space["facts"]}
    except ModuleNotFoundError as error:
        answer = {"missing": error.name or "", "reason": str(error)}
    except Exception as error:  # noqa: BLE001  (whatever a library raises is the answer)
        answer = {"reason": f"{type(error).__name__}: {error}"}
    sys.stdout.write(f"\n{MARK}{json.dumps(answer)}\n")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
