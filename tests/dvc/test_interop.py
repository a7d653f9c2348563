"""Each tool accepts what the other wrote, in the same repository, and writes the same bytes."""

import json

PIPELINE = """\
stages:
  prep:
    cmd: cp raw.txt mid.txt
    deps:
    - raw.txt
    params:
    - lr
    outs:
    - mid.txt
  train:
    cmd: mkdir -p model && cat mid.txt mid.txt > model/weights && echo '{"acc":0.5}' > m.json
    deps:
    - mid.txt
    outs:
    - model
    metrics:
    - m.json:
        cache: false
"""


def pipeline(work):
    work.write("dvc.yaml", PIPELINE)
    work.write("params.yaml", "lr: 0.1\nmodel:\n  depth: 3\n")
    work.write("raw.txt", "1\n")


def test_init_makes_what_dvc_makes(work, tmp_path):
    work.pawl("init")
    ours = {p: work.read(p) for p in (".dvc/config", ".dvc/.gitignore", ".dvcignore")}
    staged = work.run("git", "diff", "--cached", "--name-only").stdout
    other = tmp_path / "other"
    other.mkdir()
    theirs = type(work)(other)
    theirs.dvc("init", "-q")
    assert ours == {p: theirs.read(p) for p in ours}
    assert staged == theirs.run("git", "diff", "--cached", "--name-only").stdout
    assert work.pawl("init", code=3).stderr.count("'.dvc' exists") == 1


def test_dvc_accepts_what_pawl_added_and_adding_again_changes_no_byte(work):
    work.pawl("init")
    work.write("h.txt", "hello\n")
    work.write("d/1", "1\n")
    work.write("d/sub/\u00fc \U0001f600", "2\n")
    work.write("a[1]*", "x")
    work.write("12", "digits")
    work.pawl("add", "h.txt", "d", "a[1]*", "12")
    files = ["h.txt.dvc", "d.dvc", "a[1]*.dvc", "12.dvc", ".gitignore"]
    before = {f: work.read(f) for f in files}
    cache = work.cache()
    assert work.status("dvc") == {}
    work.dvc("add", "h.txt", "d", "a[1]*", "12")
    assert {f: work.read(f) for f in files} == before
    assert work.cache() == cache
    for f in ("h.txt", "12", "d/1"):
        (work.root / f).unlink()
    assert work.status("pawl") == work.status("dvc")
    work.dvc("checkout")
    assert work.read("h.txt") == "hello\n" and work.read("d/1") == "1\n"


def test_pawl_accepts_what_dvc_added_and_adding_again_changes_no_byte(work):
    work.dvc("init", "-q")
    work.write("h.txt", "hello\n")
    work.write("d/1", "1\n")
    work.write("d/b.TMP", "ignored")
    work.write(".dvcignore", "*.TMP\n")
    work.write("run.sh", "#!/bin/sh\n")
    (work.root / "run.sh").chmod(0o755)
    work.dvc("add", "h.txt", "d", "run.sh")
    before = {f: work.read(f) for f in ("h.txt.dvc", "d.dvc", "run.sh.dvc", ".gitignore")}
    assert work.status("pawl") == {}
    work.pawl("add", "h.txt", "d", "run.sh")
    assert {f: work.read(f) for f in before} == before
    (work.root / "run.sh").unlink()
    work.write("h.txt", "changed\n")
    assert work.status("pawl") == work.status("dvc") == {"h.txt.dvc": [{"changed outs": {"h.txt": "modified"}}], "run.sh.dvc": [{"changed outs": {"run.sh": "deleted"}}]}
    refused = work.pawl("checkout", code=3)
    assert "unsaved files" in refused.stderr and work.read("h.txt") == "changed\n"
    answer = json.loads(work.pawl("checkout", "--force", "--json").stdout)
    assert answer == {"items": [{"path": "h.txt", "change": "modified"}, {"path": "run.sh", "change": "added"}]}
    assert (work.root / "run.sh").stat().st_mode & 0o100
    assert work.status("dvc") == {}


def test_both_reproduce_the_same_pipeline_to_the_same_lock_file(work, tmp_path):
    work.pawl("init")
    pipeline(work)
    work.pawl("repro")
    lock, ignore, cache = work.read("dvc.lock"), work.read(".gitignore"), work.cache()
    other = tmp_path / "other"
    other.mkdir()
    theirs = type(work)(other)
    theirs.dvc("init", "-q")
    pipeline(theirs)
    theirs.dvc("repro", "-q")
    assert lock == theirs.read("dvc.lock")
    assert sorted(ignore.splitlines()) == sorted(theirs.read(".gitignore").splitlines())
    assert cache == theirs.cache()
    runs = lambda w: {str(p.relative_to(w.root)): p.read_text() for p in (w.root / ".dvc/cache/runs").rglob("*") if p.is_file()}
    assert runs(work) == runs(theirs)


def test_dvc_finds_nothing_to_do_after_pawl_and_the_other_way_round(work):
    work.pawl("init")
    pipeline(work)
    work.pawl("add", "raw.txt")
    work.pawl("repro")
    assert work.status("dvc") == {}
    assert "Data and pipelines are up to date" in work.dvc("repro").stdout

    work.write("params.yaml", "lr: 0.2\nmodel:\n  depth: 3\n")
    work.write("m.json", "changed by hand")
    assert work.status("pawl") == work.status("dvc")
    work.dvc("repro", "-q")
    assert work.status("pawl") == {}
    done = json.loads(work.pawl("repro", "--json").stdout)
    assert done["changed"] is False and {s["outcome"] for s in done["stages"]} == {"skipped"}

    # Back to the first parameters: each tool takes the result of the other's run out of the run cache.
    work.write("params.yaml", "lr: 0.1\nmodel:\n  depth: 3\n")
    outcomes = {s["name"]: s["outcome"] for s in json.loads(work.pawl("repro", "--json").stdout)["stages"]}
    assert outcomes["prep"] == "cached"
    work.write("params.yaml", "lr: 0.2\nmodel:\n  depth: 3\n")
    assert "is cached - skipping run" in work.dvc("repro").stdout


def test_templates_and_generated_stages_mean_the_same_to_both(work):
    work.pawl("init")
    work.write("params.yaml", "train: {lr: 0.1, flag: true, name: a b, list: [1, two]}\nitems: [x, 0.5, true]\n")
    work.write("dvc.yaml", """\
stages:
  args:
    cmd: echo ${train} > args.txt
    outs: [args.txt]
  each:
    foreach: ${items}
    do:
      cmd: echo "${item}" > each-${item}.txt
      outs: ["each-${item}.txt"]
  grid:
    matrix: {m: [a, b], n: [1, {k: 2}]}
    cmd: echo ${item.m} ${key} "\\${HOME}" > grid-${key}.txt
    outs: ["grid-${key}.txt"]
""")
    work.pawl("repro")
    assert work.read("args.txt") == "--lr 0.1 --flag --name a b --list 1 two\n"
    assert work.status("dvc") == {}
    lock = work.read("dvc.lock")
    work.dvc("repro", "-q", "-f")
    assert work.read("dvc.lock") == lock


def test_a_pipeline_that_dvc_refuses_is_refused_by_pawl(work):
    work.pawl("init")
    for stages, words in (
        ("  a: {cmd: x, deps: [q], outs: [p]}\n  b: {cmd: x, deps: [p], outs: [q]}\n", "both a dependency and an output in stages: a, b"),
        ("  a: {cmd: x, outs: [p]}\n  b: {cmd: x, outs: [p]}\n", "output 'p' is specified in"),
        ("  a: {cmd: x, outs: [d]}\n  b: {cmd: x, outs: [d/e]}\n", "overlap and are thus in the same tracked directory"),
        ("  a: {cmd: x, nokey: 1}\n", "extra keys not allowed, in stages -> a -> nokey"),
        ("  a: {cmd: 'echo ${nope}'}\n", "failed to parse 'stages.a.cmd' in 'dvc.yaml': Could not find 'nope'"),
    ):
        work.write("dvc.yaml", "stages:\n" + stages)
        assert words in work.dvc("repro", code=255).stderr.replace("b, a", "a, b")
        refused = work.pawl("repro", code=None)
        assert refused.returncode in (2, 3) and words in refused.stderr


def test_a_failing_stage_leaves_the_lock_as_it_was(work):
    work.pawl("init")
    pipeline(work)
    work.pawl("repro")
    lock = work.read("dvc.lock")
    work.write("dvc.yaml", PIPELINE.replace("cp raw.txt mid.txt", "exit 3"))
    assert "failed to run: exit 3, exited with 3" in work.pawl("repro", code=3).stderr
    assert "failed to run: exit 3, exited with 3" in work.dvc("repro", code=255).stderr
    assert work.read("dvc.lock") == lock


def test_one_holds_the_repository_and_the_other_waits_then_says_so(work):
    work.pawl("init")
    work.write("a", "x")
    import fcntl
    (work.root / ".dvc/tmp").mkdir(exist_ok=True)
    with open(work.root / ".dvc/tmp/lock", "a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "Unable to acquire lock" in work.pawl("status", code=3).stderr
        assert "Unable to acquire lock" in work.dvc("status", code=None).stderr
    work.pawl("add", "a")


def test_a_damaged_object_is_not_checked_out(work):
    work.pawl("init")
    work.write("a", "content\n")
    work.pawl("add", "a")
    (object_path,) = [p for p in (work.root / ".dvc/cache/files/md5").rglob("*") if p.is_file()]
    object_path.chmod(0o644)
    object_path.write_text("damaged\n")
    (work.root / "a").unlink()
    assert "Is your cache up to date?" in work.pawl("checkout", code=3).stderr
    assert not (work.root / "a").exists()
