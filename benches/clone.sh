#!/usr/bin/env bash
# Measures `flota clone`, `flota update` and `flota status` against git, whole processes: clone.sh FLOTA [DIR]
#
# Needs git, Python 3, hyperfine, nginx and fcgiwrap. Makes a fleet of 200 services, 10 of them with a submodule of their own, and
# one of 1,000, in DIR, best a folder in memory: what is measured is many small files. Clones over file://, from nginx with git
# http-backend, from the same behind a proxy that adds 50 ms to each round trip, and with the object cache of an earlier clone.
# Runs take turns, ROUNDS times (5), so that a busy machine is busy for both; the tables show medians. Ends with what git says of
# the clones.
set -euo pipefail

flota=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
dir=${2:-$(mktemp -d)}
rounds=${ROUNDS:-5}
mkdir -p "$dir"
dir=$(realpath "$dir")
servers=()

export GIT_CONFIG_GLOBAL=$dir/gitconfig XDG_CACHE_HOME=$dir/cache
git config --file "$GIT_CONFIG_GLOBAL" protocol.file.allow always

main() {
  trap stop EXIT
  origins 200 10
  origins 1000 0
  cd "$dir"
  serve "$dir/origins-200"
  late=$(delay "$port" 25)
  rm -rf cache ours gits
  local clone="--quiet --recurse-submodules -j8" near=http://127.0.0.1:$port far=http://127.0.0.1:$late
  clones file "file://$dir/origins-200"
  clones http "$near"
  clones 'http, 50 ms away' "$far"
  "$flota" clone --quiet "$near/fleet.git" first
  turns "$flota clone --quiet $near/fleet.git ours" "git clone $clone $near/fleet.git gits"
  table 'http, with the cache'
  rm -rf first
  "$flota" clone --quiet "$far/fleet.git" first
  turns "$flota clone --quiet $far/fleet.git ours" "git clone $clone $far/fleet.git gits"
  table 'http, 50 ms away, with the cache'
  is_whole first 200
  memory "$flota" clone --quiet --no-cache "$near/fleet.git" measured

  rm -rf ours
  "$flota" clone --quiet "file://$dir/origins-1000/fleet.git" ours
  cd ours
  hyperfine --shell=none --style basic --warmup 1 --runs 5 --export-markdown ../update.md \
    "$flota update --quiet" "git submodule --quiet update --recursive" >../update.log 2>&1
  cat ../update.md
  hyperfine --shell=none --style basic --warmup 1 --runs 5 --export-markdown ../status.md \
    "$flota status" "git submodule status" "git status" >../status.log 2>&1
  cat ../status.md
  hyperfine --shell=none --style basic --runs 5 --prepare 'rm -f .git/flota/status' --export-markdown ../first-status.md \
    "$flota status" >../first-status.log 2>&1
  cat ../first-status.md
  cd ..
  is_whole ours 1000
}

# origins N M: a fleet of N services, M of them with a submodule, and a bare repository for each.
origins() {
  [ -d "$dir/origins-$1" ] && return
  python3 "$here/fleet.py" "$1" "$dir/made-$1" --nested "$2"
  mkdir -p "$dir/origins-$1"
  ln -s "$dir/made-$1/.git" "$dir/origins-$1/fleet.git"
  local service name
  for service in "$dir/made-$1"/.git/modules/code-repos/*; do
    name=$(basename "$service")
    ln -s "$service" "$dir/origins-$1/$name.git"
    [ ! -d "$service/modules/lib" ] || ln -s "$service/modules/lib" "$dir/origins-$1/lib-$name.git"
  done
}

# serve ROOT: nginx and git http-backend, on a free port of 127.0.0.1: $port.
serve() {
  port=$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
  rm -f "$dir/fcgi.sock"
  cat >"$dir/nginx.conf" <<CONF
daemon off;
user $(id -un);
pid $dir/nginx.pid;
error_log $dir/nginx.log;
events {}
http {
  access_log off;
  client_body_temp_path $dir/tmp-body;
  proxy_temp_path $dir/tmp-proxy;
  fastcgi_temp_path $dir/tmp-fastcgi;
  uwsgi_temp_path $dir/tmp-uwsgi;
  scgi_temp_path $dir/tmp-scgi;
  server {
    listen 127.0.0.1:$port;
    location / {
      fastcgi_pass unix:$dir/fcgi.sock;
      fastcgi_param SCRIPT_FILENAME $(git --exec-path)/git-http-backend;
      fastcgi_param GIT_PROJECT_ROOT $1;
      fastcgi_param GIT_HTTP_EXPORT_ALL 1;
      fastcgi_param GIT_PROTOCOL \$http_git_protocol;
      fastcgi_param HTTP_CONTENT_ENCODING \$http_content_encoding;
      fastcgi_param PATH_INFO \$uri;
      fastcgi_param QUERY_STRING \$query_string;
      fastcgi_param REQUEST_METHOD \$request_method;
      fastcgi_param CONTENT_TYPE \$content_type;
      fastcgi_param CONTENT_LENGTH \$content_length;
    }
  }
}
CONF
  fcgiwrap -c 16 -s "unix:$dir/fcgi.sock" >"$dir/fcgi.log" 2>&1 &
  servers+=($!)
  nginx -c "$dir/nginx.conf" >"$dir/nginx.start" 2>&1 &
  servers+=($!)
  local tries
  for tries in $(seq 100); do
    git ls-remote "http://127.0.0.1:$port/fleet.git" >"$dir/ls-remote.log" 2>&1 && return
    sleep 0.1
  done
  cat "$dir/ls-remote.log" >&2
  echo "the server does not answer after $tries tries" >&2
  return 1
}

# delay PORT MS: the port of a proxy to it that is MS milliseconds away.
delay() {
  python3 "$here/delay.py" "$1" "$2" >"$dir/late.port" 2>"$dir/late.log" &
  echo $! >"$dir/late.pid"
  local tries
  for tries in $(seq 100); do
    [ ! -s "$dir/late.port" ] || break
    sleep 0.1
  done
  cat "$dir/late.port"
}

stop() {
  local server
  [ ! -e "$dir/late.pid" ] || servers+=("$(cat "$dir/late.pid")")
  rm -f "$dir/late.pid"
  for server in "${servers[@]}"; do
    # fcgiwrap leaves its workers behind.
    pkill -P "$server" || true
    kill "$server" 2>/dev/null || true
  done
}

# clones WHAT BASE: both tools, without the cache.
clones() {
  turns "$flota clone --quiet --no-cache $2/fleet.git ours" \
    "git clone --quiet --recurse-submodules -j8 $2/fleet.git gits"
  table "$1"
}

# turns COMMAND…: in turn, $rounds times, each into a folder that is not there yet.
turns() {
  local round number command
  rm -f "$dir"/turn-*.json
  for round in $(seq "$rounds"); do
    number=0
    for command; do
      hyperfine --shell=none --style none --runs 1 --prepare 'rm -rf ours gits' \
        --export-json "$dir/turn-$((number++))-$round.json" "$command" >"$dir/turns.log" 2>&1
    done
  done
}

# table WHAT: the medians of the last turns, and how many times the first is as fast.
table() {
  python3 - "$1" "$dir" <<'PYTHON'
import collections, glob, json, statistics, sys
times = collections.defaultdict(list)
for name in glob.glob(f"{sys.argv[2]}/turn-*.json"):
    times[name.split("/turn-")[1].split("-")[0]] += json.load(open(name))["results"][0]["times"]
ours, gits = (statistics.median(times[number]) for number in "01")
print(f"| {sys.argv[1]} | {ours:.2f} s | {gits:.2f} s | {gits / ours:.1f}× |", flush=True)
PYTHON
}

# is_whole DIR N: nothing that git would complain of.
is_whole() {
  test -z "$(git -C "$1" status --porcelain)"
  test "$(git -C "$1" submodule status | grep -c '^ ')" = "$2"
  git -C "$1" fsck
  git -C "$1" submodule --quiet foreach --recursive 'git fsck && git status --porcelain' >"$dir/whole.log" 2>&1
  test ! -s "$dir/whole.log" || { cat "$dir/whole.log" && false; }
}

# memory COMMAND…: the most that it took.
memory() {
  python3 - "$@" <<'PYTHON'
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(f"peak memory: {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:.0f} MB")
PYTHON
}

main
