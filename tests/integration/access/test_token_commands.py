"""`proofwatch tokens`: made by an admin, shown once, listed without a secret, revoked by what a leak shows of it."""

import asyncio
import re
from pathlib import Path

import orjson
import pytest

from proofwatch.access.machines import PostgresMachines
from proofwatch.bus.postgres.pool import create_pool
from proofwatch.instants import instant_of
from proofwatch.runtime.clock import SystemClock
from services.cli import main
from tests.integration.access.test_commands import OPERATOR, Shell, shell

__all__ = ["shell"]
WHY = ("--reason", "ticket 12")
MAKE = ("create", "siem", "--scope", "cases:read", "--scope", "health:read", "--tenant", "acme")


def is_somebodys(dsn: str, token: str) -> bool:
    async def asked() -> bool:
        pool = await create_pool(dsn)
        try:
            return await PostgresMachines(pool).session_of(token, instant_of(SystemClock().now_ms())) is not None
        finally:
            await pool.close()

    return asyncio.run(asked())


def test_from_a_token_to_its_end(shell: Shell, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Every act with who and why; an analyst makes none, and that is on record as well."""

    def tokens(*words: str, code: int = 0) -> str:
        assert main(["tokens", "--dsn", shell.dsn, *words]) == code
        said = capsys.readouterr()
        return said.err if code else said.out

    for name, role in (("root", "admin"), ("ada", "analyst")):
        shell("add", name, "--role", role, "--every-tenant", *OPERATOR)
    root = ("--as", shell.sign_in("root", shell.enrol("root", *OPERATOR)))
    ada = ("--as", shell.sign_in("ada", shell.enrol("ada", *OPERATOR)))
    assert "proofwatch tokens create" in tokens("list", *root)
    said = tokens(*MAKE, "--expires", "30d", *root, *WHY)
    found = re.search(r"^  (pw_([0-9a-f]{8})_[A-Za-z0-9_-]{43})$", said, re.MULTILINE)
    assert found
    token, token_id = found[1], found[2]
    assert is_somebodys(shell.dsn, token)
    listed = orjson.loads(tokens("list", "--json", *root))
    assert [(each["name"], each["scopes"], each["tenants"]) for each in listed] == [
        ("siem", ["cases:read", "health:read"], ["acme"])
    ]
    assert token not in tokens("list", *root)
    assert token_id in tokens("list", *root)
    assert "only an admin" in tokens(*MAKE, *ada, *WHY, code=1)
    assert "admin or auditor" in tokens("list", *ada, code=1)
    for wrong, said in (
        (("create", "siem", "--tenant", "acme", *root, *WHY), "without a scope"),
        (("create", "siem", "--scope", "cases:read", *root, *WHY), "--every-tenant"),
        ((*MAKE, "--expires", "900d", *root, *WHY), "within 366 days"),
        (("create", "A B", "--scope", "cases:read", "--tenant", "acme", *root, *WHY), "no name of a machine"),
        (("revoke", "00000000", *root, *WHY), "no such token"),
    ):
        assert said in tokens(*wrong, code=2)
    assert "opens nothing" in tokens("revoke", token, *root, *WHY)
    assert not is_somebodys(shell.dsn, token)
    assert "revoked" in tokens("list", *root)
    acted = [each for each in shell.entries() if each[0].startswith("token.")]
    assert [(action, reason) for action, _, reason in acted] == [
        ("token.created", "ticket 12"), ("token.created", "ticket 12"), ("token.revoked", "ticket 12"),
    ]  # fmt: skip
    assert token[12:] not in str(shell.entries())


@pytest.mark.parametrize("days", ["0d", "x", "d", "9999d", "٣d"])
def test_what_is_no_number_of_days_is_refused(days: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is opened; a number alone is one of days."""
    with pytest.raises(SystemExit):
        main(["tokens", *MAKE, "--expires", days, "--as-operator", *WHY])
    assert "no number of days" in capsys.readouterr().err
