#!/usr/bin/env bash
# Compares the agent's echoes with surge-ping, Debian's smokeping prober and fping, side by side
# on an emulated path of 40 ms, and writes the section "Echo" of tests/BENCHMARKS.md.
#
#   tests/bench/echo.sh [SECONDS]     SECONDS of each of the four runs, default 60
#
# Needs root: for network namespaces, a TUN device and tcpdump. All traffic stays in them.
set -euo pipefail
cd "$(dirname "$0")/../.."

deploy/debian-packages.sh ip=iproute2 tcpdump=tcpdump fping=fping prometheus-smokeping-prober=prometheus-smokeping-prober
cargo build --quiet --release --package tests --bin echo-bench

section=$(mktemp)
trap 'rm -f "$section"' EXIT
{
    echo "## Echo"
    echo
    echo "\`tests/bench/echo.sh\`, $(date --utc +%F), $(nproc) × $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), Linux $(uname -r), load $(cut -d' ' -f1 /proc/loadavg) before the start."
    echo
    target/release/echo-bench "${1:-60}"
} | tee "$section"
tests/bench/section.sh "$section"
