#!/usr/bin/env bash
# What a site's line carries while nobody meets, at the full cadence, in the rehearsal and in a
# meeting: real programs over a real connection, side by side. Writes the section "Line" of
# tests/BENCHMARKS.md.
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
# meeting FOLDER WHEN: a meeting of the site in FOLDER that starts then and lasts three hours.
meeting() {
    mkdir -p "$work/$1/meetings"
    cat >"$work/$1/meetings/giao-ban.yaml" <<YAML
meetings:
  - { id: giao-ban, title: "Giao ban", start: $(date --utc --date "$2" +%FT%TZ), duration: 3h, sites: { ids: [th-0316] } }
YAML
}
meeting rest "+20 hours"
start_site rest 22443
rest_line=$line
start_site full 23443
full_line=$line
# Within T-30 for all of the time that is measured.
meeting rehearsal "+28 minutes"
start_site rehearsal 24443
rehearsal_line=$line
meeting meeting "-1 minute"
start_site meeting 25443
meeting_line=$line

# counted LINE: bytes up and down, packets up and down, connections.
counted() {
    local line=$1 up down connections
    read -r up down connections < <(line_bytes)
    echo "$up" "$down" "$(line_packets)" "$connections"
}

sleep "$SETTLE_SECONDS"
# cadence FOLDER NAME: the site there must be in it.
cadence() { grep -q "cadence=$2" "$work/$1-agent.log" || { echo "$1: the cadence is not $2" >&2 && exit 1; }; }
cadence rest Resting
cadence rehearsal Rehearsal
cadence meeting Meeting
rest_before=$(counted "$rest_line") full_before=$(counted "$full_line")
rehearsal_before=$(counted "$rehearsal_line") meeting_before=$(counted "$meeting_line")
begin=$SECONDS
sleep "$seconds"
lasted=$((SECONDS - begin))
rest_after=$(counted "$rest_line") full_after=$(counted "$full_line")
rehearsal_after=$(counted "$rehearsal_line") meeting_after=$(counted "$meeting_line")

# row WHAT BEFORE AFTER BUDGET: megabytes a day at this rate.
row() {
    echo "$2" "$3" | awk -v what="$1" -v budget="$4" -v header="$HEADER_BYTES" -v s="$lasted" '{
        day = 86400 / s / 1000000
        up = ($6 - $1) * day; down = ($7 - $2) * day
        headers = ($8 - $3 + $9 - $4) * header * day
        printf "| %s | %.2f | %.2f | %.2f | %.2f | %s | %d |\n", what, up, down, up + down, up + down + headers, budget, $10
    }'
}

rows=$(
    row "at rest" "$rest_before" "$rest_after" 1
    row full "$full_before" "$full_after" 6
    row "rehearsal (half an hour before a meeting)" "$rehearsal_before" "$rehearsal_after" -
    row "in the meeting" "$meeting_before" "$meeting_after" -
)
# A working day: twice half an hour in full, half an hour of rehearsal, two and a half of meeting.
a_day=$(echo "$rows" | awk -F ' *\\| *' '
    BEGIN { split("17 1 1 5", hours, " ") }
    { for (column = 3; column <= 6; column++) sum[column] += $column * hours[NR] / 24 }
    END { printf "| a day with two meetings of 2 h 30 min | %.2f | %.2f | %.2f | %.2f | 6 | |\n", sum[3], sum[4], sum[5], sum[6] }')

{
    machine Line "tests/bench/line.sh $seconds"
    cat <<TABLE

4 network probes and 8 readings of the PC each 15 s at the full cadence, an eighth of that at rest; MB a day at that rate, from $lasted s.

| cadence | up, TLS included | down, TLS included | both | with the headers of TCP and IP | budget | connections since the start |
|---|---|---|---|---|---|---|
$rows
$a_day
TABLE
} >"$work/section"
cat "$work/section"
tests/bench/section.sh "$work/section"
