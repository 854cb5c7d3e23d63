#!/bin/sh
# sources.sh sources|embedded|tests|fuzz: the files of one kind, one a line, in a stable order.
# A room's folder is its list: adding a file is enough (run meson again: `touch meson.build`).
set -eu
cd "$(dirname "$0")/.."
export LC_ALL=C
case $1 in
sources) find src -mindepth 2 -name '*.c' ! -name 'test_*.c' ! -path src/cli/main.c | sort ;;
tests) find src tests -name 'test_*.c' | sort ;;
fuzz) find fuzz -maxdepth 1 -name 'fuzz_*.c' | sort ;;
embedded)
    {
        find src -path '*/schema/*.sql'
        find src -path '*/data/*.csv'
        find policies scenes web/dist -type f 2>/dev/null || true
    } | sort
    ;;
esac
