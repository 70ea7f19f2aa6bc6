"""A copy of the tree in which plant_faults.py plants one fault after the other, and its own environment."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Iterator, Optional, Sequence, Tuple

from plants import Plant

PYTEST = ("-m", "pytest", "-o", "addopts=", "-x", "-q", "-p", "no:cacheprovider")
"""Without the options of the project, since a second ``-q`` would hide how many passed."""

MORTAL = ("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()
"""Has a test that a fault lets run for ever end with the script, also where that is killed."""


class Copy:
    """A copy of the tree, with an environment of its own that imports it and nothing else.

    The environment stands before the one that runs this script, so that child processes get the copy too, whatever
    arguments and variables they are started with.
    """

    def __init__(self, root: Path, folder: Path) -> None:
        self.tree = folder / "tree"
        self._folder = folder
        self._stamp = 1_000_000_000
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=root,
            stdout=subprocess.PIPE,
            check=True,
        )
        for name in filter(None, listed.stdout.decode().split("\0")):
            if (root / name).is_file():
                (self.tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(root / name, self.tree / name)
        self._make_environment(folder / "env")
        (folder / "tmp").mkdir()
        (folder / "home").mkdir()
        # A fault may do to files what no sound program does: the user's are out of its reach.
        dropped = ("PYTHONPATH", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")
        self._environment = {name: value for name, value in os.environ.items() if name not in dropped}
        self._environment.update(TMPDIR=str(folder / "tmp"), HOME=str(folder / "home"))
        self._python = str(folder / "env" / "bin" / "python")
        self._check_import()

    def _make_environment(self, env: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(env)], check=True)
        here = Path(sys.executable).parent
        packages = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
        (own,) = env.glob("lib/python3*/site-packages")
        (own / "a_copy.pth").write_text(f"{self.tree}\n")
        (own / "b_packages.pth").write_text("".join(f"import site; site.addsitedir({path!r})\n" for path in packages))
        for tool in here.iterdir():
            if (
                not tool.name.lower().startswith(("python", "activate", "fer-edge"))
                and not (env / "bin" / tool.name).exists()
            ):
                (env / "bin" / tool.name).symlink_to(tool)
        program = env / "bin" / "fer-edge"
        program.write_text(
            f"#!{env / 'bin' / 'python'}\nimport sys\nfrom fer_edge.__main__ import main\nsys.exit(main())\n"
        )
        program.chmod(0o755)

    def _check_import(self) -> None:
        """Raise `SystemExit` if a program started in the copy's environment, however started, would run other code."""
        program = "import fer_edge; print(fer_edge.__file__)"
        for options, cwd in ([], self.tree), ([], self._folder), (["-I"], self._folder):
            asked = [self._python, *options, "-c", program]
            found = subprocess.run(
                asked, cwd=cwd, env=self._environment, stdout=subprocess.PIPE, check=False
            ).stdout.decode()
            if not found.startswith(f"{self.tree}{os.sep}"):
                raise SystemExit(f"the tests would not run the copy in {self.tree}, but {found.strip() or 'nothing'}")

    @contextlib.contextmanager
    def planted(self, plant: Plant) -> Iterator[None]:
        """Have a fault in the copy for as long as the block lasts."""
        path = self.tree / plant.file
        text = path.read_text(encoding="utf-8")
        try:
            self._write(path, text.replace(plant.was, plant.becomes))
            yield
        finally:
            self._write(path, text)

    def _write(self, path: Path, text: str) -> None:
        path.write_text(text, encoding="utf-8")
        # Python tells a stale .pyc by size and whole seconds.
        self._stamp += 1
        os.utime(path, (self._stamp, self._stamp))

    def test(self, tests: Sequence[str], limit: float) -> Tuple[Optional[int], str]:
        """Run tests; return pytest's exit code, None where they had not ended within `limit` seconds, and what it wrote."""
        command = [*MORTAL, self._python, *PYTEST, "--basetemp", str(self._folder / "t"), *tests]
        with (self._folder / "log").open("w+b") as log:
            run = subprocess.Popen(
                command,
                cwd=self.tree,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            code: Optional[int] = None
            try:
                code = run.wait(limit)
            except subprocess.TimeoutExpired:
                pass
            finally:
                self.end_processes()
                run.wait()
            log.seek(0)
            return code, log.read().decode("utf-8", "replace")

    def end_processes(self) -> None:
        """Kill what a run has left behind: every process with this copy's folder in its command or its variables."""
        mark = f"{self._folder}{os.sep}".encode()
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mark in (process / "cmdline").read_bytes() + (process / "environ").read_bytes():
                    os.kill(int(process.name), signal.SIGKILL)
