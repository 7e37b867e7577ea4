#!/usr/bin/env bash
# Measures `flota clone`, `flota update` and `flota status` against git over file://, whole processes: clone.sh FLOTA [DIR]
#
# Needs git, Python 3 and hyperfine. Makes a fleet of 200 services, and one of 1,000, in DIR, best a folder in memory: what is
# measured is many small files. Ends with what git says of the clone.
set -euo pipefail

flota=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
dir=${2:-$(mktemp -d)}
mkdir -p "$dir"
dir=$(realpath "$dir")

export GIT_CONFIG_GLOBAL=$dir/gitconfig
git config set --file "$GIT_CONFIG_GLOBAL" protocol.file.allow always

# origins N: a fleet of N services and a bare repository for each.
origins() {
  [ -d "$dir/origins-$1" ] && return
  python3 "$here/fleet.py" "$1" "$dir/made-$1"
  mkdir -p "$dir/origins-$1"
  ln -s "$dir/made-$1/.git" "$dir/origins-$1/fleet.git"
  for service in "$dir/made-$1"/.git/modules/code-repos/*; do
    ln -s "$service" "$dir/origins-$1/$(basename "$service").git"
  done
}

origins 200
origins 1000
cd "$dir"
url=file://$dir/origins-200/fleet.git
hyperfine --style basic --runs 5 --prepare 'rm -rf ours gits' --export-markdown clone.md \
  "$flota clone --quiet $url ours" "git clone --quiet --recurse-submodules -j8 $url gits" >clone.log 2>&1
cat clone.md

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
test -z "$(git status --porcelain)"
test "$(git submodule status | grep -c '^ ')" = 1000
git fsck
