-- revision 5
create schema if not exists notifier;

-- One row for each notification and channel. A pending one is due at due_ms; whoever takes it moves due_ms ahead,
-- so that it comes up again if the sender dies.
create table if not exists notifier.notifications(
  notification_id text primary key,
  channel text not null,
  source_topic text not null,
  source_id text not null,
  source_revision bigint not null,
  created_at timestamptz not null,
  event bytea not null,
  status text not null default 'pending' check (status in ('pending', 'sent', 'failed')),
  attempts integer not null default 0,
  due_ms bigint not null default 0,
  settled_ms bigint,
  reason text,
  check ((status = 'pending') = (settled_ms is null)));

comment on column notifier.notifications.event is 'The notification event as JSON bytes.';
comment on column notifier.notifications.due_ms is 'When the next attempt is due, ms since the Unix epoch; 0: at once.';
comment on column notifier.notifications.reason is 'Why the last attempt failed.';

create index if not exists notifications_due on notifier.notifications(due_ms) where status = 'pending';
create index if not exists notifications_by_source on notifier.notifications(source_topic, source_id);

create index if not exists notifications_settled on notifier.notifications(settled_ms) where status <> 'pending';
create table if not exists notifier.removed(
  day date not null,
  channel text not null,
  rows bigint not null,
  before_ms bigint not null,
  primary key(day, channel)
);
comment on table notifier.removed is 'Which notifications were kept long enough and removed, by the day on which they were.';
comment on column notifier.removed.before_ms is 'Those that were settled before this moment, ms since the Unix epoch.';

-- Erasure (ADR 0049): how many messages about cases have left and cannot be called back. They name a case, never a
-- person. Only the role `privacy` may ask.
create or replace function notifier.sent_about(cases text[]) returns bigint
  language sql stable security definer set search_path = '' as $$
    select count(*) from notifier.notifications n
    where n.status = 'sent' and n.source_topic = 'soc.escalations.v1'
      and (n.source_id = any(cases) or exists (
        select from unnest(cases) as c(id) where position(c.id in convert_from(n.event, 'UTF8')) > 0)) $$;
revoke all on function notifier.sent_about(text[]) from public;

-- From here on: what people are told of together, and why not (ADR 0066).
alter table notifier.notifications add column if not exists group_id text;
alter table notifier.notifications add column if not exists sequence bigint;
alter table notifier.notifications add column if not exists made_ms bigint;
comment on column notifier.notifications.made_ms is 'When it was made, ms since the Unix epoch.';
create index if not exists notifications_pending_of_group on notifier.notifications(group_id, sequence)
  where status = 'pending';
create index if not exists notifications_made on notifier.notifications(channel, made_ms);

create table if not exists notifier.alerts(
  alert_id text primary key,
  revision bigint not null,
  labels jsonb not null,
  over boolean not null,
  since_ms bigint not null,
  until_ms bigint,
  seen_ms bigint not null,
  check (over = (until_ms is not null)));
comment on table notifier.alerts is 'The newest revision of each thing that can be told; older ones are known by it.';
comment on column notifier.alerts.since_ms is 'Since when it fires without a break, ms since the Unix epoch.';
create index if not exists alerts_seen on notifier.alerts(seen_ms) where over;

create table if not exists notifier.groups(
  group_id text primary key,
  channel text not null,
  path text[] not null,
  labels jsonb not null,
  state bytea not null,
  wake_ms bigint,
  source_topic text not null,
  source_partition integer not null);
comment on table notifier.groups is 'What one channel has been told of the facts that one route groups together.';
comment on column notifier.groups.state is 'core/groups.Group as JSON bytes.';
comment on column notifier.groups.wake_ms is 'When it is looked at again, ms since the Unix epoch; null: when something comes.';
comment on column notifier.groups.source_partition is 'Through whose outbox its messages are published.';
create index if not exists groups_wake on notifier.groups(wake_ms) where wake_ms is not null;

create table if not exists notifier.arrivals(
  group_id text not null,
  alert_id text not null,
  revision bigint not null,
  at_ms bigint not null,
  fact bytea not null,
  primary key(group_id, alert_id, revision));
comment on table notifier.arrivals is 'Facts that their group has not taken yet.';

create table if not exists notifier.members(
  alert_id text not null,
  group_id text not null,
  primary key(alert_id, group_id));
comment on table notifier.members is 'Who was told that something fires, and must be told that it has ended.';

create table if not exists notifier.decisions(
  seq bigint generated always as identity primary key,
  group_id text not null,
  alert_id text not null,
  revision bigint not null,
  at_ms bigint not null,
  reason text not null,
  by text not null default '',
  sequence bigint);
comment on table notifier.decisions is 'Why somebody was told, or not: core/decisions.Reason.';
create index if not exists decisions_by_alert on notifier.decisions(alert_id, seq);
create index if not exists decisions_by_time on notifier.decisions(at_ms);

create table if not exists notifier.silences(
  silence_id text primary key,
  matchers text[] not null check (cardinality(matchers) > 0),
  begins_ms bigint not null,
  ends_ms bigint not null check (ends_ms >= begins_ms),
  author text not null,
  comment text not null,
  made_ms bigint not null,
  expired_by text);
comment on table notifier.silences is 'Nobody is told of what begins and matches; what ends is told.';
create index if not exists silences_end on notifier.silences(ends_ms);

create table if not exists notifier.acknowledgements(
  group_id text not null,
  sequence bigint not null,
  by text not null,
  comment text not null,
  at_ms bigint not null,
  primary key(group_id, sequence));
comment on table notifier.acknowledgements is 'Who took care of what a group told up to a message.';
