#!/bin/sh
# build.sh KIND: configures (once) and builds build/KIND. The build kinds, one a line:
#   release   gcc, -O3, link-time optimisation           what ./run starts
#   debug     gcc, -O0                                   by hand
#   asan      gcc, AddressSanitizer + UBSan, faults      the tests
#   tsan      gcc, ThreadSanitizer, faults               the tests of what is concurrent
#   clang     clang, -O2                                 that the second compiler agrees
#   fuzz      clang, libFuzzer + ASan + UBSan            the fuzz targets
set -eu
cd "$(dirname "$0")/.."
case $1 in
release) compiler=gcc options="--buildtype=release -Db_lto=true" ;;
debug) compiler=gcc options="--buildtype=debug -Dfaults=true -Dtests=true" ;;
asan) compiler=gcc options="--buildtype=debugoptimized -Db_sanitize=address,undefined -Dfaults=true -Dtests=true" ;;
tsan) compiler=gcc options="--buildtype=debugoptimized -Db_sanitize=thread -Dfaults=true -Dtests=true" ;;
clang) compiler=clang options="--buildtype=debugoptimized" ;;
fuzz) compiler=clang options="--buildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false -Dfuzz=true" ;;
*) echo "usage: build.sh release|debug|asan|tsan|clang|fuzz" >&2 && exit 2 ;;
esac
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if [ ! -f "build/$1/build.ninja" ] &&
    ! CC=$compiler meson setup "build/$1" $options >"$log" 2>&1; then
    cat "$log" >&2
    exit 3
fi
# a new file in a room's folder: the lists are made anew
if [ -n "$(find src fuzz tests policies scenes web/dist tools -newer "build/$1/build.ninja" -type d 2>/dev/null)" ]; then
    touch meson.build
fi
if ! ninja -C "build/$1" >"$log" 2>&1; then
    grep -v '^\[' "$log" | tail -60 >&2
    exit 3
fi
