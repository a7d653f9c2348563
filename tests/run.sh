#!/usr/bin/env bash
# Every test there is: the rooms' own (ctest), the whole program from outside (pytest, with the demo as one test), the page's, and with
# SANITIZE=1 or in CI the rooms where threads and bytes live once more under the sanitizers, and
# the parsers on rubbish. A part that fails does not stop the others; the last line counts all, and the exit code is 1 if anything failed.
set -uo pipefail
cd "$(dirname "$0")/.."
source setup/env.sh
export PAWL_BINARY="$PWD/build/pawl" # what the tests from outside start
jobs=$(nproc)
passed=0 failed=0 broken=()

count() { # PASSED FAILED: adds to the total
  passed=$((passed + $1)) failed=$((failed + $2))
}

# A part that could not be built or counted still counts: as one failure, by name.
broke() {
  broken+=("$1")
  count 0 1
}

build() { setup/build.sh "$@" || { broke "building $*"; return 1; }; }

run_ctest() { # PRESET [CTEST OPTION...]: only what failed is shown, and ctest's own closing lines
  local preset=$1 log=build/ctest-$1.log begin=$SECONDS failures total
  shift
  echo "tests: ctest, $preset"
  if ! ctest --preset "$preset" -j "$jobs" --no-tests=error --output-on-failure "$@" >"$log" 2>&1; then
    grep -vE '^ *[0-9]+/[0-9]+ Test .* Passed |^ *Start +[0-9]+: ' "$log"
  else
    grep -E 'tests passed|^Total Test time' "$log"
  fi
  read -r failures total < <(sed -nE 's/^[0-9]+% tests passed, ([0-9]+) tests? failed out of ([0-9]+)$/\1 \2/p' "$log")
  [ -n "${total:-}" ] || { broke "ctest $preset"; return; }
  count $((total - failures)) "$failures"
  [ "$failures" -eq 0 ] || broken+=("ctest $preset")
}

run_pytest() {
  local report=build/pytest.xml outcome counts
  rm -f "$report"
  "$PAWL_PYTHON" -m pytest tests -p no:cacheprovider --no-header --junit-xml="$report" --durations=5 --durations-min=10
  outcome=$?
  counts=$("$PAWL_PYTHON" - "$report" <<'PY'
import sys, xml.etree.ElementTree as xml
suite = next(xml.parse(sys.argv[1]).iter("testsuite"))
bad = int(suite.get("failures")) + int(suite.get("errors"))
print(int(suite.get("tests")) - bad - int(suite.get("skipped")), bad)
PY
  ) || { broke pytest; return; }
  # shellcheck disable=SC2086  # two numbers
  count $counts
  [ "$outcome" -eq 0 ] || broken+=(pytest)
  [ "$outcome" -le 1 ] || count 0 1 # interrupted, wrong usage or no tests at all
}

run_page_tests() {
  [ -e web/package.json ] || return 0
  grep -q '"test":' web/package.json || return 0
  echo "tests: the page's"
  if npm --prefix web run --silent test; then count 1 0; else broke "the page's tests"; fi
}

build release pawl
if build dev; then run_ctest dev; fi
run_pytest
run_page_tests

if [ -n "${CI:-}" ] || [ "${SANITIZE:-0}" != 0 ]; then
  rooms=(core store net jobs serving)
  tests_of_rooms="^($(IFS='|'; echo "${rooms[*]}"))_test:"
  if build asan "${rooms[@]/%/_test}" fuzzers; then run_ctest asan -R "$tests_of_rooms|^fuzz: "; fi
  if build tsan "${rooms[@]/%/_test}"; then run_ctest tsan -R "$tests_of_rooms"; fi
fi

for part in "${broken[@]}"; do echo "tests: failed: $part"; done
echo "tests: $((SECONDS / 60)) min $((SECONDS % 60)) s"
echo "tests: $passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "${#broken[@]}" -eq 0 ]
