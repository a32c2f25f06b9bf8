"""Which policies are compared: a file, a document of the log by its hash, or what the log puts in force."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import yaml

from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.records import Outgoing
from proofwatch.governance.policy import PROFILES, InvalidPolicy
from proofwatch.governance.settings import GovernanceSettings
from proofwatch.runtime.clock import SimulatedClock
from services.scorer.backtest import policies
from tests.unit.governance.scene import ADA, BOB, KEYRING, LEAD_MS, Log, activation, folded, policy

T0 = 1_000_000_000_000


@pytest.fixture
async def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GovernanceSettings:
    """A keyring file, and a log in which everyone, a tenant and a cohort have policies of their own."""
    log = Log()
    for scope, liveness in (("*", 0.9), ("acme", 0.91), ("acme/source=web", 0.92), ("birch", 0.93)):
        log.put(activation(log.approved(policy(liveness), T0), scope, T0 + LEAD_MS), T0)
    bus = LocalBus(dict.fromkeys(folded([], KEYRING).topics, 1), SimulatedClock(T0))
    await bus.publish([Outgoing(topic, r.key, r.value, 0, r.timestamp_ms) for topic, r in log.records])

    @asynccontextmanager
    async def connected(settings: GovernanceSettings, bootstrap: str | None) -> AsyncIterator[LocalBus]:
        yield bus

    monkeypatch.setattr(policies, "kafka", connected)
    people = [signer.entry(name).model_dump(mode="json") for signer, name in ((ADA, "ada"), (BOB, "bob"))]
    (tmp_path / "keyring.yaml").write_text(yaml.safe_dump({"people": people}), encoding="utf-8")
    return GovernanceSettings(keyring_file=tmp_path / "keyring.yaml")


async def test_against_what_is_in_force_for_the_tenant_or_for_everyone(
    settings: GovernanceSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    """And the reader is told which one that is, and whose own policies are not played."""
    for tenant, liveness, others in (
        (None, 0.9, "acme, acme/source=web, birch"),
        ("acme", 0.91, "acme/source=web"),
        ("other", 0.9, ""),
    ):
        found = await policies.policy_in_force(settings, "", tenant)
        assert found.liveness.threshold == liveness
        said = capsys.readouterr().err
        assert found.hash in said
        assert said.rstrip().endswith(others or "in force for other")


async def test_without_a_keyring_the_policy_file_decides_and_nobody_is_asked() -> None:
    """As in the scorer itself; nothing is connected to."""
    found = await policies.policy_in_force(GovernanceSettings(policy_file=PROFILES / "nist-800-63a-4.yaml"), "", None)
    assert found.name == "nist-800-63a-4"


async def test_a_proposed_policy_is_tried_by_its_hash(settings: GovernanceSettings) -> None:
    """Before anybody approves it; a hash that nobody proposed is refused."""
    proposed = policy(0.92)
    assert (await policies.policy_of(proposed.hash, settings, "")).liveness.threshold == 0.92
    assert (await policies.policy_of(str(PROFILES / "default.yaml"), settings, "")).name == "default"
    with pytest.raises(InvalidPolicy, match="propose it first"):
        await policies.policy_of("0" * 32, settings, "")
