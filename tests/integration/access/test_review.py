"""`proofwatch people review`: what a reviewer of access is given, and that it is on record who was."""

import csv
import stat
from datetime import timedelta
from pathlib import Path

import orjson

from proofwatch.access.acts import By
from proofwatch.access.review import reviewed, roles_used
from proofwatch.access.roles import Role
from proofwatch.access.scopes import Scope
from proofwatch.access.token_register import PostgresTokens
from proofwatch.audit.entry import person
from services.people.review import as_csv, as_json, rows
from tests.integration.access.house import BY, House
from tests.integration.access.test_commands import OPERATOR, Shell, shell

__all__ = ["shell"]


async def test_who_may_what_since_when_by_whom_and_whether_they_use_it(house: House) -> None:
    """A dormant account, one whose roles nobody used, a token of an admin who left: each is found, no other."""
    root = By(person(await house.add("root", Role.ADMIN)), "joined")
    await house.sign_in("root")
    house.ids["lee"] = await house.register.add("lee", (Role.ANALYST,), ("acme",), root, house.now)
    await house.add("ada", Role.ANALYST)
    await house.add("bob", Role.CHECKER)
    await house.sign_in("ada")
    await PostgresTokens(house.pool).create(
        "siem", [Scope.CASES], ("acme",), house.now + timedelta(days=200), root, house.now
    )
    house.later(days=60)
    await house.sign_in("bob")
    await house.sign_in("root")
    await house.register.give_roles("bob", (Role.CHECKER, Role.AUTHOR), None, root, house.now)
    await house.register.revoke("root", BY, house.now)
    house.later(days=35)
    found = await reviewed(house.pool, house.now)
    by_name = {row["name"]: row for row in rows(found, house.now)}
    assert {name: (row["state"], row["findings"]) for name, row in by_name.items()} == {
        "ada": ("active", ["dormant"]),
        "bob": ("active", ["not_used_since_given", "given_by_one_who_is_gone"]),
        "lee": ("not enrolled", ["never_used", "dormant", "given_by_one_who_is_gone"]),
        "root": ("revoked", []),
        "siem": ("active", ["never_used", "dormant", "given_by_one_who_is_gone"]),
    }
    assert (by_name["lee"]["added_by"], by_name["ada"]["added_by"]) == (house.ids["root"], "operator")
    assert by_name["bob"]["signed_in_at"] is not None
    used = {each.held: (each.accounts, each.used_at is not None) for each in roles_used(found)}
    assert used == {"analyst": (2, True), "author": (1, False), "checker": (1, False), "cases:read": (1, False)}
    lines = list(csv.DictReader(as_csv(found, house.now).splitlines()))
    assert [line["name"] for line in lines] == [each.name for each in found]
    assert next(line["findings"] for line in lines if line["name"] == "lee").split()[1] == "dormant"
    assert len(orjson.loads(as_json(found, house.now))["entries"]) == 5
    secret = await house.pool.fetchval("select code_secret from access.people where name = 'ada'")
    assert secret not in as_json(found, house.now)


def test_it_is_for_auditors_and_admins_and_on_record(shell: Shell, tmp_path: Path) -> None:
    """A file for its owner alone, that replaces none."""
    for name, role in (("olga", "auditor"), ("ada", "analyst")):
        shell("add", name, "--role", role, "--every-tenant", *OPERATOR)
    olga = ("--as", shell.sign_in("olga", shell.enrol("olga", *OPERATOR)))
    ada = ("--as", shell.sign_in("ada", shell.enrol("ada", *OPERATOR)))
    out = tmp_path / "access.csv"
    assert "admin or auditor" in shell("review", "--out", str(out), *ada, code=1)
    assert not out.exists()
    assert "2 accounts and tokens, 0 of them to look at" in shell("review", "--out", str(out), *olga)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert "never written over" in shell("review", "--out", str(out), *olga, code=2)
    shell("review", "--format", "json", "--out", str(tmp_path / "access.json"), *olga)
    asked = [each for each in shell.entries() if each[0] == "data.asked"]
    assert len(asked) == 3
