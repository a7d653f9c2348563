#!/usr/bin/env bash
# pawl's numbers, each beside its physical limit taken in the same run. `make bench` builds first; NAME... runs only those.
set -euo pipefail
cd "$(dirname "$0")/.."
source setup/env.sh
setup/build.sh release pawl bench
export PAWL_BINARY="$PWD/build/pawl" PAWL_BENCH="$PWD/build/release"
names=("$@")
[ ${#names[@]} -gt 0 ] || names=(start log_batch infer labels drift window_close switch)
for name in "${names[@]}"; do
  "$PAWL_PYTHON" "bench/$name.py"
done
