#!/usr/bin/env bash
# Sets up a Jetson Orin with JetPack 6; see --help.
BOARD="a Jetson Orin with JetPack 6"
# shellcheck source=docker/setup-jetson.bash
. "$(dirname "${BASH_SOURCE[0]}")/setup-jetson.bash"

main() {
    read_options "$@"
    check_board 36 2.0 "docker/setup-jetpack4.sh is for the Nano (L4T 32)"
    install_packages python3-venv python3-dev build-essential curl libgl1 libglib2.0-0 gstreamer1.0-tools v4l-utils python3-libnvinfer
    have_swap
    may_use_cameras
    # The numbers of the power modes differ from Orin to Orin, so the mode stays as it is.
    set_power ""
    # TensorRT's Python package is JetPack's own.
    make_environment python3 -m venv --system-site-packages
    install_python_packages jetpack6
    examine
}

main "$@"
