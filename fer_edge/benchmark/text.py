"""A benchmark's report for people."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence

from fer_edge.benchmark.report import STABLE_SPREAD
from fer_edge.system.table import table_lines

SHARE = "share of the machine: FPS total x processor time of a frame / cores; at 100 % no other layout of threads is faster."


def to_text(report: Dict[str, Any]) -> str:
    """Return the whole report for people: the paper's columns first, then what is behind them."""
    results = report["results"]
    figures = _figures(results)
    lines = [
        _table(
            ["model", "parameters", "FPS total", *(f"FPS {one}" for one in figures), "sequential", "total/sequential"],
            [_row(result, figures) for result in results],
        ),
        f"FPS {', '.join(figures)}: capacities, 1 / mean service time of a frame; sequential: 1 / their sum with capture.",
        SHARE,
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
        _number(_ratio(fps["total"], fps["sequential"]), 2),
    ]


def _details(result: Dict[str, Any]) -> List[str]:
    frames, spread = result["frames"], result["spread_of_thirds"]
    rows = [
        [stage, *(_number(figures[key], 2) for key in ("mean_ms", "p50_ms", "p90_ms", "p99_ms", "queue_wait_ms"))]
        + [_percent(figures["utilisation"], 0)]
        for stage, figures in result["stages"].items()
    ]
    verdict = "unknown" if spread is None else "stable" if spread <= STABLE_SPREAD else "UNSTABLE, do not quote"
    return [
        f"{result['model']}  (sha256 {result['sha256'][:16]}..., {_plain(result['precision'])}, {_plain(result['provider'])}, "
        f"--threads {result['threads']} --detect-threads {result['detect_threads']})",
        _table(["stage", "mean ms", "p50", "p90", "p99", "queue wait", "utilisation"], rows),
        *(_cameras(result) if len(result["cameras"]) > 1 else ()),
        f"latency capture to emit: {_latency(result)} ms;  {_number(result['faces_per_frame'], 2)} faces per frame",
        f"frames: {frames['captured']} captured = {frames['emitted']} emitted + {frames['dropped']} dropped "
        f"+ {frames['in_flight']} in flight;  peak memory {_plain(result['rss_peak_mb'])} MB;  "
        f"first observation after {_number(result['cold_start_s'], 2)} s",
        f"processor time {_number(result['cpu_ms_per_frame'], 2)} ms a frame;  "
        f"share of the machine {_percent(result['share_of_machine'])}",
        *_incidents(result),
        f"the three thirds of the run differ by {_percent(spread)}: {verdict};  {_heat(result)}",
    ]


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
