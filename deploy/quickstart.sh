#!/usr/bin/env bash
# The whole way on this one machine: a collector that expects the dozen sites of
# deploy/examples/sites.yaml, a real agent enrolled by code as one of them, Debian's Prometheus
# scraping the collector, and a meeting of all sites in ten minutes: Alertmanager is told.
#
#   deploy/quickstart.sh           until Ctrl-C
#   deploy/quickstart.sh --once    ends with the first readings in Prometheus and the first alert
#   deploy/quickstart.sh --keep    keeps configurations, state and logs afterwards
#   deploy/quickstart.sh --fleet N shows a province of N simulated sites instead, some of them in
#                                  trouble, one meeting running and one in 20 minutes; with Grafana
#                                  where it is installed
#
# Needs Debian and Rust; says what else it installs. Everything listens on 127.0.0.1 only.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="$PATH:$HOME/.cargo/bin"

SITE=th-0316
EXPECTED=$(grep -c '{ id: th-' deploy/examples/sites.yaml)

# Within T-15, so that the alert comes at once, and before T-5, so that it is one.
MEETING_IN="10 minutes"

# How long the first readings may take before something must be wrong.
PATIENCE_SECONDS=120

once=false keep=false fleet=''
while [[ $# -gt 0 ]]; do
    argument=$1
    shift
    case $argument in
        --once) once=true ;;
        --keep) keep=true ;;
        --fleet)
            fleet=${1:-}
            [[ $fleet =~ ^[1-9][0-9]*$ ]] || { echo "--fleet needs a number of sites, as in --fleet 356" >&2 && exit 64; }
            shift
            ;;
        -h | --help) sed -n '2,13s/^# \{0,1\}//p' "$0" && exit 0 ;;
        *) echo "unknown option $argument; see deploy/quickstart.sh --help" >&2 && exit 64 ;;
    esac
done

bold='' green='' dim='' plain=''
if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
    bold=$'\e[1m' green=$'\e[32m' dim=$'\e[2m' plain=$'\e[0m'
fi

# As the programs choose: Vietnamese unless the terminal's language is another.
case ${LC_ALL:-${LC_MESSAGES:-${LANG:-vi}}} in
    vi*) language="vi" ;;
    *) language="en" ;;
esac

# say VIETNAMESE ENGLISH
say() {
    if [[ $language == vi ]]; then echo "$1"; else echo "$2"; fi
}

give_up() {
    say "$1" "$2" >&2
    exit 1
}

pids=()
work=$(mktemp -d -t nhipcau-quickstart.XXXXXX)

# Stops what was started here, the last first, and nothing else.
stop_all() {
    local status=$? index
    trap - EXIT
    trap '' INT TERM
    [[ ${#pids[@]} -eq 0 ]] || say "Đang dừng…" "Stopping…"
    for ((index = ${#pids[@]} - 1; index >= 0; index--)); do
        stop "${pids[index]}"
    done
    if $keep; then
        say "Cấu hình, trạng thái và nhật ký ở $work" "Configurations, state and logs are in $work"
    else
        rm -rf "$work"
    fi
    exit "$status"
}

stop() {
    local pid=$1 tenths
    kill -TERM "$pid" 2>/dev/null || return 0
    for ((tenths = 0; tenths < 100; tenths++)); do
        kill -0 "$pid" 2>/dev/null || return 0
        sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null || true
}
trap stop_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# start NAME COMMAND...: runs it in the background; its log is in $work/NAME.log.
start() {
    local name=$1
    shift
    "$@" >"$work/$name.log" 2>&1 </dev/null &
    pids+=($!)
}

# The first port from $1 on at which nothing listens on this machine.
free_port() {
    local port=$1
    while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
    echo "$port"
}

# A port that was found free is taken only when its program listens; until then no other of these
# scripts may look, or both would take the same. What is locked is the directory, not a file in
# it, because every user may open it.
hold_ports() {
    exec {ports}</tmp
    flock --wait $PATIENCE_SECONDS $ports
}

# All programs listen. Unlocked by name: what was started in between holds the descriptor as well.
release_ports() {
    flock --unlock $ports
    exec {ports}<&-
}

# wait_for NAME COMMAND...: until the command succeeds, while all that was started still runs.
wait_for() {
    local name=$1 end=$((SECONDS + PATIENCE_SECONDS)) pid
    shift
    until "$@" >/dev/null 2>&1; do
        for pid in "${pids[@]}"; do
            kill -0 "$pid" 2>/dev/null && continue
            tail -n 20 "$work"/*.log >&2
            give_up "Một chương trình đã dừng khi đang chờ $name; nhật ký ở trên." \
                "A program ended while waiting for $name; its log is above."
        done
        if ((SECONDS >= end)); then
            tail -n 20 "$work"/*.log >&2
            give_up "Đã chờ $name $PATIENCE_SECONDS giây mà chưa có; nhật ký ở trên." \
                "Waited $PATIENCE_SECONDS s for $name in vain; the logs are above."
        fi
        sleep 0.5
    done
}

http_ok() {
    exec 3<>"/dev/tcp/127.0.0.1/$1" || return 1
    printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' "$2" >&3
    local status
    read -r _ status _ <&3
    exec 3<&- 3>&-
    [[ $status == 200 ]]
}

query() { promtool query instant "http://127.0.0.1:$prometheus_port" "$1"; }
one_live() { [[ $(query "sum(bridge_up)") == *"=> 1 @"* ]]; }
# One line for each probe of the live site: name, kind, 1 or 0, duration in milliseconds.
readings() {
    query "{__name__=~\"bridge_probe_(success|duration_seconds)\", site=\"$SITE\", kind!=\"agent\"}" | awk -F '[{}=,"]+ *' '
        { split($0, sides, / => | @/); probe = kind = "" }
        { for (i = 2; i < NF; i++) { if ($i == "probe") probe = $(i + 1); if ($i == "kind") kind = $(i + 1) } }
        $1 == "bridge_probe_success" { success[probe " " kind] = sides[2] }
        $1 == "bridge_probe_duration_seconds" { took[probe " " kind] = sides[2] * 1000 }
        END { for (name in success) printf "%s %s %.1f\n", name, success[name], took[name] }'
}

prepare() {
    deploy/debian-packages.sh cc=gcc cc=libc6-dev prometheus prometheus-alertmanager ||
        give_up "Chưa đủ gói Debian cần thiết." "The Debian packages it needs are not there."
    command -v cargo >/dev/null ||
        give_up "Cần có Rust: không thấy cargo trong PATH." "Rust is needed: cargo is not in PATH."
    say "Biên dịch các chương trình (lần đầu mất vài phút)…" "Building the programs (some minutes the first time)…"
    local progress=()
    [[ -t 2 ]] || progress=(--quiet)
    # All programs, as tests/run.sh builds them: other features would build everything anew.
    cargo build "${progress[@]}" --workspace --bins ||
        give_up "Biên dịch không thành công; lý do ở trên." "The programs do not build; the reason is above."
    bin=${CARGO_TARGET_DIR:-target}/debug
}

# Ports that are free, and the shipped collector.yaml with its state here and closed to the outside.
configure_collector() {
    hold_ports
    agents_port=$(free_port 8443)
    operations_port=$(free_port 9815)
    prometheus_port=$(free_port 9090)
    alertmanager_port=$(free_port 9093)
    mkdir -p "$work/collector/meetings"
    sed -e "s|^state_dir: [^ ]*|state_dir: state|" \
        -e "s|0\.0\.0\.0:8443|127.0.0.1:$agents_port|" \
        -e "s|names: \[[^]]*\]|names: [127.0.0.1]|" \
        -e "s|^language: .*|language: $language|" \
        -e "s|127\.0\.0\.1:9815|127.0.0.1:$operations_port|" \
        -e "/^meetings:/d" \
        deploy/examples/collector.yaml >"$work/collector/collector.yaml"
    echo "meetings: meetings" >>"$work/collector/collector.yaml"
}

configure_agent() {
    mkdir -p "$work/agent"
    cp deploy/examples/sites.yaml "$work/collector/"
    # Only the network is needed: this machine may have no camera.
    cat >"$work/collector/meetings/quickstart.yaml" <<YAML
meetings:
  - id: giao-ban
    title: "Giao ban trực tuyến"
    start: $(date -u -d "+$MEETING_IN" +%FT%T+00:00)
    duration: 1h
    sites: { areas: [thanh-hoa] }
    needs: [network]
YAML
    cat >"$work/agent/agent.yaml" <<YAML
state_dir: $work/agent/state
language: $language
report_every: 5s
probes:
  echo:      { every: 5s, icmp: { host: 127.0.0.1 } }
  collector: { every: 5s, tcp: { host: 127.0.0.1, port: $agents_port } }
  web:       { every: 5s, http: { url: "http://127.0.0.1:$operations_port/-/healthy" } }
  pc:        { every: 15s, host: {} }
  line:      { every: 15s, link: {} }
  clock:     { every: 15s, clock: {} }
YAML
}

configure_monitoring() {
    cat >"$work/prometheus.yml" <<YAML
global: { scrape_interval: 5s }
rule_files: ["$PWD/dashboards/rules/nhipcau.rules.yaml"]
alerting:
  alertmanagers:
    - static_configs: [{ targets: ["127.0.0.1:$alertmanager_port"] }]
scrape_configs:
  - job_name: nhipcau
    static_configs: [{ targets: ["127.0.0.1:$operations_port"] }]
YAML
    # Nobody is called from here; deploy/alertmanager shows whom to call.
    cat >"$work/alertmanager.yml" <<YAML
route: { receiver: nobody }
receivers: [{ name: nobody }]
YAML
}

run_all() {
    local collector=("$bin/nhipcau-collector" --config "$work/collector/collector.yaml")
    local agent=("$bin/nhipcau-agent" --config "$work/agent/agent.yaml")
    local code
    start collector "${collector[@]}" run
    wait_for collector http_ok "$operations_port" /-/ready
    code=$("${collector[@]}" enroll --site "$SITE" | grep -o '127\.0\.0\.1:[0-9]*/[0-9A-Z-]*' | head -n 1) ||
        give_up "Máy chủ không cấp mã ghi danh." "The collector gave no enrolment code."
    echo "${dim}nhipcau-agent enroll $code$plain"
    "${agent[@]}" --lang "$language" enroll "$code" ||
        give_up "Ghi danh không thành công; lý do ở trên." "The enrolment failed; the reason is above."
    start agent "${agent[@]}" run
    start_monitoring
}

start_monitoring() {
    # Alone: without a cluster address it looks for no others.
    start alertmanager prometheus-alertmanager --config.file="$work/alertmanager.yml" \
        --storage.path="$work/alertmanager" --cluster.listen-address="" \
        --web.listen-address="127.0.0.1:$alertmanager_port"
    wait_for alertmanager http_ok "$alertmanager_port" /-/ready
    start prometheus prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/prometheus" \
        --web.listen-address="127.0.0.1:$prometheus_port"
    wait_for prometheus http_ok "$prometheus_port" /-/ready
}

show_where() {
    release_ports
    say "
${bold}Đang chạy.$plain Xem tại:
  Bảng họp      http://127.0.0.1:$operations_port/
  Prometheus    http://127.0.0.1:$prometheus_port/graph?g0.expr=bridge_up&g0.tab=1
  Số đo         http://127.0.0.1:$operations_port/metrics
  Điểm cầu      http://127.0.0.1:$operations_port/api/v1/sites/$SITE
  Cảnh báo      http://127.0.0.1:$alertmanager_port
  Nhật ký       $work/*.log
Kết quả đo đầu tiên của $SITE trong Prometheus:" "
${bold}Running.$plain Look at:
  The board     http://127.0.0.1:$operations_port/
  Prometheus    http://127.0.0.1:$prometheus_port/graph?g0.expr=bridge_up&g0.tab=1
  Metrics       http://127.0.0.1:$operations_port/metrics
  The site      http://127.0.0.1:$operations_port/api/v1/sites/$SITE
  Alerts        http://127.0.0.1:$alertmanager_port
  Logs          $work/*.log
First readings of $SITE in Prometheus:"
}

# What Alertmanager holds that matches $1, as JSON on one line.
alerts() { amtool --alertmanager.url="http://127.0.0.1:$alertmanager_port" alert query --output=json "$1" | tr -d '\n'; }
# The headline of the meeting's alert.
headline() {
    local key=summary
    [[ $language == vi ]] || key=summary_en
    alerts scope=meeting | grep -o "\"$key\": *\"[^\"]*\"" | sed 's/^[^:]*: *"//; s/"$//'
}
# The live site is judged too, so only the silent ones are unknown.
only_the_silent() { headline | grep -Eq "[^0-9]$((EXPECTED - 1)) (không rõ|unknown)"; }

# Shows that one meeting with many silent sites is one alert.
show_alerts() {
    local meetings sites
    wait_for Alertmanager only_the_silent
    meetings=$(alerts scope=meeting | grep -o '"fingerprint"' | wc -l)
    sites=$(alerts scope=site | grep -o '"fingerprint"' | wc -l)
    say "Trong Alertmanager: cuộc họp $meetings cảnh báo, kỹ thuật viên từng điểm cầu $sites cảnh báo:" \
        "In Alertmanager: $meetings alert for the meeting, $sites for the technicians of its sites:"
    echo "  ${bold}$(headline)$plain"
}

# Prints each probe of the live site when its first reading is in Prometheus.
show_readings() {
    local -A shown=()
    local probe kind success took silent alerted=false
    wait_for "$SITE" one_live
    silent=$((EXPECTED - 1))
    say "  $SITE có tín hiệu, $silent điểm cầu khác im lặng" "  $SITE is up, $silent other sites are silent"
    while true; do
        while read -r probe kind success took; do
            [[ -z ${shown[$probe]:-} ]] || continue
            shown[$probe]=yes
            if [[ $success == 1 ]]; then
                echo "  $green✓$plain $probe ($kind), $took ms"
            else
                say "  ✗ $probe ($kind): không đạt; xem lý do tại địa chỉ điểm cầu ở trên" \
                    "  ✗ $probe ($kind): failed; the site's address above says why"
            fi
        done < <(readings)
        if ((${#shown[@]} > 0)) && ! $alerted; then
            show_alerts
            alerted=true
        fi
        if $once && $alerted; then return; fi
        # Waiting on a child lets a signal through at once.
        sleep 2 &
        wait $! || true
    done
}

prepare
configure_collector
configure_monitoring
if [[ -n $fleet ]]; then
    # shellcheck source=deploy/quickstart-fleet.sh
    source deploy/quickstart-fleet.sh
    show_fleet "$fleet"
else
    configure_agent
    run_all
    show_where
    show_readings
fi
