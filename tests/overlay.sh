# shellcheck shell=bash
# Sourced by what is tried on a Debian root of its own: an overlay of this machine's root, in
# namespaces that end with the script, so that this machine stays as it is.

fail() { echo "FAILED: $*" >&2 && exit 1; }

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
        exec env IN_NAMESPACE=yes unshare "$@" "$PWD/tests/${0##*/}" "$argument"
    fi
    work=$(mktemp -d)
    root=$work/root
    trap leave_root EXIT
    mount -t tmpfs tmpfs "$work"
    mkdir "$work"/{upper,work,root}
    if ! mount -t overlay overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/work" "$root" 2>/dev/null; then
        echo "No overlay file system." >&2
        exit 77
    fi
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
