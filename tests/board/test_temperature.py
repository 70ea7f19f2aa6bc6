from __future__ import annotations

from pathlib import Path

from fake_machines import cooling, laptop, nano, orin, write

from fer_edge.board.temperature import Cooling, Zone, hottest, read_cooling, read_zones


def test_zones_have_their_temperature_and_the_limits_that_the_kernel_keeps(tmp_path: Path) -> None:
    assert read_zones(nano(tmp_path))[1] == Zone("CPU-therm", 40.5, 97.0, 102.5)


def test_the_constant_of_the_power_chip_is_no_temperature(tmp_path: Path) -> None:
    zones = read_zones(nano(tmp_path))
    assert zones[4] == Zone("PMIC-Die", None, 97.0, 102.5)
    assert hottest(zones) == zones[0]


def test_a_part_that_is_switched_off_has_no_temperature(tmp_path: Path) -> None:
    zones = read_zones(orin(tmp_path))
    assert [(zone.name, zone.now) for zone in zones] == [
        ("cpu-thermal", 50.031),
        ("gpu-thermal", None),
        ("tj-thermal", 50.5),
    ]


def test_limits_that_are_not_set_are_none(tmp_path: Path) -> None:
    assert read_zones(laptop(tmp_path))[1] == Zone("x86_pkg_temp", 61.0)


def test_a_sensor_that_refuses_has_no_temperature(tmp_path: Path) -> None:
    write(tmp_path, {"sys/class/thermal/thermal_zone0/type": "iwlwifi_1"})
    (tmp_path / "sys/class/thermal/thermal_zone0/temp").mkdir()
    assert read_zones(tmp_path) == (Zone("iwlwifi_1", None),)
    assert hottest(read_zones(tmp_path)) is None


def test_what_costs_speed_is_told_from_fans_and_settings(tmp_path: Path) -> None:
    slowed = [device.name for device in read_cooling(orin(tmp_path / "orin")) if device.slows_down]
    assert slowed == ["cpu-throttle-alert"]
    assert not any(device.slows_down for device in read_cooling(laptop(tmp_path / "laptop")))
    cooling(tmp_path, 0, "thermal-cpufreq-0", 1, 3)
    assert read_cooling(tmp_path) == (Cooling("thermal-cpufreq-0", 1, 3),)
    assert read_cooling(tmp_path)[0].slows_down


def test_a_machine_without_sensors_has_no_zones(tmp_path: Path) -> None:
    assert read_zones(tmp_path) == ()
    assert read_cooling(tmp_path) == ()
