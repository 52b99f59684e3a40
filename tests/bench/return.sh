#!/usr/bin/env bash
# Ten thousand sites come back together after an outage of an hour, each with 240 reports on its
# disk: when is the newest state of all visible, when is the backlog through, and do the books
# balance? Writes the section "Return" of tests/BENCHMARKS.md.
#
#   tests/bench/return.sh [SITES]
set -euo pipefail
# A failure inside $( ) ends the run too.
shopt -s inherit_errexit
cd "$(dirname "$0")/../.."
deploy/debian-packages.sh curl
# shellcheck source=tests/bench/measure.sh
. tests/bench/measure.sh
cargo build --quiet --release --workspace --bin nhipcau-collector --bin load
bin=${CARGO_TARGET_DIR:-target}/release
ulimit -n "$(ulimit -Hn)"

sites=${1:-10000}
REPORTS=240
# Fewer than an ordinary site's 200: the load comes from the same two cores, and makes each report.
SERIES=20

agents_port=$(free_port 24443)
operations_port=$(free_port 24815)
cat >"$work/collector.yaml" <<YAML
state_dir: state
agents: { listen: "127.0.0.1:$agents_port", names: [127.0.0.1] }
operations: { listen: "127.0.0.1:$operations_port" }
inventory: sites.yaml
YAML
"$bin/load" prepare --state-dir "$work/state" --inventory "$work/sites.yaml" --sites "$sites"
start collector "$bin/nhipcau-collector" --config "$work/collector.yaml" run
collector=$started
wait_for "http://127.0.0.1:$operations_port/-/ready"

before=$(cpu_ms "$collector")
"$bin/load" back --pid "$collector" --to "127.0.0.1:$agents_port" --sites "$sites" --rounds $REPORTS --series $SERIES >"$work/load"
used=$(($(cpu_ms "$collector") - before))

# taken RESULT: reports the collector counted so.
taken() {
    curl --silent "http://127.0.0.1:$operations_port/metrics" |
        sed -n "s/^nhipcau_collector_reports_total{result=\"$1\"} //p"
}
accepted=$(taken accepted) duplicate=$(taken duplicate) refused=$(taken refused)

{
    machine "Return" "tests/bench/return.sh $sites"
    printf '\n%s sites, each with %s reports of %s series, come back within the longest backoff of 8 s; the load runs on the same processors.\n\n' "$sites" $REPORTS $SERIES
    sed 's/^/- /' "$work/load"
    printf -- '- counted: %s accepted, %s duplicate, %s refused\n' "$accepted" "${duplicate:-0}" "${refused:-0}"
    printf -- '- collector: %s s of processor time, %s MiB resident\n' "$((used / 1000))" "$(rss_mib "$collector")"
} >"$work/section"
cat "$work/section"
[ "$accepted" = $((sites * REPORTS)) ] || { echo "the books do not balance" >&2 && exit 1; }
tests/bench/section.sh "$work/section"
