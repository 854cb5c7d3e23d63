#!/bin/sh
# Durable openings and steps of loops a second over HTTP, each a request of its own.
#   peer-steps BINARY DIR PAIRS        one line a pair: opened=… stepped=… refused=…
# wrk with 64 connections on the same cores as the server. Every loop is opened once and stepped once;
# the limits of one asker are lifted, since one asker does the work of many.
set -eu
binary=$1 dir=$2 pairs=$3 seconds=${SECONDS_A_RUN:-6} people=100000
policies=$(cd "$(dirname "$0")/../.." && pwd)/policies
command -v wrk >/dev/null && command -v curl >/dev/null || { echo "wrk or curl is absent: bench/setup" >&2; exit 3; }
port=$((20000 + $$ % 10000)) server='' pair=0
trap '[ -z "$server" ] || kill $server 2>/dev/null || true' EXIT
cat >"$dir/load.lua" <<'L'
-- openings: a person each; steps: of the loops first … last, as they were opened
local kind, token, first, last, threads = nil, nil, 0, 0, 0
function setup(thread)
    thread:set('place', threads)
    threads = threads + 1
end
function init(args)
    kind, token, first, last = args[1], args[2], tonumber(args[3]), tonumber(args[4])
    number = first + place
    headers = {['Authorization'] = 'Bearer ' .. token, ['Content-Type'] = 'application/json'}
end
local opening = '{"scene":"contact_management","subject":%d,"fields":{"source_case":1,' ..
    '"contact_level":"close","last_exposure_at":"2022-04-13T09:00:00+08:00"}}'
local step = '{"to":"placing","fields":{"contact_level":"close","target_area":"320412","in_city":true}}'
function request()
    local mine = number
    number = number + 2
    if mine > last then wrk.thread:stop() mine = last end
    if kind == 'open' then
        return wrk.format('POST', '/api/v1/loops', headers, opening:format(mine))
    end
    return wrk.format('POST', '/api/v1/loops/' .. mine .. '/advance', headers, step)
end
L
opening() {
    echo '{"scene":"contact_management","subject":'"$1"',"fields":{"source_case":1,' \
        '"contact_level":"close","last_exposure_at":"2022-04-13T09:00:00+08:00"}}'
}
load() { wrk -t2 -c64 -d"${seconds}s" -s "$dir/load.lua" "http://127.0.0.1:$port" -- "$@"; }
rate() { awk '/Requests.sec/ { print $2 }' "$1"; }
refused() { awk '/Non-2xx/ { n = $NF } END { print n + 0 }' "$1"; }
while [ $pair -lt "$pairs" ]; do
    city=$dir/city$pair
    "$binary" --data "$city" init --demo --people $people >/dev/null
    sed 's/\(session\|network\)_\(per_second\|burst\): {value: [0-9]*/\1_\2: {value: 1000000/' \
        "$policies/limits.yaml" >"$city/policies/limits.yaml"
    token=$("$binary" --data "$city" user token cdc_duty)
    "$binary" --data "$city" serve --still --listen "127.0.0.1:$port" >"$dir/serve" &
    server=$! tries=0
    until grep -q listening "$dir/serve"; do
        tries=$((tries + 1))
        [ $tries -lt 300 ] || { echo "the server does not start" >&2; exit 3; }
        sleep 0.1
    done
    sleep 3 # the night's alerts have their loops: the numbers after them are ours
    first=$(curl -sf -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
        -d "$(opening $people)" "http://127.0.0.1:$port/api/v1/loops" | sed 's/^{"id":\([0-9]*\).*/\1/')
    load open "$token" 1 $((people - 1)) >"$dir/opened"
    count=$(awk '/requests in/ { print $1 }' "$dir/opened")
    load step "$token" $((first + 1)) $((first + count)) >"$dir/stepped"
    kill $server
    wait $server || true
    server=''
    echo "opened=$(rate "$dir/opened") stepped=$(rate "$dir/stepped")" \
        "refused=$(($(refused "$dir/opened") + $(refused "$dir/stepped")))"
    pair=$((pair + 1))
done
