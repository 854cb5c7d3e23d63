#!/bin/sh
# embed.sh OUT.S ROOT NAME…: an assembler file that holds the files NAME (paths from ROOT, given in any
# order) and the table embedded_entries ordered by name (see src/base/embedded.c). Texts of the built
# pages are there twice, the second time compressed as NAME.gz (beside OUT.S, in OUT.S.d).
set -eu
out=$1 root=$2
shift 2
packed=$(pwd)/$out.d
case $out in /*) packed=$out.d ;; esac
rm -rf "$packed"
for name in "$@"; do
    case $name in
    web/dist/*.html | web/dist/*.js | web/dist/*.css | web/dist/*.svg | web/dist/*.txt)
        mkdir -p "$packed/$(dirname "$name")"
        gzip -9 -n -c "$root/$name" >"$packed/$name.gz"
        set -- "$@" "$name.gz"
        ;;
    esac
done
names=$(printf '%s\n' "$@" | LC_ALL=C sort -u)
{
    echo '    .section .rodata'
    count=0
    for name in $names; do
        from=$root
        case $name in web/dist/*.gz) from=$packed ;; esac
        printf '.Lname%d: .asciz "%s"\n.Lbegin%d: .incbin "%s/%s"\n.Lend%d: .byte 0\n' \
            $count "$name" $count "$from" "$name" $count
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
