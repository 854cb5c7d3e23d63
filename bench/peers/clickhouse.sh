#!/bin/sh
# The ClickHouse peer: MergeTree by (venue, time) and a materialised view by (person, time).
#   peer-clickhouse ingest EVENTS COUNT DIR
# A server of its own in DIR, stopped at the end. The events file is RowBinary as it is: four UInt32 a
# row. Debian's ClickHouse never syncs inserts, so that a sync of its files is part of the time.
set -eu
[ "$1" = ingest ] || exit 2
events=$2 count=$3 dir=$4
mkdir -p "$dir/data" "$dir/tmp"
port=$((20000 + $$ % 20000))
cat >"$dir/config.xml" <<C
<yandex><logger><level>warning</level><log>$dir/log</log><errorlog>$dir/errors</errorlog></logger>
<tcp_port>$port</tcp_port><listen_host>127.0.0.1</listen_host><path>$dir/data/</path>
<tmp_path>$dir/tmp/</tmp_path><users_config>$dir/users.xml</users_config>
<default_profile>default</default_profile><default_database>default</default_database>
<mark_cache_size>1073741824</mark_cache_size></yandex>
C
cat >"$dir/users.xml" <<C
<yandex><profiles><default><max_memory_usage>10000000000</max_memory_usage>
<max_insert_block_size>4194304</max_insert_block_size>
<min_insert_block_size_rows>4194304</min_insert_block_size_rows></default></profiles>
<users><default><password></password><networks><ip>127.0.0.1</ip></networks>
<profile>default</profile><quota>default</quota></default></users>
<quotas><default><interval><duration>3600</duration><queries>0</queries><errors>0</errors>
<result_rows>0</result_rows><read_rows>0</read_rows><execution_time>0</execution_time>
</interval></default></quotas></yandex>
C
clickhouse-server --config-file="$dir/config.xml" >"$dir/out" 2>&1 &
server=$!
trap 'kill $server 2>/dev/null; wait $server 2>/dev/null || true' EXIT
client() { clickhouse-client --host 127.0.0.1 --port "$port" "$@"; }
tries=0
until client --query 'SELECT 1' >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] || { echo "clickhouse-server does not start" >&2; cat "$dir/errors" >&2; exit 3; }
    sleep 0.1
done
client --multiquery --query "
CREATE TABLE checkin (person UInt32, venue UInt32, time UInt32, flags UInt32) ENGINE = MergeTree
 PARTITION BY tuple() ORDER BY (venue, time);
CREATE MATERIALIZED VIEW by_person ENGINE = MergeTree PARTITION BY tuple() ORDER BY (person, time)
 AS SELECT person, venue, time, flags FROM checkin"
now() { date +%s.%N; }
begun=$(now)
head -c $((count * 16)) "$events" | client --query 'INSERT INTO checkin FORMAT RowBinary'
sync -f "$dir/data"
ended=$(now)
rows=$(client --query 'SELECT (SELECT count() FROM checkin) + (SELECT count() FROM by_person)')
[ "$rows" = $((count * 2)) ] || { echo "$rows rows of $((count * 2))" >&2; exit 3; }
client --multiquery --query 'OPTIMIZE TABLE checkin FINAL; OPTIMIZE TABLE by_person FINAL' 2>/dev/null || true
bytes=$(client --query "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = 'default'")
awk -v b="$begun" -v e="$ended" -v n="$bytes" 'BEGIN { printf "seconds=%.6f bytes=%s\n", e - b, n }'
