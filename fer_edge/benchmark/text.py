"""A benchmark's report for people."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence

from fer_edge.benchmark.processor import CHILDREN, OTHERS
from fer_edge.benchmark.report import STABLE_SPREAD
from fer_edge.system.table import table_lines

EXPLANATION = """\
FPS {figures}: capacities, threads / mean service time of
a frame; sequential: 1 / the sum of these times and capture's, a loop without
threads.
Share of the machine: FPS total x processor time of a frame / cores; at 100 %
no other layout of threads is faster. Share of the slowest stage: the same
against the capacity of that stage, the limit of this layout."""

AT_A_PACE = """\
{pace}: FPS TOTAL IS NOT WHAT THIS MACHINE CAN DO.
It can be no more than the source gives. What tells is the processor time, the
latency, and whether frames were dropped.
"""


def to_text(report: Dict[str, Any]) -> str:
    """Return the whole report for people: the paper's columns first, then what is behind them."""
    results = report["results"]
    figures = _figures(results)
    pace = report["protocol"].get("pace_fps")
    paced = AT_A_PACE.format(pace=f"At {pace:g} frames a second" if pace else "At the pace of a source")
    lines = [
        *([paced] if any(result["live"] for result in results) else []),
        _table(
            ["model", "parameters", "FPS total", *(f"FPS {one}" for one in figures), "sequential"],
            [_row(result, figures) for result in results],
        ),
        EXPLANATION.format(figures=", ".join(figures)),
    ]
    for result in results:
        lines += ["", *_details(result)]
    lines += ["", "measured on"]
    lines += [f"  {key:18} {_plain(value)}" for key, value in report["environment"].items()]
    lines += [f"  {key:18} {_plain(value)}" for key, value in report["protocol"].items() if value is not None]
    return "\n".join(lines) + "\n"


def _figures(results: Sequence[Dict[str, Any]]) -> List[str]:
    """Return the names of the stages' capacities: of the figures, those beside which is what they achieved."""
    fps = results[0]["fps"] if results else {}
    return [name for name in fps if f"{name}_achieved" in fps]


def _row(result: Dict[str, Any], figures: Sequence[str]) -> List[str]:
    fps = result["fps"]
    return [
        result["model"],
        f"{result['params']:,}" if result["params"] else "unknown",
        *(_number(fps[figure]) for figure in ("total", *figures, "sequential")),
    ]


def _details(result: Dict[str, Any]) -> List[str]:
    frames, spread, fps = result["frames"], result["spread_of_thirds"], result["fps"]
    rows = [
        [stage, str(figures["threads"])]
        + [_number(figures[key], 2) for key in ("mean_ms", "p50_ms", "p90_ms", "p99_ms", "queue_wait_ms")]
        + [_percent(figures["utilisation"], 0)]
        for stage, figures in result["stages"].items()
    ]
    verdict = "unknown" if spread is None else "stable" if spread <= STABLE_SPREAD else "UNSTABLE, do not quote"
    return [
        f"{result['model']}  ({_plain(result['precision'])}, {_plain(result['provider'])}, "
        f"--threads {result['threads']} --detect-threads {result['detect_threads']})",
        f"sha256 {result['sha256'][:16]}...",
        _table(["stage", "threads", "mean ms", "p50", "p90", "p99", "queue wait", "utilisation"], rows),
        "",
        *(_cameras(result) if len(result["cameras"]) > 1 else ()),
        f"latency capture to emit: {_latency(result)} ms",
        f"frames: {frames['captured']} captured = {frames['emitted']} emitted + {frames['dropped']} dropped "
        f"+ {frames['in_flight']} in flight",
        *_dropped(frames),
        f"{_number(result['faces_per_frame'], 2)} faces per frame;  total/sequential "
        f"{_number(_ratio(fps['total'], fps['sequential']), 2)}",
        "",
        *_processor(result),
        f"share of the machine {_percent(result['share_of_machine'])};  "
        f"share of the slowest stage {_percent(result['share_of_slowest_stage'])}",
        _wake_ups(result),
        f"peak memory {_plain(result['rss_peak_mb'])} MB;  "
        f"first observation after {_number(result['cold_start_s'], 2)} s",
        _heat(result),
        *_incidents(result),
        f"the three thirds of the run differ by {_percent(spread)}: {verdict}",
    ]


def _dropped(frames: Dict[str, int]) -> List[str]:
    if not frames["dropped"]:
        return []
    return [f"NOT AT ITS PACE: {_percent(_ratio(frames['dropped'], frames['captured']))} dropped"]


def _processor(result: Dict[str, Any]) -> List[str]:
    """Return who worked how long on a frame, and how much of one core that is."""
    whole, busy = result["cpu_ms_per_frame"], result["cores_busy"]
    by = result["cpu_ms_per_frame_by"] or {}
    shown = {who: took for who, took in by.items() if took or who not in (OTHERS, CHILDREN)}
    rows = [[who, _number(took, 2), _percent(took / whole * busy if whole else 0.0)] for who, took in shown.items()]
    rows.append(["all" if by else "all; whose is not known here", _number(whole, 2), _percent(busy)])
    return [_table(["processor time", "ms a frame", "of a core"], rows)]


def _wake_ups(result: Dict[str, Any]) -> str:
    frame, second = result["wake_ups_per_frame"], result["wake_ups_per_second"]
    return "wake-ups: not known here" if frame is None else f"wake-ups: {frame:.1f} a frame, {second:.0f} a second"


def _latency(figures: Dict[str, Any]) -> str:
    return "  ".join(f"{name} {_number(value, 2)}" for name, value in figures["latency_ms"].items())


def _cameras(result: Dict[str, Any]) -> List[str]:
    rows = []
    for name, camera in result["cameras"].items():
        latency, frames = camera["latency_ms"], camera["frames"]
        rows.append(
            [name, _plain(camera["source"]), _number(camera["fps"]["total"])]
            + [_number(latency[key], 2) for key in ("p50", "p90", "p99")]
            + [_number(camera["faces_per_frame"], 2)]
            + [str(frames[key]) for key in ("captured", "emitted", "dropped", "in_flight")]
        )
    head = [
        "camera",
        "source",
        "FPS total",
        "p50 ms",
        "p90",
        "p99",
        "faces",
        "captured",
        "emitted",
        "dropped",
        "in flight",
    ]
    return [
        _table(head, rows, left=2),
        f"the slowest camera has {_percent(result['slowest_camera_to_mean'], 0)} of the mean FPS; all together:",
    ]


def _incidents(result: Dict[str, Any]) -> List[str]:
    """Return what happened on the way and lets the figures say less of the machine."""
    incidents = result["incidents"]
    told = [f"camera {name} was lost and came back {_times(count)}" for name, count in incidents["reconnects"].items()]
    told += [f"the {stage} stage was built anew {_times(count)}" for stage, count in incidents["restarts"].items()]
    told += [f"{incidents['hung']} thread(s) hung"] if incidents["hung"] else []
    told += [f"camera {name}: {one['trouble']}" for name, one in result["cameras"].items() if one["trouble"]]
    return [f"DISTURBED: {'; '.join(told)}"] if told else []


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _heat(result: Dict[str, Any]) -> str:
    degrees, slowed = result["temperature_c"], result["slowed_by_heat"]
    warm = "temperature unknown" if degrees is None else f"{degrees:.0f} degrees at the end"
    return warm + (", SLOWED DOWN BY HEAT" if slowed else "")


def _ratio(one: Optional[float], other: Optional[float]) -> Optional[float]:
    return one / other if one is not None and other else None


def _number(value: Optional[float], digits: int = 1) -> str:
    return "n/a" if value is None else f"{value:.{digits}f}"


def _percent(value: Optional[float], digits: int = 1) -> str:
    return "n/a" if value is None else f"{100 * value:.{digits}f} %"


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "unknown" if value is None else str(value)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Return a table whose first `left` columns are words."""
    lines = table_lines([head, *rows], right=range(left, len(head)))
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])
