#!/bin/sh
# What people write in CI today: the files that differ in every submodule whose pin moved, one `git diff-tree` for each pin,
# as many at once as there are cores. by-script.sh BASE HEAD, in a fleet.
git diff --raw --no-abbrev "$1" "$2" |
  awk '$2 == "160000" { print "-C", $6, "diff-tree", "-r", "--name-only", $3, $4 }' |
  xargs -P "$(nproc)" -L 1 git
