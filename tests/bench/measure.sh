# shellcheck shell=bash
# What the benchmarks share: programs started, stopped and measured. Sourced, not run.

work=$(mktemp -d -t nhipcau-bench.XXXXXX)
pids=()

stop_all() {
    local pid
    for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
    for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
    rm -rf "$work"
}
trap stop_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# start NAME COMMAND...: runs it in the background; its process id is in $started.
start() {
    local name=$1
    shift
    "$@" >"$work/$name.log" 2>&1 </dev/null &
    started=$!
    pids+=("$started")
}

# stop PID: before the end of the benchmark.
stop() {
    kill -TERM "$1"
    wait "$1" 2>/dev/null || true
}

# free_port FROM: the first port from there on at which nothing listens.
free_port() {
    local port=$1
    while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
    echo "$port"
}

# wait_for URL: until it answers.
wait_for() {
    local tries
    for ((tries = 0; tries < 300; tries++)); do
        curl --silent --fail --output /dev/null "$1" && return
        sleep 0.1
    done
    tail -n 20 "$work"/*.log >&2
    echo "nothing answers at $1" >&2
    exit 1
}

# wait_for_port PORT: until something listens there.
wait_for_port() {
    local tries
    for ((tries = 0; tries < 300; tries++)); do
        (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return
        sleep 0.1
    done
    tail -n 20 "$work"/*.log >&2
    echo "nothing listens at port $1" >&2
    exit 1
}

# cpu_ms PID...: processor time used so far, in milliseconds (USER_HZ is 100). Fields 14 and 15
# of proc(5) are counted behind the name, which may contain spaces.
cpu_ms() {
    local pid total=0 fields
    for pid in "$@"; do
        read -r -a fields < <(sed 's/.*) //' "/proc/$pid/stat")
        total=$((total + (fields[11] + fields[12]) * 10))
    done
    echo "$total"
}

# rss_mib PID...: resident memory in MiB.
rss_mib() {
    local pid
    for pid in "$@"; do awk '/^VmRSS/ { print $2 }' "/proc/$pid/status"; done | awk '{ sum += $1 } END { printf "%.1f", sum / 1024 }'
}

# ratio A B: A / B.
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { if (b > 0) printf "%.2f", a / b; else printf "-" }'; }

# scrapes N URL [HEADER]...: N scrapes over one connection.
scrapes() {
    local count=$1 url=$2 number
    shift 2
    for ((number = 0; number < count; number++)); do printf 'url = "%s"\noutput = /dev/null\n' "$url"; done >"$work/scrapes"
    curl --silent --fail --config "$work/scrapes" "$@"
}

# machine TITLE COMMAND: the title of a section, what made it, on what and when.
machine() {
    local cpu
    cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
    # shellcheck disable=SC2016 # backticks of Markdown
    printf '## %s\n\n`%s`, %s, %s × %s, Linux %s.\n' "$1" "$2" "$(date --utc +%F)" "$(nproc)" "${cpu:-unknown processor}" "$(uname -r)"
}
