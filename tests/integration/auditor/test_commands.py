"""`proofwatch audit` on a database: what an operator reads and hands out."""

import asyncio
import json
from pathlib import Path

import pytest

from services.cli import main
from tests.integration.auditor.conftest import Audited
from tests.unit.audit.a_log import LOG_KEY


async def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    who = ("--by", "r.mehta") if arguments[0] in ("export", "show", "search", "prove") else ()
    code = await asyncio.to_thread(main, ["audit", *map(str, arguments), *who])
    found = capsys.readouterr()
    return code, found.out, found.err


async def test_an_operator_reads_exports_and_proves(
    audited: Audited,
    postgres_dsn: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Keys, a search, one entry, an export and a proof, each checked by the offline command; and what is not there."""
    monkeypatch.setenv("PROOFWATCH_POSTGRES_DSN", postgres_dsn)
    code, _, err = await said(capsys, "export", "--out", tmp_path / "early")
    assert (code, "no checkpoint has been published yet" in err) == (2, True)
    auditor = await audited.auditor()
    await audited.act(1, 6)
    await auditor.step()
    capsys.readouterr()
    key = tmp_path / "log.pub"
    key.write_text(LOG_KEY.verifier.text())

    code, out, _ = await said(capsys, "keys")
    assert (code, out.split()[0], "last checkpoint: 7 entries" in out) == (0, LOG_KEY.verifier.text(), True)
    code, out, _ = await said(capsys, "search", "--entry-action", "imagery.*", "--actor", "p-1", "--json")
    assert [json.loads(line)["index"] for line in out.splitlines()] == [2, 5], "reads are entries: 0"
    code, out, _ = await said(capsys, "show", "entry-3")
    assert (code, json.loads(out)["entry_id"]) == (0, "entry-3")
    assert (await said(capsys, "export", "--out", tmp_path / "export"))[0] == 0
    assert (await said(capsys, "verify", tmp_path / "export", "--key", key))[0] == 0
    proof = tmp_path / "e.tlog-proof"
    assert (await said(capsys, "prove", "3", "--out", proof))[0] == 0
    code, out, _ = await said(capsys, "proof", proof, "--leaf", tmp_path / "e.leaf.json", "--key", key)
    assert (code, out) == (0, "PROVED\n  it is entry 3 of 7 of audit.example/proofwatch\n")

    code, _, err = await said(capsys, "prove", "3", "--out", proof)
    assert (code, "exists; it is never written over" in err) == (2, True)
    unread = ("export", "--out", tmp_path / "other", "--witness-policy", tmp_path / "nowhere")
    for arguments in (unread, ("show", "99"), ("prove", "99", "--out", proof), ("search", "--tenant", "nobody")):
        code, out, err = await said(capsys, *arguments)
        assert (code, out, err.count("\n")) == (2, "", 1)
