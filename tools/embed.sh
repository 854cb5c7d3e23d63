#!/bin/sh
# embed.sh OUT.S ROOT NAME…: an assembler file that holds the files NAME (paths from ROOT, given in any
# order) and the table embedded_entries ordered by name (see src/base/embedded.c).
set -eu
out=$1 root=$2
shift 2
names=$(printf '%s\n' "$@" | LC_ALL=C sort -u)
{
    echo '    .section .rodata'
    count=0
    for name in $names; do
        printf '.Lname%d: .asciz "%s"\n.Lbegin%d: .incbin "%s/%s"\n.Lend%d: .byte 0\n' \
            $count "$name" $count "$root" "$name" $count
        count=$((count + 1))
    done
    echo '    .section .data.rel.ro, "aw"'
    echo '    .balign 8'
    echo '    .globl embedded_entries'
    echo 'embedded_entries:'
    i=0
    while [ $i -lt $count ]; do
        echo "    .quad .Lname$i, .Lbegin$i, .Lend$i"
        i=$((i + 1))
    done
    echo '    .section .rodata'
    echo '    .balign 8'
    echo '    .globl embedded_entry_count'
    echo "embedded_entry_count: .quad $count"
    echo '    .section .note.GNU-stack, "", @progbits'
} >"$out.new"
mv "$out.new" "$out"
