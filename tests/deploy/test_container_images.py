"""docker/: images and scripts are linted and agree with the checkout; ``make test-image`` builds one and runs it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest
import yaml

from fer_edge.settings import load_settings

CHECKOUT = Path(__file__).parents[2]
DOCKER = CHECKOUT / "docker"
DOCKERFILES = sorted(DOCKER.glob("*.Dockerfile"))
SCRIPTS = sorted([*DOCKER.glob("*.sh"), *DOCKER.glob("*.bash"), CHECKOUT / "scripts" / "make-aarch64-root"])
SCRIPTS += [CHECKOUT / "requirements" / "install", CHECKOUT / "scripts" / "pin-bases"]


def tool(name: str) -> str:
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def instructions(dockerfile: Path) -> List[str]:
    """Give the lines of a Dockerfile without comments, continued ones as one."""
    text = "\n".join(line for line in dockerfile.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))
    return [line for line in re.sub(r"\\\n\s*", " ", text).splitlines() if line.strip()]


def stages(dockerfile: Path) -> List[List[str]]:
    found: List[List[str]] = []
    for line in instructions(dockerfile):
        if line.startswith("FROM "):
            found.append([])
        if found:
            found[-1].append(line)
    return found


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda file: file.name)
def test_hadolint_finds_nothing(dockerfile: Path) -> None:
    command = [tool("hadolint"), "--config", str(CHECKOUT / ".hadolint.yaml"), str(dockerfile)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda file: file.name)
def test_shellcheck_finds_nothing(script: Path) -> None:
    command = [tool("shellcheck"), "--external-sources", "--source-path", str(CHECKOUT), str(script)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda file: file.name)
def test_an_image_is_small_safe_and_tells_its_health(dockerfile: Path) -> None:
    build, final = stages(dockerfile)
    assert build[0].endswith(" AS build")
    assert not any("build-essential" in line or "-dev " in line for line in final), "compilers stay in the first stage"
    (user,) = [line.split()[1] for line in final if line.startswith("USER ")]
    assert int(user) > 0
    assert any(line.startswith("HEALTHCHECK ") and line.endswith('CMD ["fer-edge", "health"]') for line in final)
    assert 'ENTRYPOINT ["fer-edge"]' in final
    (environment,) = [line for line in final if line.startswith("ENV ") and "FER_EDGE_" in line]
    given = dict(pair.split("=", 1) for pair in environment.split()[1:])
    settings = load_settings({}, given)
    assert settings.outputs.display == "none"
    assert settings.web.listen is not None
    assert settings.web.listen.local
    assert given["ORT_DISABLE_TELEMETRY"] == "1", "whatever else is run there reports to nobody either"


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda file: file.name)
def test_what_an_image_copies_is_there_and_not_ignored(dockerfile: Path) -> None:
    rules = (CHECKOUT / ".dockerignore").read_text(encoding="utf-8").split("\n")
    kept = {rule[1:].rstrip("/") for rule in rules if rule.startswith("!")}
    build = stages(dockerfile)[0]
    copied = [name for line in build if line.startswith("COPY ") for name in line.split()[1:-1]]
    assert copied
    for name in copied:
        assert (CHECKOUT / name).exists()
        assert name in kept
    project = (CHECKOUT / "pyproject.toml").read_text(encoding="utf-8")
    for name in re.findall(r'^"([a-z]+)/\S+" = "fer_edge/', project, re.MULTILINE):
        assert name in copied, "the wheel cannot be built without what it carries"


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda file: file.name)
def test_a_base_is_named_by_its_digest_or_by_whoever_builds(dockerfile: Path) -> None:
    lines = instructions(dockerfile)
    bases = [line.split()[1] for line in lines if line.startswith("FROM ")]
    assert all(re.fullmatch(r"\$\{\w+\}", base) for base in bases)
    for base in set(bases):
        (default,) = [line.split(" ", 1)[1] for line in lines if re.match(rf"ARG {base[2:-1]}\b", line)]
        assert re.fullmatch(r"BASE=[a-z0-9:./-]+@sha256:[0-9a-f]{64}|(BUILD_)?BASE", default), default


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda file: file.name)
def test_an_image_installs_nothing_that_is_not_locked(dockerfile: Path) -> None:
    build = "\n".join(stages(dockerfile)[0])
    assert "pip install" not in build
    (lock,) = re.findall(r"requirements/install /opt/fer-edge/bin/python \"?([\w-]+)", build)
    assert list((CHECKOUT / "requirements" / "lock").glob(f"{lock}*.txt"))
    for name in re.findall(r"--wheels (\S+)", build):
        assert (CHECKOUT / "requirements" / f"{name}.wheels").is_file()


def test_the_compose_file_knows_every_image() -> None:
    compose: Dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))
    services = compose["services"]
    assert {service["build"]["dockerfile"] for service in services.values()} == {
        f"docker/{file.name}" for file in DOCKERFILES
    }
    images = [service["image"] for service in services.values()]
    assert len(set(images)) == len(images)
    for name, service in services.items():
        assert service["profiles"] == [name]
        assert service["init"] is True
        assert not service.get("privileged")
        for volume in service["volumes"]:
            if isinstance(volume, str):
                assert volume.split(":")[0] in compose["volumes"]
        assert ("runtime" in service) == name.startswith("jetpack")


def test_pin_bases_knows_every_base_and_takes_no_answer_that_is_no_digest(tmp_path: Path) -> None:
    script = CHECKOUT / "scripts" / "pin-bases"
    skopeo = tmp_path / "skopeo"
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    compose = (DOCKER / "compose.yaml").read_text(encoding="utf-8")
    for name in ("PC_BASE", *re.findall(r"\$\{(\w+BASE)-\}", compose)):
        skopeo.write_text(f"#!/bin/sh\necho sha256:{'a' * 64}\n")
        skopeo.chmod(0o755)
        done = subprocess.run([str(script), name], env=environment, capture_output=True, text=True, check=True)
        assert re.fullmatch(rf"\S+:\S+@sha256:{'a' * 64}\n", done.stdout)
        skopeo.write_text("#!/bin/sh\necho '<html>'\n")
        done = subprocess.run([str(script), name], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert "gave no digest" in done.stderr


@contextlib.contextmanager
def container(image: str) -> Iterator[List[str]]:
    """Give the words that stand before a command in a container of `image`."""
    if os.environ["IMAGE_ENGINE"] == "docker":
        yield ["docker", "run", "--rm", "--init", "--entrypoint", "", image]
        return
    made = subprocess.run(["buildah", "from", image], check=True, capture_output=True, text=True, timeout=600)
    name = made.stdout.strip()
    try:
        yield ["buildah", "run", name, "--"]
    finally:
        subprocess.run(["buildah", "rm", name], check=True, capture_output=True, timeout=600)


@pytest.mark.skipif("IMAGE_ENGINE" not in os.environ, reason="builds an image: make test-image")
def test_the_image_for_a_pc_is_built_and_runs_as_nobody_special() -> None:
    image = "localhost/fer-edge-test"
    base = os.environ.get("IMAGE_BASE")
    command = [os.environ["IMAGE_ENGINE"], "build", "--file", str(DOCKER / "pc.Dockerfile"), "--tag", image]
    command += ["--build-arg", f"BASE={base}"] if base else []
    subprocess.run([*command, str(CHECKOUT)], check=True, timeout=1800)
    asked = (
        "id -u; touch /opt/fer-edge/x 2>/dev/null && echo writable; fer-edge --camera demo --output faces.jsonl & "
        "until fer-edge health >/dev/null 2>&1; do sleep 0.2; done; fer-edge health; kill $!; wait $!; echo ended $?; "
        "wc -l < faces.jsonl; fer-edge health 2>/dev/null || echo unhealthy $?"
    )
    with container(image) as run:
        done = subprocess.run([*run, "sh", "-c", asked], check=True, capture_output=True, text=True, timeout=300)
    lines = [
        line for line in done.stdout.splitlines() if "frames analysed" not in line and "FPS total " not in line[:10]
    ]
    assert lines[0] == "10001"
    assert "writable" not in lines
    assert any(line.startswith("healthy; FPS total") for line in lines)
    assert "ended 0" in lines
    assert lines[-1] == "unhealthy 52"
