#!/usr/bin/env bash
# What a site's line carries in a day while nobody meets, and at the full cadence: real programs
# over a real connection, side by side. Writes the section "Line" of tests/BENCHMARKS.md.
#
#   tests/bench/line.sh [SECONDS]     how long is measured; default 960, eight reports at rest
set -euo pipefail
# A failure inside $( ) ends the run too.
shopt -s inherit_errexit
cd "$(dirname "$0")/../.."
deploy/debian-packages.sh curl ss=iproute2
# shellcheck source=tests/bench/measure.sh
. tests/bench/measure.sh
# shellcheck source=tests/bench/site.sh
. tests/bench/site.sh
cargo build --quiet --release --workspace --bin nhipcau-collector --bin nhipcau-agent --bin load
bin=${CARGO_TARGET_DIR:-target}/release

seconds=${1:-960}
# First readings are news and sent at once, and the agent has yet to hear of its meeting.
SETTLE_SECONDS=60
# Of IPv4 and TCP with time stamps, on each packet; one that only keeps the connection alive too.
HEADER_BYTES=52

# A meeting that is far away, and near enough to be told (within a day), lets the site rest.
mkdir -p "$work/rest/meetings"
cat >"$work/rest/meetings/far.yaml" <<YAML
meetings:
  - { id: far, title: "Giao ban", start: $(date --utc --date "+20 hours" +%FT%TZ), duration: 1h, sites: { ids: [th-0316] } }
YAML
start_site rest 22443
rest_line=$line
start_site full 23443
full_line=$line

# counted LINE: bytes up and down, packets up and down, connections.
counted() {
    local line=$1 up down connections
    read -r up down connections < <(line_bytes)
    echo "$up" "$down" "$(line_packets)" "$connections"
}

sleep "$SETTLE_SECONDS"
grep -q "cadence=Resting" "$work/rest-agent.log" || { echo "the site does not rest" >&2 && exit 1; }
rest_before=$(counted "$rest_line") full_before=$(counted "$full_line")
begin=$SECONDS
sleep "$seconds"
lasted=$((SECONDS - begin))
rest_after=$(counted "$rest_line") full_after=$(counted "$full_line")

# row WHAT BEFORE AFTER BUDGET: megabytes a day at this rate.
row() {
    echo "$2" "$3" | awk -v what="$1" -v budget="$4" -v header="$HEADER_BYTES" -v s="$lasted" '{
        day = 86400 / s / 1000000
        up = ($6 - $1) * day; down = ($7 - $2) * day
        headers = ($8 - $3 + $9 - $4) * header * day
        printf "| %s | %.2f | %.2f | %.2f | %.2f | %s | %d |\n", what, up, down, up + down, up + down + headers, budget, $10
    }'
}

{
    machine Line "tests/bench/line.sh $seconds"
    cat <<TABLE

4 network probes and 8 readings of the PC each 15 s at the full cadence, an eighth of that at rest; MB a day, from $lasted s.

| cadence | up, TLS included | down, TLS included | both | with the headers of TCP and IP | budget | connections since the start |
|---|---|---|---|---|---|---|
$(row "at rest" "$rest_before" "$rest_after" 1)
$(row full "$full_before" "$full_after" 6)
TABLE
} >"$work/section"
cat "$work/section"
tests/bench/section.sh "$work/section"
