#!/usr/bin/env bash
# Runs a program of Windows on a copy of the prefix that tests/wine/prefix.sh made in
# target/windows/prefix, and shows what it said.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)

work=$(mktemp -d "$top/target/windows/run-XXXXXX")
export WINEPREFIX=$work/prefix WINEARCH=win64 WINEDEBUG=-all LANG=C.UTF-8
export WINEDLLOVERRIDES="mscoree,mshtml,winedbg.exe=d"
unset DISPLAY LC_ALL
# Ends the Wine of this prefix alone; its files can be removed when it has ended.
trap '/usr/lib/wine/wineserver64 -k || true; /usr/lib/wine/wineserver64 -w || true; rm -rf "$work"' EXIT

# Files that a Windows never changes are shared with the template: they are 700 MB.
cp -al "$top/target/windows/prefix" "$WINEPREFIX"
for changed in system.reg user.reg userdef.reg drive_c/users drive_c/ProgramData; do
    rm -rf "${WINEPREFIX:?}/$changed"
    cp -a "$top/target/windows/prefix/$changed" "$WINEPREFIX/$changed"
done

# Into a file: Wine's helpers would hold a pipe open after it.
status=0
/usr/lib/wine/wine64 "$@" >"$work/said" 2>&1 </dev/null || status=$?
cat "$work/said"
exit "$status"
