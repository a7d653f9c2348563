#!/usr/bin/env python3
"""Proves that the floors hold: a file of a room that includes a room above it (or beside it) does not compile, one that includes a room below does.

    tests/floors.py BUILD_FOLDER

Takes each room's real compile command from compile_commands.json and gives it a file of one line. Also reads src/CMakeLists.txt: a room may
name only rooms below it under USES. Exits 1 if a wall has a hole, or if a door that should be open is shut.
"""

import concurrent.futures
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# From the ground up; rooms of one floor do not see each other. docs/ARCHITECTURE.md draws it.
FLOORS = [["core"], ["stats", "wire", "store"], ["net"], ["jobs"], ["access"], ["tracking", "datasets"], ["registry"], ["pipeline"],
          ["serving"], ["monitoring"], ["team"], ["delivery"], ["app"]]
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}


def declared_uses():
    """What each room(...) of src/CMakeLists.txt names under USES."""
    text = re.sub(r"#.*", "", (ROOT / "src/CMakeLists.txt").read_text())
    uses = {}
    for name, body in re.findall(r"\broom\(\s*(\w+)([^)]*)\)", text):
        words, section = body.split(), None
        uses[name] = []
        for word in words:
            if word in ("SOURCES", "USES", "LINKS", "TESTS", "TEST_USES"):
                section = word
            elif section == "USES":
                uses[name].append(word)
    return uses


def everything_below(room, uses):
    seen, todo = set(), list(uses.get(room, []))
    while todo:
        if (used := todo.pop()) in uses and used not in seen:
            seen.add(used)
            todo += uses[used]
    return seen


def commands(build):
    """One compile command a room, without its file and output."""
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = Path(entry["file"])
        if path.is_relative_to(ROOT / "src") and not path.name.endswith(("_test.cpp", "_fuzz.cpp")):
            room = path.relative_to(ROOT / "src").parts[0]
            words = [w for w in shlex.split(entry["command"]) if Path(w).name != "ccache"]
            if f"{room}.dir" not in entry["command"]:
                continue  # compiled for a program of another name
            del words[words.index("-o"):words.index("-o") + 2], words[words.index("-c"):]
            found.setdefault(room, (words, entry["directory"]))
    return found


def includes(command, header, folder, how):
    """Whether a file that includes `header` gets through the compiler with that command; its output if not. A wall is tried with the real
    thing, -fsyntax-only; of a door only the finding is asked, -E, for whether the header itself compiles is not the floors' matter."""
    words, directory = command
    with tempfile.NamedTemporaryFile("w", suffix=".cpp", dir=folder) as file:
        file.write(f'#include "{header}"\n')
        file.flush()
        done = subprocess.run([*words, "-fno-color-diagnostics", how, "-o", "/dev/null", file.name], cwd=directory, capture_output=True, text=True)
    return done.returncode == 0, done.stderr


def main(build):
    uses, command_of, problems, asks = declared_uses(), commands(build), [], []
    header_of = {}
    for room in FLOOR_OF:
        headers = sorted((ROOT / "src" / room).rglob("*.h"), key=lambda h: h.stat().st_size)
        if headers:
            header_of[room] = str(headers[0].relative_to(ROOT / "src"))  # the smallest: a door is a door
    for room, used in uses.items():
        if room not in FLOOR_OF:
            problems.append(f"src/CMakeLists.txt: {room} stands on no floor")
            continue
        for other in used:
            if FLOOR_OF.get(other, 99) >= FLOOR_OF[room]:
                problems.append(f"src/CMakeLists.txt: {room} uses {other}, which is not below it")
    for room, command in sorted(command_of.items()):
        if room not in FLOOR_OF:
            continue
        below = everything_below(room, uses)
        for other, header in header_of.items():
            if other == room or other in below:
                asks.append((room, header, True))
            elif FLOOR_OF[other] >= FLOOR_OF[room]:
                asks.append((room, header, False))

    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        answers = pool.map(lambda ask: includes(command_of[ask[0]], ask[1], folder, "-E" if ask[2] else "-fsyntax-only"), asks)
        for (room, header, allowed), (compiled, output) in zip(asks, answers):
            if allowed and not compiled:
                problems.append(f'{room} cannot include "{header}", which is below it:\n{output}')
            elif not allowed and compiled:
                problems.append(f'{room} can include "{header}", which is not below it')
            elif not allowed and "file not found" not in output:
                problems.append(f'{room} with "{header}" fails for another reason than the wall:\n{output}')

    open_doors = sum(allowed for *_, allowed in asks)
    for problem in problems:
        print(problem)
    print(f"floors: {len(command_of)} rooms, {open_doors} doors open, {len(asks) - open_doors} walls tried, {len(problems)} problems")
    if not command_of or (len(command_of) > 1 and open_doors == len(asks)):
        print("floors: nothing was proven")
        return 1
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
