"""The commands on a bus in this process, with a clock of our own."""

from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.records import TopicPartition
from proofwatch.events import topics
from proofwatch.governance.policy import PROFILES
from proofwatch.governance.replica import Replica
from proofwatch.runtime.clock import SimulatedClock
from services import cli
from services.governance import governed_log
from tests.support.on_record import leave_open

T0 = 1_800_000_000_000
TOPICS = (
    topics.POLICIES,
    topics.TENANTS,
    topics.APPROVALS,
    topics.ACTIVATIONS,
    topics.CONTROLS,
    topics.ATTACK_PATTERNS,
)


class Office:
    """People with keys, a bus, and the command line."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.clock = SimulatedClock(T0)
        self.bus = LocalBus(dict.fromkeys(TOPICS, 1), self.clock)
        self._capsys = capsys

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        """Run the command; return exit code, output and errors."""
        code = cli.main(arguments)
        said = self._capsys.readouterr()
        return code, said.out, said.err

    def does(self, *arguments: str) -> str:
        """Run a command that must succeed; return its output."""
        code, out, err = self(*arguments)
        assert code == 0, err
        return out

    def refuses(self, *arguments: str) -> str:
        """Run a command that must be refused in one line; return it."""
        before = self.records()
        code, _, err = self(*arguments)
        assert code in (1, 2)
        assert err.count("\n") == 1, err
        assert self.records() == before
        return err

    def json(self, *arguments: str) -> Any:
        return orjson.loads(self.does(*arguments, "--json"))

    def records(self) -> int:
        return sum(self.bus.log(TopicPartition(topic, 0)).end for topic in TOPICS)

    def key(self, person: str) -> str:
        return str(self.folder / f"{person}.key")

    def policy(self, name: str, **thresholds: float) -> str:
        document = yaml.safe_load((PROFILES / "default.yaml").read_text())
        document |= {"name": name} | {check: {"threshold": value} for check, value in thresholds.items()}
        return self.write(f"{name}.yaml", document)

    def write(self, name: str, document: Any) -> str:
        path = self.folder / name
        path.write_text(yaml.safe_dump(document))
        return str(path)

    def approved(self, command: str, file: str) -> str:
        """Propose and approve; return the hash."""
        document_hash: str = self.json(command, "check", file)["hash"]
        self.does(command, "propose", file, "--key", self.key("ada"), "--yes")
        self.does(command, "approve", document_hash, "--key", self.key("bob"), "--yes")
        return document_hash

    def replica(self) -> Replica:
        """What a scorer knows now."""
        from proofwatch.governance.keyring import load_keyring

        replica = Replica(load_keyring(self.folder / "keyring.yaml"))
        for topic in replica.topics:
            for record in self.bus.log(TopicPartition(topic, 0)).slice(0, 1000):
                replica.apply(topic, record)
        return replica

    def wait(self, seconds: float) -> None:
        self.clock.advance_to(self.clock.now_ms() + round(seconds * 1000))


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Office:
    """Ada, Bob and Cleo have keys; ada has two."""
    made = Office(tmp_path, capsys)
    monkeypatch.setattr(governed_log, "connect", lambda settings, bootstrap: made.bus)
    monkeypatch.setattr(governed_log, "clock", lambda: made.clock)
    leave_open(monkeypatch)
    entries = []
    for person, file in (("ada", "ada"), ("ada", "ada2"), ("bob", "bob"), ("cleo", "cleo")):
        out = made.does("policy", "keygen", "--person", person, "--out", made.key(file))
        entries += yaml.safe_load(out)["people"]
    made.write("keyring.yaml", {"people": entries})
    monkeypatch.setenv("PROOFWATCH_KEYRING_FILE", str(tmp_path / "keyring.yaml"))
    return made
