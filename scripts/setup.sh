# Sourced by scripts/run and scripts/test: installs what is missing (or says what is), and builds.
# shellcheck shell=bash

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

build_packages=(build-essential cmake ninja-build pkg-config libboost-dev libboost-program-options-dev libeigen3-dev
    libfmt-dev libhdf5-dev librandom123-dev libssl-dev libtomlplusplus-dev libudunits2-dev)
python_packages=(python3 python3-h5py python3-matplotlib python3-numpy python3-xarray)
test_packages=(catch2 python3-brian python3-h5netcdf python3-netcdf4 python3-pandas python3-pytest python3-scipy)

say() { printf '%s\n' "$*"; }
fail() { printf 'rewire: %s\n' "$*" >&2; exit 1; }

# need PACKAGE...: installs those that are missing, as root or through sudo.
need() {
    local missing=() package
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    local sudo=()
    if [ "$(id -u)" -ne 0 ]; then
        if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
            sudo=(sudo -n)
        else
            fail "these packages are missing and this user may not install them: ${missing[*]}
Ask an administrator for: apt-get install ${missing[*]}"
        fi
    fi
    say "installing ${missing[*]}"
    local log
    log=$(mktemp)
    if ! { "${sudo[@]}" apt-get update &&
        "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
    } >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        fail "could not install: ${missing[*]} (log: $log)"
    fi
    rm -f "$log"
}

# build PRESET FOLDER TARGET...: configures and builds quietly; shows the compiler's words only when it fails.
build() {
    local preset=$1 folder=$2 log
    shift 2
    log=$(mktemp)
    if ! { cmake --preset "$preset" && cmake --build "$folder" --target "$@"; } >"$log" 2>&1; then
        tail -n 60 "$log" >&2
        fail "the build failed (log: $log)"
    fi
    rm -f "$log"
}
