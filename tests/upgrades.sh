#!/usr/bin/env bash
# An upgrade with a full spool while the line is down, cut off at every moment that counts, as by a
# power cut: the PC has a program that starts, typing the installation again ends well, it is its
# site still, and no report is lost but those that the size cap dropped.
#
#   tests/upgrades.sh [FOLDER WITH THE PROGRAMS]      default: target/debug
#
# This machine stays as it is: all happens on an overlay of a fresh Debian, in a mount and a network
# namespace that end with the script. Exit 77: this machine does not let it.
set -euo pipefail
cd "$(dirname "$0")/.."
programs=${1:-target/debug}

# shellcheck source=tests/overlay.sh
. tests/overlay.sh
own_root "$programs" --mount --net --pid --fork
mount -t proc proc "$root/proc"
ip link set lo up

SITE=th-0316

# The least that a spool may be told to hold.
MEGABYTES=1

# "where: what stands there" of each moment: a stand-in for a program that dpkg, or the script of
# a package, calls then, cuts the power off.
MOMENTS=(
    "dpkg-deb --control: the package is read"
    "dpkg-deb 65536: the first file is being unpacked"
    "dpkg-deb 5000000: the program is being unpacked"
    "systemctl postrm: all is unpacked, the old version's last script runs"
    "getent postinst: the new version is being configured"
    "install postinst: its directory is being looked at"
    "deb-systemd-helper postinst: its service is being enabled"
    "systemctl postinst: systemd is being told"
    "nhipcau-agent postinst: its configuration is being checked"
    "deb-systemd-invoke postinst: its service is being restarted"
)

inside() { chroot "$root" env --chdir=/packages DEBIAN_FRONTEND=noninteractive PATH=/stand-in:/usr/sbin:/usr/bin:/sbin:/bin "$@"; }
books() { "$programs/books" "$@"; }
state=$root/var/lib/nhipcau-agent

for version in 1.0.0 1.0.1; do
    COMPRESSION=gzip LEVEL=1 deploy/package.sh --binaries "$programs" --output "$work/made" --version "$version" >/dev/null
done
install -D -t "$root/packages" "$work"/made/*.deb
rm -rf "$work/made"
package() { echo "./nhipcau-agent_$1_$(dpkg --print-architecture).deb"; }

mkdir "$root/stand-in"
cat >"$root/stand-in/stand-in" <<'STAND_IN'
#!/bin/bash
# CUT is "PROGRAM WHERE": there the power goes, for dpkg and all that it has started.
name=${0##*/}
read -r program where <<<"${CUT:-}"
cut() { kill -9 -- "-$(cat /run/dpkg.group)"; }
PATH=/usr/sbin:/usr/bin:/sbin:/bin
if [[ $program == "$name" ]]; then
    case "$name $where" in
        dpkg-deb\ --control) [[ $1 != --control ]] || cut ;;
        dpkg-deb\ *)
            if [[ $1 == --fsys-tarfile ]]; then
                dpkg-deb "$@" | head -c "$where"
                # What has been written is on its way through dpkg; its end never comes.
                sleep 0.3
                cut
            fi
            ;;
        *\ "${DPKG_MAINTSCRIPT_NAME:-}") cut ;;
    esac
fi
# No systemd runs here, and the scripts are to think that one does.
case $name in
    systemctl | deb-systemd-invoke) exit 0 ;;
esac
exec "$name" "$@"
STAND_IN
chmod 755 "$root/stand-in/stand-in"
# shellcheck disable=SC2016
printf '#!/bin/sh\necho $$ >/run/dpkg.group\nexec dpkg --install "$1"\n' >"$root/stand-in/install-package"
chmod 755 "$root/stand-in/install-package"
for moment in "${MOMENTS[@]}"; do ln -sf stand-in "$root/stand-in/${moment%% *}"; done

# run NAME: the program of a service, until `stop`.
run() {
    chroot "$root" setpriv --reuid "$1" --regid "$1" --clear-groups "/usr/bin/$1" run >"$work/$1.log" 2>&1 &
    running[$1]=$!
}
# stop NAME SIGNAL: TERM, as its service manager does, or KILL, as a power cut.
stop() {
    kill -s "$2" "${running[$1]}"
    wait "${running[$1]}" 2>/dev/null || true
}
declare -A running

# until WHAT COMMAND...: waits for a command to succeed, for as long as a slow machine may take.
until_() {
    local what=$1
    shift
    for _ in $(seq 600); do
        if "$@" 2>/dev/null; then return; fi
        sleep 0.1
    done
    cat "$work"/*.log >&2
    fail "waited in vain for $what"
}
spooled_at_most() { [[ $(books spooled "$state") -le $1 ]]; }
start_agent() {
    run nhipcau-agent
    until_ "the agent's start" grep -q "agent started" "$work/nhipcau-agent.log"
}
echo "-- a site, its line down, its spool full"
inside dpkg --install "$(package 1.0.0)" "$(package 1.0.0 | sed s/agent/collector/)" >/dev/null 2>&1
sed -i 's/^  # names:.*/  names: [127.0.0.1]/' "$root/etc/nhipcau/collector.yaml"
install -m 644 deploy/examples/sites.yaml "$root/etc/nhipcau/sites.yaml"
printf 'report_every: 5s\nspool: { megabytes: %s }\nprobes: { pc: { every: 1s, host: {} } }\n' "$MEGABYTES" >>"$root/etc/nhipcau/agent.yaml"
run nhipcau-collector
until_ "the collector" inside curl --fail --silent --output /dev/null http://127.0.0.1:9815/-/ready
code=$(inside setpriv --reuid nhipcau-collector --regid nhipcau-collector --clear-groups nhipcau-collector enroll --site "$SITE" 2>/dev/null | grep -o '127.0.0.1:8443/[A-Z0-9-]*' | head -1)
inside nhipcau-agent enroll "$code" >/dev/null
stop nhipcau-collector KILL
filled=$(books fill "$state" "$MEGABYTES")
inside chown --recursive nhipcau-agent: /var/lib/nhipcau-agent
identity=$(sha256sum <"$state/identity.json")
mkdir -p "$root/run/systemd/system"
start_agent
echo "   $filled reports"

for moment in "${MOMENTS[@]}"; do
    echo "-- cut off while ${moment#*: }"
    # The agent runs all the while, as a service does.
    status=0
    CUT=${moment%%:*} inside setsid --wait /stand-in/install-package "$(package 1.0.1)" >"$work/dpkg.log" 2>&1 || status=$?
    [[ $status -eq 137 ]] || fail "the power did not go: $(cat "$work/dpkg.log")"
    stop nhipcau-agent KILL
    start_agent
    inside dpkg --configure -a >"$work/dpkg.log" 2>&1 || fail "dpkg cannot go on: $(cat "$work/dpkg.log")"
    inside apt-get install --yes "$(package 1.0.1)" >"$work/dpkg.log" 2>&1 || fail "the second try failed: $(cat "$work/dpkg.log")"
    inside dpkg --status nhipcau-agent >"$work/status"
    if ! grep -q '^Status: install ok installed$' "$work/status" || ! grep -q '^Version: 1.0.1$' "$work/status"; then
        fail "1.0.1 is not installed: $(cat "$work/status")"
    fi
    inside dpkg --verify nhipcau-agent >"$work/dpkg.log" 2>&1 || fail "not all of it is 1.0.1: $(cat "$work/dpkg.log")"
    [[ -z $(inside dpkg --audit) ]] || fail "dpkg is not content: $(inside dpkg --audit)"
    [[ -z $(find "$root/usr/bin" "$root/etc/nhipcau" "$root/lib/systemd/system" -name '*.dpkg-*') ]] || fail "halves of files are left"
    [[ $(sha256sum <"$state/identity.json") == "$identity" ]] || fail "it is another site now"
    grep -q "megabytes: $MEGABYTES" "$root/etc/nhipcau/agent.yaml" || fail "its configuration is lost"
    # As the restart of its service, after which it is the new version.
    stop nhipcau-agent TERM
    start_agent
    inside dpkg --install "$(package 1.0.0)" >"$work/dpkg.log" 2>&1 || fail "$(cat "$work/dpkg.log")"
done

echo "-- the line is back"
run nhipcau-collector
until_ "a quarter of the spool to be sent" spooled_at_most $((filled * 3 / 4))
stop nhipcau-agent TERM
stop nhipcau-collector TERM
books check "$root/var/lib/nhipcau-collector" "$SITE" "$state" || fail "the books do not balance"
echo "all well"
