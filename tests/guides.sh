#!/usr/bin/env bash
# Every command of the operations guide, in its order, on a Debian root with the real packages.
#
#   tests/guides.sh [FOLDER WITH THE PROGRAMS]      default: target/debug
#
# This machine stays as it is: all happens on an overlay of its root, in a mount and a network
# namespace that end with the script. No systemd runs there: what the guide asks of it is done by
# a stand-in that starts and stops the collector as its unit would.
# Exit 77: this machine does not let it.
set -euo pipefail
cd "$(dirname "$0")/.."
programs=${1:-target/debug}

if [[ ${IN_NAMESPACE:-} != yes ]]; then
    if [[ $EUID -ne 0 ]] || ! unshare --mount --net true 2>/dev/null; then
        echo "Needs root, mount and network namespaces." >&2
        exit 77
    fi
    exec env IN_NAMESPACE=yes unshare --mount --net "$0" "$programs"
fi

fail() { echo "FAILED: $*" >&2 && exit 1; }

# commands GUIDE: its shell blocks.
commands() { awk '/^```sh$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "deploy/guides/$1"; }
diff <(commands operations.md) <(commands van-hanh.md) >&2 || fail "the two languages of the guide have different commands"

work=$(mktemp -d)
finish() {
    if [[ -f $root/run/collector.pid ]]; then kill "$(cat "$root/run/collector.pid")" 2>/dev/null || true; fi
    umount -l "$work" 2>/dev/null
    rmdir "$work"
}
root=$work/root
trap finish EXIT
mount -t tmpfs tmpfs "$work"
mkdir "$work"/{upper,work,root}
if ! mount -t overlay overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/work" "$root" 2>/dev/null; then
    echo "No overlay file system." >&2
    exit 77
fi
mount --bind /proc "$root/proc"
mount --bind /dev "$root/dev"
ip link set lo up
inside() { chroot "$root" env --chdir=/root/packages DEBIAN_FRONTEND=noninteractive PATH=/stand-in:/usr/sbin:/usr/bin:/sbin:/bin "$@"; }

# package VERSION: the one that the guide finds beside it.
package() {
    COMPRESSION=gzip LEVEL=1 deploy/package.sh --binaries "$programs" --output "$work/made" --version "$1" >/dev/null
    rm -rf "$root/root/packages"
    install -D -t "$root/root/packages" "$work"/made/nhipcau-collector_*.deb
    rm -rf "$work/made"
}
package 1.0.0
inside dpkg --purge nhipcau-agent nhipcau-collector >/dev/null 2>&1 || true
rm -rf "$root"/var/lib/nhipcau-* "$root/etc/nhipcau" "$root/run/systemd"

mkdir "$root/stand-in"
cat >"$root/stand-in/systemctl" <<'STAND_IN'
#!/bin/bash
# start, stop, restart and status of one service, as its unit says.
pid=/run/collector.pid
runs() { [[ -f $pid ]] && kill -0 "$(cat $pid)" 2>/dev/null; }
stop() { if runs; then kill "$(cat $pid)" && while runs; do sleep 0.1; done; fi; rm -f $pid; }
start() {
    runs && return
    setpriv --reuid nhipcau-collector --regid nhipcau-collector --clear-groups nhipcau-collector run >/run/collector.log 2>&1 &
    echo $! >$pid
    for _ in $(seq 300); do
        curl --fail --silent --output /dev/null http://127.0.0.1:9815/-/ready && return
        runs || break
        sleep 0.1
    done
    cat /run/collector.log && exit 1
}
[[ ${2:-} == nhipcau-collector ]] || exit 1
case $1 in
    start) start ;;
    stop) stop ;;
    restart) stop && start ;;
    status) runs ;;
    *) exit 1 ;;
esac
STAND_IN
chmod 755 "$root/stand-in/systemctl"

# What the guide leaves to the reader: names and sites.
write_names() {
    sed -i 's/^  # names:.*/  names: [collector.tinh.gov.vn, 127.0.0.1]/' "$root/etc/nhipcau/collector.yaml"
    install -m 644 deploy/examples/sites.yaml "$root/etc/nhipcau/sites.yaml"
}

state() { (cd "$root/var/lib/nhipcau-collector" && find . -name '*.pem' -o -name '*.key' | sort | xargs -r sha256sum); }

before=
line_number=0
while IFS= read -r line; do
    line_number=$((line_number + 1))
    echo "\$ $line"
    inside bash -euo pipefail -c "$line" >"$work/said" 2>&1 </dev/null || { cat "$work/said" >&2 && fail "$line"; }
    case $line in
        apt-get*) [[ -n $before ]] || write_names ;;
        *tar\ --create*) before=$(state) && package 1.0.1 ;;
        tar\ --extract*) [[ -n $before && $(state) == "$before" ]] || fail "the authority's keys are not those that were backed up" ;;
    esac
done < <(commands operations.md)
((line_number > 15)) || fail "the guide has only $line_number commands"
[[ $(inside dpkg-query --show --showformat='${Version}' nhipcau-collector) == 1.0.1 ]] || fail "the upgrade did not take place"
echo "all well: $line_number commands"
