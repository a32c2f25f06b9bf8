-- revision 3
create schema if not exists triage;

-- A case names its subject by tag (HMAC), never by subject_ref; a cohort case names a segment value.
create table if not exists triage.cases(
  case_id text primary key,
  tenant text not null,
  kind text not null check (kind in ('subject', 'cohort')),
  subject_tag text check (subject_tag ~ '^[0-9a-f]{32}$'),
  segment_name text,
  segment_value text,
  metric text,
  state text not null check (state in ('open', 'escalated', 'closed')),
  severity text not null check (severity in ('low', 'medium', 'high')),
  queue text not null check (queue in ('soc', 'research')),
  revision integer not null check (revision >= 1),
  opened_at timestamptz not null,
  changed_at timestamptz not null,
  check ((kind = 'subject') = (subject_tag is not null)),
  check ((kind = 'cohort') = (metric is not null)));

-- Cases of single anomalies (cohort) are of the releases before incidents: they stay until people close them.
alter table triage.cases add column if not exists merged_into text;
alter table triage.cases drop constraint if exists cases_kind_check;
alter table triage.cases add constraint cases_kind_check check (kind in ('subject', 'cohort', 'incident'));
alter table triage.cases drop constraint if exists cases_check1;
alter table triage.cases drop constraint if exists cases_metric_check1;
alter table triage.cases add constraint cases_metric_check1 check ((kind = 'subject') = (metric is null));
comment on column triage.cases.merged_into is 'The case that goes on for it.';

create unique index if not exists cases_one_running_per_subject on triage.cases(tenant, subject_tag)
  where state <> 'closed' and subject_tag is not null;
create index if not exists cases_running on triage.cases(state, changed_at) where state <> 'closed';

create table if not exists triage.case_reasons(
  case_id text not null references triage.cases,
  source_id text not null,
  source_revision bigint not null check (source_revision >= 1),
  code text not null,
  at timestamptz not null,
  transaction_id text,
  severity text not null check (severity in ('low', 'medium', 'high')),
  evidence jsonb not null,
  primary key (case_id, source_id, code));

create index if not exists case_reasons_by_source on triage.case_reasons(source_id);

-- How each case came to be what it is; rows are only ever added.
create table if not exists triage.case_transitions(
  case_id text not null references triage.cases,
  revision integer not null check (revision >= 1),
  from_state text not null check (from_state in ('absent', 'open', 'escalated', 'closed')),
  to_state text not null check (to_state in ('open', 'escalated', 'closed')),
  trigger text not null,
  why text not null,
  source_id text not null,
  source_revision bigint not null,
  at timestamptz not null,
  primary key (case_id, revision));
