#!/usr/bin/env bash
# Makes the Debian packages of agent and collector, and a tarball with both for other systems.
#
#   deploy/package.sh                        builds the programs, then packs them into target/packages
#   deploy/package.sh --binaries DIR         packs the programs in DIR
#   deploy/package.sh --output DIR           puts the packages there
#   deploy/package.sh --version VERSION      another version than that of Cargo.toml
#
# DEBFULLNAME and DEBEMAIL name who answers for the packages; COMPRESSION and LEVEL are dpkg-deb's.
# Needs dpkg-deb, and strip (binutils) where the programs are not stripped yet.
set -euo pipefail
umask 022

here=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$here")
binaries='' output=$top/target/packages version=''
while [[ $# -gt 0 ]]; do
    case $1 in
        -h | --help) sed -n '2,10s/^# \{0,1\}//p' "$0" && exit 0 ;;
        --binaries) binaries=$(cd "$2" && pwd) ;;
        --output) output=$2 ;;
        --version) version=$2 ;;
        *) echo "unknown option $1; see deploy/package.sh --help" >&2 && exit 64 ;;
    esac
    shift 2
done

if [[ -z $binaries ]]; then
    (cd "$top" && cargo build --release --bin nhipcau-agent --bin nhipcau-collector)
    binaries=$top/target/release
fi
version=${version:-$(sed -n 's/^version = "\(.*\)"/\1/p' "$top/Cargo.toml" | head -1)}
architecture=$(dpkg --print-architecture)
# The same sources give the same packages: every file bears the date of the last change.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$top" log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH

mkdir -p "$output"
output=$(cd "$output" && pwd)
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

# The program $1 without symbols, at $2.
program() {
    install -D -m 755 "$binaries/$1" "$2"
    strip --strip-unneeded --remove-section=.comment --remove-section=.note "$2"
}

# The newest C library that program $1 asks for: an older Debian refuses the package, not the start.
libc() {
    grep -ao 'GLIBC_2\.[0-9.]*[0-9]' "$1" | sort -uV | tail -1 | sed 's/GLIBC_//'
}

changelog() {
    printf '%s (%s) stable; urgency=medium\n\n  * See CHANGELOG.md.\n\n -- %s  %s\n' \
        "$1" "$version" "$maintainer" "$(date --utc --rfc-email --date "@$SOURCE_DATE_EPOCH")"
}

# The configuration of $1 in $2. An agent needs none. A collector is told by nobody but its operator
# under which names agents find it, so it does not start before these are written.
configuration() {
    mkdir -p "$2"
    case $1 in
        nhipcau-agent) install -m 644 "$here/debian/nhipcau-agent/agent.yaml" "$2/agent.yaml" ;;
        nhipcau-collector)
            sed 's/^  names:/  # names:/' "$here/examples/collector.yaml" >"$2/collector.yaml"
            mkdir "$2/meetings"
            ;;
    esac
}

# package NAME: deploy/debian/NAME is its share; what both share lies beside it.
maintainer="${DEBFULLNAME:-Nhịp Cầu} <${DEBEMAIL:-nhipcau@tinh.gov.vn}>"
package() {
    local name=$1 share=$here/debian/$1 root=$stage/$1
    local doc=$root/usr/share/doc/$name
    program "$name" "$root/usr/bin/$name"
    install -D -m 644 "$here/systemd/$name.service" "$root/lib/systemd/system/$name.service"
    configuration "$name" "$root/etc/nhipcau"
    # What whoever sits at the PC finds in its menu.
    [[ ! -f $share/$name.desktop ]] || install -D -m 644 "$share/$name.desktop" "$root/usr/share/applications/$name.desktop"
    mkdir -p "$doc"
    install -m 644 "$here/debian/copyright" "$doc/copyright"
    install -m 644 "$top/README.md" "$doc/README.md"
    gzip -9n <"$top/CHANGELOG.md" >"$doc/CHANGELOG.md.gz"
    changelog "$name" | gzip -9n >"$doc/changelog.gz"
    mkdir -p "$doc/examples" "$root/usr/share/lintian/overrides"
    cp -r "$here/examples/." "$doc/examples/"
    chmod -R u=rwX,go=rX "$doc"
    sed "s/@name@/$name/" "$here/debian/lintian-overrides" >"$root/usr/share/lintian/overrides/$name"

    mkdir "$root/DEBIAN"
    local script
    for script in postinst prerm postrm; do
        sed "s/@name@/$name/g" "$here/debian/$script" >"$root/DEBIAN/$script"
        chmod 755 "$root/DEBIAN/$script"
    done
    (cd "$root" && find etc -type f -printf '/%p\n' | sort >DEBIAN/conffiles)
    (cd "$root" && find usr lib -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
    sed -e "s/@version@/$version/" -e "s/@architecture@/$architecture/" -e "s/@maintainer@/$maintainer/" \
        -e "s/@libc@/$(libc "$root/usr/bin/$name")/" \
        -e "s/@kilobytes@/$(du -sk --exclude DEBIAN "$root" | cut -f1)/" \
        "$share/control" >"$root/DEBIAN/control"
    dpkg-deb --root-owner-group "-Z${COMPRESSION:-xz}" "-z${LEVEL:-6}" --build "$root" "$output/${name}_${version}_$architecture.deb"
}

tarball() {
    local name=nhipcau-$version-linux-$architecture
    local root=$stage/$name
    mkdir -p "$root"
    cp -r "$here/examples" "$here/systemd" "$top/README.md" "$top/CHANGELOG.md" "$top/LICENSE" "$root/"
    cp "$stage"/nhipcau-*/usr/bin/nhipcau-* "$root/"
    tar --create --gzip --owner=0 --group=0 --numeric-owner --sort=name --mtime="@$SOURCE_DATE_EPOCH" \
        --directory "$stage" --file "$output/$name.tar.gz" "$name"
    echo "$output/$name.tar.gz"
}

package nhipcau-agent
package nhipcau-collector
tarball
