from __future__ import annotations

import pytest
from fake_machines import nothing_runs
from hypothesis import given
from hypothesis import strategies as st

from fer_edge.board.program import Ran
from fer_edge.board.tegrastats import Load, Rail, Tegrastats, Temperature, UnknownLine, parse_line, read_tegrastats

NANO = (
    "RAM 613/3964MB (lfb 634x4MB) SWAP 0/1982MB (cached 0MB) CPU [2%@102,1%@102,0%@102,0%@102] EMC_FREQ 0% GR3D_FREQ 0% "
    "PLL@39C CPU@40.5C PMIC@100C GPU@41C AO@46C thermal@41C POM_5V_IN 900/943 POM_5V_GPU 0/0 POM_5V_CPU 123/123"
)
NANO_IN_5W = (
    "RAM 1923/3964MB (lfb 2x2MB) SWAP 191/1982MB (cached 6MB) IRAM 0/252kB(lfb 252kB) CPU [5%@918,4%@918,off,off] "
    "EMC_FREQ 7%@408 GR3D_FREQ 99%@640 APE 25 PLL@37C CPU@40C PMIC@50C GPU@40C AO@45C thermal@40C"
)
TX2 = (
    "RAM 3276/7859MB (lfb 5x4MB) SWAP 1626/12122MB (cached 181MB) CPU [44%@1421,off,off,17%@1420,25%@1419,8%@1420] "
    "EMC_FREQ 1%@1866 GR3D_FREQ 0%@114 APE 150 MTS fg 1% bg 1% PLL@42.5C MCPU@42.5C PMIC@50C Tboard@38C GPU@39.5C "
    "VDD_SYS_GPU 182/182 VDD_4V0_WIFI 0/0 VDD_IN 5297/5297"
)
ORIN_NANO = (
    "12-23-2024 22:54:11 RAM 3162/7620MB (lfb 4x2MB) SWAP 0/3810MB (cached 0MB) CPU [1%@729,0%@729,0%@729,0%@729,off,off] "
    "GR3D_FREQ 1% cpu@62.843C soc2@61.968C gpu@61.687C tj@62.843C VDD_IN 3913mW/3922mW VDD_CPU_GPU_CV 598mW/598 "
    "VDD_SOC 1238mW/1237mW"
)
AGX_ORIN = (
    "04-11-2025 10:36:27 RAM 4321/62801MB (lfb 1759x4MB) SWAP 19/31400MB (cached 0MB) CPU [0%@729,14%@2188] EMC_FREQ 0%@2133 "
    "GR3D_FREQ 0%@[0,0] NVENC 79%@166 NVDEC off VIC_FREQ 729 APE 174 CV0@-256C CPU@44.562C GPU@-256C Tboard@32C "
    "VDD_GPU_SOC 2340mW/2340mW VIN_SYS_5V0 4025mW/4025mW"
)


def test_a_nanos_line_is_read_whole() -> None:
    assert parse_line(NANO) == Tegrastats(
        ram_used=613,
        ram_total=3964,
        free_block=(634, 4096),
        swap_used=0,
        swap_total=1982,
        swap_cached=0,
        cpus=(Load(2, 102), Load(1, 102), Load(0, 102), Load(0, 102)),
        memory=Load(0),
        gpu=Load(0),
        temperatures=(
            Temperature("PLL", 39.0),
            Temperature("CPU", 40.5),
            Temperature("PMIC", None),
            Temperature("GPU", 41.0),
            Temperature("AO", 46.0),
            Temperature("thermal", 41.0),
        ),
        power=(Rail("POM_5V_IN", 900, 943), Rail("POM_5V_GPU", 0, 0), Rail("POM_5V_CPU", 123, 123)),
    )


def test_cores_that_are_off_iram_and_clocks_are_read_and_missing_power_is_empty() -> None:
    line = parse_line(NANO_IN_5W)
    assert line.cpus == (Load(5, 918), Load(4, 918), None, None)
    assert (line.iram_used, line.iram_total) == (0, 252)
    assert (line.swap_used, line.swap_cached) == (191, 6)
    assert (line.memory, line.gpu) == (Load(7, 408), Load(99, 640))
    assert line.power == ()


def test_a_tx2s_rails_are_read_and_its_other_fields_passed_over() -> None:
    line = parse_line(TX2)
    assert line.power == (Rail("VDD_SYS_GPU", 182, 182), Rail("VDD_4V0_WIFI", 0, 0), Rail("VDD_IN", 5297, 5297))
    assert line.gpu == Load(0, 114)
    assert len(line.cpus) == 6


def test_a_leading_time_and_milliwatts_with_their_unit_are_understood() -> None:
    line = parse_line(ORIN_NANO)
    assert line.power == (Rail("VDD_IN", 3913, 3922), Rail("VDD_CPU_GPU_CV", 598, 598), Rail("VDD_SOC", 1238, 1237))
    assert line.gpu == Load(1)
    assert line.memory is None
    assert line.temperatures[0] == Temperature("cpu", 62.843)


def test_a_gpu_with_two_clusters_and_parts_without_power_are_understood() -> None:
    line = parse_line(AGX_ORIN)
    assert line.gpu == Load(0, 0)
    assert line.memory == Load(0, 2133)
    assert [sensor.now for sensor in line.temperatures] == [None, 44.562, None, 32.0]


def test_the_clock_that_all_cores_share_is_given_to_each() -> None:
    line = parse_line("RAM 1445/3994MB (lfb 1x4MB) cpu [3%,off,0%,1%]@1734 EMC 10%@1600 AVP 0%@12 GR3D 5%@76")
    assert line.cpus == (Load(3, 1734), None, Load(0, 1734), Load(1, 1734))
    assert (line.memory, line.gpu) == (Load(10, 1600), Load(5, 76))
    assert line.swap_used is None


@pytest.mark.parametrize("line", ["", "RAM 613/3964MB (lfb 634x4MB)", "CPU [2%@102]", "tegrastats: permission denied"])
def test_other_lines_are_refused(line: str) -> None:
    with pytest.raises(UnknownLine):
        parse_line(line)


def test_an_endless_line_is_refused() -> None:
    with pytest.raises(UnknownLine, match="characters"):
        parse_line(NANO * 1000)


@given(st.text())
def test_any_text_is_read_or_refused(line: str) -> None:
    with pytest.raises(UnknownLine):
        parse_line(line.replace("RAM", ""))


@given(
    st.sampled_from([NANO, NANO_IN_5W, TX2, ORIN_NANO, AGX_ORIN]),
    st.lists(st.tuples(st.integers(0, 400), st.text("0123456789%@[],/-.CMBkmWxoff ()\u0663", max_size=4)), max_size=8),
)
def test_a_line_with_damage_is_read_or_refused(line: str, damage: list) -> None:
    for place, text in damage:
        line = line[:place] + text + line[place + len(text) :]
    try:
        read = parse_line(line)
    except UnknownLine:
        return
    assert read.ram_total >= 0


@given(
    used=st.integers(0, 10**9 - 1),
    cpus=st.lists(st.none() | st.tuples(st.integers(0, 100), st.integers(0, 4000)), min_size=1, max_size=16),
    rails=st.lists(st.tuples(st.integers(0, 99999), st.integers(0, 99999)), max_size=4),
)
def test_what_was_printed_is_read_again(used: int, cpus: list, rails: list) -> None:
    cores = ",".join("off" if cpu is None else f"{cpu[0]}%@{cpu[1]}" for cpu in cpus)
    power = " ".join(f"VDD_{number} {now}mW/{mean}mW" for number, (now, mean) in enumerate(rails))
    read = parse_line(f"RAM {used}/{used}MB (lfb 1x4MB) CPU [{cores}] EMC_FREQ 0% GR3D_FREQ 3%@921 {power}".strip())
    assert read.ram_used == used
    assert read.cpus == tuple(None if cpu is None else Load(*cpu) for cpu in cpus)
    assert [(rail.now, rail.mean) for rail in read.power] == rails


def test_the_last_whole_line_of_a_running_tegrastats_is_taken() -> None:
    read = read_tegrastats(lambda command, timeout: Ran(None, f"{NANO}\n{NANO_IN_5W}\nRAM 1/2MB (lfb 1x4MB) CPU [1%@1"))
    assert read is not None
    assert read.ram_used == 1923


def test_without_tegrastats_there_is_nothing_to_read() -> None:
    assert read_tegrastats(nothing_runs) is None
    assert read_tegrastats(lambda command, timeout: Ran(1, "tegrastats: not found\n")) is None
