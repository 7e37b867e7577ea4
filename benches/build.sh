#!/usr/bin/env bash
# Measures builds against `docker build`, whole processes, with hyperfine: build.sh FLOTA [DIR]
#
# Makes 50 services in DIR, each with a Dockerfile that copies eight files into an image made from scratch, and a chart. Then it
# builds them all by the embedded builder, by `docker build` one after the other, and by as many `docker build` at a time as there
# are cores. Docker's cache is emptied before each run, and so is what flota keeps. Last, what a build with nothing to do takes.
# Needs git, hyperfine and a Docker daemon that may lose its cache. Results differ between machines; their ratios hardly do.
set -euo pipefail

flota=$(realpath "$1")
dir=${2:-$(mktemp -d)}
mkdir -p "$dir"
cd "$dir"
services=50
export GIT_AUTHOR_NAME=Bench GIT_AUTHOR_EMAIL=bench@example.com GIT_COMMITTER_NAME=Bench GIT_COMMITTER_EMAIL=bench@example.com

# service NAME: its repository, in the fleet's worktree.
service() {
  local name=$1 place=fleet/code-repos/$1 file
  git init --quiet --initial-branch=main "$place"
  mkdir -p "$place/code/app" "$place/config/templates"
  printf 'FROM scratch\nCOPY app /app\nENTRYPOINT ["/app/1"]\n' >"$place/code/Dockerfile"
  for file in 1 2 3 4 5 6 7 8; do
    head -c 20000 /dev/urandom | base64 >"$place/code/app/$file"
  done
  printf 'apiVersion: v2\nname: %s\nversion: 0.1.0\n' "$name" >"$place/config/Chart.yaml"
  printf 'image:\n  repository: %s\n  tag: latest\n' "$name" >"$place/config/values.yaml"
  cat >"$place/config/templates/pod.yaml" <<'YAML'
apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name }}
spec:
  containers:
    - name: main
      image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
YAML
  git -C "$place" add --all
  git -C "$place" commit --quiet --message Start
  git -C fleet config --file .gitmodules "submodule.code-repos/$name.path" "code-repos/$name"
  git -C fleet config --file .gitmodules "submodule.code-repos/$name.url" "https://git.example.com/shop/$name.git"
  git -C fleet update-index --add --cacheinfo "160000,$(git -C "$place" rev-parse HEAD),code-repos/$name"
}

if [ ! -d fleet/.git ]; then
  git init --quiet --initial-branch=main fleet
  for number in $(seq "$services"); do
    service "service-$number"
  done
  git -C fleet add .gitmodules
  git -C fleet commit --quiet --message Start
  git -C fleet commit --quiet --allow-empty --message 'Change nothing'
fi
cd fleet

cold='rm -rf .flota .git/flota; docker builder prune --all --force >/dev/null; docker image prune --all --force >/dev/null'
build='docker build --quiet --tag {}:bench code-repos/{}/code'
hyperfine --warmup 1 --runs "${RUNS:-5}" --style basic --prepare "$cold" --export-markdown ../all.md \
  "$flota build --all --builder embedded" \
  "$flota build --all --builder docker" \
  "ls code-repos | xargs -I{} $build" \
  "ls code-repos | xargs -P $(nproc) -I{} $build" >../all.log 2>&1
cat ../all.md
printf '\n### nothing changed, and everything is there already\n\n'
"$flota" build --all --builder embedded >../first.txt 2>&1
hyperfine --shell=none --warmup 3 --min-runs 20 --style basic --export-markdown ../nothing.md \
  "$flota changed HEAD~1..HEAD" "$flota build --range HEAD~1..HEAD --builder embedded" "$flota build --all --builder embedded" >../nothing.log 2>&1
cat ../nothing.md
