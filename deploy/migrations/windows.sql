-- revision 9
create schema if not exists windows;

create table if not exists windows.progress(
  partition int primary key,
  step bigint not null,
  sources bytea not null
) with (fillfactor = 50);
comment on table windows.progress is 'One row for every tallies partition: how far each source of tallies is merged.';
comment on column windows.progress.step is 'Counts the committed steps; a process whose memory stands elsewhere reads again.';
comment on column windows.progress.sources is 'msgpack: position and time progress by source topic and partition.';

create table if not exists windows.buckets(
  tenant text not null,
  length_s int not null,
  start_ms bigint not null,
  partition int not null,
  closed boolean not null,
  body bytea not null,
  primary key(tenant, length_s, start_ms)
);
alter table windows.buckets add column if not exists late boolean not null default false;
alter table windows.buckets add column if not exists end_ms bigint;
-- The bodies are compressed already.
alter table windows.buckets alter column body set storage external;
create index if not exists buckets_open on windows.buckets(partition) where not closed;
comment on table windows.buckets is 'The windows of one tenant, length and start: one row with all segment values.';
comment on column windows.buckets.start_ms is 'Start, ms since the Unix epoch.';
comment on column windows.buckets.end_ms is 'ms since the Unix epoch: a day of a tenant may have 23 or 25 hours; null: start_ms and length_s.';
comment on column windows.buckets.partition is 'The tallies partition of the tenant; only its lane writes the row.';
comment on column windows.buckets.late is 'Everything in it came later than the alert horizon after its end.';
comment on column windows.buckets.body is 'msgpack, compressed by zlib (plain in rows of revision 2): counts, sums and sketches by segment value and policy, with revisions.';

create table if not exists windows.journal(
  partition int not null,
  step bigint not null,
  body bytea not null,
  primary key(partition, step)
);
alter table windows.journal alter column body set storage external;
comment on table windows.journal is 'What each step added to open buckets since they were last written whole.';
comment on column windows.journal.body is 'msgpack, compressed by zlib: additions to minutes by segment value and policy.';

create index if not exists buckets_by_age on windows.buckets(partition, length_s, start_ms) where closed;
create table if not exists windows.removed(
  day date not null,
  length_s int not null,
  partition int not null,
  rows bigint not null,
  before_ms bigint not null,
  primary key(day, length_s, partition)
);
comment on table windows.removed is 'Which windows were kept long enough and removed, by the day on which they were.';
comment on column windows.removed.before_ms is 'Those that began before this moment, ms since the Unix epoch.';
create table if not exists windows.removed_by_tenant(
  tenant text collate "C" not null,
  length_s int not null,
  rows bigint not null,
  before_ms bigint not null,
  primary key(tenant, length_s)
);
comment on table windows.removed_by_tenant is 'How many windows were kept long enough and removed, of each tenant.';

create table if not exists windows.baselines(
  tenant text not null,
  segment_name text not null,
  segment_value text not null,
  length_s int not null,
  slot int not null,
  body bytea not null,
  primary key(tenant, segment_name, segment_value, length_s, slot)
);
comment on table windows.baselines is 'Earlier comparable periods of every series; segment (empty, empty) is the whole tenant.';
comment on column windows.baselines.slot is 'Class of day (0 working day, 1 free) × 24 + hour, by the calendar of the tenant.';
comment on column windows.baselines.body is 'msgpack: periods (start ms, k, n) by metric.';

create table if not exists windows.anomalies(
  tenant text not null,
  segment_name text not null,
  segment_value text not null,
  length_s int not null,
  metric text not null,
  state text not null check (state in ('firing', 'resolved')),
  body bytea not null,
  primary key(tenant, segment_name, segment_value, length_s, metric)
);
comment on table windows.anomalies is 'The latest anomaly of every series that ever had one.';
comment on column windows.anomalies.body is 'msgpack: id, revision, severity and the windows it spans.';

-- Windows shorter than a day are judged by charts now: their baselines are of no use, and the rule's last findings end.
delete from windows.baselines where length_s < 86400;

create table if not exists windows.rate_charts(
  tenant text collate "C" not null,
  segment_name text collate "C" not null,
  segment_value text collate "C" not null,
  charts bytea not null,
  hours bytea,
  primary key(tenant, segment_name, segment_value)
) with (fillfactor = 70);
alter table windows.rate_charts alter column hours set storage external;
comment on table windows.rate_charts is 'What the CUSUM of each rate remembers; segment (empty, empty) is the whole tenant.';
comment on column windows.rate_charts.charts is 'msgpack, by metric: counts of this hour, what is usual in it, charts up and down.';
comment on column windows.rate_charts.hours is 'msgpack, compressed by zlib, by metric: hours of 28 days, the frozen reference.';

create table if not exists windows.rebases(
  id bigint generated always as identity primary key,
  tenant text collate "C" not null,
  segment_name text,
  segment_value text,
  metric text,
  from_ms bigint not null,
  effective_ms bigint not null,
  by_whom text not null check (by_whom <> ''),
  reason text not null check (reason <> ''),
  written_at timestamptz not null default now()
);
create or replace function windows.stays() returns trigger language plpgsql as
$$ begin raise exception 'entries of windows.% stay; add another one', tg_table_name; end $$;
create or replace trigger rebases_stay before update or delete or truncate on windows.rebases
  for each statement execute function windows.stays();
comment on table windows.rebases is 'What people said is usual: who, when and why. Entries stay. segment_name null: tenant and all values; metric null: every rate.';
comment on column windows.rebases.from_ms is 'What rates did from then on is what is usual, ms since the Unix epoch.';
comment on column windows.rebases.effective_ms is 'It takes effect with the first five-minute window that begins then or later.';

create table if not exists windows.minute_watch(
  tenant text collate "C" not null primary key,
  partition int not null,
  due_ms bigint,
  body bytea not null
) with (fillfactor = 50);
alter table windows.minute_watch alter column body set storage external;
comment on table windows.minute_watch is 'What the real-time detectors remember of each whole tenant.';
comment on column windows.minute_watch.partition is 'The tallies partition of the tenant; only its lane writes the row.';
comment on column windows.minute_watch.due_ms is 'When silence is to be told of, if nothing comes before, ms since the Unix epoch.';
comment on column windows.minute_watch.body is 'msgpack, compressed by zlib: minutes of the last hour, reference, where each detector stands, what was told.';

create table if not exists windows.calendars(
  one boolean not null primary key default true check (one),
  since_ms bigint not null
);
comment on table windows.calendars is 'Since when the days of tenants are told by their own calendars; one row.';
comment on column windows.calendars.since_ms is 'ms since the Unix epoch. What was counted before has days in UTC.';
-- With a day in between, so that no process of an earlier release is at work any more when it begins.
insert into windows.calendars (since_ms)
select case when exists (select from windows.progress)
            then (extract(epoch from now())::bigint / 86400 + 2) * 86400000 else 0 end
on conflict do nothing;

create table if not exists windows.versions(
  tenant text collate "C" not null primary key,
  partition int not null,
  body bytea not null
) with (fillfactor = 50);
alter table windows.versions alter column body set storage external;
alter table windows.versions add column if not exists due_ms bigint;
comment on column windows.versions.due_ms is 'When silence ends what is found, if nothing comes before, ms since the Unix epoch.';
comment on table windows.versions is 'What is known of the versions of matcher, PAD, SDK and policy of each tenant.';
comment on column windows.versions.partition is 'The tallies partition of the tenant; only its lane writes the row.';
comment on column windows.versions.body is 'msgpack, compressed by zlib: windows of the last hour, what is usual, comparisons, what was told.';

create table if not exists windows.markers(
  tenant text collate "C" not null,
  name text not null,
  version text not null,
  since_ms bigint not null,
  previous text,
  known_ms bigint not null,
  transactions bigint not null,
  share double precision not null,
  state text not null check (state in ('comparing', 'no_change', 'changed', 'as_before', 'no_traffic')),
  ended_ms bigint,
  primary key(tenant, name, version, since_ms)
);
alter table windows.markers add column if not exists by_whom text not null default '';
alter table windows.markers add column if not exists reason text not null default '';
comment on column windows.markers.by_whom is 'Who governed it: activated the policy, or declared the change; empty: it was only seen.';
comment on table windows.markers is 'New versions that began to carry real traffic, and what their comparison came to.';
comment on column windows.markers.name is 'matcher_version, pad_version, sdk_version, vendor, or policy, whose versions are hashes.';
comment on column windows.markers.since_ms is 'Its first transaction, ms since the Unix epoch.';
comment on column windows.markers.known_ms is 'When it had carried enough, ms since the Unix epoch.';
comment on column windows.markers.ended_ms is 'When its comparison was over, ms since the Unix epoch; null: it goes on.';

create table if not exists windows.declared_markers(
  id bigint generated always as identity primary key,
  tenant text collate "C" not null,
  name text not null check (name in ('matcher_version', 'pad_version', 'sdk_version', 'vendor')),
  version text not null check (version <> ''),
  at_ms bigint not null,
  effective_ms bigint not null,
  by_whom text not null check (by_whom <> ''),
  reason text not null check (reason <> ''),
  written_at timestamptz not null default now()
);
create or replace trigger declared_markers_stay before update or delete or truncate on windows.declared_markers
  for each statement execute function windows.stays();
comment on table windows.declared_markers is 'Changes of matcher, PAD, SDK or vendor that people declared: who, when and why. Entries stay.';
comment on column windows.declared_markers.at_ms is 'When it changed, as said, ms since the Unix epoch.';
comment on column windows.declared_markers.effective_ms is 'It takes effect with the first five-minute window that begins then or later.';

create table if not exists windows.segment_values(
  tenant text collate "C" not null primary key,
  partition int not null,
  body bytea not null
) with (fillfactor = 50);
alter table windows.segment_values alter column body set storage external;
comment on table windows.segment_values is 'Which segment values of each tenant are counted each by itself; further ones are (other).';
comment on column windows.segment_values.partition is 'The tallies partition of the tenant; only its lane writes the row.';
comment on column windows.segment_values.body is 'msgpack, compressed by zlib: by attribute and value the UTC day on which it was counted last.';

create table if not exists windows.timings(
  tenant text collate "C" not null primary key,
  partition int not null,
  body bytea not null
) with (fillfactor = 50);
alter table windows.timings alter column body set storage external;
comment on table windows.timings is 'What is usual of the durations of each tenant, by slice: quantiles of its last days, and what is told of them.';
comment on column windows.timings.partition is 'The tallies partition of the tenant; only its lane writes the row.';
comment on column windows.timings.body is 'msgpack, compressed by zlib: by slice and duration, logarithms of the median and nine tenths of 14 days.';

create table if not exists windows.late_counts(
  tenant text collate "C" not null primary key,
  partition int not null,
  due_ms bigint,
  body bytea not null
) with (fillfactor = 50);
alter table windows.late_counts alter column body set storage external;
comment on table windows.late_counts is 'Counters that came when their five minutes had closed, and that charts are still to count.';
comment on column windows.late_counts.partition is 'The tallies partition of the tenant; only its lane writes the row.';
comment on column windows.late_counts.due_ms is 'When charts count it at the latest, ms since the Unix epoch; null: nothing waits.';
comment on column windows.late_counts.body is 'msgpack, compressed by zlib: by segment value its counters.';
