#!/bin/sh
# install.sh run|test: installs what packages.txt lists and this machine lacks. Says what it does;
# does nothing where nothing is missing.
set -eu
cd "$(dirname "$0")/.."
missing=
while read -r package purpose command; do
    case $package in '' | '#'*) continue ;; esac
    [ "$purpose" = run ] || [ "$purpose" = "$1" ] || continue
    if [ -n "$command" ] && command -v "$command" >/dev/null 2>&1; then continue; fi
    if dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed'; then continue; fi
    missing="$missing $package"
done <packages.txt
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1; then
    as_root=sudo
else
    echo "error: these packages are missing and neither root nor sudo is here:$missing" >&2
    exit 3
fi
echo "installing:$missing" >&2
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { $as_root apt-get update -q && $as_root apt-get install -q -y --no-install-recommends $missing; } \
    </dev/null >"$log" 2>&1; then
    tail -20 "$log" >&2
    echo "error: installing failed, see above" >&2
    exit 3
fi
