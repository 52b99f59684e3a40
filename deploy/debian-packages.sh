#!/usr/bin/env bash
# Installs the Debian packages named as arguments that are missing, and says which.
# A package may be written COMMAND=PACKAGE: it is needed only where COMMAND is not there.
# Exit 0: all are there. Exit 3: some are missing and this user may not install.
set -euo pipefail

missing=()
for want in "$@"; do
    package=${want#*=}
    if [[ $want == *=* ]]; then
        command -v "${want%%=*}" >/dev/null && continue
    elif dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed; then
        continue
    fi
    missing+=("$package")
done
[[ ${#missing[@]} -eq 0 ]] && exit 0

if [[ $EUID -ne 0 ]]; then
    echo "Missing Debian packages: ${missing[*]}. Only root may install them: sudo apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 3
fi

echo "Installing Debian packages: ${missing[*]}"

# Debian starts a service as soon as it is installed. What is installed here is started by the
# scripts that need it, on their own ports; policy-rc.d is Debian's own way to say so.
if [[ ! -e /usr/sbin/policy-rc.d ]]; then
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod 755 /usr/sbin/policy-rc.d
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
fi

log=$(mktemp)
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get update && apt-get install --yes --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 </dev/null; then
    tail -20 "$log" >&2
    echo "apt-get could not install ${missing[*]}; all it said is in $log" >&2
    exit 1
fi
rm -f "$log"
