#!/usr/bin/env bash
# build.sh PRESET [TARGET...]: builds the page if it changed, then the preset. For `release` the result is put where people look for
# it: build/pawl and build/lib. Says one line a step.
set -euo pipefail
cd "$(dirname "$0")/.."
source setup/env.sh
preset=$1
shift
mkdir -p build
exec 7>"build/.$preset.lock"
flock 7

# The page goes into the binary, so it comes first. Anything in web/ that git would keep counts as its source.
page() {
  [ -e web/package.json ] || return 0
  exec 6>build/.page.lock
  flock 6
  local sources
  sources=$(find web \( -path web/node_modules -o -path web/dist \) -prune -o -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum)
  if [ ! -d web/dist ] || [ "$(cat build/page.sources 2>/dev/null)" != "$sources" ]; then
    local begin=$SECONDS
    npm --prefix web run --silent build >build/page.log 2>&1 || { cat build/page.log; echo "build: the page failed"; exit 1; }
    echo "$sources" >build/page.sources
    echo "build: the page, $((SECONDS - begin)) s"
  fi
  flock -u 6
}

compile() {
  local begin=$SECONDS log=build/$preset.log
  if [ ! -e "build/$preset/build.ninja" ]; then
    cmake --preset "$preset" >"$log" 2>&1 || { cat "$log"; echo "build: cmake --preset $preset failed"; exit 1; }
  fi
  if [ -t 1 ]; then # a person watches: ninja's one moving line
    ninja -C "build/$preset" "$@" || { echo "build: $preset failed"; exit 1; }
  else
    ninja -C "build/$preset" "$@" >"$log" 2>&1 || { grep -v '^\[[0-9]*/[0-9]*\] ' "$log" || cat "$log"; echo "build: $preset failed"; exit 1; }
  fi
  echo "build: $preset, $((SECONDS - begin)) s"
}

# Copies only what differs, by rename, so that a running server keeps the file it was started from.
place() { # FROM TO
  cmp -s "$1" "$2" && return 0
  cp -L "$1" "$2.new"
  mv "$2.new" "$2"
}

page
compile "$@"
if [ "$preset" = release ]; then
  mkdir -p build/lib
  place build/release/pawl build/pawl
  place build/release/lib/libonnxruntime.so.1 build/lib/libonnxruntime.so.1
  place build/release/lib/libduckdb.so build/lib/libduckdb.so
fi
