"""Each house rule of tests/tidy.py, shown a tree that breaks it and one that does not."""

import subprocess

import pytest
import tidy

HOST = tidy.REGISTRY_HOSTS[0]

BROKEN = [
    ("sql_stays_in_rows", {"src/tracking/service.cpp": 'auto q = R"(\n  SELECT a\n  FROM b )";'}, "src/tracking/service.cpp", 2),
    ("sql_stays_in_rows", {"src/team/types.h": 'x = "INSERT INTO t VALUES (1)";'}, "src/team/types.h", 1),
    ("database_headers_stay_in_store", {"src/registry/rows.cpp": "\n#include <sqlite3.h>\n"}, "src/registry/rows.cpp", 2),
    ("database_headers_stay_in_store", {"src/app/main.cpp": "#include <libpq-fe.h>\n"}, "src/app/main.cpp", 1),
    ("status_numbers_stay_in_net", {"src/serving/routes.cpp": "answer.status = 404;"}, "src/serving/routes.cpp", 1),
    ("status_numbers_stay_in_net", {"src/app/verbs.cpp": "if (got.status() >= 400) die();"}, "src/app/verbs.cpp", 1),
    ("beast_stays_in_net", {"src/serving/x.cpp": "#include <boost/beast/http.hpp>\n"}, "src/serving/x.cpp", 1),
    ("no_header_includes_boost_json", {"src/team/types.h": "#include <boost/json.hpp>\n"}, "src/team/types.h", 1),
    ("migrations_are_numbered", {"migrations/0001_store_a.sql": "", "migrations/0003_store_c.sql": ""}, "migrations/0003_store_c.sql", 1),
    ("migrations_are_numbered", {"migrations/0001_store_a.sql": "", "migrations/0001_team_b.sql": ""}, "migrations/0001_team_b.sql", 1),
    ("migrations_are_numbered", {"migrations/0001_kitchen_a.sql": ""}, "migrations/0001_kitchen_a.sql", 1),
    ("migrations_are_numbered", {"migrations/0001_store_a.postgres.sql": ""}, "migrations/0001_store_a.postgres.sql", 1),
    ("migrations_are_numbered", {"migrations/first.sql": ""}, "migrations/first.sql", 1),
    ("test_names_have_no_semicolon", {"src/core/a_test.cpp": 'TEST_CASE("one; two") {}'}, "src/core/a_test.cpp", 1),
    ("no_registry_is_named", {"web/package-lock.json": f'"resolved": "https://{HOST}/x"'}, "web/package-lock.json", 1),
    ("named_files_exist", {"docs/ARCHITECTURE.md": "a\nsee `src/core/gone.h`"}, "docs/ARCHITECTURE.md", 2),
    ("dependencies_are_explained", {"setup/packages.txt": "# a\ncmake\n"}, "setup/packages.txt", 2),
    ("dependencies_are_explained", {"web/package.json": '{\n"name": "x", "devDependencies": {\n"vite": "1"}}'}, "web/package.json", 3),
    ("every_room_has_a_readme", {"src/team/service.cpp": ""}, "src/team", 1),
]

GOOD = {
    "src/tracking/rows_runs.cpp": 'auto q = "SELECT a FROM b";',
    "src/tracking/service.cpp": "// SELECT a FROM b, answered with status = 404\nint status = 7;\nauto s = \"you // select; from\"; char c = '\"'; // SELECT a FROM b",
    "src/tracking/README.md": "start at `tracking/service.cpp`, then `src/tracking/rows*.cpp`",
    "src/store/sqlite.cpp": '#include <sqlite3.h>\nauto q = "PRAGMA journal_mode=WAL";',
    "src/store/README.md": "x",
    "src/net/server.cpp": "#include <boost/beast/http.hpp>\nint status = 404;",
    "src/net/README.md": "x",
    "setup/python.in": "pandas==3.1.1   # frames\n",
    "docs/DEPENDENCIES.md": "| pandas | 3.1 | `pandas` |",
    "migrations/0001_store_ledger.sql": "",
    "migrations/0001_store_ledger.postgres.sql": "",
    "migrations/0002_tracking_runs.sql": "",
}


def tree(root, files):
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    subprocess.run(["git", "init", "-q", root], check=True)
    return root


@pytest.mark.parametrize("rule, files, path, line", BROKEN)
def test_a_broken_rule_is_named_with_file_and_line(tmp_path, rule, files, path, line):
    assert (rule, path, line) in [found[:3] for found in tidy.breaches(tree(tmp_path, files))]


def test_a_house_in_order_has_no_breach(tmp_path):
    assert tidy.breaches(tree(tmp_path, GOOD)) == []


def test_every_rule_has_an_example_of_its_breach():
    assert {rule.__name__ for rule in tidy.RULES} == {rule for rule, *_ in BROKEN}
