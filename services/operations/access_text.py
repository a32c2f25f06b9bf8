"""Permissions as what people apply: lines for Kafka's own tool, JSON, YAML, and SQL."""

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

import yaml

from services.operations.access import MIGRATE, PROCESSES, Acl

_HISTORY: Final = "proofwatch"
"""The schema where `proofwatch migrate` remembers what it did; every service reads there how new its tables are."""

_KINDS: Final = ("tables", "sequences", "functions")
_LIMITS: Final = {"statement_timeout": "2min", "idle_in_transaction_session_timeout": "1min", "lock_timeout": "30s"}
"""Of every role but that of the migrations: twice what our own clients wait for. A session may set others, as ours do
(5 s between statements and for locks) and pg_dump does; who holds up a revocation or an erasure by that is ended."""
_ENDS: Final = "pg_signal_backend, pg_read_all_stats"
"""What the owner needs for `access.end_holders`, and uses for nothing else."""
_OWNED: Final = """\
do $$ declare each regclass; begin
  for each in select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = '{schema}' and c.relkind in ('r', 'p', 'v')
  loop execute format('alter table %s owner to %I', each, '{owner}'); end loop;
end $$;
do $$ declare each regprocedure; begin
  for each in select p.oid from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = '{schema}'
  loop execute format('alter function %s owner to %I', each, '{owner}'); end loop;
end $$;"""


def as_commands(found: Iterable[Acl]) -> str:
    """Return a shell script for kafka-acls.sh: a line for each principal and resource."""
    lines = [
        "#!/bin/sh",
        "# BOOTSTRAP: the brokers, host:port; CONFIG: a client.properties file of somebody who may alter ACLs.",
        'set -eu; acls() { kafka-acls.sh --bootstrap-server "$BOOTSTRAP" --command-config "$CONFIG" --add "$@"; }',
    ]
    for (principal, kind, resource, pattern), each in groupby(found, lambda acl: acl[:4]):
        operations = "".join(f" --operation {acl.operation}" for acl in each)
        lines.append(
            f"acls --allow-principal {shlex.quote(principal)}{operations} --{kind} {shlex.quote(resource)}"
            f" --resource-pattern-type {pattern}"
        )
    return "\n".join(lines) + "\n"


def as_json(found: Iterable[Acl]) -> str:
    """Return an array of objects, one for each permission."""
    return json.dumps([_object(acl) for acl in found], indent=2) + "\n"


def as_yaml(found: Iterable[Acl]) -> str:
    """Return the same in YAML, as tools that keep clusters by declaration read it."""
    dumped: str = yaml.safe_dump([_object(acl) for acl in found], sort_keys=False)
    return dumped


def as_sql(database: str, prefix: str = "proofwatch-") -> str:
    """Return SQL that makes one role for each process with tables, and one for the migrations; safe to run again.

    Roles get no password: `alter role … password` in psql's \\password, or a certificate. Each service reads and writes
    the rows of its own schema and changes no table; only the role of the migrations owns any.
    """
    owner = _quoted(prefix + MIGRATE)
    users = {_quoted(prefix + name): process for name, process in PROCESSES.items() if process.on_postgres()}
    schemas = [process.schema for process in users.values() if process.schema]
    parts = [
        "-- Run as a superuser in the database before `proofwatch migrate`, and again after it, for single columns and",
        "-- functions are granted where there are any. Safe to run again; what a role had and needs no more goes.",
        "begin;",
        *(_made(role) for role in (owner, *users)),
        f"revoke all on database {_quoted(database)} from public;",
        f"grant connect, create on database {_quoted(database)} to {owner};",
        *(f"grant connect on database {_quoted(database)} to {user};" for user in users),
        *(f"grant temporary on database {_quoted(database)} to {user};" for user in users if users[user].temporary),
        *(line for user in users for line in _limited(user, _quoted(database))),
        f"grant {_ENDS} to {owner};",
        "revoke create on schema public from public;",
    ]
    for schema in (_HISTORY, *schemas):
        parts += [
            f"create schema if not exists {schema} authorization {owner};",
            f"alter schema {schema} owner to {owner};",
            _owned(schema, owner),
        ]
    parts += [
        line for schema in (_HISTORY, *schemas) for on in _KINDS for line in _revoked(list(users), owner, schema, on)
    ]
    for user, process in users.items():
        if process.schema:
            parts += _granted(user, owner, process.schema, "select, insert, update, delete")
            parts += _granted(user, owner, process.schema, "usage", "sequences")
            parts += _granted(user, owner, _HISTORY, "select")
        for schema in process.calls_schemas:
            parts += _granted(user, owner, schema, "execute", "functions")
        parts += [_called(user, each) for each in process.asks]
        for schema in process.reads_schemas:
            parts += _granted(user, owner, schema, "select")
        for table, columns in process.columns().items():
            parts += _columns(user, table, columns)
        for table, columns in process.adds_rows.items():
            parts += _columns(user, table, columns, "insert")
        for table, columns in process.changes_columns.items():
            parts += _columns(user, table, columns, "update")
        parts += [_granted_there(user, table, "delete") for table in process.removes_rows]
    return "\n".join([*parts, "commit;"]) + "\n"


def _revoked(users: Sequence[str], owner: str, schema: str, on: str) -> list[str]:
    """Take back what there is, in the transaction that grants what is needed."""
    whose = ", ".join(users)
    return [
        f"revoke all on all {on} in schema {schema} from {whose};",
        f"alter default privileges for role {owner} in schema {schema} revoke all on {on} from {whose};",
    ]


def _granted(user: str, owner: str, schema: str, what: str, on: str = "tables") -> list[str]:
    return [
        f"grant usage on schema {schema} to {user};",
        f"grant {what} on all {on} in schema {schema} to {user};",
        f"alter default privileges for role {owner} in schema {schema} grant {what} on {on} to {user};",
    ]


def _columns(user: str, table: str, columns: Iterable[str], right: str = "select") -> list[str]:
    """Grant single columns, where the table is there."""
    usage = f"grant usage on schema {table.partition('.')[0]} to {user};"
    return [usage, _granted_there(user, table, f"{right} ({', '.join(columns)})")]


def _granted_there(user: str, table: str, what: str) -> str:
    return f"do $$ begin if to_regclass('{table}') is not null then grant {what} on {table} to {user}; end if; end $$;"


def _called(user: str, function: str) -> str:
    """Grant a function, where it is there."""
    what = f"grant execute on function {function} to {user}"
    return f"do $$ begin if to_regprocedure('{function}') is not null then {what}; end if; end $$;"


def _made(role: str) -> str:
    name = role.strip('"').replace("'", "''")
    return (
        f"do $$ begin if not exists (select from pg_roles where rolname = '{name}') "
        f"then create role {role} login; end if; end $$;"
    )


def _limited(user: str, database: str) -> list[str]:
    return [f"alter role {user} in database {database} set {name} = '{value}';" for name, value in _LIMITS.items()]


def _owned(schema: str, owner: str) -> str:
    """Hand over what is there already, so that later migrations may change it."""
    return _OWNED.replace("{schema}", schema).replace("{owner}", owner.strip('"').replace("'", "''"))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _object(acl: Acl) -> Mapping[str, Any]:
    return {
        "principal": acl.principal,
        "resource_type": acl.resource_type,
        "resource": acl.resource,
        "pattern_type": acl.pattern_type,
        "operation": acl.operation,
        "permission": "ALLOW",
    }
