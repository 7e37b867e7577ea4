#!/usr/bin/env python3
"""Makes a fleet of N initialised services to measure with: fleet.py N DIR [--nested M]

Each service has 20 files in code/, 6 in config/ and three commits; no two services share an object, and each has its
objects in one pack, as a clone leaves them. The fleet is laid as `git submodule update --init` lays it: a repository
in .git/modules/NAME, a gitfile in the worktree, a section in .git/config. Of the worktrees only the gitfiles are
written: nothing that is measured here looks at more.

Tags of the fleet: `base` pins every service at its second commit, `k1`, `k20`, `k200`, … move that many pins to the
third, spread over the fleet; `other` changes a file of the fleet alone.

With --nested M the first M services have a submodule `lib` of their own, a repository like the others.
"""

import argparse
import concurrent.futures
import os
import pathlib
import shutil
import subprocess

IDENTITY = "Bench <bench@example.com> 1700000000 +0000"
MOVED = [1, 20, 200]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("services", type=int, metavar="N")
    parser.add_argument("directory", type=pathlib.Path, metavar="DIR")
    parser.add_argument("--nested", type=int, default=0, metavar="M")
    args = parser.parse_args()

    fleet = args.directory
    if fleet.exists():
        shutil.rmtree(fleet)
    names = [f"service-{number:05}" for number in range(args.services)]
    init(fleet / ".git", FLEET_CONFIG + "".join(SECTION.format(name=name) for name in names))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        libraries = list(pool.map(lambda name: library(fleet, name), names[: args.nested]))
        libraries += [None] * (args.services - args.nested)
        pins = list(pool.map(lambda name, pin: service(fleet, name, pin), names, libraries))
    commits(fleet / ".git", fleet_history(names, pins))
    git = ["git", "-C", str(fleet)]
    subprocess.run([*git, "reset", "--quiet", "base"], check=True)
    subprocess.run([*git, "checkout", "--quiet", "base", "--", ".gitmodules", "README.md"], check=True)


FLEET_CONFIG = """[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = false
\tlogallrefupdates = true
[remote "origin"]
\turl = https://git.example.com/shop/fleet.git
\tfetch = +refs/heads/*:refs/remotes/origin/*
[branch "main"]
\tremote = origin
\tmerge = refs/heads/main
"""
SECTION = """[submodule "code-repos/{name}"]
\tactive = true
\turl = https://git.example.com/shop/{name}.git
"""
MODULE = """[submodule "code-repos/{name}"]
\tpath = code-repos/{name}
\turl = ../{name}.git
\tbranch = development
"""
SERVICE_CONFIG = """[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = false
\tlogallrefupdates = true
\tworktree = ../../../../code-repos/{name}
[remote "origin"]
\turl = https://git.example.com/shop/{name}.git
\tfetch = +refs/heads/*:refs/remotes/origin/*
"""
BARE_CONFIG = """[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = true
"""


def init(git_dir, config):
    """What `git init` would make, without a process."""
    for folder in ["objects/info", "objects/pack", "refs/heads", "refs/tags", "info"]:
        (git_dir / folder).mkdir(parents=True)
    (git_dir / "HEAD").write_text("ref: refs/heads/main\n")
    (git_dir / "config").write_text(config)


def library(fleet, name):
    """Makes the submodule of one service; returns its pin."""
    git_dir = fleet / ".git/modules/code-repos" / name / "modules/lib"
    init(git_dir, BARE_CONFIG)
    return commits(git_dir, service_history(f"lib-{name}"))[1]


def service(fleet, name, library):
    """Makes one service; returns its three commits."""
    git_dir = fleet / ".git/modules/code-repos" / name
    init(git_dir, SERVICE_CONFIG.format(name=name))
    worktree = fleet / "code-repos" / name
    worktree.mkdir(parents=True)
    (worktree / ".git").write_text(f"gitdir: ../../.git/modules/code-repos/{name}\n")
    return commits(git_dir, service_history(name, library))


def service_history(name, library=None):
    files = {f"code/src/part_{number:02}.rs": text(name, number, 40) for number in range(18)}
    files |= {"code/Dockerfile": f"FROM scratch\nCOPY . /{name}\n", "code/Cargo.toml": f'[package]\nname = "{name}"\n'}
    files |= {f"config/templates/part_{number}.yaml": text(name, number, 20) for number in range(4)}
    files |= {"config/Chart.yaml": f"apiVersion: v2\nname: {name}\nversion: 0.1.0\n", "config/values.yaml": "a: 1\n"}
    files |= {"README.md": f"# {name}\n"}
    # The last commit is an image's, a chart's or nobody's business, in turn.
    last = ["code/src/part_00.rs", "config/values.yaml", "README.md"][int(name[-5:]) % 3]
    links = {}
    if library:
        files |= {".gitmodules": f'[submodule "lib"]\n\tpath = lib\n\turl = ../lib-{name}.git\n'}
        links = {"lib": library}
    return [
        commit("refs/heads/main", 1, files, links),
        commit("refs/heads/main", 2, {"code/src/part_01.rs": text(name, 100, 40)}),
        commit("refs/heads/main", 3, {last: text(name, 200, 20)}),
    ]


def text(name, seed, lines):
    return "".join(f"{name} {seed * 7919 + line * 104729:x}\n" for line in range(lines))


def fleet_history(names, pins):
    modules = "".join(MODULE.format(name=name) for name in names)
    links = {f"code-repos/{name}": pin[1] for name, pin in zip(names, pins)}
    history = [commit("refs/heads/main", 1, {".gitmodules": modules, "README.md": "# Fleet\n"}, links), tag("base")]
    history += [commit("refs/tags/other", 2, {"README.md": "# The fleet\n"}, parent=1)]
    for number, moved in enumerate((k for k in MOVED if k <= len(names)), start=3):
        chosen = range(0, len(names), len(names) // moved)[:moved]
        links = {f"code-repos/{names[index]}": pins[index][2] for index in chosen}
        history.append(commit(f"refs/tags/k{moved}", number, {}, links, parent=1))
    return history


def commit(ref, mark, files, links={}, parent=None):
    """A commit as git-fast-import(1) reads it."""
    lines = [f"commit {ref}\nmark :{mark}\nauthor {IDENTITY}\ncommitter {IDENTITY}\n{data(f'Commit {mark}')}"]
    lines += [f"from :{parent}\n"] if parent else []
    lines += [f"M 100644 inline {path}\n{data(content)}" for path, content in files.items()]
    lines += [f"M 160000 {pin} {path}\n" for path, pin in links.items()]
    return "".join(lines)


def tag(name):
    return f"reset refs/tags/{name}\nfrom :1\n\n"


def data(content):
    return f"data {len(content.encode())}\n{content}\n"


def commits(git_dir, history):
    """Imports a history; returns its commits in order."""
    marks = git_dir / "marks"
    # Small histories would become loose objects; a clone has packs.
    command = ["git", "-c", "fastimport.unpackLimit=0", "--git-dir", str(git_dir)]
    command += ["fast-import", "--quiet", f"--export-marks={marks.resolve()}"]
    subprocess.run(command, input="".join(history).encode(), check=True)
    ids = [line.split() for line in marks.read_text().splitlines()]
    marks.unlink()
    return [commit for _, commit in sorted((int(mark[1:]), commit) for mark, commit in ids)]


if __name__ == "__main__":
    main()
