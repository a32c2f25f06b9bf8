-- revision 1
create schema if not exists incidents;

create table if not exists incidents.partitions(
  partition int primary key,
  step bigint not null,
  done_ms bigint not null,
  tidy_ms bigint not null
) with (fillfactor = 50);
comment on table incidents.partitions is 'One row for every partition of anomalies and of windows together: whoever writes for it holds it.';
comment on column incidents.partitions.step is 'Counts the committed steps; a process whose memory stands elsewhere reads again.';
comment on column incidents.partitions.done_ms is 'Log time up to which everything was taken, ms since the Unix epoch.';
comment on column incidents.partitions.tidy_ms is 'Log time at which to remove again what is kept no longer.';

create table if not exists incidents.arrivals(
  partition int not null,
  anomaly_id text collate "C" not null,
  revision bigint not null,
  at_ms bigint not null,
  body bytea not null,
  primary key(partition, anomaly_id, revision)
);
comment on table incidents.arrivals is 'Anomalies that wait for the rest of their closing.';
comment on column incidents.arrivals.at_ms is 'Log time, ms since the Unix epoch.';
comment on column incidents.arrivals.body is 'msgpack: the event.';

create table if not exists incidents.findings(
  tenant text collate "C" not null,
  anomaly_id text collate "C" not null,
  body bytea not null,
  primary key(tenant, anomaly_id)
);
comment on table incidents.findings is 'What the revisions of each anomaly say together.';
comment on column incidents.findings.body is 'msgpack: the firing revision with the most evidence, the newest one, since when, when known.';

create table if not exists incidents.incidents(
  tenant text collate "C" not null,
  incident_id text collate "C" not null,
  state text not null check (state in ('firing', 'ended', 'merged')),
  body bytea not null,
  primary key(tenant, incident_id)
);
comment on table incidents.incidents is 'Incidents by their last revision, until they are forgotten.';

create table if not exists incidents.windows(
  tenant text collate "C" not null,
  length_s int not null,
  start_ms bigint not null,
  partition int not null,
  body bytea not null,
  primary key(tenant, start_ms, length_s)
);
alter table incidents.windows alter column body set storage external;
create index if not exists windows_by_age on incidents.windows(partition, length_s, start_ms);
comment on table incidents.windows is 'Counts of the windows of one tenant, length and start, to compare slices by: one row with all of them.';
comment on column incidents.windows.body is 'msgpack, compressed by zlib: k and n by metric of every slice, by revision, with when each came.';
