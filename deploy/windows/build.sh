#!/usr/bin/env bash
# Builds the agent for 64-bit Windows (10 and later): nhipcau-agent.exe, one file, no DLL of its own.
#
#   deploy/windows/build.sh                  what is shipped, into target/windows
#   deploy/windows/build.sh --dev            quick to build, for trying out
#   deploy/windows/build.sh --test           the agent's tests; prints where each executable is
#   deploy/windows/build.sh --check          compiles without linking, by clippy
#
# Uses rustup's target x86_64-pc-windows-gnu where it is installed. Otherwise, on Debian 12, it
# installs the cross compilers and builds Rust's own library from its source.
set -euo pipefail
cd "$(dirname "$0")/../.."

TARGET=x86_64-pc-windows-gnu

mode=release
case "${1:-}" in
    "") ;;
    -h | --help) sed -n '2,10s/^# \{0,1\}//p' "$0" && exit 0 ;;
    --dev | --test | --check) mode=${1#--} ;;
    *) echo "unknown option $1; see deploy/windows/build.sh --help" >&2 && exit 64 ;;
esac

# A directory of its own: another compiler must not throw away what the Linux build has made.
export CARGO_TARGET_DIR=$PWD/target/windows
cargo=(cargo) clippy=(cargo clippy) flags=(--target "$TARGET")

# has_target COMMAND: whether that rustc has the target's library.
has_target() {
    local libraries
    libraries=$("$1" --print target-libdir --target "$TARGET" 2>/dev/null) && [[ -d $libraries ]]
}

if command -v rustc >/dev/null && has_target rustc; then
    command -v x86_64-w64-mingw32-gcc >/dev/null || {
        echo "The linker x86_64-w64-mingw32-gcc is missing (Debian: gcc-mingw-w64-x86-64, Fedora: mingw64-gcc, MSYS2: mingw-w64-x86_64-gcc)." >&2
        exit 1
    }
else
    deploy/debian-packages.sh rustc-web cargo-web rust-web-src rust-web-clippy gcc-mingw-w64-x86-64
    # Debian's compiler brings the library's source. To build it is an unstable feature of cargo,
    # which the first variable lets a stable one do; the second keeps rustup's rustc out.
    export RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc CARGO=/usr/bin/cargo
    cargo=(/usr/bin/cargo)
    # A cargo prefers the commands of its own search path to its neighbours.
    clippy=(env PATH=/usr/bin:/bin /usr/bin/cargo-clippy clippy)
    flags+=("-Zbuild-std=std,panic_abort")
fi

# The DLLs that program $1 needs, one a line.
dlls() {
    x86_64-w64-mingw32-objdump -p "$1" | awk '/DLL Name/ { print tolower($3) }' | sort -u
}

# A program that needs what Windows does not bring would not start, and not say why.
only_system_dlls() {
    local foreign
    foreign=$(dlls "$1" | grep -E '^lib|^(vcruntime|msvcp|ucrtbased|concrt)' || true)
    [[ -z $foreign ]] || {
        echo "$1 needs DLLs that Windows does not bring: $foreign" >&2
        exit 1
    }
}

# Explorer shows them, and Windows reads from them how to run the program.
has_resources() {
    local found
    found=$(x86_64-w64-mingw32-windres --input-format coff --output-format rc "$1" 2>/dev/null)
    [[ $found == *VERSIONINFO*FileVersion*longPathAware* ]] || {
        echo "$1 has no version for Windows: is windres installed?" >&2
        exit 1
    }
}

case $mode in
    check)
        "${clippy[@]}" --quiet --package nhipcau-agent --all-targets "${flags[@]}" -- -D warnings
        exit
        ;;
    test)
        "${cargo[@]}" test --package nhipcau-agent --package wire --no-run --message-format=json "${flags[@]}" |
            sed -n 's|.*"manifest_path":"\([^"]*\)/Cargo.toml".*"profile":{[^}]*"test":true}.*"executable":"\([^"]*\)".*|\1 \2|p'
        exit
        ;;
    dev) profile=debug options=() ;;
    release) profile=release options=(--release) ;;
esac

"${cargo[@]}" build --package nhipcau-agent --bin nhipcau-agent "${options[@]}" "${flags[@]}"
exe=$CARGO_TARGET_DIR/$TARGET/$profile/nhipcau-agent.exe
only_system_dlls "$exe"
has_resources "$exe"
echo "$exe: $(stat --format=%s "$exe") bytes; needs of Windows:" "$(dlls "$exe" | tr '\n' ' ')"
