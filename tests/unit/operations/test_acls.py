"""The rights that `proofwatch acls` prints are the least, and they are those of the processes as they are wired."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
import yaml

from proofwatch.bus.kafka.fence import transactional_id
from proofwatch.bus.records import TopicPartition
from proofwatch.events import topics
from proofwatch.events.stores import load_stores
from proofwatch.events.topics import load_manifests
from proofwatch.governance.release import NO_CONSENTS, UNDER_CONTRACT, Released, decide
from services.aggregator import app as aggregator
from services.aggregator.handlers import incidents, ledger
from services.auditor import app as auditor
from services.cli import main
from services.consents import app as consents
from services.devices import app as devices
from services.imagery import app as imagery
from services.notifier import app as notifier
from services.operations import dlq_redrive
from services.operations.access import PROCESSES, Acl, acls, others, principal_of
from services.operations.access_text import as_sql
from services.operations.run import SERVICES
from services.scorer import app as scorer
from services.triage import app as triage

WIRED: Mapping[str, Mapping[str, Sequence[str]]] = {
    "scorer": {scorer.GROUP: scorer.TOPICS},
    "devices": {devices.REKEY: (topics.TRANSACTIONS,), devices.GROUP: (topics.DEVICE_PROOFS,)},
    "combine": {aggregator.COMBINE: (topics.VERDICTS,)},
    "windows": {aggregator.WINDOWS: (topics.TALLIES,)},
    "ledger": {aggregator.LEDGER: ledger.TOPICS},
    "incidents": {aggregator.INCIDENTS: incidents.TOPICS},
    "triage": {triage.GROUP: triage.TOPICS},
    "notifier": {notifier.GROUP: notifier.TOPICS},
    "consents": {consents.GROUP: consents.TOPICS},
    "auditor": {auditor.GROUP: auditor.TOPICS},
    "imagery": {imagery.GROUP: imagery.TOPICS},
    "console": {},
    "sre": {dlq_redrive.GROUP: (topics.REDRIVES,)},
}


def test_every_service_is_a_principal_with_the_groups_and_topics_that_it_is_wired_to() -> None:
    """The table beside the manifests is the wiring of each app, and the topics' manifests name the same readers."""
    assert SERVICES.keys() < PROCESSES.keys()
    for name, process in PROCESSES.items():
        assert dict(process.groups) == WIRED.get(name, {})
        for topic in (each for read in process.groups.values() for each in read if each != topics.REDRIVES):
            assert name in load_manifests()[topic].consumers, topic


def test_whoever_has_a_group_says_how_far_it_is_and_reads_it_at_the_start() -> None:
    """A process that may not does not start on a broker that authorizes."""
    positions = load_manifests()[topics.POSITIONS]
    for name in (each for each, process in PROCESSES.items() if process.transacting()):
        assert name in positions.producers, name
        assert name in positions.consumers, name


def test_nobody_is_given_rights_on_a_topic_that_is_not_there() -> None:
    """Neither a topic nor the dead letters of one that has none."""
    names = {spec.name for spec in topics.kafka_specs()}
    assert {each.resource for each in acls(load_manifests()) if each.resource_type == "topic"} <= names


def of(process: str) -> set[tuple[str, ...]]:
    return {acl[1:] for acl in acls(load_manifests()) if acl.principal == principal_of(process)}


def test_a_process_may_read_write_and_commit_what_is_its_own() -> None:
    """Inputs, outputs, dead letters of the inputs, group, transactional ids of it and of its outbox."""
    windows = of("windows")
    assert {
        ("topic", topics.TALLIES, "literal", "READ"),
        ("topic", topics.WINDOWS, "literal", "WRITE"),
        ("topic", topics.dead_letter_topic(topics.TALLIES), "literal", "WRITE"),
        ("topic", topics.VERDICTS, "literal", "DESCRIBE"),
        ("group", "windows", "literal", "READ"),
        ("group", "windows-relay", "literal", "READ"),
    } <= windows
    for group in ("windows", "windows-relay"):
        name = transactional_id(group, TopicPartition(topics.TALLIES, 3))
        assert any(kind == "transactional-id" and name.startswith(prefix) for kind, prefix, _, _ in windows)


@pytest.mark.parametrize("process", sorted(each for each in SERVICES if not PROCESSES[each].takes_over))
def test_a_process_may_nothing_of_its_neighbours(process: str) -> None:
    """No topic that no manifest gives it but the alerts that it raised, no group and no transactional id of another."""
    manifests = load_manifests()
    written = {name for name, each in manifests.items() if process in each.producers}
    read = {name for name, each in manifests.items() if process in each.consumers}
    inputs = {topic for topics_ in WIRED[process].values() for topic in topics_}
    dead = {manifests[topic].dead_letter for topic in inputs}
    groups = {*WIRED[process], *(f"{group}-relay" for group in WIRED[process])}
    watched = PROCESSES[process].watches
    for kind, resource, _, operation in of(process):
        if kind == "topic" and operation == "WRITE":
            assert resource in written | dead
        elif kind == "topic" and operation == "READ":
            assert resource in read | dead | {topics.PLATFORM_ALERTS, *watched.values()}
        elif kind == "topic":
            assert (resource, operation) == (topics.VERDICTS, "DESCRIBE")
        elif kind == "group":
            assert resource in groups or (resource in watched and operation == "DESCRIBE")
        else:
            assert any(resource == f"{group}-{topic}-" for group in groups for topic in inputs)


def test_those_who_are_not_ours_get_the_topics_that_name_them() -> None:
    """Upstream writes transactions and reads verdicts; it never reads what is between our own processes."""
    upstream = {acl for acl in others(load_manifests()) if acl.principal == "User:proofwatch-upstream"}
    assert Acl("User:proofwatch-upstream", "topic", topics.TRANSACTIONS, "literal", "WRITE") in upstream
    assert not {acl for acl in upstream if acl.resource in (topics.TALLIES, topics.SUBJECTS, topics.SUSPICIONS)}


@pytest.mark.parametrize(("form", "load"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_json_and_yaml_hold_every_permission(
    form: str, load: Callable[[str], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """With the principals that the operator's cluster has."""
    assert main(["acls", "--format", form, "--principal", "User:CN={process},O=Acme"]) == 0
    found = load(capsys.readouterr().out)
    assert len(found) == len(acls(load_manifests()))
    on_kafka = PROCESSES.keys() - {"people", "audit-reader", "on-call"}  # they have tables alone
    assert {each["principal"] for each in found} == {f"User:CN={process},O=Acme" for process in on_kafka}


def test_lines_for_kafkas_tool_are_shell(capsys: pytest.CaptureFixture[str]) -> None:
    """Quoted where need be, several operations in one line; only those of the process that was asked for."""
    assert main(["acls", "--only", "combine", "--principal", "User:CN={process}, O=Acme"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("acls ")]
    assert (
        "acls --allow-principal 'User:CN=combine, O=Acme' --operation WRITE --topic metrics.tallies.v1 "
        "--resource-pattern-type literal"
    ) in lines
    assert len(lines) == 9


def test_a_principal_without_a_place_for_the_process_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """One principal for all would be the opposite of what is asked for."""
    assert main(["acls", "--principal", "User:proofwatch"]) == 2
    assert "must hold {process}" in capsys.readouterr().err


def test_what_a_command_reads_by_column_serves_its_purpose() -> None:
    """Each column names its category, and the matrix lets it serve the purpose; what is only counted is named so."""
    stores = load_stores()
    asked = {name: process for name, process in PROCESSES.items() if process.purpose}
    assert asked.keys() == {"billing", "statistics"}
    for name, process in asked.items():
        assert process.purpose is not None
        assert not process.reads_schemas, name
        for table, columns in process.columns().items():
            schema, _, short = table.partition(".")
            of = stores[schema].tables[short]
            assert set(columns) <= of.keys(), (name, table)
            for column in process.reads_columns.get(table, ()):
                decided = decide(process.purpose, [of[column]], NO_CONSENTS, UNDER_CONTRACT)
                assert isinstance(decided, Released), (name, table, column)
    counted = {name for name, process in PROCESSES.items() if process.counts_columns}
    assert counted == {"statistics"}, "only anonymous figures may rest on what their purpose forbids"


def test_the_sql_names_every_schema_once_with_its_one_writer() -> None:
    """The server itself is asked in the end-to-end tests."""
    sql = as_sql('odd"name')
    assert 'grant connect on database "odd""name" to "proofwatch-windows";' in sql
    for name, process in PROCESSES.items():
        tables = f"select, insert, update, delete on all tables in schema {process.schema}"
        assert (f'grant {tables} to "proofwatch-{name}";' in sql) is (process.schema is not None)
