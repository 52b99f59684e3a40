#!/usr/bin/env bash
# The agent against Debian's node exporter and blackbox exporter doing the same work: four
# network probes and eight readings of this PC each 15 s. Also its size, and what its line
# carries in a day. Writes the section "Agent" of tests/BENCHMARKS.md.
#
#   tests/bench/agent.sh [SECONDS]     how long is measured; default 600
set -euo pipefail
# A failure inside $( ) ends the run too.
shopt -s inherit_errexit
cd "$(dirname "$0")/../.."
deploy/debian-packages.sh curl prometheus-node-exporter prometheus-blackbox-exporter
# shellcheck source=tests/bench/measure.sh
. tests/bench/measure.sh
cargo build --quiet --release --workspace --bin nhipcau-collector --bin nhipcau-agent --bin load
bin=${CARGO_TARGET_DIR:-target}/release

seconds=${1:-600}
# Exporters' first scrapes and the agent's handshake are not what a day costs.
SETTLE_SECONDS=30
CADENCE_SECONDS=15

agents_port=$(free_port 21443)
operations_port=$(free_port 21815)
mkdir "$work/collector" "$work/agent"
cat >"$work/collector/collector.yaml" <<YAML
state_dir: state
agents: { listen: "127.0.0.1:$agents_port", names: [127.0.0.1] }
operations: { listen: "127.0.0.1:$operations_port" }
inventory: sites.yaml
YAML
cp deploy/examples/sites.yaml "$work/collector/"
collector=("$bin/nhipcau-collector" --config "$work/collector/collector.yaml")
start collector "${collector[@]}" run
wait_for "http://127.0.0.1:$operations_port/-/ready"

start relay "$bin/load" relay --to "127.0.0.1:$agents_port"
until [[ -s $work/relay.log ]]; do sleep 0.1; done
relay_port=$(sed -n '1s/.*://p' "$work/relay.log")

cat >"$work/agent/agent.yaml" <<YAML
state_dir: $work/agent/state
probes:
  echo:    { every: 15s, icmp: { host: 127.0.0.1 } }
  tls:     { every: 15s, tcp: { host: 127.0.0.1, port: $agents_port } }
  open:    { every: 15s, tcp: { host: 127.0.0.1, port: $operations_port } }
  web:     { every: 15s, http: { url: "http://127.0.0.1:$operations_port/-/healthy" } }
  pc-1:    { every: 15s, host: {} }
  pc-2:    { every: 15s, host: {} }
  pc-3:    { every: 15s, host: {} }
  line-1:  { every: 15s, link: {} }
  line-2:  { every: 15s, link: {} }
  line-3:  { every: 15s, link: {} }
  clock-1: { every: 15s, clock: {} }
  clock-2: { every: 15s, clock: {} }
YAML
program=("$bin/nhipcau-agent" --config "$work/agent/agent.yaml")
code=$("${collector[@]}" enroll --site th-0316 | grep -o '127\.0\.0\.1:[0-9]*/[0-9A-Z-]*' | head -n 1)
# The code leads to the collector itself; the line that is measured stands before it.
"${program[@]}" enroll "$code" >"$work/enrol.log"
sed -i "s/127\.0\.0\.1:$agents_port/127.0.0.1:$relay_port/" "$work/agent/state/identity.json"
start agent "${program[@]}" run
agent=$started

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
ours_before=$(cpu_ms "$agent") node_before=$(cpu_ms "$node") blackbox_before=$(cpu_ms "$blackbox")
read -r up_before down_before _ < <(tail -n 1 "$work/relay.log")
begin=$SECONDS
scrape_for "$seconds"
lasted=$((SECONDS - begin))
read -r up down connections < <(tail -n 1 "$work/relay.log")

# an_hour BEFORE AFTER: processor seconds an hour at this rate.
an_hour() { awk -v ms=$(($2 - $1)) -v s="$lasted" 'BEGIN { printf "%.2f", ms / 1000 * 3600 / s }'; }
a_day() { awk -v bytes="$1" -v s="$lasted" 'BEGIN { printf "%.2f", bytes * 86400 / s / 1000000 }'; }

ours=$(an_hour "$ours_before" "$(cpu_ms "$agent")")
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
| programs, MiB | $(mib "$size") | $(mib "$theirs_size") | $(ratio "$size" "$theirs_size") |
| line, MB a day, TLS included | $(a_day $((up - up_before))) up, $(a_day $((down - down_before))) down | | |

Connections in all: $connections.
TABLE
} >"$work/section"
cat "$work/section"
tests/bench/section.sh "$work/section"
