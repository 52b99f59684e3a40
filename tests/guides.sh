#!/usr/bin/env bash
# Every command of the guides, in their order, on a Debian root with the real packages.
#
#   tests/guides.sh [FOLDER WITH THE PROGRAMS]      default: target/debug
#
# This machine stays as it is: all happens on an overlay of a fresh Debian, in a mount and a network
# namespace that end with the script. No systemd runs there: what the guide asks of it is done by
# a stand-in that starts and stops the programs as their units would.
# Exit 77: this machine does not let it.
set -euo pipefail
cd "$(dirname "$0")/.."
programs=${1:-target/debug}

# shellcheck source=tests/overlay.sh
. tests/overlay.sh

# commands GUIDE: its shell blocks.
commands() { awk '/^```sh$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "deploy/guides/$1"; }
for pair in "operations.md van-hanh.md" "technician.md ky-thuat-vien.md"; do
    read -r english vietnamese <<<"$pair"
    diff <(commands "$english") <(commands "$vietnamese") >&2 || fail "$english and $vietnamese have different commands"
done

own_root "$programs" --mount --net
stop_all() {
    local pid
    for pid in "$root"/run/nhipcau-*.pid; do
        if [[ -f $pid ]]; then kill "$(cat "$pid")" 2>/dev/null || true; fi
    done
    leave_root
}
trap stop_all EXIT
mount --bind /proc "$root/proc"
ip link set lo up
inside() { chroot "$root" env --chdir=/root/packages DEBIAN_FRONTEND=noninteractive PATH=/stand-in:/usr/sbin:/usr/bin:/sbin:/bin "$@"; }

# package VERSION: the ones that a guide finds beside it.
package() {
    COMPRESSION=gzip LEVEL=1 deploy/package.sh --binaries "$programs" --output "$work/made" --version "$1" >/dev/null
    rm -rf "$root/root/packages"
    install -D -t "$root/root/packages" "$work"/made/*.deb
    rm -rf "$work/made"
}
package 1.0.0
forget_what_was_there

mkdir "$root/stand-in"
cat >"$root/stand-in/systemctl" <<'STAND_IN'
#!/bin/bash
# start, stop, restart and status of one service, as its unit says.
service=${2:-}
pid=/run/$service.pid
runs() { [[ -f $pid ]] && kill -0 "$(cat "$pid")" 2>/dev/null; }
stop() { if runs; then kill "$(cat "$pid")" && while runs; do sleep 0.1; done; fi; rm -f "$pid"; }
is_ready() { [[ $service == nhipcau-agent ]] || curl --fail --silent --output /dev/null http://127.0.0.1:9815/-/ready; }
start() {
    runs && return
    setpriv --reuid "$service" --regid "$service" --clear-groups "$service" run >"/run/$service.log" 2>&1 &
    echo $! >"$pid"
    for _ in $(seq 300); do
        sleep 0.1
        runs || break
        is_ready && return
    done
    cat "/run/$service.log" && exit 1
}
case "$1 $service" in
    start\ nhipcau-*) start ;;
    stop\ nhipcau-*) stop ;;
    restart\ nhipcau-*) stop && start ;;
    status\ nhipcau-*) runs ;;
    *) exit 1 ;;
esac
STAND_IN
chmod 755 "$root/stand-in/systemctl"

# What the guide leaves to the reader: names and sites.
write_names() {
    sed -i 's/^  # names:.*/  names: [127.0.0.1, collector.tinh.gov.vn]/' "$root/etc/nhipcau/collector.yaml"
    install -m 644 deploy/examples/sites.yaml "$root/etc/nhipcau/sites.yaml"
}

# The public key, which is the first thing that is said.
write_key() {
    echo "updates: { keys: [\"$(head -1 "$work/said")\"] }" >>"$root/etc/nhipcau/collector.yaml"
}

state() { (cd "$root/var/lib/nhipcau-collector" && find . -name '*.pem' -o -name '*.key' | sort | xargs -r sha256sum); }

# asked COMMAND: what it says, and it must succeed. Of a PC without a room `doctor` and `once` find
# fault, which is what they are for.
asked() {
    local status=0
    echo "\$ $1"
    inside bash -euo pipefail -c "$1" >"$work/said" 2>&1 </dev/null || status=$?
    case "$status $1" in
        0\ * | 1\ nhipcau-agent\ doctor* | 1\ nhipcau-agent\ once*) ;;
        *) cat "$work/said" >&2 && fail "$1" ;;
    esac
}

before=
while IFS= read -r line; do
    asked "$line"
    case $line in
        apt-get*) [[ -n $before ]] || write_names ;;
        *tar\ --create*) before=$(state) && package 1.0.1 ;;
        *update\ key*) write_key ;;
        tar\ --extract*) [[ -n $before && $(state) == "$before" ]] || fail "the authority's keys are not those that were backed up" ;;
    esac
done < <(commands operations.md)
inside dpkg --status nhipcau-collector | grep -q '^Version: 1.0.1$' || fail "the upgrade did not take place"

asked 'runuser -u nhipcau-collector -- nhipcau-collector enroll --site th-0317'
code=$(grep -o '127.0.0.1:8443/[A-Z0-9-]*' "$work/said" | head -1)
while IFS= read -r line; do
    asked "${line/collector.tinh.gov.vn:8443\/XXXXX-XXXXX-XXXXX/$code}"
    case $line in
        *--bundle*) [[ -s $root/root/ho-tro.txt ]] || fail "there is no file for support" ;;
        *doctor) grep -q th-0317 "$work/said" || fail "doctor does not know that this PC is enrolled" ;;
        *status*) inside systemctl stop nhipcau-agent ;;
    esac
done < <(commands technician.md)
[[ ! -e $root/usr/bin/nhipcau-agent && ! -e $root/var/lib/nhipcau-agent ]] || fail "a purge left the agent"
echo "all well"
