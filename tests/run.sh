#!/usr/bin/env bash
# Runs every check and every test, cheap ones first. Safe to run again at any time.
#
#   tests/run.sh            everything
#   tests/run.sh FILTER     only the tests whose names contain FILTER
#   tests/run.sh fast       no packages, no end-to-end tests
#   tests/run.sh bless      writes METRICS.md and the dashboards anew; then look at the diff
#   SEED=n tests/run.sh     repeats the order of an earlier run's tests and its broken messages
#   FUZZ=50 tests/run.sh too_strange
#                           reads fifty times as many broken messages as every run does
#
# The last line is "N passed, N failed, N skipped"; the exit code is 1 if anything failed.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PATH:$HOME/.cargo/bin"

# What the tests run besides our own programs: a real Prometheus and Alertmanager with their
# tools, clocks of another year, network namespaces, ping to compare echoes with, the conference
# servers that provinces run and a judge of what is sent to them, cameras and sound devices, the
# programs that watch UPSes, a browser for the board. Jsonnet writes the dashboards.
PACKAGES=(prometheus prometheus-alertmanager python3 python3-aiosmtpd libfaketime ip=iproute2 ping=iputils-ping shellcheck
    curl jsonnet kamailio kamailio-tls-modules sipp=sip-tester coturn tshark umockdev pulseaudio pactl=pulseaudio-utils
    chromium tinyproxy=tinyproxy-bin nut-server snmpd libusb-0.1-4 libwrap0 lintian systemd-analyze=systemd)

# End-to-end tests wait far more than they work, so more of them run at once than there are cores.
END_TO_END_AT_ONCE=8

# A Windows on this machine, and the compilers for it (deploy/windows/build.sh asks for the rest).
WINE_PACKAGES=(wine64 wine gcc-mingw-w64-x86-64 wixl msitools zip)

# Longer than any set of tests takes on a slow machine: a hang becomes a failure that names it.
HANG_SECONDS=1200

mode=all filter=
case "${1:-}" in
    "") ;;
    -h | --help) sed -n '2,12s/^# \{0,1\}//p' "$0" && exit 0 ;;
    fast | bless) mode=$1 ;;
    -*) echo "unknown option $1; see tests/run.sh --help" >&2 && exit 64 ;;
    *) mode=filter filter=$1 ;;
esac

SEED=${SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
export SEED
passed=0 failed=0 skipped=0
failures=()
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

pass() { passed=$((passed + 1)); }
fail() { failed=$((failed + 1)) && failures+=("$1") && echo "FAILED: $1"; }
skip() { skipped=$((skipped + 1)) && echo "SKIPPED: $1"; }

finish() {
    echo
    local failure
    for failure in "${failures[@]}"; do echo "failed: $failure"; done
    echo "Tests ran in the order of SEED=$SEED and read its broken messages."
    echo "$passed passed, $failed failed, $skipped skipped"
    exit $((failed > 0))
}

# step TITLE COMMAND...: one check; what it says is shown only if it fails.
step() {
    local title=$1 started=$SECONDS
    shift
    echo "== $title"
    if "$@" >"$logs/step" 2>&1; then
        pass
        echo "   ok, $((SECONDS - started)) s"
    else
        cat "$logs/step"
        fail "$title"
    fi
}

# optional TITLE PROGRAM COMMAND...: a check for which this machine may lack the program.
optional() {
    local title=$1 program=$2
    shift 2
    if command -v "$program" >/dev/null; then
        step "$title" "$@"
    else
        echo "== $title"
        skip "$title: $program is not installed"
    fi
}

# Adds up what libtest printed into the log $1. A test that prints "SKIPPED: why" has run, but
# not what it is for: it counts as skipped, once.
count() {
    local ok bad ignored unfit
    read -r ok bad ignored < <(awk '/^test result:/ { p += $4; f += $6; i += $8 } END { print p + 0, f + 0, i + 0 }' "$1")
    unfit=$(awk '/^---- .* stdout ----$/ { open = 1 } open && /^SKIPPED: / { n++; open = 0 } END { print n + 0 }' "$1")
    grep '^SKIPPED: ' "$1" | sort -u || true
    passed=$((passed + ok - unfit)) failed=$((failed + bad)) skipped=$((skipped + ignored + unfit))
    echo "   $((ok - unfit)) passed, $bad failed, $((ignored + unfit)) skipped"
}

# tests TITLE COMMAND...: runs tests and counts them.
tests() {
    local title=$1 started=$SECONDS status=0 failed_before=$failed
    shift
    echo "== $title"
    timeout --kill-after=10 "$HANG_SECONDS" "$@" >"$logs/tests" 2>&1 </dev/null || status=$?
    [[ $status -eq 0 ]] || cat "$logs/tests"
    count "$logs/tests"
    if [[ $status -ne 0 && $failed -eq $failed_before ]]; then
        # A crash or a hang leaves no result line behind.
        fail "$title ended with code $status (124: still running after $HANG_SECONDS s)"
    elif [[ $status -ne 0 ]]; then
        failures+=("$title")
    fi
    echo "   $((SECONDS - started)) s"
}

prepare() {
    if [[ $mode != fast ]]; then
        deploy/debian-packages.sh cc=gcc cc=libc6-dev "${PACKAGES[@]}" ||
            skip "Debian packages; the tests that need them say so"
        unpack_apcupsd || echo "apcupsd could not be unpacked; its test says so"
    fi
    command -v cc >/dev/null || { echo "A C compiler is needed (Debian: gcc libc6-dev)." >&2 && exit 1; }
    command -v cargo >/dev/null || { echo "Rust is needed: cargo is not in PATH." >&2 && exit 1; }
}

# apcupsd and NUT exclude each other as packages, so its program is only unpacked.
unpack_apcupsd() {
    local into=$PWD/target/debian
    [[ -x $into/apcupsd/sbin/apcupsd ]] && return
    mkdir -p "$into"
    (cd "$into" && apt-get download apcupsd && dpkg-deb -x apcupsd_*.deb apcupsd) >/dev/null 2>&1
}

check_the_text() {
    optional "formatting" rustfmt cargo fmt --check
    optional "clippy" cargo-clippy cargo clippy --quiet --workspace --all-targets -- -D warnings
    step "documentation" env RUSTDOCFLAGS="-D warnings" cargo doc --quiet --workspace --no-deps
    mapfile -t scripts < <(git ls-files --cached --others --exclude-standard -- '*.sh' .ci/run)
    optional "shell scripts" shellcheck shellcheck "${scripts[@]}"
    optional "licences and sources of dependencies" cargo-deny cargo deny --log-level error check bans licenses sources
}

# Builds every test executable and prints "folder executable" of each, the end-to-end tests last.
executables() {
    cargo test --workspace --no-run --message-format=json 2>"$logs/build" |
        sed -n 's|.*"manifest_path":"\([^"]*\)/Cargo.toml".*"profile":{[^}]*"test":true}.*"executable":"\([^"]*\)".*|\1 \2|p' |
        sort -u | awk '/\/it-[0-9a-f]+$/ { last = last $0 "\n"; next } { print } END { printf "%s", last }'
}

run_the_tests() {
    local list folder executable name
    echo "== build the tests"
    if ! list=$(executables); then
        cat "$logs/build"
        fail "the tests do not build"
        finish
    fi
    # Random order needs an unstable option of libtest; the bootstrap switch is set for the
    # test executables alone, nothing is compiled with it.
    while read -r folder executable; do
        name=$(basename "$executable")
        name=${name%-*}
        [[ $mode == fast && $name == it ]] && skip "end-to-end tests: left out by 'fast'" && continue
        local at_once=()
        [[ $name != it ]] || at_once=(--test-threads "$END_TO_END_AT_ONCE")
        tests "tests of $name" env --chdir="$folder" RUSTC_BOOTSTRAP=1 "$executable" \
            -Z unstable-options --shuffle-seed "$SEED" --show-output "${at_once[@]}" ${filter:+"$filter"}
    done <<<"$list"
    [[ $mode == filter ]] || tests "examples in the documentation" cargo test --quiet --workspace --doc
}

# rooted TITLE SCRIPT: a check on a Debian root of its own; 77 says that this machine does not let
# it, and a line "SKIPPED: why" that it was not such a root.
rooted() {
    local status=0 started=$SECONDS
    echo "== $1"
    "$2" >"$logs/rooted" 2>&1 || status=$?
    case $status in
        0)
            if grep -q '^SKIPPED: ' "$logs/rooted"; then
                skip "$1: $(sed -n 's/^SKIPPED: //p' "$logs/rooted" | head -1)"
            else
                pass && echo "   ok, $((SECONDS - started)) s"
            fi
            ;;
        77) skip "$1: $(tail -1 "$logs/rooted")" ;;
        *) cat "$logs/rooted" && fail "$1" ;;
    esac
}

# The agent for Windows, and its unit tests under Wine. The end-to-end tests then find it built.
windows() {
    local list folder executable status=0
    echo "== the agent for Windows"
    [[ $mode == fast ]] && skip "the agent for Windows: left out by 'fast'" && return
    deploy/debian-packages.sh "${WINE_PACKAGES[@]}" && tests/wine/prefix.sh target/windows/prefix >"$logs/prefix" || status=$?
    [[ $status -eq 0 ]] || { skip "the agent for Windows: Wine is not to be had here" && return; }
    step "the agent for Windows builds, of system DLLs alone" deploy/windows/build.sh --dev
    step "clippy for Windows" deploy/windows/build.sh --check
    deploy/debian-packages.sh osslsigncode=osslsigncode || true
    optional "signed packages for Windows" osslsigncode \
        tests/wine/signing.sh target/windows/x86_64-pc-windows-gnu/debug/nhipcau-agent.exe
    if ! list=$(deploy/windows/build.sh --test 2>"$logs/build"); then
        cat "$logs/build"
        fail "the tests for Windows do not build"
        return
    fi
    while read -r folder executable; do
        tests "tests of $(basename "$folder") for Windows" env --chdir="$folder" "$PWD/tests/wine/run.sh" \
            "$executable" --show-output
    done <<<"$list"
}

prepare
if [[ $mode == bless ]]; then
    export NHIPCAU_BLESS=1
elif [[ $mode != filter ]]; then
    check_the_text
fi
step "programs" cargo build --quiet --workspace --bins
[[ $failed -eq 0 || $mode != filter ]] || finish
[[ $mode == filter || $mode == bless ]] || windows
run_the_tests
if [[ $mode == all ]]; then
    rooted "Debian packages" tests/packages.sh
    rooted "upgrades with a full spool, cut off at any moment" tests/upgrades.sh
    rooted "the commands of the guides" tests/guides.sh
fi
finish
