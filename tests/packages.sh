#!/usr/bin/env bash
# The Debian packages in a real dpkg: installed, upgraded with state, removed, purged.
#
#   tests/packages.sh [FOLDER WITH THE PROGRAMS]      default: target/debug
#
# This machine stays as it is: all happens on an overlay of a fresh Debian, in a mount namespace that ends
# with the script. What the overlay holds at the end is what the packages have left behind.
# Exit 77: this machine does not let it.
set -euo pipefail
cd "$(dirname "$0")/.."
programs=${1:-target/debug}

# shellcheck source=tests/overlay.sh
. tests/overlay.sh
own_root "$programs" --mount

inside() { chroot "$root" env DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"; }
package() { echo "/packages/nhipcau-$1_$2_$(dpkg --print-architecture).deb"; }

COMPRESSION=gzip LEVEL=1 deploy/package.sh --binaries "$programs" --output "$work/packages" --version 1.0.0 >/dev/null
COMPRESSION=gzip LEVEL=1 deploy/package.sh --binaries "$programs" --output "$work/packages" --version 1.0.1 >/dev/null
install -D -t "$root/packages" "$work"/packages/*.deb
rm -rf "$work/packages"
# What was there before would hide what is left.
forget_what_was_there

if command -v lintian >/dev/null; then
    lintian --allow-root --fail-on error "$root"/packages/*_1.0.0_*.deb || fail "lintian finds errors"
fi
cp -a "$root/etc/passwd" "$root/etc/group" "$work/"

echo "-- installed"
inside dpkg --install "$(package agent 1.0.0)" "$(package collector 1.0.0)" >/dev/null
for name in nhipcau-agent nhipcau-collector; do
    inside "$name" --version | grep -q nhipcau || fail "$name does not start"
    [[ $(inside stat -c '%U:%G %a' "/var/lib/$name") == "$name:$name 700" ]] || fail "state directory of $name is not its user's alone"
    [[ -L $root/etc/systemd/system/multi-user.target.wants/$name.service ]] || fail "$name does not start at boot"
    [[ $(inside getent passwd "$name" | cut -d: -f7) == /usr/sbin/nologin ]] || fail "one can sign in as $name"
done
inside setpriv --reuid nhipcau-agent --regid nhipcau-agent --clear-groups nhipcau-agent check >/dev/null ||
    fail "the agent's first configuration is not good"
said=$(inside nhipcau-collector check 2>&1) && fail "the collector takes a configuration without its names"
grep -q names <<<"$said" || fail "the collector does not ask for its names: $said"
if inside sh -c "command -v systemd-analyze" >/dev/null; then
    inside systemd-analyze verify nhipcau-agent.service nhipcau-collector.service || fail "systemd finds faults in the units"
    for name in nhipcau-agent nhipcau-collector; do
        # In tenths, of 100; an unhardened service has 96.
        inside systemd-analyze security --offline=true --threshold=25 --no-pager "/lib/systemd/system/$name.service" >/dev/null ||
            fail "$name.service is not hardened any more"
    done
fi

echo "-- upgraded, where no systemd runs"
echo "report_every: 30s" >>"$root/etc/nhipcau/agent.yaml"
printf 'enrolled' >"$root/var/lib/nhipcau-agent/identity.json"
head -c 300000 /dev/urandom >"$root/var/lib/nhipcau-agent/spool.db"
inside chown nhipcau-agent: /var/lib/nhipcau-agent/identity.json /var/lib/nhipcau-agent/spool.db
before=$(cd "$root/var/lib/nhipcau-agent" && sha256sum ./* && stat -c '%u %a %n' ./*)
inside dpkg --install "$(package agent 1.0.1)" >/dev/null
[[ $(cd "$root/var/lib/nhipcau-agent" && sha256sum ./* && stat -c '%u %a %n' ./*) == "$before" ]] || fail "the upgrade changed identity or spool"
grep -q 'report_every: 30s' "$root/etc/nhipcau/agent.yaml" || fail "the upgrade changed the configuration"

echo "-- upgraded, where systemd runs"
# It writes down what would be asked of systemd.
mkdir -p "$root/run/systemd/system"
for program in systemctl deb-systemd-invoke; do
    printf "#!/bin/sh\necho %s \"\$*\" >>/asked\n" "$program" >"$root/usr/bin/stand-in"
    chmod 755 "$root/usr/bin/stand-in"
    mv "$root/usr/bin/stand-in" "$root/usr/bin/$program"
done
inside dpkg --install "$(package agent 1.0.0)" >/dev/null 2>&1
grep -q 'deb-systemd-invoke try-restart nhipcau-agent.service' "$root/asked" || fail "an upgrade does not restart the service"
: >"$root/asked"
echo "reports_every: 30s" >>"$root/etc/nhipcau/agent.yaml"
said=$(inside dpkg --install "$(package agent 1.0.1)" 2>&1)
! grep -q restart "$root/asked" || fail "a running service was stopped for a configuration that is not good"
grep -q reports_every <<<"$said" || fail "nothing said which key is not good: $said"
rm -rf "$root/run/systemd" "$root/asked"

echo "-- removed"
inside dpkg --remove nhipcau-agent nhipcau-collector >/dev/null 2>&1
[[ -f $root/var/lib/nhipcau-agent/spool.db && -f $root/etc/nhipcau/agent.yaml ]] || fail "a removal took state or configuration"
[[ ! -e $root/usr/bin/nhipcau-agent && ! -e $root/lib/systemd/system/nhipcau-agent.service ]] || fail "a removal left the program"
inside dpkg --install "$(package agent 1.0.1)" >/dev/null 2>&1
[[ $(stat -c %u "$root/var/lib/nhipcau-agent/spool.db") == $(inside id -u nhipcau-agent) ]] || fail "back again, the agent does not own its spool"

echo "-- purged"
echo "sites: []" >"$root/etc/nhipcau/sites.yaml"
inside dpkg --purge nhipcau-agent nhipcau-collector >/dev/null 2>&1
for name in passwd group; do
    diff "$work/$name" "$root/etc/$name" || fail "a purge left something in /etc/$name"
done
# What stood there before is covered by a character device.
left=$(find "$work/upper" -not -type c -iname '*nhipcau*' -not -path "$work/upper/packages/*" -not -path "$work/upper/var/cache/*")
[[ -z $left ]] || fail "a purge left:"$'\n'"$left"
echo "all well"
