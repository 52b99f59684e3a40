#!/usr/bin/env bash
# Puts a section of results into tests/BENCHMARKS.md, in the place of the one with its title.
#
#   tests/bench/section.sh FILE     FILE begins with the line "## TITLE"
set -euo pipefail
section=$(realpath "$1")
cd "$(dirname "$0")/.."

title=$(head -1 "$section")
[[ $title == "## "* ]] || { echo "$1 does not begin with \"## TITLE\"" >&2 && exit 1; }
[[ -e BENCHMARKS.md ]] || printf '# Benchmarks\n\nBeside the peer in the same run, so that the ratios hold on other machines too.\n' >BENCHMARKS.md
new=$(mktemp)
trap 'rm -f "$new"' EXIT
awk -v title="$title" -v section="$section" '
    function put() { while ((getline line < section) > 0) print line; done = 1 }
    /^## / { inside = ($0 == title); if (inside) { put(); print "" } }
    !inside { print }
    END { if (!done) { print ""; put() } }
' BENCHMARKS.md | cat -s | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}' >"$new"
cat "$new" >BENCHMARKS.md
