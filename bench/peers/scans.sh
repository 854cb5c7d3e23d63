#!/bin/sh
# Durable POST /scans a second against nginx's static answer under the same load.
#   peer-scans BINARY DIR PEOPLE PAIRS        one line a pair: ours=… peer=… refused=…
# One server core (taskset -c 0) for either, wrk with 512 connections on the other. No request is sent
# twice; whoever is not measured is stopped meanwhile.
set -eu
binary=$1 dir=$2 people=$3 pairs=$4 seconds=${SECONDS_A_RUN:-6}
command -v wrk >/dev/null && command -v nginx >/dev/null || { echo "wrk or nginx is absent: bench/setup" >&2; exit 3; }
ours_port=$((20000 + $$ % 10000)) nginx_port=$((30000 + $$ % 10000))
server='' nginx=''
trap 'for p in $server $nginx; do kill -CONT $p; kill $p; done 2>/dev/null || true' EXIT
"$binary" --data "$dir/city" init --demo --people "$people" >/dev/null
mkdir -p "$dir/nginx"
cat >"$dir/nginx.conf" <<C
worker_processes 1; daemon off; pid $dir/nginx/pid; error_log /dev/null;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 100000000;
 client_body_temp_path $dir/nginx/b; proxy_temp_path $dir/nginx/p; fastcgi_temp_path $dir/nginx/f;
 uwsgi_temp_path $dir/nginx/u; scgi_temp_path $dir/nginx/s;
 server { listen 127.0.0.1:$nginx_port;
  location / { return 200 '{"decision":"pass","color":"green"}'; } } }
C
# Requests as `bench requests scan` prints them; the body is a JSON text of known escapes.
cat >"$dir/load.lua" <<'L'
local requests, next_one, again = {}, 0, false
local function text_of(json)
    return (json:gsub('\\(["\\/])', '%1'))
end
function init(args)
    again = args[2] == 'again'
    for line in io.lines(args[1]) do
        local method, path, fields, body =
            line:match('^{"method":"(%u+)","path":"([^"]+)","headers":{(.-)},"body":"(.*)"}$')
        local headers = {}
        for name, value in fields:gmatch('"([^"]+)":"([^"]*)"') do headers[name] = value end
        requests[#requests + 1] = wrk.format(method, path, headers, text_of(body))
    end
end
function request()
    next_one = next_one + 1
    if next_one > #requests then
        if not again then wrk.thread:stop(); return requests[#requests] end
        next_one = 1
    end
    return requests[next_one]
end
L
taskset -c 0 "$binary" --data "$dir/city" serve --still --listen "127.0.0.1:$ours_port" >"$dir/serve" &
server=$!
taskset -c 0 nginx -c "$dir/nginx.conf" &
nginx=$!
tries=0
until grep -q listening "$dir/serve"; do
    tries=$((tries + 1))
    [ $tries -lt 300 ] || { echo "the server does not start" >&2; exit 3; }
    sleep 0.1
done
load() { taskset -c 1 wrk -t1 -c512 -d"${seconds}s" -s "$dir/load.lua" "http://127.0.0.1:$1" -- "$dir/requests" "$2"; }
pair=0
while [ $pair -lt "$pairs" ]; do
    "$binary" --data "$dir/city" bench requests scan --count $((seconds * 75000)) >"$dir/requests"
    kill -STOP $nginx
    load "$ours_port" once >"$dir/ours"
    kill -CONT $nginx
    kill -STOP $server
    load "$nginx_port" again >"$dir/peer"
    kill -CONT $server
    awk -v refused="$(awk '/Non-2xx/ { n = $NF } END { print n + 0 }' "$dir/ours")" '
        /Requests.sec/ { rate[FILENAME] = $2 }
        END { printf "ours=%s peer=%s refused=%d\n", rate[ARGV[1]], rate[ARGV[2]], refused }' "$dir/ours" "$dir/peer"
    pair=$((pair + 1))
done
