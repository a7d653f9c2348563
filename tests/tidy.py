#!/usr/bin/env python3
"""The house rules that no compiler knows. Prints one line for each breach, `file:line: what and what instead`, and exits 1 if there is one.

    tests/tidy.py [ROOT]

Each rule is a function from the tree to its breaches. `tests/test_tidy.py` shows that each one can fail.
"""

import fnmatch
import re
import subprocess
import sys
from pathlib import Path

ROOMS = ("core stats wire store net jobs access tracking datasets registry pipeline serving monitoring team delivery app").split()


class Tree:
    """The files of a checkout that git keeps or would keep, as text."""

    def __init__(self, root):
        self.root = Path(root)
        listed = subprocess.run(["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                                check=True, capture_output=True, text=True).stdout
        self.paths = sorted({p for p in listed.split("\0") if p and (self.root / p).is_file()})
        self.texts = {}

    def matching(self, *patterns):
        """Paths that match; `*` matches across folders."""
        return [p for p in self.paths if any(fnmatch.fnmatchcase(p, pattern) for pattern in patterns)]

    def text(self, path):
        if path not in self.texts:
            self.texts[path] = (self.root / path).read_text(encoding="utf-8", errors="replace")
        return self.texts[path]


def find(tree, paths, pattern, text_of=None):
    """(path, line number, match) of every match in the given files."""
    for path in paths:
        text = tree.text(path) if text_of is None else text_of(tree.text(path))
        for match in re.finditer(pattern, text):
            yield path, text.count("\n", 0, match.start()) + 1, match


def without_comments(text):
    """C++ with its comments blanked, lines kept. Strings (raw ones too) stay, and `//` inside them is no comment."""
    def keep(match):
        return re.sub(r"[^\n]", " ", match[0]) if match[0].startswith("/") else match[0]
    token = r'''R"(?P<d>[^(\s]*)\(.*?\)(?P=d)"|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])'|//[^\n]*|/\*.*?\*/'''
    return re.sub(token, keep, text, flags=re.S)


def in_room(path, *rooms):
    return any(path.startswith(f"src/{room}/") for room in rooms)


def is_test(path):
    return path.endswith(("_test.cpp", "_fuzz.cpp")) or path.startswith(("tests/", "bench/"))


def code(tree):
    return tree.matching("src/*.cpp", "src/*.h")


SQL = (r"\b(?:SELECT\s[^;]*?\sFROM\s|INSERT\s+(?:OR\s+\w+\s+)?INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|ALTER\s+TABLE\s|DROP\s+TABLE\s|"
       r"CREATE\s+(?:OR\s+REPLACE\s+)?(?:TEMP\w*\s+)?(?:UNIQUE\s+)?(?:TABLE|INDEX|VIEW)\s|PRAGMA\s+\w)")


def sql_stays_in_rows(tree):
    paths = [p for p in code(tree) if not in_room(p, "store") and not is_test(p) and not fnmatch.fnmatchcase(Path(p).name, "rows*.cpp")]
    for path, line, match in find(tree, paths, SQL, without_comments):
        yield path, line, f"SQL ({match[0].split()[0]} …) belongs into rows*.cpp, migrations/ or src/store"


def database_headers_stay_in_store(tree):
    paths = [p for p in code(tree) if not in_room(p, "store")]
    for path, line, match in find(tree, paths, r'#\s*include\s*[<"](sqlite3\.h|(?:postgresql/)?libpq-fe\.h)[>"]'):
        yield path, line, f"{match[1]} is for src/store; other rooms use its Tx"


def status_numbers_stay_in_net(tree):
    paths = [p for p in code(tree) if not in_room(p, "net", "wire") and not is_test(p)]
    number = r"\bhttp::status::\w+|\b(?:\w*status\w*|result_int)(?:\(\))?\s*(?:==|!=|<=|>=|=|<|>|\{|\()\s*[1-5]\d\d\b"
    for path, line, match in find(tree, paths, number, without_comments):
        yield path, line, f"`{match[0]}`: a room says a Code; status numbers are src/net's (and the dialect tables' in src/wire)"


def beast_stays_in_net(tree):
    paths = [p for p in code(tree) if not in_room(p, "net")]
    for path, line, _ in find(tree, paths, r"#\s*include\s*<boost/beast[/.]"):
        yield path, line, "Beast is included only by src/net: it costs each file that sees it ten seconds"


def no_header_includes_boost_json(tree):
    for path, line, _ in find(tree, tree.matching("src/*.h"), r"#\s*include\s*<boost/json[/.]"):
        if path != "src/core/json_dom.h":  # the one door to the parsed form, for codecs that walk it themselves
            yield path, line, "no header includes Boost.JSON: describe the struct (core/fields.h)"


def migrations_are_numbered(tree):
    names = [Path(p).name for p in tree.matching("migrations/*.sql")]
    shape = re.compile(r"(\d{4})_([a-z]+)(?:_[a-z0-9_]+)?(\.postgres)?\.sql")
    numbers = {}
    for name in names:
        path = f"migrations/{name}"
        match = shape.fullmatch(name)
        if not match:
            yield path, 1, "a migration is called NNNN_room_change.sql, its twin the same with .postgres.sql"
            continue
        if match[2] not in ROOMS:
            yield path, 1, f"{match[2]} is no room"
        if match[3]:
            if name.replace(".postgres", "") not in names:
                yield path, 1, "a PostgreSQL twin needs its plain migration"
        elif int(match[1]) in numbers:
            yield path, 1, f"number {match[1]} is taken by {numbers[int(match[1])]}"
        else:
            numbers[int(match[1])] = name
    for expected, number in enumerate(sorted(numbers), start=1):
        if number != expected:
            yield f"migrations/{numbers[number]}", 1, f"number {expected:04} is missing before it"
            break


def test_names_have_no_semicolon(tree):
    name = r'(?:TEST_CASE|SCENARIO|TEST_CASE_TEMPLATE)\s*\(\s*"((?:\\.|[^"\\\n])*;(?:\\.|[^"\\\n])*)"'
    for path, line, match in find(tree, tree.matching("src/*.cpp", "src/*.h", "tests/*.cpp"), name):
        yield path, line, f"`;` in a test's name splits it for ctest into two that match nothing and pass: {match[1]}"


# Pieced together, so that this file does not name them either.
REGISTRY_HOSTS = [".".join(parts) for parts in (
    ("pypi", "org"), ("pythonhosted", "org"), ("registry", "npmjs", "org"), ("registry", "yarnpkg", "com"), ("deb", "debian", "org"),
    ("security", "debian", "org"), ("snapshot", "debian", "org"), ("crates", "io"), ("proxy", "golang", "org"), ("repo1", "maven", "org"))]


def no_registry_is_named(tree):
    hosts = "|".join(re.escape(host) for host in REGISTRY_HOSTS)
    paths = [p for p in tree.paths if not p.endswith((".png", ".parquet", ".onnx", ".db", ".gz"))]
    for path, line, match in find(tree, paths, rf"\b(?:{hosts})\b"):
        yield path, line, f"{match[0]}: packages come by name, version and hash, from whatever registry the machine is set up with"


def named_files_exist(tree):
    """Prose that leads to files must lead somewhere. A path may leave `src/` out, and may hold a `*`."""
    tops = "|".join(["src", "docs", "tests", "cmake", "setup", "migrations", "bench", "examples", r"web", *ROOMS])
    named = rf"`((?:{tops})/[\w./*-]*\.(?:cpp|h|md|py|sh|cmake|txt|sql|ts|tsx|yaml|lock|http|json))(?::\d+)?`"
    for path, line, match in find(tree, tree.matching("README.md", "CONTRIBUTING.md", "docs/ARCHITECTURE.md", "docs/decisions/*.md",
                                                      "src/*/README.md"), named):
        if not tree.matching(match[1], f"src/{match[1]}"):
            yield path, line, f"there is no {match[1]}"


def every_room_has_a_readme(tree):
    for room in ROOMS:
        if tree.matching(f"src/{room}/*.cpp", f"src/{room}/*.h") and not tree.matching(f"src/{room}/README.md"):
            yield f"src/{room}", 1, "a room has a README.md of ten lines: what it owns, its tables, its events, where to start reading"


def dependencies_are_explained(tree):
    """What the set-up installs stands in docs/DEPENDENCIES.md, in backticks."""
    explained = set(re.findall(r"`([^`\s]+)`", tree.text("docs/DEPENDENCIES.md"))) if "docs/DEPENDENCIES.md" in tree.paths else set()
    named = list(find(tree, tree.matching("setup/packages.txt", "setup/*.in"), r"(?m)^([A-Za-z0-9][\w.+-]*)"))
    for path in tree.matching("web/package.json"):
        blocks = re.findall(r'"(?:d|devD)ependencies"\s*:\s*\{([^}]*)\}', tree.text(path))
        named += [found for found in find(tree, [path], r'"([^"]+)"\s*:') if any(found[2][0] in block for block in blocks)]
    for path, line, match in named:
        if match[1] not in explained:
            yield path, line, f"{match[1]} has no line in docs/DEPENDENCIES.md"


RULES = [sql_stays_in_rows, database_headers_stay_in_store, status_numbers_stay_in_net, beast_stays_in_net, no_header_includes_boost_json,
         migrations_are_numbered, test_names_have_no_semicolon, no_registry_is_named, named_files_exist, every_room_has_a_readme,
         dependencies_are_explained]


def breaches(root):
    tree = Tree(root)
    return [(rule.__name__, *breach) for rule in RULES for breach in rule(tree)]


if __name__ == "__main__":
    found = breaches(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent)
    for rule, path, line, what in found:
        print(f"{path}:{line}: {what}  [{rule}]")
    print(f"tidy: {len(RULES)} rules, {len(found)} breaches")
    sys.exit(1 if found else 0)
