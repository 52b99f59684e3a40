#!/usr/bin/env bash
# How long a fault takes from the room to the alert, in the rehearsal of a meeting: real agents,
# the collector, Debian's Prometheus and Alertmanager with the shipped rules, routes and intervals.
# Writes the section "Alarm" of tests/BENCHMARKS.md.
#
#   tests/bench/alarm.sh [SITES [ROUNDS]]     default 25 sites, each failing 4 times in each of
#                                             three ways: a quarter of an hour
set -euo pipefail
cd "$(dirname "$0")/../.."

deploy/debian-packages.sh prometheus prometheus-alertmanager
# What is measured are intervals and waits, not processor time: the build of the tests will do.
cargo build --quiet --workspace --bins

section=$(mktemp)
trap 'rm -f "$section"' EXIT
{
    echo "## Alarm"
    echo
    echo "\`tests/bench/alarm.sh ${1:-25} ${2:-4}\`, $(date --utc +%F), $(nproc) × $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), Linux $(uname -r), load $(cut -d' ' -f1 /proc/loadavg) before the start."
    echo
    echo "From a fault to each stage, within 15 minutes of a meeting: probes configured each 15 s, scrapes each 5 s, rules each 2 s, as shipped. Faults come at random moments. To compare: Teams Rooms Pro tells of a device after minutes to hours."
    echo
    "${CARGO_TARGET_DIR:-target}/debug/alarm-bench" "${1:-25}" "${2:-4}"
} | tee "$section"
tests/bench/section.sh "$section"
