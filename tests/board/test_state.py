from __future__ import annotations

from pathlib import Path

from fake_machines import laptop, nano, nothing_runs, orin, prints

from fer_edge.board.program import Ran
from fer_edge.board.state import BoardState, read_board_state

LINE = (
    "RAM 613/3964MB (lfb 634x4MB) SWAP 0/1982MB (cached 0MB) CPU [2%@102,1%@102,0%@102,0%@102] EMC_FREQ 0% "
    "GR3D_FREQ 37% PLL@39C CPU@40.5C PMIC@100C GPU@41C AO@46C thermal@41C POM_5V_IN 900/943 POM_5V_GPU 0/0\n"
)


def test_a_nano_says_its_heat_mode_clocks_and_memory_and_tegrastats_adds_gpu_and_power(tmp_path: Path) -> None:
    state = read_board_state(nano(tmp_path), prints(tegrastats=LINE))
    assert str(state) == "46 °C (AO-therm), power mode MAXN, 4 cores, 614 MHz, GPU 37 %, 2746 of 3965 MiB free"
    assert state.fields()["power_mw"] == {"POM_5V_IN": 900, "POM_5V_GPU": 0}
    assert state.slowed_by == ()


def test_an_orin_that_is_slowed_down_by_heat_says_by_what(tmp_path: Path) -> None:
    state = read_board_state(orin(tmp_path), nothing_runs)
    assert state.slowed_by == ("cpu-throttle-alert",)
    assert "slowed down by heat (cpu-throttle-alert)" in str(state)
    assert state.fields()["slowed_by"] == ["cpu-throttle-alert"]


def test_what_a_machine_does_not_say_is_left_out_and_never_guessed(tmp_path: Path) -> None:
    state = read_board_state(laptop(tmp_path), nothing_runs)
    assert "power_mode" not in state.fields()
    assert "gpu_percent" not in state.fields()
    assert "power mode" not in str(state)
    assert BoardState().fields() == {}
    assert str(BoardState()) == "nothing is known"


def test_a_tegrastats_that_never_ends_by_itself_is_read_all_the_same(tmp_path: Path) -> None:
    state = read_board_state(tmp_path, lambda command, timeout: Ran(None, LINE) if command[0] == "tegrastats" else None)
    assert state.tegrastats is not None
    assert state.tegrastats.ram_used == 613
