# Part of quickstart.sh: a province of simulated sites in place of the one real agent.
# shellcheck shell=bash disable=SC2154 # Its variables are quickstart.sh's.

# Of this seed are the province and what goes wrong in it.
SEED=1

# Between two looks at what the fleet says; it says a line each ten seconds.
LOOK_SECONDS=2

# Starts the fleet behind its collector, and Grafana where it is installed.
start_fleet() {
    local which=(--sites "$1" --seed "$SEED" --state-dir "$work/collector/state")
    "$bin/fleet" prepare "${which[@]}" --folder "$work/collector"
    start collector "$bin/nhipcau-collector" --config "$work/collector/collector.yaml" run
    wait_for collector http_ok "$operations_port" /-/ready
    start fleet "$bin/fleet" run "${which[@]}" --collector "127.0.0.1:$agents_port"
    start_monitoring
    grafana_port=''
    if command -v grafana >/dev/null; then start_grafana; fi
}

# The shipped provisioning, with this Prometheus and dashboards in the reader's language. Whoever
# reaches the machine's loopback may look.
start_grafana() {
    local dashboards=dashboards provisioning=$work/grafana/provisioning
    [[ $language == vi ]] || dashboards=dashboards/en
    grafana_port=$(free_port 3000)
    mkdir -p "$work/grafana/dashboards"
    cp "$dashboards"/*.json "$work/grafana/dashboards/"
    cp -R deploy/grafana/provisioning "$provisioning"
    sed -i "s|http://127\.0\.0\.1:9090|http://127.0.0.1:$prometheus_port|" "$provisioning"/datasources/*.yaml
    sed -i "s|^\( *path:\) .*|\1 $work/grafana/dashboards|" "$provisioning"/dashboards/*.yaml
    start grafana env GF_PATHS_DATA="$work/grafana/data" GF_PATHS_LOGS="$work/grafana/logs" \
        GF_PATHS_PROVISIONING="$provisioning" GF_SERVER_HTTP_ADDR=127.0.0.1 GF_SERVER_HTTP_PORT="$grafana_port" \
        GF_AUTH_ANONYMOUS_ENABLED=true GF_AUTH_ANONYMOUS_ORG_ROLE=Viewer GF_ANALYTICS_REPORTING_ENABLED=false \
        GF_ANALYTICS_CHECK_FOR_UPDATES=false GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES=false \
        grafana server --homepath "${GRAFANA_HOME:-/usr/share/grafana}"
    wait_for Grafana http_ok "$grafana_port" /api/health
}

where_to_look() {
    release_ports
    local meetings="http://127.0.0.1:$prometheus_port/graph?g0.expr=bridge_meeting_sites&g0.tab=1"
    say "
${bold}$1 điểm cầu đang chạy.$plain Xem tại:" "
${bold}A fleet of $1 sites is running.$plain Look at:"
    [[ -z $grafana_port ]] || echo "  Grafana       http://127.0.0.1:$grafana_port/dashboards"
    say "  Bảng họp      http://127.0.0.1:$operations_port/" "  The board     http://127.0.0.1:$operations_port/"
    echo "  Prometheus    $meetings"
    say "  Điểm cầu      http://127.0.0.1:$operations_port/api/v1/sites" \
        "  Sites         http://127.0.0.1:$operations_port/api/v1/sites"
    say "  Cảnh báo      http://127.0.0.1:$alertmanager_port" "  Alerts        http://127.0.0.1:$alertmanager_port"
    say "  Nhật ký       $work/*.log" "  Logs          $work/*.log"
}

# Sites that Prometheus sees up.
sites_up() { query "sum(bridge_up)" | sed -n 's/.*=> \([0-9]*\) @.*/\1/p'; }
# Of every hundred some are in trouble from the beginning; most are not.
most_are_up() { (($(sites_up) * 10 >= $1 * 8)); }

# Each meeting that is near, with how many of its sites are ready.
meetings() {
    query 'sort_desc(bridge_meeting_sites{state="ready"} / ignoring (state) group_left sum without (state) (bridge_meeting_sites))' |
        sed -n 's/.*meeting="\([^"@]*\).*=> \([0-9.]*\) @.*/\1 \2/p'
}
have_meetings() { [[ -n $(meetings) ]]; }

show_fleet() {
    local meeting share
    start_fleet "$1"
    where_to_look "$1"
    grep '^  ' "$work/fleet.log" || true
    wait_for fleet most_are_up "$1"
    wait_for fleet have_meetings
    say "  $(sites_up)/$1 điểm cầu có tín hiệu; các cuộc họp:" "  $(sites_up) of $1 sites are up; the meetings:"
    while read -r meeting share; do
        LC_ALL=C awk -v meeting="$meeting" -v share="$share" -v word="$(say "sẵn sàng" "ready")" \
            'BEGIN { printf "  %s: %.0f%% %s\n", meeting, share * 100, word }'
    done < <(meetings)
    if $once; then return; fi
    follow
}

# What the fleet says from now on.
follow() {
    local told line
    told=$(wc -l <"$work/fleet.log")
    while true; do
        while read -r line; do
            echo "$line"
            told=$((told + 1))
        done < <(tail -n "+$((told + 1))" "$work/fleet.log")
        # Waiting on a child lets a signal through at once.
        sleep "$LOOK_SECONDS" &
        wait $! || true
    done
}
