#!/bin/bash
# coverage.sh: branch coverage of the rooms that decide, keep and remember. Builds build/coverage, runs
# the tests there, and prints a line a file and a line a room: branches taken of branches that exist.
set -euo pipefail
cd "$(dirname "$0")/.."
rooms="policy store presence tracing status checkin"
tools/install.sh test
[ -f build/coverage/build.ninja ] ||
    CC=gcc meson setup build/coverage --buildtype=debug -Db_coverage=true -Dfaults=true -Dtests=true >/dev/null
find build/coverage -name '*.gcda' -delete
ninja -C build/coverage >/dev/null
for room in $rooms; do
    meson test -C build/coverage --suite "$room" >/dev/null || echo "warning: tests of $room failed" >&2
done
cd build/coverage
for room in $rooms; do
    gcov --branch-probabilities --no-output libhouse.a.p/"src_${room}_"*.gcda 2>/dev/null |
        awk -v room="$room" '
            /^File / { keep = $0 ~ "src/" room "/[^/]*\\.c.$"; file = $2; gsub(/.*src\/|'"'"'/, "", file) }
            keep && /^Taken at least once:/ {
                split($4, part, ":|%"); taken = part[2] / 100 * $6
                printf "%-36s %5.0f of %5d branches (%5.1f %%)\n", file, taken, $6, part[2]
                sum += taken; all += $6 }
            END { if (all) printf "%-36s %5.0f of %5d branches (%5.1f %%)\n\n", room, sum, all, 100 * sum / all }'
done
