"""`proofwatch imagery reconcile` on what a broker really opened."""

import asyncio
import json
from pathlib import Path

import pytest

from services.cli import main
from tests.integration.imagery.house import TRANSACTION, House, all_of, asked
from tests.unit.imagery.test_reconcile import line


async def test_a_view_and_its_read_belong_together_and_what_does_not_is_named(
    house: House, postgres_dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROOFWATCH_POSTGRES_DSN", postgres_dsn)
    session, broker = await house.sign_in(), house.broker()
    lease = await broker.lease(session.session_id, asked())
    await all_of(await broker.show(session.session_id, lease.lease_id, sharp=True))
    at = house.now.strftime("%d/%b/%Y:%H:%M:%S +0000")
    read = line(0, f"kestrel/{TRANSACTION}")
    read = read.replace(read[read.index("[") : read.index("]") + 1], f"[{at}]")
    log = tmp_path / "access.log"

    async def told(*lines: str) -> tuple[int, str, str]:
        log.write_text("".join(lines))
        code = await asyncio.to_thread(main, ["imagery", "reconcile", str(log), "--json", "--by", "r.mehta"])
        said = capsys.readouterr()
        return code, said.out.strip().splitlines()[-1] if said.out.strip() else "", said.err

    code, out, _ = await told(read)
    assert (code, json.loads(out)) == (0, [1, [], []])
    code, out, _ = await told(read, read)
    matched, unexplained, missing = json.loads(out)
    assert (code, matched, [each[0] for each in unexplained], missing) == (1, 1, [2], [])
    code, out, _ = await told(read.replace(TRANSACTION, "tx-9"))
    assert (code, json.loads(out)[0], len(json.loads(out)[2])) == (1, 0, 1)
    entered = await house.entries("data.")
    assert {(each.outcome, each.objects[0].id, each.actor.id) for each in entered} == {
        ("granted", "imagery reconcile", "r.mehta")
    }
    code, _, err = await told("nonsense\n")
    sentence = "proofwatch imagery reconcile: line 1 is no line of an S3 server access log\n"
    assert (code, err) == (2, sentence)
