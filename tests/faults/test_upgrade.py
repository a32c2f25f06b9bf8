"""A rolling upgrade: this release reads what the one before wrote, and the other way round but for what is listed.

Both run the same simulated day, each in a process of its own on its own code; then each one's codecs read every event
that the other's services wrote. Readers are upgraded before writers (docs/upgrade.md), so an old scorer with a new
aggregator must always work; a new scorer with an old aggregator, as after a rollback of one, works where nothing was
added to the event.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
BEFORE: Final = "b31404b"
"""The commit that is the release before this one."""

EVENTS: Final = {
    "verdicts": "VERDICT",
    "windows": "WINDOW",
    "anomalies": "ANOMALY",
    "notifications": "NOTIFICATION",
}
READERS_FIRST: Final = {"anomalies": "windows and ledger say more of an anomaly than the release before could read"}
"""Events that the release before refuses: to be emptied when BEFORE moves on."""

_READ: Final = """
import sys
from proofwatch.events import codec
read = 0
for line in open(sys.argv[2], "rb"):
    getattr(codec, sys.argv[1]).decode(line.rstrip(b"\\n"))
    read += 1
print(codec.__file__, read)
"""


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree of the release before."""
    tree = tmp_path_factory.mktemp("before")
    packed = subprocess.run(["git", "-C", str(ROOT), "archive", BEFORE], capture_output=True, check=False)
    assert packed.returncode == 0, f"commit {BEFORE} is not in this clone: fetch the history (git fetch --unshallow)"
    subprocess.run(["tar", "-x", "-C", str(tree)], input=packed.stdout, check=True)
    return tree


def run(tree: Path, *arguments: str) -> str:
    """Run Python on the code of `tree` and on no other."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PROOFWATCH_")}
    env |= {"PYTHONPATH": f"{tree / 'libs'}{os.pathsep}{tree}"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=tree, env=env, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    return done.stdout


@pytest.fixture(scope="module")
def days(before: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Path]:
    """What each release made of a day, by its tree."""
    made = {}
    for tree in (before, ROOT):
        out = tmp_path_factory.mktemp("day")
        run(tree, "-m", "services.cli", "demo", "--events", "3000", "--headless", "--out", str(out))
        made[tree] = out
    return made


@pytest.mark.parametrize("event", EVENTS)
def test_each_release_reads_what_the_other_writes(event: str, before: Path, days: dict[Path, Path]) -> None:
    """Every event of a day, by the strict codecs of the services; but for what is listed."""
    pairs = ((before, ROOT),) if event in READERS_FIRST else ((before, ROOT), (ROOT, before))
    for writer, reader in pairs:
        lines = days[writer] / f"{event}.jsonl"
        codec_file, count = run(reader, "-c", _READ, EVENTS[event], str(lines)).split()
        assert Path(codec_file).is_relative_to(reader)
        assert int(count) == len(lines.read_bytes().splitlines())


def test_both_releases_decide_alike(before: Path, days: dict[Path, Path]) -> None:
    """While both run beside each other nobody is judged by the luck of the partition."""

    def decisions(tree: Path) -> dict[str, tuple[str, str]]:
        verdicts = map(json.loads, (days[tree] / "verdicts.jsonl").read_bytes().splitlines())
        return {each["transaction_id"]: (each["decision"], each["action"]) for each in verdicts}

    assert decisions(before) == decisions(ROOT)
