#!/usr/bin/env bash
# Measures change detection against plain git, whole processes, with hyperfine: changed.sh FLOTA [DIR]
#
# Makes fleets of 1,000 and 10,000 services in DIR (kept, and used again), then prints one Markdown table a comparison.
# Needs git, Python 3 and hyperfine. Results differ between machines; their ratios hardly do.
set -euo pipefail

flota=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
dir=${2:-$(mktemp -d)}
mkdir -p "$dir"
dir=$(realpath "$dir")
results=$dir/results
mkdir -p "$results"

# run NAME COMMAND…: the commands side by side, as a Markdown table.
run() {
  local name=$1
  shift
  hyperfine --shell=none --warmup 3 --min-runs 20 --style basic --export-markdown "$results/$name.md" "$@" >"$results/$name.log" 2>&1
  printf '\n### %s\n\n' "$name"
  cat "$results/$name.md"
}

# peak NAME COMMAND…: the most memory that the process held, in MB.
peak() {
  local name=$1
  shift
  python3 - "$name" "$@" <<'PYTHON'
import resource, subprocess, sys
subprocess.run(sys.argv[2:], check=True, stdout=subprocess.DEVNULL)
kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(f"| {sys.argv[1]} | {kib / 1024:.1f} MB |")
PYTHON
}

for services in 1000 10000; do
  [ -d "$dir/$services/.git" ] || python3 "$here/fleet.py" "$services" "$dir/$services"
done

cd "$dir/1000"
cold="rm -rf .git/flota"
for moved in k1 k20 k200; do
  rm -rf .git/flota
  hyperfine --shell=none --warmup 3 --min-runs 20 --style basic --prepare "$cold" \
    --export-markdown "$results/$moved-cold.md" "$flota changed base..$moved" >"$results/$moved-cold.log" 2>&1
  printf '\n### %s, nothing kept from earlier runs\n\n' "$moved"
  cat "$results/$moved-cold.md"
  "$flota" changed "base..$moved" >"$results/$moved.txt"
  run "$moved" "$flota changed base..$moved" "$here/by-script.sh base $moved" "git diff --raw base $moved"
done
for moved in k20 k200; do
  hyperfine --shell=none --warmup 1 --min-runs 5 --style basic --export-markdown "$results/$moved-submodule.md" \
    "git diff --submodule=diff base $moved" >"$results/$moved-submodule.log" 2>&1
  printf '\n### %s, git diff --submodule=diff\n\n' "$moved"
  cat "$results/$moved-submodule.md"
done
run floor "git rev-parse HEAD" "$flota --version"
run plan-unchanged "$flota plan base..base" "$flota plan base..other"

cd "$dir/10000"
"$flota" changed base..k20 >"$results/10000.txt"
run "k20 of 10,000" "$flota changed base..k20"

printf '\n### peak memory\n\n| run | peak |\n|---|---|\n'
cd "$dir/1000"
for moved in k1 k200; do
  rm -rf .git/flota
  peak "1,000 services, $moved" "$flota" changed "base..$moved"
done
cd "$dir/10000"
peak "10,000 services, k20" "$flota" changed base..k20
