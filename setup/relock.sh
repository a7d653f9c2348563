#!/usr/bin/env bash
# Makes setup/*.lock anew from setup/*.in: resolves once and writes each package's version and the hash of the file chosen for
# Python 3.11 on x86-64 Linux. Run it by hand after changing an .in file, then commit both. No registry's address is written.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
/usr/bin/python3 -m venv "$work/venv"
for wanted in *.in; do
  "$work/venv/bin/pip" install -q --disable-pip-version-check --dry-run --ignore-installed --report "$work/report.json" -r "$wanted"
  /usr/bin/python3 - "$work/report.json" "$wanted" >"${wanted%.in}.lock" <<'PY'
import json, sys
report, wanted = sys.argv[1:]
print(f"# Made by setup/relock.sh from {wanted}; not edited by hand.")
for item in sorted(json.load(open(report))["install"], key=lambda item: item["metadata"]["name"].lower()):
    about, digest = item["metadata"], item["download_info"]["archive_info"]["hashes"]["sha256"]
    print(f"{about['name']}=={about['version']} --hash=sha256:{digest}")
PY
  echo "${wanted%.in}.lock: $(grep -c -- --hash "${wanted%.in}.lock") packages"
done
