#!/usr/bin/env bash
# Makes a Windows for tests: a prefix of Wine, which tests copy before they change anything.
#
#   tests/wine/prefix.sh DIR       makes it, unless it is there already; 77: Wine is not installed
#
# Debian's Wine 8 lacks a function that programs of today's Rust get their random numbers from. A
# library of that one function, made here with the cross compiler, stands in for it.
set -euo pipefail

WINE=/usr/lib/wine/wine64
SERVER=/usr/lib/wine/wineserver64

# A first start unpacks some 700 MB on a slow disk.
START_SECONDS=300

into=$1
[[ -e $into/ready ]] && exit 0
for program in "$WINE" "$SERVER" x86_64-w64-mingw32-gcc; do
    command -v "$program" >/dev/null || { echo "$program is not installed" && exit 77; }
done

rm -rf "$into"
mkdir -p "$into"
into=$(cd "$into" && pwd)
export WINEPREFIX=$into WINEARCH=win64 WINEDEBUG=-all LANG=C.UTF-8
# No downloads of .NET and a browser, and no debugger that writes pages about every crash.
export WINEDLLOVERRIDES="mscoree,mshtml,winedbg.exe=d"
unset DISPLAY

# Its helpers keep what they write to open: a pipe would never end.
timeout "$START_SECONDS" "$WINE" wineboot -i >"$into/log" 2>&1 </dev/null
timeout 60 "$WINE" winecfg -v win10 >>"$into/log" 2>&1 </dev/null

stand_in=$(mktemp -d)
trap 'rm -rf "$stand_in"' EXIT
cat >"$stand_in/prng.c" <<'C'
#include <windows.h>
#include <ntsecapi.h>
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE bytes, SIZE_T count)
{
    return RtlGenRandom(bytes, (ULONG)count);
}
C
x86_64-w64-mingw32-gcc -O2 -shared -s "$stand_in/prng.c" -ladvapi32 \
    -o "$into/drive_c/windows/system32/bcryptprimitives.dll"

# Ends the Wine of this prefix alone, which then has written its registry.
"$SERVER" -k || true
"$SERVER" -w || true
touch "$into/ready"
