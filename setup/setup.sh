#!/usr/bin/env bash
# Brings a bare Debian 12 to where pawl builds and its tests run: Debian's packages, then a Python environment of the project's own
# (which also brings node), then the native libraries Debian lacks, then the page's packages. A step that has nothing to do says
# nothing, so the second run is silent and takes a fraction of a second. Two set-ups at once wait for each other.
set -euo pipefail
cd "$(dirname "$0")/.."
source setup/env.sh
mkdir -p "$PAWL_CACHE"
exec 8>"$PAWL_CACHE/setup.lock"
flock -n 8 || { echo "setup: another set-up is running, waiting for it"; flock 8; }
log="$PAWL_CACHE/setup.log"

# step NAME COMMAND...: runs it with its output kept in the log, says one line with the seconds it took, shows the end of the log on failure.
step() {
  local name=$1 begin=$SECONDS
  shift
  printf 'setup: %-58s ' "$name"
  # Not `if "$@"`: inside a condition `set -e` would not stop the function at its first failing command.
  set +e
  (set -e; "$@") 8>&- >"$log" 2>&1 </dev/null
  local outcome=$?
  set -e
  if [ "$outcome" -eq 0 ]; then
    echo "$((SECONDS - begin)) s"
  else
    echo "failed after $((SECONDS - begin)) s; the end of $log:"
    tail -n 30 "$log" | sed 's/^/    /'
    exit 3
  fi
}

apt_install() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get update
  apt-get install -y --no-install-recommends "$@"
}

wanted_packages() { sed -e 's/#.*//' -e '/^ *$/d' setup/packages.txt; }

missing_packages() {
  local have
  have=$(dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' 2>/dev/null | sed -n 's/^ii  *//p')
  grep -vxF "$have" <(wanted_packages) || true
}

python_environment() { # FOLDER LOCK
  rm -rf "$1"
  /usr/bin/python3 -m venv "$1"
  # A few packages exist as source only and are built here: with the builders of the lock, not with whatever is newest today.
  grep -E '^(setuptools|wheel)==' "$2" >"$1/builders.txt"
  "$1/bin/python" -m pip install -q --require-hashes --no-deps -r "$1/builders.txt"
  "$1/bin/python" -m pip install -q --require-hashes --no-deps --no-build-isolation -r "$2"
  touch "$1/.ok"
}

if ! command -v apt-get >/dev/null; then
  echo "setup: this set-up is for Debian 12 (apt-get is missing); setup/packages.txt lists what pawl needs" >&2
  exit 3
fi
missing=$(missing_packages)
if [ -n "$missing" ]; then
  if [ "$(id -u)" -ne 0 ]; then
    echo "setup: these Debian packages are missing and only root can install them:" $missing >&2
    exit 3
  fi
  # shellcheck disable=SC2086  # one word a package
  step "Debian packages: $(wc -w <<<"$missing") to install" apt_install $missing
  source setup/env.sh # now that the machine has certificate authorities
fi

[ -e "$PAWL_PYTHON_HOME/.ok" ] ||
  step "Python environment: $(grep -c -- --hash setup/python.lock) packages" python_environment "$PAWL_PYTHON_HOME" setup/python.lock
[ -e "$PAWL_DVC_HOME/.ok" ] ||
  step "DVC, the peer of some tests: $(grep -c -- --hash setup/python-dvc.lock) packages" python_environment "$PAWL_DVC_HOME" setup/python-dvc.lock

if ! bash cmake/fetch-native.sh --check "$PAWL_CACHE"; then
  # ONNX Runtime's headers come from Debian 13; an old Debian 12 image does not know that suite's key yet.
  [ "$(id -u)" -ne 0 ] || compgen -G '/usr/share/keyrings/debian-archive-trixie*' >/dev/null ||
    step "Debian's newer archive keys" apt_install debian-archive-keyring
  step "ONNX Runtime and DuckDB" bash cmake/fetch-native.sh "$PAWL_CACHE"
fi

if [ -e web/package-lock.json ]; then
  lock_hash=$(sha256sum <web/package-lock.json)
  if [ "$(cat web/node_modules/.pawl-lock 2>/dev/null)" != "$lock_hash" ]; then
    step "the page's packages" npm --prefix web ci
    echo "$lock_hash" >web/node_modules/.pawl-lock
  fi
fi
