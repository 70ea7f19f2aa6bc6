from __future__ import annotations

from pathlib import Path

from fake_machines import laptop, nano, nothing_runs, orin, prints

from fer_edge.benchmark.environment import describe_environment, describe_heat


def test_a_report_tells_the_power_mode_and_the_clocks_that_it_was_measured_in(tmp_path: Path) -> None:
    facts = describe_environment(nano(tmp_path, mode=1), nothing_runs)
    assert facts["board"] == "NVIDIA Jetson Nano Developer Kit"
    assert (facts["l4t"], facts["power_mode"], facts["cpu_mhz_at_most"]) == ("32.7.1", "5W", 918)
    assert facts["cpu_clock_is_fixed"] is False


def test_a_report_tells_the_memory_and_where_tegrastats_knows_it_the_power(tmp_path: Path) -> None:
    line = (
        "RAM 613/3964MB (lfb 634x4MB) SWAP 0/1982MB (cached 0MB) CPU [2%@102,1%@102,0%@102,0%@102] EMC_FREQ 0% "
        "GR3D_FREQ 0% PLL@39C CPU@40.5C PMIC@100C GPU@41C AO@46C thermal@41C POM_5V_IN 900/943 POM_5V_GPU 0/0\n"
    )
    facts = describe_environment(nano(tmp_path / "nano"), prints(tegrastats=line))
    assert (facts["memory_mb"], facts["memory_free_mb"]) == (3965, 2746)
    assert facts["power_mw"] == {"POM_5V_IN": 900, "POM_5V_GPU": 0}
    facts = describe_environment(laptop(tmp_path / "laptop"), nothing_runs)
    assert facts["memory_mb"] == 15625
    assert facts["power_mw"] is None


def test_a_report_tells_how_hot_it_was_and_whether_that_cost_speed(tmp_path: Path) -> None:
    assert describe_heat(orin(tmp_path / "orin")) == {"temperature_c": 50.5, "slowed_by_heat": True}
    assert describe_heat(nano(tmp_path / "nano")) == {"temperature_c": 46.0, "slowed_by_heat": False}
    assert describe_heat(tmp_path / "nothing") == {"temperature_c": None, "slowed_by_heat": None}
