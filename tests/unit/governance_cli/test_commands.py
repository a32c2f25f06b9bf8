"""The commands check and show everything before they publish, and refuse in one line."""

import stat
from pathlib import Path

import pytest

from proofwatch.governance.scope import EVERYONE
from tests.unit.governance_cli.conftest import Office

WHO = ("--by", "r.mehta", "--reason", "ticket 4711")
COMMANDS = {
    "policy": ["check", "diff", "show", "history", "propose", "approve", "activate", "rollback", "withdraw", "keygen"],
    "tenant": ["check", "show", "history", "propose", "approve", "activate"],
    "control": ["on", "off", "list"],
}


@pytest.mark.parametrize(("command", "name"), [(c, name) for c, names in COMMANDS.items() for name in names])
def test_every_action_explains_itself_with_an_example(
    command: str, name: str, capsys: pytest.CaptureFixture[str], office: Office
) -> None:
    """--help ends with a line that can be copied."""
    with pytest.raises(SystemExit, match="0"):
        office(command, name, "--help")
    assert f"example:\n  proofwatch {command} {name} " in capsys.readouterr().out + "\n"


def test_a_private_key_is_its_owners_alone_and_never_overwritten(office: Office) -> None:
    """Mode 0600; a file that others may read is not used."""
    path = Path(office.key("ada"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "never written over" in office.refuses("policy", "keygen", "--person", "ada", "--out", str(path))
    path.chmod(0o640)
    file = office.policy("strict")
    said = office.refuses("policy", "propose", file, "--key", str(path), "--yes")
    assert "others may use it (mode 0640)" in said
    assert "lower case" in office.refuses("policy", "keygen", "--person", "Ada L", "--out", office.key("x"))


def test_a_policy_goes_from_the_file_to_its_scope(office: Office) -> None:
    """Propose, approve by another, activate; it decides from its time on; history tells who did what."""
    file = office.policy("strict", liveness=0.999)
    out = office.does("policy", "propose", file, "--key", office.key("ada"), "--yes")
    document_hash = office.json("policy", "check", file)["hash"]
    assert f"proposed: {document_hash}" in out
    assert "liveness.threshold" in out
    assert "stricter" in out
    said = office.refuses("policy", "activate", document_hash, "--scope", "*", "--key", office.key("ada"), "--yes")
    assert "signed by ada alone; two people must approve it (once_signed)" in said
    for key in ("ada", "ada2"):
        said = office.refuses("policy", "approve", document_hash, "--key", office.key(key), "--yes")
        assert "somebody else must approve it" in said
    out = office.does("policy", "approve", document_hash[:6], "--key", office.key("bob"), "--yes")
    assert "is signed by ada, bob" in out
    assert "liveness.threshold" in out
    office.does("policy", "activate", document_hash, "--scope", EVERYONE, "--key", office.key("cleo"), "--yes")
    [chapter] = office.json("policy", "history")
    assert chapter["state"] == "coming"
    assert (chapter["approved_by"], chapter["activated_by"]) == (["ada", "bob"], "cleo")
    office.wait(80)
    assert office.json("policy", "history", "--scope", "*")[0]["state"] == "in force"
    assert office.replica().at(office.clock.now_ms()).policies["*"].hash == document_hash
    shown = office.json("policy", "show", document_hash)
    assert shown["usable"]
    assert shown["document"]["liveness"]["threshold"] == 0.999


def test_rollback_brings_back_what_was_in_force_before_and_withdraw_the_wider_scope(office: Office) -> None:
    """Without new signatures under the old policy; nothing before: say what can be done."""
    old, new = (office.approved("policy", office.policy(f"p{n}", liveness=0.9 + n / 100)) for n in (1, 2))
    key = ("--key", office.key("ada"), "--yes")
    assert "no policy is in force for acme" in office.refuses("policy", "rollback", "--scope", "acme", *key)
    office.does("policy", "activate", old, "--scope", "acme", *key)
    office.wait(100)
    assert "proofwatch policy withdraw --scope acme" in office.refuses("policy", "rollback", "--scope", "acme", *key)
    office.does("policy", "activate", new, "--scope", "acme", *key)
    office.wait(100)
    out = office.does("policy", "rollback", "--scope", "acme", *key)
    assert "laxer" in out
    office.wait(100)
    assert office.replica().at(office.clock.now_ms()).policies["acme"].hash == old
    office.does("policy", "withdraw", "--scope", "acme", *key)
    office.wait(100)
    assert not office.replica().at(office.clock.now_ms()).policies
    assert [c["state"] for c in office.json("policy", "history")] == ["past"] * 4


def test_what_had_ended_before_is_not_what_was_in_force_before(office: Office) -> None:
    """A policy that ended by itself does not come back by a rollback."""
    old, new = (office.approved("policy", office.policy(f"p{n}", liveness=0.9 + n / 100)) for n in (1, 2))
    key = ("--key", office.key("ada"), "--yes")
    office.does("policy", "activate", old, "--scope", "*", "--ends-at", "2027-01-15T08:03:00Z", *key)
    office.wait(200)
    office.does("policy", "activate", new, "--scope", "*", *key)
    office.wait(100)
    assert "nothing else was in force" in office.refuses("policy", "rollback", "--scope", "*", *key)


def test_shadows_are_activated_and_ended_one_by_one(office: Office) -> None:
    """Beside the live policy; ending names which."""
    one, two = (office.approved("policy", office.policy(f"p{n}", liveness=0.9 + n / 100)) for n in (1, 2))
    key = ("--key", office.key("ada"), "--yes")
    for each in (one, two):
        office.does("policy", "activate", each, "--scope", "*", "--shadow", *key)
        office.wait(1)
    office.wait(100)
    assert len(office.replica().at(office.clock.now_ms()).shadows["*"]) == 2
    assert "0 such policies" in office.refuses("policy", "withdraw", "--scope", "*", *key)
    office.does("policy", "withdraw", "--scope", "*", "--shadow", one, *key)
    office.wait(100)
    assert [each.hash for each in office.replica().at(office.clock.now_ms()).shadows["*"]] == [two]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("activate", "abcdef", "--scope", "*"), "no policy with hash abcdef is in the log"),
        (("activate", "nothing", "--scope", "*"), "neither a file nor a hash"),
        (("activate", "HASH", "--scope", "Acme"), "is no scope; right is *, a tenant"),
        (("activate", "HASH", "--scope", "*", "--effective-from", "2027-01-15T08:00:30Z"), "too early"),
        (("activate", "HASH", "--scope", "*", "--ends-at", "2027-01-15T08:00:30Z"), "ends_at must not lie before"),
        (("propose", "FILE"), "is in the log already; approve it"),
        (("show", "abcdef"), "propose it first"),
    ],
)
def test_what_cannot_count_is_never_published(office: Office, arguments: tuple[str, ...], said: str) -> None:
    """The same core as the scorer's decides before; nothing reaches the log."""
    file = office.policy("strict")
    document_hash = office.approved("policy", file)
    given = [{"HASH": document_hash, "FILE": file}.get(each, each) for each in arguments]
    signing = () if arguments[0] == "show" else ("--key", office.key("ada"), "--yes")
    assert said in office.refuses("policy", *given, *signing)


def test_nobody_publishes_by_accident(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside of a terminal --yes is needed; a dry run shows and publishes nothing."""
    file = office.policy("strict", liveness=0.999)
    assert "nobody can be asked here" in office.refuses("policy", "propose", file, "--key", office.key("ada"))
    out = office.does("policy", "propose", file, "--key", office.key("ada"), "--dry-run")
    assert "liveness.threshold" in out
    assert office.records() == 0
    assert "your key is needed" in office.refuses("policy", "propose", file, "--yes")
    stranger = office.key("stranger")
    office.does("policy", "keygen", "--person", "mallory", "--out", stranger)
    assert "is not in the keyring" in office.refuses("policy", "propose", file, "--key", stranger, "--yes")
    monkeypatch.delenv("PROOFWATCH_KEYRING_FILE")
    assert "the keyring is needed" in office.refuses("policy", "propose", file, "--key", office.key("ada"), "--yes")


def test_a_difference_says_which_side_is_stricter(office: Office) -> None:
    """Known directions only; a hash of the log will do instead of a file."""
    strict, lax = office.policy("strict", liveness=0.999), office.policy("lax", liveness=0.9)
    document_hash = office.approved("policy", strict)
    for old in (strict, document_hash):
        found = {each["key"]: each for each in office.json("policy", "diff", old, lax)}
        assert found["liveness.threshold"] == {
            "key": "liveness.threshold",
            "old": 0.999,
            "new": 0.9,
            "direction": "laxer",
        }
        assert found["name"]["direction"] is None
    assert "nothing differs" in office.does("policy", "diff", strict, strict)


def test_a_tenant_is_governed_in_the_same_way(office: Office) -> None:
    """From draft to active; an unlisted transition and a missing lawful basis are refused before they are published."""
    document = {
        "tenant": "acme",
        "contract": {"state": "draft", "from": "2026-01-01"},
        "time_zone": "Europe/Berlin",
        "segments": ["source", "sex"],
    }
    bad = office.write("bad.yaml", document)
    assert "segment sex is personal data and has no lawful basis" in office.refuses("tenant", "check", bad)
    document["lawful_bases"] = {"sex": "Art. 6(1)(f)"}
    document_hash = office.approved("tenant", office.write("acme.yaml", document))
    office.does("tenant", "activate", document_hash, "--key", office.key("ada"), "--yes")
    office.wait(100)
    regime = office.replica().at(office.clock.now_ms())
    assert regime.tenants["acme"].segments_allowed() == {"source", "sex"}
    document["contract"] = {"state": "suspended", "from": "2026-01-01"}
    suspended = office.approved("tenant", office.write("suspended.yaml", document))
    said = office.refuses("tenant", "activate", suspended, "--key", office.key("ada"), "--yes")
    assert "a contract that is draft cannot become suspended" in said
    [chapter] = office.json("tenant", "history")
    assert (chapter["name"], chapter["state"]) == ("acme (draft)", "in force")
    assert office.json("tenant", "show", document_hash)["document"]["time_zone"] == "Europe/Berlin"


def test_a_control_goes_on_and_off(office: Office) -> None:
    """For a cohort, until it expires; off needs something that is on."""
    cohort = ("step_up_mfa", "--cohort", "acme/os=android")
    assert "is not on for" in office.refuses("control", "off", *cohort, "--yes", *WHO)
    expires = ("--expires-at", "2027-01-16T08:00:00Z")
    assert "expire before it takes" in office.refuses(
        "control", "on", *cohort, "--expires-at", "2027-01-15T08:00:00Z", "--yes"
    )
    assert "not to everyone" in office.refuses("control", "on", "step_up_mfa", "--cohort", "*", *expires, "--yes")
    assert "say who asks" in office.refuses("control", "on", *cohort, *expires, "--yes")
    office.does("control", "on", *cohort, *expires, "--yes", *WHO)
    [row] = office.json("control", "list")
    assert (row["cohort"], row["is"]) == ("acme/os=android", "coming")
    office.wait(100)
    [control] = office.replica().at(office.clock.now_ms()).controls
    assert (control.tenant, control.segment_name, control.segment_value) == ("acme", "os", "android")
    office.does("control", "off", *cohort, "--yes", *WHO)
    office.wait(100)
    assert office.json("control", "list") == []
    assert [row["is"] for row in office.json("control", "list", "--all")] == ["past", "past"]
