#!/usr/bin/env bash
# Measures `flota changed` where no submodule is initialised: 200 moved pins, read from repositories on this machine, against
# as many `git fetch --filter=tree:1` from them at once as there are cores: uninitialised.sh FLOTA [DIR]
#
# Needs git, Python 3 and hyperfine. Makes a fleet of 200 services and a clone of it in DIR (kept, and used again).
set -euo pipefail

flota=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
dir=${2:-$(mktemp -d)}
mkdir -p "$dir"
dir=$(realpath "$dir")

# The servers' side allows what every forge allows.
export GIT_CONFIG_GLOBAL=$dir/gitconfig
git config --file "$GIT_CONFIG_GLOBAL" protocol.file.allow always
git config --file "$GIT_CONFIG_GLOBAL" uploadpack.allowFilter true
git config --file "$GIT_CONFIG_GLOBAL" uploadpack.allowAnySHA1InWant true

if [ ! -d "$dir/clone" ]; then
  python3 "$here/fleet.py" 200 "$dir/200"
  mkdir -p "$dir/origins"
  ln -s "$dir/200/.git" "$dir/origins/fleet.git"
  for service in "$dir"/200/.git/modules/code-repos/*; do
    ln -s "$service" "$dir/origins/$(basename "$service").git"
  done
  git clone --quiet --no-checkout "file://$dir/origins/fleet.git" "$dir/clone"
fi
cd "$dir/clone"

# By script: a bare repository for each moved pin, and the two commits with their root trees.
cat >"$dir/by-fetch.sh" <<'SCRIPT'
git init --quiet --bare "scratch/$1"
exec git -C "scratch/$1" fetch --quiet --depth=1 --filter=tree:1 "$4/$1.git" "$2" "$3"
SCRIPT
cat >"$dir/by-script.sh" <<SCRIPT
git diff --raw --no-abbrev base k200 |
  awk '\$2 == "160000" { n = split(\$6, path, "/"); print path[n], \$3, \$4 }' |
  xargs -P "$(nproc)" -I{} -n1 sh -c 'set -- {}; exec sh "$dir/by-fetch.sh" "\$@" "file://$dir/origins"'
SCRIPT

hyperfine --warmup 1 --runs 5 --style basic --export-markdown "$dir/uninitialised.md" \
  --prepare "rm -rf .git/flota scratch" "$flota changed base..k200" \
  --prepare "rm -rf .git/flota scratch" "sh $dir/by-script.sh" >"$dir/uninitialised.log" 2>&1
cat "$dir/uninitialised.md"
test "$("$flota" changed base..k200 --format names | wc -l)" = 200
test "$(find scratch -maxdepth 1 -mindepth 1 | wc -l)" = 200
