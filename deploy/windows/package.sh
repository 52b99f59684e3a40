#!/usr/bin/env bash
# Makes what Windows PCs are given: an MSI for group policy, and a zip for a USB stick.
#
#   deploy/windows/package.sh                     builds the program, then packs it into target/packages
#   deploy/windows/package.sh --exe FILE          packs that program
#   deploy/windows/package.sh --version VERSION   another version than that of Cargo.toml
#   deploy/windows/package.sh --output DIR        puts the packages there
#   deploy/windows/package.sh --sign FILE.p12 --password-file FILE [--timestamp URL]
#                                                 signs program and MSI with this certificate and its key
#
# Signed by a certificate that Windows trusts, SmartScreen and virus scanners leave them alone, and
# group policy can demand it. Of the province's own authority it is enough that its certificate is on
# the PCs. A timestamp (RFC 3161, of the certificate's seller) keeps a signature good after its
# certificate has expired. With a key on a token, sign on Windows instead: signtool sign /fd SHA256
# /tr URL /td SHA256 nhipcau-agent.exe, pack that with --exe, then the same for the MSI.
#
# The MSI installs silently, upgrades in place and refuses an older version:
#   msiexec /i nhipcau-agent-VERSION.msi /qn ENROLCODE=collector.example:8443/XXXXX-…
# Removal leaves nothing of the program; identity, configuration and unsent reports stay in
# C:\ProgramData\NhipCau, so that a PC which gets the program back is its site again.
set -euo pipefail
umask 022

here=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$(dirname "$here")")
exe='' output=$top/target/packages version='' certificate='' password='' timestamp=()
while [[ $# -gt 0 ]]; do
    case $1 in
        -h | --help) sed -n '2,22s/^# \{0,1\}//p' "$0" && exit 0 ;;
        --exe) exe=$(realpath "$2") ;;
        --output) output=$2 ;;
        --version) version=$2 ;;
        --sign) certificate=$(realpath "$2") ;;
        --password-file) password=$(realpath "$2") ;;
        --timestamp) timestamp=(-ts "$2") ;;
        *) echo "unknown option $1; see deploy/windows/package.sh --help" >&2 && exit 64 ;;
    esac
    shift 2
done

if [[ -n $certificate && -z $password ]]; then
    echo "--sign needs --password-file: a file that holds the certificate's password" >&2
    exit 64
fi
"$top/deploy/debian-packages.sh" ${certificate:+osslsigncode=osslsigncode} wixl=wixl msibuild=msitools zip=zip
if [[ -z $exe ]]; then
    "$here/build.sh"
    exe=$top/target/windows/x86_64-pc-windows-gnu/release/nhipcau-agent.exe
fi
version=${version:-$(sed -n 's/^version = "\(.*\)"/\1/p' "$top/Cargo.toml" | head -1)}
mkdir -p "$output"
output=$(cd "$output" && pwd)

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

# signed FILE: puts the signature into it, where a certificate was given.
signed() {
    [[ -n $certificate ]] || return 0
    osslsigncode sign -pkcs12 "$certificate" -readpass "$password" -h sha256 -n "Nhip Cau Agent" \
        ${timestamp[@]+"${timestamp[@]}"} -in "$1" -out "$stage/signed" >"$stage/log" || {
        cat "$stage/log" >&2
        return 1
    }
    mv "$stage/signed" "$1"
}

msi=$output/nhipcau-agent-$version.msi
rm -f "$msi"
# wixl finds only what lies in the folder it stands in.
install -m 755 "$exe" "$stage/nhipcau-agent.exe"
signed "$stage/nhipcau-agent.exe"
(cd "$stage" && wixl --arch x64 -D Version="$version" -o "$msi" "$here/nhipcau-agent.wxs")
# What wixl has no words for: which properties a person without rights may hand over, that no log
# shows the code, and that the old version is removed inside the installation, so that one which
# fails leaves the old version in place.
msibuild "$msi" -q "UPDATE \`Property\` SET \`Value\`='WIX_DOWNGRADE_DETECTED;WIX_UPGRADE_DETECTED;ENROLCODE' WHERE \`Property\`='SecureCustomProperties'"
msibuild "$msi" -q "INSERT INTO \`Property\` (\`Property\`,\`Value\`) VALUES ('MsiHiddenProperties','ENROLCODE')"
msibuild "$msi" -q "UPDATE \`InstallExecuteSequence\` SET \`Sequence\`=1501 WHERE \`Action\`='RemoveExistingProducts'"
signed "$msi"

folder=$stage/nhipcau-agent-$version
mkdir "$folder"
mv "$stage/nhipcau-agent.exe" "$folder"
# Whatever an editor or git made of them: cmd.exe may miss a label that ends in a mere line feed.
for script in cai-dat.cmd go-bo.cmd; do sed 's/\r*$/\r/' "$here/$script" >"$folder/$script"; done
zip=$output/nhipcau-agent-$version-windows.zip
rm -f "$zip"
(cd "$stage" && zip --quiet --recurse-paths "$zip" "$(basename "$folder")")
echo "$msi"
echo "$zip"
