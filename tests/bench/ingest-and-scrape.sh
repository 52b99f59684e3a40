#!/usr/bin/env bash
# Collector against Debian's Pushgateway (ingest, scrape, memory) and against nginx serving the
# same bytes from a file (scrape), all in one run. Writes the section "Ingest and scrape" of
# tests/BENCHMARKS.md.
#
#   tests/bench/ingest-and-scrape.sh           356 and 10,000 sites, some ten minutes
#   tests/bench/ingest-and-scrape.sh 356       only so many
set -euo pipefail
# A failure inside $( ) ends the run too.
shopt -s inherit_errexit
cd "$(dirname "$0")/../.."
deploy/debian-packages.sh curl prometheus-pushgateway nginx=nginx-light
# shellcheck source=tests/bench/measure.sh
. tests/bench/measure.sh
cargo build --quiet --release --workspace --bin nhipcau-collector --bin load
bin=${CARGO_TARGET_DIR:-target}/release
ulimit -n "$(ulimit -Hn)"

SERIES=200

# Requests on their way at a time. Many keep a process busy: what it costs is then its work. Few
# let it sleep between two: ours does so on purpose, to write several reports to the disk in one
# go, and each sleep has its price too.
BUSY=64
TRICKLE=8
TEXT="Accept: text/plain;version=0.0.4"

row() { printf '| %s | %s | %s | %s |\n' "$@"; }

# per COUNT MILLISECONDS: microseconds each.
per() { awk -v n="$1" -v ms="$2" 'BEGIN { printf "%.0f", ms * 1000 / n }'; }

# collector SITES: one that knows so many sites.
collector() {
    local folder=$work/collector-$1
    mkdir "$folder"
    agents_port=$(free_port 20443)
    operations_port=$(free_port 20815)
    cat >"$folder/collector.yaml" <<YAML
state_dir: state
agents: { listen: "127.0.0.1:$agents_port", names: [127.0.0.1] }
operations: { listen: "127.0.0.1:$operations_port" }
inventory: sites.yaml
YAML
    "$bin/load" prepare --state-dir "$folder/state" --inventory "$folder/sites.yaml" --sites "$1"
    start "collector-$1" "$bin/nhipcau-collector" --config "$folder/collector.yaml" run
    collector=$started
    wait_for "http://127.0.0.1:$operations_port/-/ready"
}

# pushgateway [OPTION]: a new, empty one.
pushgateway() {
    gateway_port=$(free_port 20091)
    start pushgateway prometheus-pushgateway --web.listen-address="127.0.0.1:$gateway_port" --persistence.file="" "$@"
    gateway=$started
    wait_for "http://127.0.0.1:$gateway_port/-/ready"
}

# bare: the least that could take a report.
bare() {
    bare_port=$(free_port 20500)
    start bare "$bin/load" bare --listen "127.0.0.1:$bare_port"
    bare=$started
    wait_for_port "$bare_port"
}

# cost PID COMMAND...: processor time the process used while the command ran, in milliseconds.
cost() {
    local pid=$1 before
    shift
    before=$(cpu_ms "$pid")
    "$@" >&2
    echo $(($(cpu_ms "$pid") - before))
}

# nginx serving $work/nginx/metrics, as it is and packed at level 1.
nginx_with_the_same() {
    nginx_port=$(free_port 20080)
    cat >"$work/nginx.conf" <<NGINX
daemon off; worker_processes 1; pid $work/nginx.pid; error_log $work/nginx-error.log;
events {}
http {
    access_log off; sendfile on; default_type text/plain; gzip_types text/plain; gzip_comp_level 1;
    keepalive_requests 100000;
    server { listen 127.0.0.1:$nginx_port; root $work/nginx; location /packed/ { alias $work/nginx/; gzip on; } }
}
NGINX
    # Its worker is another user's where root starts it.
    chmod 755 "$work" "$work/nginx"
    start nginx nginx -c "$work/nginx.conf"
    nginx_master=$started
    wait_for "http://127.0.0.1:$nginx_port/metrics"
    nginx=$(pgrep --parent "$nginx_master")
}

# ingest push|gateway PID PORT SITES ROUNDS AT_ONCE: microseconds of the process's CPU for each report.
ingest() {
    "$bin/load" "$1" --pid "$2" --to "127.0.0.1:$3" --sites "$4" --rounds "$5" --at-once "$6" \
        --series $SERIES >"$work/load"
    cat "$work/load" >&2
    sed -n 's/^microseconds of processor time each: //p' "$work/load"
}

# compare SITES ROUNDS SCRAPES GATEWAY_SCRAPES. All of the collector first: readings that are not
# repeated live for 90 s.
compare() {
    local sites=$1 rounds=$2 count=$3 gateway_scrapes=$4
    local busy trickle plain packed memory theirs scrape
    collector "$sites"
    scrape=(scrapes "$count" "http://127.0.0.1:$operations_port/metrics" --header "$TEXT")
    busy=$(ingest push "$collector" "$agents_port" "$sites" "$rounds" $BUSY)
    trickle=$(ingest push "$collector" "$agents_port" "$sites" "$rounds" $TRICKLE)
    mkdir -p "$work/nginx"
    curl --silent --header "$TEXT" "http://127.0.0.1:$operations_port/metrics" >"$work/nginx/metrics"
    plain=$(per "$count" "$(cost "$collector" "${scrape[@]}")")
    packed=$(per "$count" "$(cost "$collector" "${scrape[@]}" --header "Accept-Encoding: gzip")")
    memory=$(rss_mib "$collector")

    printf '\n### %s sites × %s series\n\n| what | Nhịp Cầu | peer | ratio |\n|---|---|---|---|\n' "$sites" "$SERIES"
    pushgateway --push.disable-consistency-check
    theirs=$(ingest gateway "$gateway" "$gateway_port" "$sites" 2 $BUSY)
    row "ingest of a report, $BUSY at a time, µs of CPU (ours with TLS, zstd, and durable before its answer)" "$busy" "Pushgateway without its consistency check: $theirs" "$(ratio "$busy" "$theirs")"
    bare
    theirs=$(ingest push "$bare" "$bare_port" "$sites" "$rounds" $BUSY)
    row "the same" "$busy" "hyper with TLS, zstd and JSON into a map, nothing checked, durable or shown: $theirs" "$(ratio "$busy" "$theirs")"
    stop "$bare"
    bare
    theirs=$(ingest push "$bare" "$bare_port" "$sites" "$rounds" $TRICKLE)
    row "the same, $TRICKLE at a time" "$trickle" "hyper …: $theirs" "$(ratio "$trickle" "$theirs")"
    stop "$bare"
    theirs=$(per "$gateway_scrapes" "$(cost "$gateway" scrapes "$gateway_scrapes" "http://127.0.0.1:$gateway_port/metrics")")
    row "scrape, µs of CPU" "$plain" "Pushgateway: $theirs" "$(ratio "$plain" "$theirs")"
    theirs=$(rss_mib "$gateway")
    row "resident memory after pushes and scrapes, MiB" "$memory" "Pushgateway: $theirs" "$(ratio "$memory" "$theirs")"
    stop "$gateway"

    nginx_with_the_same
    scrape=(scrapes "$count" "http://127.0.0.1:$nginx_port/metrics")
    theirs=$(per "$count" "$(cost "$nginx" "${scrape[@]}")")
    row "scrape of $(du -k "$work/nginx/metrics" | cut -f 1) KiB, µs of CPU" "$plain" "nginx, the same bytes from a file: $theirs" "$(ratio "$plain" "$theirs")"
    scrape=(scrapes "$count" "http://127.0.0.1:$nginx_port/packed/metrics" --header "Accept-Encoding: gzip")
    theirs=$(per "$count" "$(cost "$nginx" "${scrape[@]}")")
    row "scrape with gzip, µs of CPU" "$packed" "nginx, gzip 1: $theirs" "$(ratio "$packed" "$theirs")"
    stop "$nginx_master"
}

# The Pushgateway as it is shipped compares every push with all it has.
checked() {
    local sites=$1 theirs
    pushgateway
    ingest gateway "$gateway" "$gateway_port" "$sites" 1 $BUSY >/dev/null
    theirs=$(ingest gateway "$gateway" "$gateway_port" 20 1 $BUSY)
    row "ingest of a report, $BUSY at a time, µs of CPU" "as above" "Pushgateway as shipped: $theirs" ""
    stop "$gateway"
}

# A whole fleet at its cadence, scraped meanwhile.
steady() {
    local sites=$1
    printf '\n### %s sites, a report each 15 s, scraped each 15 s\n\n' "$sites"
    "$bin/load" push --pid "$collector" --to "127.0.0.1:$agents_port" --sites "$sites" --series $SERIES --rounds 4 --every 15 >"$work/steady" &
    local load=$!
    pids+=("$load")
    while kill -0 "$load" 2>/dev/null; do
        sleep 15
        curl --silent --output /dev/null --header "$TEXT" --write-out 'scrape: %{size_download} bytes in %{time_total} s\n' "http://127.0.0.1:$operations_port/metrics"
    done
    wait "$load"
    cat "$work/steady"
    printf 'collector: %s MiB resident\n' "$(rss_mib "$collector")"
}

all() {
    machine "Ingest and scrape" tests/bench/ingest-and-scrape.sh
    case "$1" in
        356 | all)
            compare 356 60 200 20
            checked 356
            stop "$collector"
            ;;&
        10000 | all)
            compare 10000 2 10 2
            steady 10000
            ;;
    esac
}

all "${1:-all}" >"$work/section"
cat "$work/section"
tests/bench/section.sh "$work/section"
