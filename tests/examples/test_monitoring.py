"""What examples/ has for Prometheus and Grafana: every metric exists, each query can be read, each alert speaks."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Dict, List, Set

import pytest
import yaml
from fake_machines import nano

from fer_edge.app.stages import stage_list
from fer_edge.board.program import Ran
from fer_edge.board.state import read_board_state
from fer_edge.capture.fake import FakeSource
from fer_edge.classify import FakeClassifier
from fer_edge.detect import FakeDetector
from fer_edge.pipeline.lane import LaneSpec
from fer_edge.pipeline.session import Session
from fer_edge.pipeline.sink_runner import SinkRunner
from fer_edge.service.health import HealthMonitor
from fer_edge.settings import Settings
from fer_edge.sinks import MemorySink
from fer_edge.web.metrics import Metrics

EXAMPLES = Path(__file__).parents[2] / "examples"
RULES = EXAMPLES / "prometheus" / "alerts.yml"
DASHBOARD = EXAMPLES / "grafana" / "fer-edge.json"
PROMTOOL = shutil.which("promtool")
TEGRASTATS = "RAM 613/3964MB (lfb 634x4MB) CPU [2%@102] GR3D_FREQ 37% CPU@40.5C POM_5V_IN 900/943\n"

NOT_OURS = {"up", "node_filesystem_avail_bytes", "node_filesystem_size_bytes"}
"""Prometheus' own, and node_exporter's."""

needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="there is no promtool here (Debian: prometheus)")


def dashboard() -> Dict[str, Any]:
    read: Dict[str, Any] = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    return read


def panel_queries() -> List[str]:
    return [target["expr"] for panel in dashboard()["panels"] for target in panel.get("targets", ())]


def rule_queries() -> List[str]:
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return [rule["expr"] for group in groups for rule in group["rules"]]


def metrics_in(query: str) -> Set[str]:
    """Return the metrics that a query names: words before a selector, a range, or alone, that are none of labels."""
    bare = re.sub(r'"[^"]*"', "", query)
    bare = re.sub(r"\{[^}]*\}", "", bare)
    bare = re.sub(r"\b(?:by|on|ignoring|group_left|without)\s*\([^)]*\)", "", bare)
    return {word for word in re.findall(r"\b[a-z]+(?:_[a-z]+)+\b(?!\s*\()|\bup\b", bare) if word != "group_left"}


def page(folder: Path) -> str:
    """Return what /metrics says of a board with all sensors."""
    lane = LaneSpec("front", FakeSource([], live=True))
    session = Session([lane], stage_list(Settings(), {"front": FakeDetector}, FakeClassifier))
    monitor = HealthMonitor(session.rates, cameras=session.lanes)
    monitor.frame_analysed("front")
    board = read_board_state(nano(folder), lambda command, timeout: Ran(None, TEGRASTATS))
    runner = SinkRunner("results", lambda _attempt: MemorySink())
    return Metrics(session, monitor.health, lambda: board, [runner]).page()[1].decode()


def test_every_metric_of_the_dashboard_and_of_the_rules_is_at_metrics(tmp_path: Path) -> None:
    text = page(tmp_path)
    there: Set[str] = set()
    for name, kind in re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE):
        there.add(name)
        if kind == "histogram":
            there |= {f"{name}_{part}" for part in ("bucket", "sum", "count")}
    for query in panel_queries() + rule_queries():
        named = metrics_in(query)
        assert named, query
        assert named <= there | NOT_OURS, query
    for variable in dashboard()["templating"]["list"]:
        for name in re.findall(r"label_values\((\w+)", str(variable["query"])):
            assert name in there


def test_every_status_figure_and_outcome_that_is_asked_for_is_one_that_is_told(tmp_path: Path) -> None:
    text = page(tmp_path)
    for query in panel_queries() + rule_queries():
        for label, value in re.findall(r'(status|figure|outcome)="(\w+)"', query):
            assert f'{label}="{value}"' in text, query


def test_the_panels_of_the_dashboard_are_told_apart_and_do_not_cover_each_other() -> None:
    read = dashboard()
    panels = read["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: Set[Any] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
        if panel["type"] != "row":
            assert panel["datasource"]["uid"] == "${datasource}", "of whoever loads it"
            assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
    known = {variable["name"] for variable in read["templating"]["list"]} | {"__rate_interval"}
    assert set(re.findall(r"\$\{?(\w+)", json.dumps(panels))) <= known


@needs_promtool
def test_prometheus_can_read_every_query_of_the_dashboard(tmp_path: Path) -> None:
    rules = [
        {"record": f"query:{number}", "expr": re.sub(r"\$\w+", ".*", query.replace("$__rate_interval", "5m"))}
        for number, query in enumerate(panel_queries())
    ]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    ran = promtool("check", "rules", str(file))
    assert f"{len(rules)} rules found" in ran.stdout, ran.stdout + ran.stderr


@needs_promtool
def test_each_alert_speaks_when_something_is_wrong_and_is_quiet_when_all_is_well(tmp_path: Path) -> None:
    checked = promtool("check", "rules", str(RULES))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    shutil.copy(RULES, tmp_path / "alerts.yml")
    shutil.copy(Path(__file__).parent / "alerts.test.yml", tmp_path)
    ran = promtool("test", "rules", str(tmp_path / "alerts.test.yml"))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    # Each of them is among those that must be quiet.
    names = set(re.findall(r"- alert: (\w+)", RULES.read_text(encoding="utf-8")))
    assert names == set(
        re.findall(r"90m, alertname: (\w+)", (tmp_path / "alerts.test.yml").read_text(encoding="utf-8"))
    )


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    assert PROMTOOL is not None
    return subprocess.run([PROMTOOL, *arguments], capture_output=True, text=True, timeout=120, check=False)
