"""What the PostgreSQL fence needs of a database: its tables."""

from typing import Any

from proofwatch.bus.records import TopicPartition

_DDL = """
create schema if not exists {schema};
create table if not exists {schema}.fence(
  topic text not null,
  partition int not null,
  epoch bigint not null,
  position bigint,
  progress_ms bigint,
  outbox_seq bigint not null default 0,
  primary key(topic, partition)
) with (fillfactor = 50);
comment on table {schema}.fence is 'One row for every partition that this schema''s stage reads.';
comment on column {schema}.fence.epoch is 'Counts owners; a commit of an earlier one is refused.';
comment on column {schema}.fence.position is 'Everything below is in these tables; null: nothing yet.';
comment on column {schema}.fence.progress_ms is 'Time progress of the partition, ms since the Unix epoch.';
comment on column {schema}.fence.outbox_seq is 'Sequence of the next outbox row of this partition.';
alter table {schema}.fence add column if not exists topic_id text;
comment on column {schema}.fence.topic_id is 'Kafka''s identifier of the topic that position is of; null: not known.';
create table if not exists {schema}.outbox(
  source_topic text not null,
  source_partition int not null,
  seq bigint not null,
  topic text not null,
  partition int,
  key bytea,
  value bytea,
  timestamp_ms bigint,
  header_names text[] not null,
  header_values bytea[] not null,
  primary key(source_topic, source_partition, seq)
);
comment on table {schema}.outbox is 'Records to be published, dense in seq for each source partition.';
create table if not exists {schema}.outbox_relay(
  source_topic text not null,
  source_partition int not null,
  position bigint not null,
  primary key(source_topic, source_partition)
) with (fillfactor = 50);
comment on table {schema}.outbox_relay is 'Outbox rows below position are published and deleted.';
"""


def fence_ddl(schema: str) -> str:
    """Return the idempotent SQL for a schema's fence and outbox."""
    return in_schema(_DDL, schema)


def in_schema(sql: str, schema: str) -> str:
    """Put the schema's name in place of `{schema}`. Raises `ValueError` unless it is a plain identifier."""
    if not (schema.isidentifier() and schema.isascii() and schema == schema.lower()):
        raise ValueError(f"schema {schema!r} must be a lower-case ASCII identifier")
    return sql.replace("{schema}", schema)


async def fence_progress(connection: Any, schema: str) -> dict[TopicPartition, int | None]:
    """Return the time progress (ms since the Unix epoch) of every partition that was ever acquired."""
    rows = await connection.fetch(in_schema("select topic, partition, progress_ms from {schema}.fence", schema))
    return {TopicPartition(row["topic"], row["partition"]): row["progress_ms"] for row in rows}
