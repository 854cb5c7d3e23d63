# Reads every text file of the house once and prints what breaks a rule, one finding a line:
#   RULE <tab> FILE <tab> LINE <tab> WORDS
# Variables: floors (rooms from the ground up), compiled (files the build compiles). See tests/tidy.

function find(rule, file, line, words) { printf "%s\t%s\t%d\t%s\n", rule, file, line, words }
function basename(path) { sub(/.*\//, "", path); return path }
function room_of(path, part) { return split(path, part, "/") > 2 && part[1] == "src" ? part[2] : "" }
function is_test(path) { return basename(path) ~ /^test_/ || path ~ /^(tests|fuzz)\// }

# Whether one of the places (beginnings of paths, or "tests") is this file.
function may_stand(places, part, i) {
    for (i = split(places, part, " "); i > 0; i--)
        if (part[i] == "tests" ? test : index(file, part[i]) == 1) return 1
    return 0
}

# The line without the texts of literals and without comments (state over lines: in_comment).
function code_of(line, out, c, i, quote) {
    out = ""
    for (i = 1; i <= length(line); i++) {
        c = substr(line, i, 1)
        if (in_comment) {
            if (c == "*" && substr(line, i + 1, 1) == "/") { in_comment = 0; i++ }
        } else if (quote) {
            if (c == "\\") i++
            else if (c == quote) { quote = ""; out = out c }
        } else if (c == "\"" || c == "'") { quote = c; out = out c }
        else if (c == "/" && substr(line, i + 1, 1) == "*") { in_comment = 1; i++ }
        else if (c == "/" && substr(line, i + 1, 1) == "/") break
        else out = out c
    }
    return out
}

function end_file() {
    if (!file) return
    if (is_c && last > 700) find("file-length", file, last, last " lines, at most 700")
    if (path_line) find("routes", file, path_line, "a route without a summary")
    if (last_text != "" && text_without_twin) find("texts", file, text_without_twin, "a text in one language only")
}

function begin_file() {
    file = FILENAME
    sub(/^\.\//, "", file)
    seen[file] = 1
    room = room_of(file)
    test = is_test(file)
    is_c = file ~ /\.[ch]$/
    is_texts = file ~ /^policies\/.*\.yaml$/ || file ~ /^scenes\/.*\.yaml$/ || file ~ /^web\/src\/.*\.tsx?$/
    in_comment = in_list = function_line = path_line = text_without_twin = 0
    pending = last_text = ""
    if (room && file ~ /\.[ch]$/ && !(room in floor)) find("floors", file, 1, "room " room " is in no row of the floors table")
    if (file ~ /^(src|tests|fuzz)\/.*\.c$/ && !(file in is_compiled)) find("dead", file, 1, "no build compiles this file")
}

BEGIN {
    count = split(floors, names, " ")
    for (i = 1; i <= count; i++) floor[names[i]] = i
    while ((getline line < compiled) > 0) is_compiled[line] = 1
    while ((getline line < "banned.h") > 0)
        if (line ~ /^ +X\(/) {
            split(line, part, /[(,"]/)
            banned[part[2]] = part[4]
            instead[part[2]] = line
            sub(/^[^"]*"[^"]*"[^"]*"/, "", instead[part[2]])
            sub(/".*$/, "", instead[part[2]])
        }
}

FNR == 1 { end_file(); begin_file() }

{ last = FNR }

# ---- Every text file
/\t/ { find("blank", file, FNR, "a tab") }
/[ \r]$/ { find("blank", file, FNR, "a blank at the end of the line") }
/(^|[^A-Za-z0-9_.}])\/(home|root|work|Users|mnt)\/[A-Za-z]/ { find("paths", file, FNR, "a path of one machine") }

is_texts && /(^|[^a-z_])(zh|en): / {
    both = /(^|[^a-z_])zh: / && /(^|[^a-z_])en: /
    mine = /(^|[^a-z_])zh: / ? "zh" : "en"
    if (!both) {
        if (text_without_twin && last_text != mine) text_without_twin = 0
        else {
            if (text_without_twin) find("texts", file, text_without_twin, "a text in one language only")
            text_without_twin = FNR
        }
        last_text = mine
    }
}

is_c || /\.sql$/ {
    width = $0
    extra = gsub(/[\200-\277]/, "", width) # continuation bytes of UTF-8 take no column
    if ((is_c || file ~ /\.sql$/) && length(width) > 100) find("width", file, FNR, length(width) " columns, at most 100")
}

!is_c { next }

# ---- C
{ code = code_of($0) }

{
    rest = $0
    while (match(rest, /src\/[a-z_]+\/(schema|data)\/[A-Za-z0-9_]+\.(sql|csv)/)) {
        named[substr(rest, RSTART, RLENGTH)] = 1
        rest = substr(rest, RSTART + RLENGTH)
    }
}

/^#include "/ {
    target = $0
    sub(/^#include "/, "", target)
    sub(/".*$/, "", target)
    used["src/" target] = 1
    used[target] = 1
    folder = file
    sub(/[^\/]*$/, "", folder)
    used[folder target] = 1
    their = target
    sub(/\/.*$/, "", their)
    if (target ~ /\//) {
        if (room && (their in floor) && floor[their] > floor[room])
            find("floors", file, FNR, room " includes " target " of the higher room " their)
        if (target ~ /_internal\.h$/ && their != room && file !~ /^fuzz\//)
            find("internal", file, FNR, target " is for the files of " their " only")
    }
}

code ~ /^\{$/ { function_line = FNR }
code ~ /^\}$/ && function_line {
    if (FNR - function_line + 1 > 70)
        find("function-length", file, function_line, (FNR - function_line + 1) " lines, at most 70")
    function_line = 0
}

{
    rest = code
    while (match(rest, /[A-Za-z_][A-Za-z0-9_]*[ ]*\(/)) {
        before = RSTART > 1 ? substr(rest, RSTART - 1, 1) : ""
        name = substr(rest, RSTART, RLENGTH - 1)
        sub(/ +$/, "", name)
        if ((name in banned) && file !~ /^bench\// && before !~ /[.>]/ && file != "banned.h" &&
            !may_stand(banned[name]))
            find("banned", file, FNR, name ": use " instead[name])
        rest = substr(rest, RSTART + RLENGTH)
    }
}

# errors: every code of the table is set somewhere in the product
file == "src/base/error.h" && /^    X\(ERROR_[A-Z_]+,/ {
    name = $0
    sub(/^    X\(/, "", name)
    sub(/,.*$/, "", name)
    error_line[name] = FNR
}
file ~ /\.c$/ && !test && file != "src/base/error.c" {
    rest = code
    while (match(rest, /ERROR_[A-Z_]+/)) {
        error_used[substr(rest, RSTART, RLENGTH)] = 1
        rest = substr(rest, RSTART + RLENGTH)
    }
}

# routes: `.path` is followed by its `.summary`
room && !test && /\.path = "\// {
    if (path_line) find("routes", file, path_line, "a route without a summary")
    path_line = FNR
}
room && /\.summary = "[^"]/ { path_line = 0 }

# statements: every struct sql_text stands in a SQL_LIST of its room, every list is used
room && !test && file ~ /\.c$/ {
    if (code ~ /SQL_LIST\(/ || code ~ /^#define [A-Z_]*STATEMENTS\(/) { in_list = 1; is_define = code ~ /^#define/ }
    if (in_list) {
        rest = code
        while (match(rest, /&[a-z_0-9#]+(\[[0-9A-Z_]+\])?(\.[a-z_0-9]+)?/)) {
            name = substr(rest, RSTART + 1, RLENGTH - 1)
            rest = substr(rest, RSTART + RLENGTH)
            if (match(name, /\.[a-z_0-9]+$/)) { member_listed[room, substr(name, RSTART + 1)] = 1 }
            else { sub(/\[.*$/, "", name); listed[room, name] = 1 }
        }
        if (is_define ? $0 !~ /\\$/ : code ~ /;$/) in_list = 0
    } else {
        rest = code
        while (match(rest, /&[a-z_0-9]*statements/)) {
            list_used[room, substr(rest, RSTART + 1, RLENGTH - 1)] = 1
            rest = substr(rest, RSTART + RLENGTH)
        }
    }
    if (match(code, /struct sql_text [a-z_0-9#]+(\[\])? =/)) {
        name = substr(code, RSTART + 16, RLENGTH - 16 - 2)
        sub(/\[\]/, "", name)
        gsub(/ /, "", name)
        declared[room, name] = file "\t" FNR
    } else if (match(code, /^ +struct sql_text [a-z_0-9, ]+;/)) {
        names_text = substr(code, RSTART, RLENGTH - 1)
        sub(/^ +struct sql_text /, "", names_text)
        members = split(names_text, part, /, */)
        for (i = 1; i <= members; i++) member_declared[room, part[i]] = file "\t" FNR
    }
    if (match(code, /const struct sql_list [a-z_0-9]+ =/)) {
        name = substr(code, RSTART + 22, RLENGTH - 24)
        list_declared[room, name] = file "\t" FNR
    }
}

END {
    end_file()
    for (path in seen) {
        if (path ~ /^src\/.*\.h$/ && !(path in used)) find("dead", path, 1, "no file includes this header")
        if (path ~ /^src\/[a-z_]+\/(schema|data)\// && !(path in named)) find("dead", path, 1, "no source names this file")
    }
    for (code_name in error_line)
        if (!(code_name in error_used)) find("errors", "src/base/error.h", error_line[code_name], code_name " is never set")
    for (key in declared) if (!(key in listed)) unlisted(key, declared[key])
    for (key in member_declared) if (!(key in member_listed)) unlisted(key, member_declared[key])
    for (key in list_declared)
        if (!(key in list_used)) { split(list_declared[key], part, "\t"); split(key, pair, SUBSEP); find("statements", part[1], part[2], pair[2] " is in no struct module") }
}

# A name that a macro makes (ident##_export_text) is listed where any name of the room ends so.
function unlisted(key, place, part, pair, ending, other) {
    split(place, part, "\t")
    split(key, pair, SUBSEP)
    ending = pair[2]
    if (sub(/.*##/, "", ending))
        for (other in listed)
            if (index(other, pair[1] SUBSEP) == 1 && length(other) > length(ending) &&
                substr(other, length(other) - length(ending) + 1) == ending) return
    find("statements", part[1], part[2], pair[2] " stands in no SQL_LIST")
}
