# shellcheck shell=bash
# A collector, and one site that pushes to it over a line on which all bytes are counted.
# Sourced after measure.sh, not run.
# shellcheck disable=SC2034,SC2154 # what is shared with measure.sh and with whoever sources this

# What an agent does besides its four network probes, each 15 s: eight readings of the PC, as other
# exporters make them, or of the equipment of a room.
PC="
  pc-1:    { every: 15s, host: {} }
  pc-2:    { every: 15s, host: {} }
  pc-3:    { every: 15s, host: {} }
  line-1:  { every: 15s, link: {} }
  line-2:  { every: 15s, link: {} }
  line-3:  { every: 15s, link: {} }
  clock-1: { every: 15s, clock: {} }
  clock-2: { every: 15s, clock: {} }"
EQUIPMENT="
  camera:  { every: 15s, camera: {} }
  mic:     { every: 15s, microphone: {} }
  speaker: { every: 15s, speaker: {} }
  screen:  { every: 15s, display: {} }
  usb:     { every: 15s, usb: { name: Jabra } }
  client:  { every: 15s, software: { program: chromium } }
  power:   { every: 15s, power: {} }
  pc:      { every: 15s, host: {} }"

# start_site FOLDER PORTS [PROBES]: starts them below $work/FOLDER, with ports from PORTS on, which
# are then in $agents_port and $operations_port; the agent's process id is in $agent, what the line
# says in the file $line, and in $first_ms how long after the agent's start its first reading was
# in the collector. Meetings in FOLDER/meetings count.
start_site() {
    local folder=$work/$1 relay_port code program collect began
    agents_port=$(free_port "$2")
    operations_port=$(free_port $((agents_port + 1)))
    mkdir -p "$folder/meetings" "$folder/agent"
    cat >"$folder/collector.yaml" <<YAML
state_dir: state
agents: { listen: "127.0.0.1:$agents_port", names: [127.0.0.1] }
operations: { listen: "127.0.0.1:$operations_port" }
inventory: sites.yaml
meetings: meetings/
YAML
    cp deploy/examples/sites.yaml "$folder/"
    collect=("$bin/nhipcau-collector" --config "$folder/collector.yaml")
    start "$1-collector" "${collect[@]}" run
    wait_for "http://127.0.0.1:$operations_port/-/ready"

    start "$1-line" "$bin/load" relay --to "127.0.0.1:$agents_port"
    line=$work/$1-line.log
    until [[ -s $line ]]; do sleep 0.1; done
    relay_port=$(sed -n '1s/.*://p' "$line")

    cat >"$folder/agent.yaml" <<YAML
state_dir: $folder/agent/state
probes:
  echo:    { every: 15s, icmp: { host: 127.0.0.1 } }
  tls:     { every: 15s, tcp: { host: 127.0.0.1, port: $agents_port } }
  open:    { every: 15s, tcp: { host: 127.0.0.1, port: $operations_port } }
  web:     { every: 15s, http: { url: "http://127.0.0.1:$operations_port/-/healthy" } }
${3:-$PC}
YAML
    program=("$bin/nhipcau-agent" --config "$folder/agent.yaml")
    code=$("${collect[@]}" enroll --site th-0316 | grep -o '127\.0\.0\.1:[0-9]*/[0-9A-Z-]*' | head -n 1)
    # The code leads to the collector itself; the line that is measured stands before it.
    "${program[@]}" enroll "$code" >"$work/$1-enrol.log"
    sed -i "s/127\.0\.0\.1:$agents_port/127.0.0.1:$relay_port/" "$folder/agent/state/identity.json"
    began=$(date +%s%N)
    start "$1-agent" "${program[@]}" run
    agent=$started
    until curl --silent "http://127.0.0.1:$operations_port/api/v1/sites/th-0316" | grep --quiet '"every_seconds"'; do
        sleep 0.01
    done
    first_ms=$((($(date +%s%N) - began) / 1000000))
}

# line_bytes: what the line has carried so far: bytes up, bytes down, connections.
line_bytes() { tail -n 1 "$line"; }

# line_packets: the packets of the agent's open connections: up, down.
line_packets() {
    ss --tcp --info --numeric --no-header dst "127.0.0.1:$(sed -n '1s/.*://p' "$line")" |
        awk '{ for (i = 1; i <= NF; i++) { split($i, kv, ":"); if (kv[1] == "segs_out") up += kv[2]; if (kv[1] == "segs_in") down += kv[2] } }
            END { print up + 0, down + 0 }'
}
