#!/usr/bin/env bash
# What reads the code without running it: formatting, the house rules, Python and shell that parse, clang-tidy. All are run; the exit code is 1
# if one has something to say. FILES="src/core/*.cpp" narrows clang-tidy (about five seconds a file), FILES=none leaves it out.
set -uo pipefail
cd "$(dirname "$0")/.."
source setup/env.sh
bad=0
said() { bad=1; echo "lint: $1"; }

ours() { git ls-files -co --exclude-standard "$@" | while read -r file; do [ ! -e "$file" ] || echo "$file"; done; }

ours '*.cpp' '*.h' | xargs -r clang-format-19 --dry-run -Werror --ferror-limit=1 || said "make format puts the above right"
python3 tests/tidy.py || said "house rules broken"
ours '*.py' | xargs -r python3 -c 'import ast, sys
for name in sys.argv[1:]: ast.parse(open(name).read(), name)' || said "Python that does not parse"
ours '*.sh' '.ci/run' | while read -r file; do bash -n "$file" || exit 1; done || said "shell that does not parse"

if [ "${FILES:-}" != none ]; then
  setup/build.sh dev pawl_pch || exit 1 # clang-tidy reads the precompiled header
  # shellcheck disable=SC2086  # a list
  files=$(ours ${FILES:-'src/*.cpp' 'bench/*.cpp'})
  # run-clang-tidy speaks a line a file; only findings are of interest.
  # shellcheck disable=SC2086
  run-clang-tidy-19 -quiet -p build/dev -j "$(nproc)" $(sed "s|^|$PWD/|; s|\$|\$|" <<<"$files") >build/clang-tidy.log 2>&1 ||
    { grep -E -A 12 '(warning|error): ' build/clang-tidy.log; said "clang-tidy: the whole output is in build/clang-tidy.log"; }
fi
[ "$bad" -ne 0 ] || echo "lint: nothing to say"
exit "$bad"
