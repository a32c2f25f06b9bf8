"""`proofwatch people`, from an empty register to somebody who is revoked."""

import asyncio
import io
import re
import stat
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import orjson
import pytest

from proofwatch.access.one_time_codes import code_at, step_of
from proofwatch.audit.entry import entry_of
from proofwatch.runtime.migrations import migrate
from services.cli import main
from tests.integration.access.house import PASSWORD


class Shell:
    """Commands on one database, as they are typed; standard input is a pipe."""

    def __init__(self, dsn: str, folder: Path, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> None:
        self.dsn, self.folder, self._capsys, self._patch = dsn, folder, capsys, patch
        self.password = folder / "password"
        self.password.write_text(f"{PASSWORD}\n")
        self.password.chmod(0o600)
        self.steps: dict[str, int] = {}

    def __call__(self, *words: str, typed: str = "", code: int = 0) -> str:
        """Run one; return what it says, on whichever stream."""
        self._patch.setattr("sys.stdin", io.StringIO(typed))
        assert main(["people", "--dsn", self.dsn, *words]) == code
        said = self._capsys.readouterr()
        return said.err if code else said.out

    def enrol(self, name: str, *by: str) -> str:
        """Enrol somebody; return the secret that is shown."""
        said = self("enrol", name, "--password-file", str(self.password), *by)
        found = re.search(r"^  ([A-Z2-7]{32})$", said, re.MULTILINE)
        assert found
        return found[1]

    def sign_in(self, name: str, secret: str) -> str:
        """Sign in with a code of the next step, since the last one is used; return the file."""
        step = max(step_of(datetime.now(UTC)), self.steps.get(name, 0) + 1)
        self.steps[name] = step
        file = self.folder / f"{name}.session"
        words = ("sign-in", name, "--out", str(file), "--password-file", str(self.password))
        assert "signed in until" in self(*words, typed=f"{code_at(secret, step)}\n")
        return str(file)

    def entries(self) -> list[tuple[str, str, str]]:
        async def read() -> list[tuple[str, str, str]]:
            connection = await asyncpg.connect(self.dsn)
            try:
                rows = await connection.fetch("select entry from audit.pending order by pending_id")
            finally:
                await connection.close()
            found = [entry_of(row["entry"]) for row in rows]
            return [(each.action, each.actor.id, each.reason) for each in found]

        return asyncio.run(read())


@pytest.fixture
def shell(
    postgres_dsn: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    cheap_passwords: None,
) -> Shell:
    """A migrated database."""
    asyncio.run(migrate(postgres_dsn))
    return Shell(postgres_dsn, tmp_path, capsys, monkeypatch)


OPERATOR = ("--as-operator", "--reason", "the first admin")


def test_from_the_first_admin_to_somebody_who_left(shell: Shell) -> None:
    """Each step as it is typed, and each of them on record."""
    assert "proofwatch people add NAME --role admin" in shell("list", "--by", "root")
    shell("add", "root", "--role", "admin", "--every-tenant", *OPERATOR)
    root = shell.sign_in("root", shell.enrol("root", *OPERATOR))
    assert stat.S_IMODE(Path(root).stat().st_mode) == 0o600
    by = ("--as", root, "--reason", "joined")
    shell("add", "ada", "--role", "analyst", "--tenant", "acme", *by)
    ada = shell.sign_in("ada", shell.enrol("ada", *by))
    said = shell("roles", "ada", "--role", "checker", "--tenant", "acme", *by)
    assert "ada is checker now; one session ended" in said
    listed = {each["name"]: each for each in orjson.loads(shell("list", "--by", "root", "--json"))}
    assert listed["ada"]["roles"] == ["checker"]
    assert listed["ada"]["sessions"] == 0
    assert PASSWORD not in str(listed)
    assert "ada   checker  acme" in shell("list", "--by", "root")
    assert "the session has ended: sign in again" in shell("revoke", "root", "--as", ada, "--reason", "revenge", code=1)
    assert "ada is let in no more; no session was open" in shell("revoke", "ada", *by)
    assert "signed out" in shell("sign-out", root)
    assert not Path(root).exists()
    person = {name: each["person_id"] for name, each in listed.items()}
    entered = shell.entries()
    assert entered.count(("data.asked", "root", "")) == 3, "who looks at the list is on record"
    assert [each for each in entered if each[0] != "data.asked"] == [
        ("person.added", "operator", "the first admin"),
        ("person.enrolled", "operator", "the first admin"),
        ("access.signed_in", person["root"], ""),
        ("person.added", person["root"], "joined"),
        ("person.enrolled", person["root"], "joined"),
        ("access.signed_in", person["ada"], ""),
        ("person.roles_given", person["root"], "joined"),
        ("person.revoked", "access", "revenge"),
        ("person.revoked", person["root"], "joined"),
        ("access.signed_out", person["root"], ""),
    ]


def test_who_may_not_is_told_what_would_be_right(shell: Shell) -> None:
    """One sentence each, and nothing is changed; what the rights refuse is on record."""
    shell("add", "root", "--role", "admin", "--every-tenant", *OPERATOR)
    root = shell.sign_in("root", shell.enrol("root", *OPERATOR))
    shell("add", "ada", "--role", "analyst", "--every-tenant", *OPERATOR)
    ada = shell.sign_in("ada", shell.enrol("ada", *OPERATOR))
    before = shell.entries()
    eve = ("add", "eve", "--role", "analyst", "--every-tenant")
    open_file = shell.folder / "open"
    open_file.write_text("token")
    open_file.chmod(0o644)
    for said, words, code in (
        ("only an admin changes people", (*eve, "--as", ada, "--reason", "x"), 1),
        ("give --as FILE, the session of an admin", (*eve, "--reason", "x"), 2),
        ("give --as FILE, the session of an admin", (*eve, "--as", root, *OPERATOR), 2),
        ("sign in with: proofwatch people sign-in", (*eve, "--as", str(shell.folder / "none"), "--reason", "x"), 2),
        ("is open to every user of this machine", (*eve, "--as", str(open_file), "--reason", "x"), 2),
        ("--reason must say why", (*eve, "--as", root, "--reason", " "), 1),
        ("say whose data is there for them", ("add", "eve", "--role", "analyst", *OPERATOR), 2),
        ("lower case letters", ("add", "Eve X", "--role", "analyst", "--every-tenant", *OPERATOR), 2),
        ("a name is given once", ("add", "ada", "--role", "analyst", "--every-tenant", *OPERATOR), 2),
        ("never sees imagery", (*eve, "--role", "admin", *OPERATOR), 2),
        ("nobody changes their own access", ("revoke", "root", "--as", root, "--reason", "x"), 1),
        ("there is nobody of the name 'eve'", ("revoke", "eve", *OPERATOR), 2),
        ("there is no terminal to type a password at", ("enrol", "ada", *OPERATOR), 2),
    ):
        assert said in shell(*words, code=code)
    by = {each["name"]: each["person_id"] for each in orjson.loads(shell("list", "--by", "x", "--json"))}
    refused = [("person.added", by["ada"], "x"), ("person.revoked", by["root"], "x"), ("data.asked", "x", "")]
    assert shell.entries() == before + refused


def test_a_weak_password_and_a_wrong_one_are_refused(shell: Shell) -> None:
    """The new one says what is asked for; the wrong one says no more than it must."""
    shell("add", "ada", "--role", "analyst", "--every-tenant", *OPERATOR)
    weak = shell.folder / "weak"
    weak.write_text("short")
    weak.chmod(0o600)
    said = shell("enrol", "ada", "--password-file", str(weak), *OPERATOR, code=2)
    assert "a password has at least 12 characters" in said
    shell.enrol("ada", *OPERATOR)
    out = str(shell.folder / "out")
    words = ("sign-in", "ada", "--out", out, "--password-file", str(shell.password))
    assert "name, password or one-time code is wrong" in shell(*words, typed="000000\n", code=1)
    assert not Path(out).exists()


def test_a_database_without_the_schema_is_named(postgres_dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The first thing that goes wrong with a new release."""
    assert main(["people", "list", "--by", "root", "--dsn", postgres_dsn]) == 1
    assert "run `proofwatch migrate` first" in capsys.readouterr().err
