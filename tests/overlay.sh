# shellcheck shell=bash
# Sourced by what is tried on a Debian root of its own: an overlay of one that debootstrap made, in
# namespaces that end with the script, so that neither it nor this machine is changed.

# What a fresh Debian does not have and the tests ask of it.
ROOT_PACKAGES=adduser,curl,systemd

# Over a poor line; it takes a minute here, once.
ROOT_SECONDS=600

fail() { echo "FAILED: $*" >&2 && exit 1; }

# Makes $lower, a fresh Debian of this machine's release from where apt gets its own, and keeps it
# in target/debian. Where that cannot be, it is this machine's root, which has more on it than a
# PC that gets our packages.
make_lower() {
    local made release mirror
    # shellcheck source=/dev/null # every Debian has it
    release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    made=$PWD/target/debian/$release-${ROOT_PACKAGES//,/-}
    lower=$made
    exec 9>"$PWD/target/root.lock"
    flock 9
    [[ ! -e $made/etc/debian_version ]] || return 0
    lower=/
    # shellcheck disable=SC2016
    mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' "Codename: $release" 2>/dev/null | head -1)
    if [[ -z $mirror ]] || ! deploy/debian-packages.sh debootstrap=debootstrap; then
        echo "SKIPPED: on this machine's own root, for there is no debootstrap, or no mirror of its release"
        return 0
    fi
    mkdir -p target/debian
    rm -rf "$made.new"
    if timeout "$ROOT_SECONDS" debootstrap --variant=minbase --include="$ROOT_PACKAGES" "$release" "$made.new" "$mirror" >"$made.log" 2>&1; then
        rm -rf "$made.new"/var/cache/apt/archives/*.deb "$made.new"/var/lib/apt/lists/*
        mv "$made.new" "$made"
        lower=$made
    else
        echo "SKIPPED: on this machine's own root, for debootstrap failed: $(tail -1 "$made.log")"
    fi
}

# own_root ARGUMENT NAMESPACE...: begins the script again, with its argument, in such namespaces
# (options of unshare) and makes $root, which lies in $work; what $work/upper holds at the end is
# what was changed. Exit 77: this machine does not let it.
own_root() {
    local argument=$1
    shift
    if [[ ${IN_NAMESPACE:-} != yes ]]; then
        if [[ $EUID -ne 0 ]] || ! unshare "$@" true 2>/dev/null; then
            echo "Needs root and namespaces: unshare $*" >&2
            exit 77
        fi
        make_lower
        exec 9>&-
        exec env IN_NAMESPACE=yes lower="$lower" unshare "$@" "$PWD/tests/${0##*/}" "$argument"
    fi
    work=$(mktemp -d)
    root=$work/root
    trap leave_root EXIT
    mount -t tmpfs tmpfs "$work"
    mkdir "$work"/{upper,work,root}
    # shellcheck disable=SC2154
    if ! mount -t overlay overlay -o "lowerdir=$lower,upperdir=$work/upper,workdir=$work/work" "$root" 2>/dev/null; then
        echo "No overlay file system." >&2
        exit 77
    fi
    mount --bind /dev "$root/dev"
}

leave_root() {
    umount -l "$work" 2>/dev/null
    rmdir "$work"
}

# A machine may have our packages already, and their state; and no systemd runs on the overlay.
forget_what_was_there() {
    inside dpkg --purge nhipcau-agent nhipcau-collector >/dev/null 2>&1 || true
    rm -rf "$root"/var/lib/nhipcau-* "$root/etc/nhipcau" "$root/run/systemd"
}
