-- revision 4
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
