#!/usr/bin/env bash
# The agent against Debian's node exporter and blackbox exporter doing the same work: four
# network probes and eight readings of this PC each 15 s. Also its size. Writes the section
# "Agent" of tests/BENCHMARKS.md.
#
#   tests/bench/agent.sh [SECONDS]     how long is measured; default 600
set -euo pipefail
# A failure inside $( ) ends the run too.
shopt -s inherit_errexit
cd "$(dirname "$0")/../.."
deploy/debian-packages.sh curl prometheus-node-exporter prometheus-blackbox-exporter
# shellcheck source=tests/bench/measure.sh
. tests/bench/measure.sh
# shellcheck source=tests/bench/site.sh
. tests/bench/site.sh
cargo build --quiet --release --workspace --bin nhipcau-collector --bin nhipcau-agent --bin load
bin=${CARGO_TARGET_DIR:-target}/release

seconds=${1:-600}
# Exporters' first scrapes and the agent's handshake are not what a day costs.
SETTLE_SECONDS=30
CADENCE_SECONDS=15

start_site equipped 21543 "$EQUIPMENT"
equipped=$agent
start_site site 21443

node_port=$(free_port 21100)
# What the agent's readings of the PC cover, and no more.
start node prometheus-node-exporter --web.listen-address="127.0.0.1:$node_port" --collector.disable-defaults \
    --collector.cpu --collector.meminfo --collector.filesystem --collector.hwmon --collector.stat \
    --collector.netdev --collector.netclass --collector.timex --collector.powersupplyclass
node=$started
blackbox_port=$(free_port 21115)
cat >"$work/blackbox.yml" <<YAML
modules:
  icmp: { prober: icmp, timeout: 5s }
  tcp: { prober: tcp, timeout: 5s }
  http: { prober: http, timeout: 5s }
YAML
start blackbox prometheus-blackbox-exporter --config.file="$work/blackbox.yml" --web.listen-address="127.0.0.1:$blackbox_port"
blackbox=$started
wait_for "http://127.0.0.1:$node_port/metrics"
wait_for "http://127.0.0.1:$blackbox_port/metrics"

# Scrapes both exporters at their cadence, as a Prometheus would, for so many seconds.
scrape_for() {
    local end=$((SECONDS + $1)) probe
    while ((SECONDS < end)); do
        curl --silent --output /dev/null "http://127.0.0.1:$node_port/metrics"
        for probe in "module=icmp&target=127.0.0.1" "module=tcp&target=127.0.0.1:$agents_port" \
            "module=tcp&target=127.0.0.1:$operations_port" "module=http&target=127.0.0.1:$operations_port/-/healthy"; do
            curl --silent --output /dev/null "http://127.0.0.1:$blackbox_port/probe?$probe"
        done
        sleep "$CADENCE_SECONDS"
    done
}

scrape_for $SETTLE_SECONDS
ours_before=$(cpu_ms "$agent") equipped_before=$(cpu_ms "$equipped") node_before=$(cpu_ms "$node") blackbox_before=$(cpu_ms "$blackbox")
begin=$SECONDS
scrape_for "$seconds"
lasted=$((SECONDS - begin))

# an_hour BEFORE AFTER: processor seconds an hour at this rate.
an_hour() { awk -v ms=$(($2 - $1)) -v s="$lasted" 'BEGIN { printf "%.2f", ms / 1000 * 3600 / s }'; }

ours=$(an_hour "$ours_before" "$(cpu_ms "$agent")")
equipped_cpu=$(an_hour "$equipped_before" "$(cpu_ms "$equipped")")
node_cpu=$(an_hour "$node_before" "$(cpu_ms "$node")")
blackbox_cpu=$(an_hour "$blackbox_before" "$(cpu_ms "$blackbox")")
theirs=$(awk -v a="$node_cpu" -v b="$blackbox_cpu" 'BEGIN { printf "%.2f", a + b }')
ours_rss=$(rss_mib "$agent") theirs_rss=$(rss_mib "$node" "$blackbox")
size=$(stat --format=%s "$bin/nhipcau-agent")
theirs_size=$(stat --format=%s "$(command -v prometheus-node-exporter)" "$(command -v prometheus-blackbox-exporter)" | awk '{ sum += $1 } END { print sum }')
mib() { awk -v bytes="$1" 'BEGIN { printf "%.1f", bytes / 1048576 }'; }

{
    machine Agent "tests/bench/agent.sh $seconds"
    cat <<TABLE

4 network probes and 8 readings of the PC each $CADENCE_SECONDS s, pushed, over $lasted s.

| what | Nhịp Cầu | node exporter + blackbox exporter | ratio |
|---|---|---|---|
| CPU, s an hour | $ours | $theirs ($node_cpu + $blackbox_cpu) | $(ratio "$ours" "$theirs") |
| resident memory, MiB | $ours_rss | $theirs_rss | $(ratio "$ours_rss" "$theirs_rss") |
| with 8 probes of a room's equipment instead: CPU, s an hour | $equipped_cpu | | |
| resident memory, MiB | $(rss_mib "$equipped") | | |
| first reading in the collector after the start, s | $(awk -v ms="$first_ms" 'BEGIN { printf "%.2f", ms / 1000 }') | | |
| programs, MiB | $(mib "$size") | $(mib "$theirs_size") | $(ratio "$size" "$theirs_size") |
TABLE
} >"$work/section"
cat "$work/section"
tests/bench/section.sh "$work/section"
