#!/usr/bin/env bash
# fetch-native.sh [--check] FOLDER: puts ONNX Runtime and DuckDB, which Debian 12 lacks, into FOLDER, each by version and hash; does
# nothing when they are there. --check only tells by its exit code whether they are. The files are never committed.
set -euo pipefail
onnxruntime=onnxruntime-1.32.0
duckdb=duckdb-1.5.6
if [ "$1" = --check ]; then
  [ -e "$2/$onnxruntime/.ok" ] && [ -e "$2/$duckdb/.ok" ]
  exit
fi
cache=$(realpath -m "$1")
[ ! -e "$cache/$onnxruntime/.ok" ] || [ ! -e "$cache/$duckdb/.ok" ] || exit 0
source "$(dirname "$0")/../setup/env.sh" # the project's own Python and npm first in PATH, the machine's behind them
mkdir -p "$cache"
exec 9>"$cache/native.lock"
flock 9
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
check() { echo "$1  $2" | sha256sum -c --quiet -; }

# The address of this machine's own Debian mirror, as apt is set up with; known to apt only after an update.
debian_mirror() { apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' | sed -n 1p; }

# The library from the Python wheel. The wheel has no headers, so they come from Debian 13's package through a private apt state:
# their API version (21) is older than the library's (32), which hands out every older one.
if [ ! -e "$cache/$onnxruntime/.ok" ]; then
  to=$cache/$onnxruntime
  mkdir -p "$to/lib" "$to/include" lists/partial archives/archives/partial
  echo 'onnxruntime==1.32.0 --hash=sha256:5a34fc4dfeb5a7b4a74c95dcba1e773d722abda720b474edf1b0c419dc6d163d' >wanted.txt
  python3 -m pip download -q --no-deps --require-hashes --only-binary=:all: --implementation cp \
    --python-version 311 --abi cp311 --platform manylinux_2_28_x86_64 -d . -r wanted.txt
  python3 -m zipfile -e onnxruntime-1.32.0-*.whl wheel
  cp wheel/onnxruntime/capi/libonnxruntime.so.1.32.0 "$to/lib/libonnxruntime.so.1" # its SONAME
  cp wheel/onnxruntime/LICENSE wheel/onnxruntime/ThirdPartyNotices.txt "$to/"

  mirror=$(debian_mirror)
  if [ -z "$mirror" ]; then
    apt-get -qq update
    mirror=$(debian_mirror)
  fi
  echo "deb $mirror trixie main" >sources.list
  private_apt=(apt-get -qq -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/archives" -o Dir::State::status=/dev/null -o APT::Sandbox::User=root)
  "${private_apt[@]}" update
  "${private_apt[@]}" download libonnxruntime-dev=1.21.0+dfsg-1
  check 14f7d959d5deacbcf1504830d4189f91fc67382b399ed9ae9d3aa9c4050ced08 libonnxruntime-dev_*.deb
  dpkg-deb -x libonnxruntime-dev_*.deb headers
  cp -r headers/usr/include/onnxruntime/. "$to/include/"
  touch "$to/.ok"
fi

# The library from the npm package of DuckDB's own node bindings, the C header (stable part of the API) from the older `duckdb` package.
if [ ! -e "$cache/$duckdb/.ok" ]; then
  to=$cache/$duckdb
  mkdir -p "$to/lib" "$to/include" library
  npm pack --silent @duckdb/node-bindings-linux-x64@1.5.6-r.1 >/dev/null
  check 1b9f82478539bb9a1d1df44bd103121a12ae52142c07158dc52b97d2ec1d69ff duckdb-node-bindings-linux-x64-1.5.6-r.1.tgz
  tar xzf duckdb-node-bindings-*.tgz -C library
  cp library/package/libduckdb.so "$to/lib/"
  cp library/package/LICENSE "$to/"
  npm pack --silent duckdb@1.4.4 >/dev/null
  check 5bb967dcbcd517670ba5f169f238fb9d6787e53752c60ebe24386169d76941ed duckdb-1.4.4.tgz
  tar xzOf duckdb-1.4.4.tgz package/src/duckdb/src/include/duckdb.h >"$to/include/duckdb.h"
  touch "$to/.ok"
fi
