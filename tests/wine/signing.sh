#!/usr/bin/env bash
# deploy/windows/package.sh --sign: program and MSI bear a signature that holds, and one changed byte
# breaks it.
#
#   tests/wine/signing.sh PROGRAM.exe
set -euo pipefail
cd "$(dirname "$0")/../.."
deploy/debian-packages.sh osslsigncode=osslsigncode openssl=openssl msiextract=msitools

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAILED: $*" >&2 && exit 1; }
holds() { osslsigncode verify -CAfile "$work/certificate.pem" -in "$1" >"$work/log" 2>&1; }

# As an authority of the province's own would give one.
echo "một mật khẩu" >"$work/password"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=Nhip Cau" -addext "extendedKeyUsage=codeSigning" \
    -keyout "$work/key.pem" -out "$work/certificate.pem" 2>/dev/null
openssl pkcs12 -export -inkey "$work/key.pem" -in "$work/certificate.pem" -passout "file:$work/password" -out "$work/certificate.p12"

x86_64-w64-mingw32-strip -o "$work/agent.exe" "$1"
deploy/windows/package.sh --exe "$work/agent.exe" --version 1.0.0 --output "$work" \
    --sign "$work/certificate.p12" --password-file "$work/password" >/dev/null
msi=$work/nhipcau-agent-1.0.0.msi
holds "$msi" || fail "the MSI's signature does not hold: $(cat "$work/log")"
(cd "$work" && msiextract "$msi" >/dev/null)
exe=$(find "$work" -name nhipcau-agent.exe | head -1)
holds "$exe" || fail "the program's signature does not hold: $(cat "$work/log")"
printf 'x' | dd of="$exe" bs=1 seek=100000 conv=notrunc status=none
! holds "$exe" || fail "a program that was changed still counts as signed"
deploy/windows/package.sh --exe "$work/agent.exe" --output "$work" --sign "$work/certificate.p12" 2>/dev/null &&
    fail "a certificate without its password was taken"
echo "all well"
