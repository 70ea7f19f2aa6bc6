#!/usr/bin/env bash
# Sets up a Jetson Nano with JetPack 4.6; see --help.
BOARD="a Jetson Nano with JetPack 4.6.1 or newer"
# shellcheck source=docker/setup-jetson.bash
. "$(dirname "${BASH_SOURCE[0]}")/setup-jetson.bash"
# TensorRT needs much memory while it builds an engine, and the board's 4 GB are for processor and GPU together.
SWAP_GB=4

main() {
    read_options "$@"
    check_board 32 7.1 "JetPack 4.6 (L4T 32.6) has TensorRT 8.0, for which there is no Python 3.8 package: write the card anew with 4.6.1"
    install_packages python3.8 python3.8-venv python3.8-dev build-essential curl libgl1 libglib2.0-0 gstreamer1.0-tools v4l-utils
    have_swap
    may_use_cameras
    # Mode 0 is 10 W with four cores; in mode 1, 5 W, two of them are off.
    set_power 0
    make_environment python3.8 -m venv
    install_python_packages jetpack4
    examine
}

main "$@"
