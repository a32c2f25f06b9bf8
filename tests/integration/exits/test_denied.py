"""Every command that acts under a right of a role, one by one: whoever has not got it is on record as denied.

Those that ask the door are tried in `test_door`; those that sign a record are refused by the keyring, where everybody
sees the record, and by nobody here.
"""

import argparse
import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from proofwatch.access.roles import TABLE, Role
from proofwatch.audit.entry import Entry, entry_of
from proofwatch.bus.local.bus import LocalBus
from proofwatch.privacy.key_file import KeyFile
from services.cli import main
from services.command_traces import TRACES
from tests.integration.exits.test_door import Said, Sessions, bus, dsns, sessions
from tests.support.postgres_roles import executed
from tests.unit.exits.test_every_command import PARSERS

__all__ = ["bus", "dsns", "sessions"]
OF_THE_BROKER = {"imagery glass-ask", "imagery glass-agree", "imagery glass-end"}
"""They ask the broker, which decides and enters: see `tests/integration/imagery/test_glass.py`."""
ACTING = sorted(
    name for name, each in TRACES.items() if each.kind == "entry" and each.act and name not in OF_THE_BROKER
)
READ = "cases.read"
"""Whoever may not even see cases is on record as having looked, and seen none, whatever they wanted."""
GIVEN: Mapping[str, str] = {
    "tenant": "acme", "subject": "sub-1", "case": "case-1", "cases": "case-1", "erasure": "e-1", "hold": "h-1",
    "name": "somebody", "to": "somebody", "into": "case-2", "reason": "ticket 4711", "until": "2099-01-01T00:00:00Z",
    "epoch": "1", "pattern_id": "emulators", "pattern_file": "pattern.yaml", "since": "7d", "token": "1a2b3c4d",
}  # fmt: skip


def typed(name: str, session: str, keys: str) -> list[str]:
    """Return the command with all that it needs, and who asks."""
    words, options = name.split(), list[str]()
    for each in PARSERS[name]._actions:
        if isinstance(each, argparse._HelpAction) or not (each.required or not each.option_strings):
            continue
        value = session if each.dest == "session" else keys if each.dest == "file" else GIVEN.get(each.dest)
        value = value or next(iter(each.choices or ()), None)
        assert value is not None, f"say in GIVEN what `{name}` takes as {each.dest}"
        if each.option_strings:
            options += [each.option_strings[-1], str(value)]
        else:
            words.append(str(value))
    options += ["--dry-run"] if name == "privacy retention" else []
    return [*words, *options, *(() if "--as" in options else ("--as", session))]


@pytest.fixture
def denied(dsns: Mapping[str, str]) -> Any:
    """What is on record as denied, of this test."""
    asyncio.run(executed(dsns["superuser"], "truncate audit.pending"))

    async def found() -> list[Entry]:
        connection = await asyncpg.connect(dsns["superuser"])
        rows = await connection.fetch("select entry from audit.pending order by pending_id")
        await connection.close()
        return [each for each in (entry_of(row[0]) for row in rows) if each.outcome == "denied" or each.action == READ]

    return lambda: asyncio.run(found())


@pytest.mark.parametrize("name", ACTING)
def test_who_may_not_act_is_on_record(
    name: str,
    dsns: Mapping[str, str],
    bus: LocalBus,
    sessions: Sessions,
    denied: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Said,
) -> None:
    """By their account, with the act that they wanted."""
    trace = TRACES[name]
    wrong = next(each for each in (Role.ADMIN, Role.ANALYST) if trace.act not in TABLE[each])
    for _ in range(2):
        KeyFile(tmp_path / "keys").begin()
    monkeypatch.setenv("PROOFWATCH_POSTGRES_DSN", dsns["superuser"])
    monkeypatch.setenv("PROOFWATCH_SUBJECT_TAG_SECRET", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
    monkeypatch.setenv("PROOFWATCH_KEY_ENCRYPTION_KEYS_FILE", str(tmp_path / "keys"))
    try:
        code = main(typed(name, sessions.file(wrong), str(tmp_path / "keys")))
    except SystemExit as error:
        code = int(str(error.code))
    said = capsys.readouterr()
    assert (code in (1, 2), said.out) == (True, ""), said.err
    [made] = denied()
    assert made.actor.kind == "person", said.err
    if name.startswith("cases "):
        assert (made.action, made.details["cases"], made.details["role"]) == (READ, 0, "none")
    else:
        assert (made.action, made.details["why"]) == (trace.what, "role_missing")
