-- revision 25
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
alter table triage.cases add constraint cases_kind_check check (kind in ('subject', 'cohort', 'incident', 'access', 'cluster'));
alter table triage.cases drop constraint if exists cases_check1;
alter table triage.cases drop constraint if exists cases_metric_check1;
-- A case of access: imagery that was opened beyond one's own cases, or tried with another's grant. It has no subject.
alter table triage.cases add column if not exists about jsonb;
alter table triage.cases add constraint cases_metric_check1
  check ((kind = 'cluster' or (kind in ('subject', 'access')) = (metric is null)) and (kind = 'access') = (about is not null));
comment on column triage.cases.about is 'Of a case of access: tenant, case, grant, accounts and until when, as the alert says.';
comment on column triage.cases.merged_into is 'The case that goes on for it.';

create unique index if not exists cases_one_running_per_subject on triage.cases(tenant, subject_tag)
  where state <> 'closed' and subject_tag is not null;
-- Other cases of a person, and of a slice: what is beside a case.
create index if not exists cases_of_person on triage.cases(tenant, subject_tag, opened_at desc) where subject_tag is not null;
create index if not exists cases_of_slice on triage.cases(tenant, segment_name, segment_value, opened_at desc)
  where segment_name is not null;
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

-- Who works on a case: one person at a time, by their id in access.people. Rows stay; released_at ends them.
create table if not exists triage.assignments(
  assignment_id bigint generated always as identity primary key,
  case_id text not null references triage.cases,
  person_id text not null,
  assigned_at timestamptz not null,
  assigned_by text not null,
  released_at timestamptz,
  released_by text);
create unique index if not exists assignments_one_open on triage.assignments(case_id) where released_at is null;
create index if not exists assignments_open_of_person on triage.assignments(person_id) where released_at is null;
alter table triage.assignments add column if not exists why text;
comment on column triage.assignments.why is 'Why it came to them: take, assign; of the next case, why it was that one.';
comment on column triage.assignments.released_by is 'A person, or triage: a case that went on in another one.';

alter table triage.cases add column if not exists closed_at timestamptz;
alter table triage.cases add column if not exists closed_by text;
alter table triage.cases add column if not exists closed_reason text;
comment on column triage.cases.closed_by is 'The person; null where it is open, or was closed since it is a part of another.';

-- A case that is a part of another (ADR 0056, `core/parts.py`): it keeps what it is, and is worked on with the whole. No
-- foreign key: either may go before the other does. `parts_grave`: one of its parts is of high severity.
alter table triage.cases add column if not exists part_of text;
alter table triage.cases add column if not exists parts_grave boolean not null default false;
create index if not exists cases_parts on triage.cases(part_of) where part_of is not null;
comment on column triage.cases.part_of is 'The case that it is a part of; that one is a part of none.';
create table if not exists triage.parts(
  number bigint generated always as identity primary key,
  whole_id text not null,
  part_id text not null references triage.cases,
  joined_at timestamptz not null,
  joined_by text not null,
  why text not null,
  left_at timestamptz,
  left_by text,
  left_why text,
  check ((left_at is null) = (left_by is null)));
create unique index if not exists parts_one_whole on triage.parts(part_id) where left_at is null;
create index if not exists parts_of_whole on triage.parts(whole_id);
comment on column triage.parts.joined_by is 'A person, or triage: what belongs together by what suspicions say.';

-- What cases may have in common (ADR 0058, `core/traits.py`), by marks that do not say what it is, and by day. `value`: of
-- a pattern its id. Lanes only add to it, and name in `unsettled` the cases of which something is new; one lane looks
-- where those belong (`core/clusters.py`).
create table if not exists triage.traits(
  mark text not null check (mark ~ '^[0-9a-f]{32}$'),
  day date not null,
  case_id text not null,
  kind text not null,
  value text,
  first_at timestamptz not null,
  last_at timestamptz not null,
  logged_at timestamptz not null,
  primary key (mark, day, case_id));
create index if not exists traits_of_case on triage.traits(case_id);
create table if not exists triage.unsettled(
  number bigint generated always as identity primary key,
  case_id text not null);
-- Incidents that are of a slice of handsets: what happened on one of it from `since` until before `until` belongs to them.
-- `goes_with`: the alarm on the same slice that was there before and holds meanwhile: one attack is one case, however many
-- incidents tell of it. `settled`: what it says now was looked at.
create table if not exists triage.alarms(
  alarm_id text primary key,
  tenant text not null,
  marks text[] not null check (cardinality(marks) > 0),
  since timestamptz not null,
  until timestamptz,
  segment_name text not null,
  segment_value text not null,
  metric text not null,
  goes_with text,
  settled boolean not null default false);
create index if not exists alarms_by_mark on triage.alarms((marks[1]));
create index if not exists alarms_unsettled on triage.alarms(alarm_id) where not settled;
-- By what, and on which day, cases belong together: `key` is a mark, or an alarm.
create or replace view triage.belonging as
  select t.case_id, t.mark as key, t.day, t.kind, t.value, t.logged_at from triage.traits t
  where t.kind in ('imagery', 'device', 'pattern', 'timing')
  union all
  select t.case_id, coalesce(a.goes_with, a.alarm_id), t.day, 'cohort', null, t.logged_at
  from triage.alarms a join triage.traits t on t.mark = a.marks[1]
  where t.last_at >= a.since and (a.until is null or t.first_at < a.until)
    and t.day >= (a.since at time zone 'UTC')::date and t.day <= coalesce((a.until at time zone 'UTC')::date, 'infinity')
    and not exists (
      select from unnest(a.marks[2:]) as m(mark) where not exists (
        select from triage.traits o where o.mark = m.mark and o.day = t.day and o.case_id = t.case_id
          and o.last_at >= a.since and (a.until is null or o.first_at < a.until)));
-- Clusters that have a case.
create table if not exists triage.clusters(
  case_id text primary key,
  key text not null,
  day date not null,
  unique (key, day));

-- What a service that lets something of a case out asks, without rights to change these tables: the case as it is, which
-- goes on as it is until that service's transaction has ended: nobody releases, refers or closes it meanwhile.
create or replace function triage.held(id text)
  returns table(tenant text, state text, severity text, queue text, assignee text)
  language plpgsql volatile security definer set search_path = '' as $$ begin
    perform 1 from triage.cases c
      where c.case_id = id or c.case_id = (select p.part_of from triage.cases p where p.case_id = id)
      order by c.case_id for share;
    return query select c.tenant, c.state, case when c.parts_grave then 'high' else c.severity end, c.queue, a.person_id
      from triage.cases p join triage.cases c on c.case_id = coalesce(p.part_of, p.case_id)
      left join triage.assignments a on a.case_id = c.case_id and a.released_at is null where p.case_id = id;
  end $$;

-- What became of attempts (ADR 0065), as verdicts say: of everybody those that did not pass cleanly, and of who has one
-- such those that passed within thirty days after it. `attempt_id` empty: the first of its transaction. `handset`,
-- `durations`, `slices`: marks of traits (`core/traits.py`), which do not say what it was. They go by age
-- (`schemas/stores/triage.yaml`) and with the person.
create table if not exists triage.attempts(
  tenant text not null,
  transaction_id text not null,
  attempt_id text not null,
  subject_tag text not null check (subject_tag ~ '^[0-9a-f]{32}$'),
  keyed boolean not null,
  at timestamptz not null,
  logged_at timestamptz not null,
  decision text not null,
  action text not null,
  reasons text[] not null,
  match_outcome text not null,
  liveness_outcome text not null,
  match_score double precision,
  liveness_score double precision,
  match_threshold double precision not null,
  liveness_threshold double precision not null,
  policy_hash uuid not null,
  handset uuid,
  durations uuid,
  slices uuid[] not null,
  primary key (tenant, transaction_id, attempt_id));
create index if not exists attempts_of_person on triage.attempts(tenant, subject_tag, logged_at desc);
create index if not exists attempts_of_handset on triage.attempts(handset, at desc) where handset is not null;
create index if not exists attempts_of_durations on triage.attempts(durations) where durations is not null;
create index if not exists attempts_by_time on triage.attempts(tenant, at);
create index if not exists attempts_kept on triage.attempts(logged_at);
create index if not exists attempts_unkeyed on triage.attempts(tenant collate "C", subject_tag collate "C") where not keyed;
comment on column triage.attempts.logged_at is 'Log time of the verdict; kept so many days from then on.';

-- Erasure (ADR 0049): which transactions cases and attempts of a person name; and to take from them who that is. Cases stay, as
-- closed; their tag becomes a random one, transactions and what their ids would lead to go. Only the role `privacy` may.
create or replace function triage.transactions_of(whose text, tags text[]) returns setof text
  language sql stable security definer set search_path = '' as $$
    select r.transaction_id from triage.case_reasons r join triage.cases c using (case_id)
    where c.tenant = whose and c.subject_tag = any(tags) and r.transaction_id is not null
    union select a.transaction_id from triage.attempts a where a.tenant = whose and a.subject_tag = any(tags) $$;
-- Whether a case, or a part of it, is about a person: what a use of it is permitted for (ADR 0060).
create or replace function triage.is_about(id text, whose text, tags text[]) returns boolean
  language sql stable security definer set search_path = '' as $$
    select exists (select from triage.cases c
      where (c.case_id = id or c.part_of = id) and c.tenant = whose and c.subject_tag = any(tags)) $$;
create or replace function triage.forget(whose text, tags text[], at timestamptz)
  returns table(forgotten text[], reasons bigint)
  language plpgsql volatile security definer set search_path = '' as $$
  declare found text[]; fresh text := replace(gen_random_uuid()::text, '-', ''); changed bigint; begin
    perform 1 from triage.cases c where (c.tenant = whose and c.subject_tag = any(tags))
      or c.case_id in (select p.part_of from triage.cases p where p.tenant = whose and p.subject_tag = any(tags))
      order by c.case_id for update;
    select coalesce(array_agg(c.case_id order by c.case_id), '{}') into found
      from triage.cases c where c.tenant = whose and c.subject_tag = any(tags);
    insert into triage.case_transitions(case_id, revision, from_state, to_state, trigger, why, source_id,
                                        source_revision, at)
      select c.case_id, c.revision + 1, c.state, 'closed', 'erasure', 'subject_erased', 'erasure', 1,
             greatest(c.changed_at, at)
      from triage.cases c where c.case_id = any(found) and c.state <> 'closed';
    update triage.cases c set state = 'closed', revision = c.revision + 1, changed_at = greatest(c.changed_at, at),
        closed_at = at, closed_by = 'erasure', closed_reason = 'the data subject was erased'
      where c.case_id = any(found) and c.state <> 'closed';
    update triage.cases c set subject_tag = fresh, keyed = true where c.case_id = any(found);
    delete from triage.unsent u where u.case_id = any(found);
    delete from triage.traits r where r.case_id = any(found);
    delete from triage.unsettled u where u.case_id = any(found);
    delete from triage.rereviews w where w.case_id = any(found);
    delete from triage.notes n where n.case_id = any(found);
    delete from privacy.keys k where k.tenant = whose
      and k.mark in (select triage.note_mark(f.id) from unnest(found) as f(id));
    update triage.assignments a set released_at = at, released_by = 'erasure'
      where a.case_id = any(found) and a.released_at is null;
    update triage.case_transitions t set source_id = 'erased-' || gen_random_uuid()
      where t.case_id = any(found) and t.source_id not like 'erased-%';
    update triage.case_reasons r set transaction_id = null, source_id = 'erased-' || gen_random_uuid()
      where r.case_id = any(found) and r.source_id not like 'erased-%';
    get diagnostics changed = row_count;
    return query select found, changed;
  end $$;
revoke all on function triage.transactions_of(text, text[]) from public;
revoke all on function triage.is_about(text, text, text[]) from public;
revoke all on function triage.forget(text, text[], timestamptz) from public;

-- Retention: closed cases of before a moment, some at a time; those of held persons stay. Only the role `privacy` may.
create index if not exists cases_closed on triage.cases(coalesce(closed_at, changed_at)) where state = 'closed';
create or replace function triage.to_retire(before timestamptz, whose text[], tags text[])
  returns table(tenant text, held text, n bigint)
  language sql stable security definer set search_path = '' as $$
    select c.tenant, h.tag, count(*) from triage.cases c
      left join unnest(whose, tags) as h(tenant, tag) on h.tenant = c.tenant and h.tag = c.subject_tag
    where c.state = 'closed' and coalesce(c.closed_at, c.changed_at) < before group by 1, 2 $$;
create or replace function triage.retire(before timestamptz, whose text[], tags text[], most integer)
  returns table(tenant text, n bigint)
  language plpgsql volatile security definer set search_path = '' as $$
  declare gone text[]; begin
    select coalesce(array_agg(o.case_id), '{}') into gone from (
      select c.case_id from triage.cases c
      where c.state = 'closed' and coalesce(c.closed_at, c.changed_at) < before
        and not exists (select from unnest(whose, tags) as h(tenant, tag)
                        where h.tenant = c.tenant and h.tag = c.subject_tag)
      order by coalesce(c.closed_at, c.changed_at) limit most for update of c skip locked) as o;
    delete from triage.bulks b where b.begun_at < now() - interval '30 days';
    delete from triage.unsent u where u.case_id = any(gone);
    delete from triage.notes n where n.case_id = any(gone);
    delete from privacy.keys k using triage.cases c
      where c.case_id = any(gone) and k.tenant = c.tenant and k.mark = triage.note_mark(c.case_id);
    delete from triage.rereviews w where w.case_id = any(gone);
    delete from triage.dispositions p where p.case_id = any(gone);
    delete from triage.case_acts e where e.case_id = any(gone);
    delete from triage.traits r where r.case_id = any(gone);
    delete from triage.unsettled u where u.case_id = any(gone);
    delete from triage.clusters k where k.case_id = any(gone);
    delete from triage.alarms m where m.until < before - interval '1 day';
    delete from triage.parts p where p.part_id = any(gone);
    update triage.parts p set left_at = now(), left_by = 'retention', left_why = 'whole_retired'
      where p.whole_id = any(gone) and p.left_at is null;
    update triage.cases c set part_of = null where c.part_of = any(gone);
    delete from triage.case_reasons r where r.case_id = any(gone);
    delete from triage.case_transitions t where t.case_id = any(gone);
    delete from triage.assignments a where a.case_id = any(gone);
    return query with done as (delete from triage.cases c where c.case_id = any(gone) returning c.tenant)
      select d.tenant, count(*) from done d group by 1;
  end $$;
revoke all on function triage.to_retire(timestamptz, text[], text[]) from public;
revoke all on function triage.retire(timestamptz, text[], text[], integer) from public;

-- Tags of subjects (ADR 0049): `keyed` ones nobody can derive from the deployment's secret. A table has one kind at a time,
-- and refuses the other: a process that has not heard of the move, or of an older release, writes nothing.
alter table triage.cases add column if not exists keyed boolean not null default false;
create index if not exists cases_unkeyed on triage.cases(tenant collate "C", subject_tag collate "C")
  where not keyed and subject_tag is not null;
create or replace function triage.require_kind_of_tag() returns trigger language plpgsql set search_path = '' as $$ begin
    if new.keyed <> privacy.tags_moved() then
      raise exception 'tags of subjects are under %: this process knows that not yet, or is of an older release',
        case when new.keyed then 'the deployment''s secret' else 'data keys' end;
    end if;
    return new;
  end $$;
create or replace trigger cases_kind_of_tag before insert on triage.cases
  for each row when (new.subject_tag is not null) execute function triage.require_kind_of_tag();
-- The move, for the role `privacy` alone: nobody writes meanwhile, which tags are to be moved, and moving them. By their
-- index, whatever is known of the table: page by page through the whole of it, a million would take days.
create or replace function triage.lock_tags() returns void
  language plpgsql volatile security definer set search_path = '' as $$ begin
    lock table triage.cases in share row exclusive mode;
  end $$;
create or replace function triage.tags_unkeyed(after_tenant text, after_tag text, most integer)
  returns table(tenant text, tag text)
  language sql stable security definer set search_path = ''
  set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set enable_hashagg = off as $$
    select distinct t.tenant collate "C", t.subject_tag collate "C" from triage.cases t
    where not t.keyed and t.subject_tag is not null
      and (t.tenant collate "C", t.subject_tag collate "C") > (after_tenant, after_tag)
    order by 1, 2 limit most $$;
create or replace function triage.retag(whose text[], olds text[], news text[]) returns bigint
  language sql volatile security definer set search_path = ''
  set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
    with done as (
      update triage.cases t set subject_tag = w.new, keyed = true from unnest(whose, olds, news) as w(tenant, old, new)
      where t.tenant collate "C" = w.tenant collate "C" and t.subject_tag collate "C" = w.old collate "C" and not t.keyed
        and t.subject_tag is not null returning 1)
    select count(*) from done $$;
revoke all on function triage.lock_tags() from public;
revoke all on function triage.tags_unkeyed(text, text, integer) from public;
revoke all on function triage.retag(text[], text[], text[]) from public;
-- Tags of those who were erased before are random already.
update triage.cases c set keyed = true where not c.keyed and c.kind = 'subject'
  and exists (select from triage.case_reasons r where r.case_id = c.case_id and r.source_id like 'erased-%');

-- The stage of a case as people lead it (`services/triage/core/life.py`). Events close cases and open them anew without
-- knowing stages: the trigger below follows them, and what is new about somebody who was cleared, or about a case that
-- rests, is looked at again.
alter table triage.cases add column if not exists stage text not null default 'new';
alter table triage.cases add column if not exists snoozed_until timestamptz;
update triage.cases set stage = case when state = 'closed' then 'closed' else 'research' end
  where stage = 'new' and (state = 'closed' or queue = 'research');
alter table triage.cases drop constraint if exists cases_stage_check;
alter table triage.cases add constraint cases_stage_check check (stage in ('new', 'assigned', 'under_review', 'cleared',
  'threat', 'escalated', 'known', 'novel', 'high_risk', 'research', 'closed'));

-- When a case is due, by the time that people have for its kind, without the time that it rests (`core/due.py`); a case
-- that is opened anew has the whole of it again. `told_overdue_at`: that it is overdue was told, which is done once.
alter table triage.cases add column if not exists due_s integer;
alter table triage.cases add column if not exists due_at timestamptz;
alter table triage.cases add column if not exists snoozed_at timestamptz;
alter table triage.cases add column if not exists told_overdue_at timestamptz;
create index if not exists cases_due on triage.cases(due_at)
  where state <> 'closed' and due_at is not null and told_overdue_at is null;

-- What people did with a case that moved it, or let it rest: rows are only ever added.
create table if not exists triage.case_acts(
  act_id bigint generated always as identity primary key,
  case_id text not null references triage.cases,
  at timestamptz not null,
  deed text not null,
  from_stage text not null,
  to_stage text not null,
  person_id text not null,
  reason text not null);
create index if not exists case_acts_of_case on triage.case_acts(case_id);

-- What somebody found a case to be, and whether a second person agreed. `on_revision`: of the case, when it was said.
create table if not exists triage.dispositions(
  disposition_id text primary key,
  number bigint generated always as identity,
  case_id text not null references triage.cases,
  verdict text not null check (verdict in ('cleared', 'threat')),
  attack text check (attack in ('presentation', 'injection', 'impostor')),
  species text,
  reason text not null,
  proposed_by text not null,
  proposed_at timestamptz not null,
  on_revision integer not null,
  state text not null check (state in ('proposed', 'decided', 'approved', 'rejected', 'voided', 'replaced')),
  settled_by text,
  settled_at timestamptz,
  check ((verdict = 'threat') = (attack is not null)),
  check ((state = 'proposed') = (settled_at is null)));
create unique index if not exists dispositions_one_proposed on triage.dispositions(case_id) where state = 'proposed';
create index if not exists dispositions_of_case on triage.dispositions(case_id);
comment on column triage.dispositions.state is
  'decided: by one person; approved: by two; voided: the evidence had changed; replaced: the analyst proposed anew.';

-- What people's acts are to send, until triage's lane takes it into the outbox: labels of dispositions, and escalations.
create table if not exists triage.unsent(
  unsent_id bigint generated always as identity primary key,
  case_id text not null references triage.cases,
  kind text not null check (kind in ('label', 'escalation')),
  body text not null);

-- Notes of people on cases, sealed under a data key of the case's own (`services/triage/adapters/notes.py`): `key_id`, nonce
-- and ciphertext as in the audit log. The key is one of `privacy.keys`, so that it moves from epoch to epoch with them; it
-- and the notes go with the subject, and with the case. Whoever works on cases asks for these keys alone.
create table if not exists triage.notes(
  note_id text primary key,
  number bigint generated always as identity,
  case_id text not null references triage.cases,
  person_id text not null,
  at timestamptz not null,
  key_id text not null,
  nonce bytea not null,
  ciphertext bytea not null);
create index if not exists notes_of_case on triage.notes(case_id);
create or replace function triage.note_mark(id text) returns text
  language sql immutable set search_path = '' as $$
    select substr(encode(sha256(convert_to('notes of ' || id, 'UTF8')), 'hex'), 1, 32) $$;
create or replace function triage.note_keys(ids text[])
  returns table(tenant text, mark text, key_id text, epoch integer, wrapped bytea)
  language plpgsql stable security definer set search_path = '' as $$ begin
    return query select c.tenant, c.case_id, k.key_id, k.epoch, k.wrapped from triage.cases c
      join privacy.keys k on k.tenant = c.tenant and k.mark = triage.note_mark(c.case_id) where c.case_id = any(ids);
  end $$;
create or replace function triage.keep_note_key(id text, key text, epoch integer, body bytea) returns void
  language plpgsql volatile security definer set search_path = '' as $$ begin
    perform privacy.keep_keys(array[c.tenant], array[triage.note_mark(id)], array[key], array[epoch], array[body])
      from triage.cases c where c.case_id = id;
  end $$;
revoke all on function triage.note_keys(text[]) from public;
revoke all on function triage.keep_note_key(text, text, integer, bytea) from public;

-- Deeds on many cases at once: what each person asked under a key of theirs, and what became of each case, which is kept
-- in the transaction of the deed, so that it is done once. `digest`: of what was asked. They go after thirty days.
create table if not exists triage.bulks(
  person_id text not null,
  key text not null,
  digest bytea not null,
  begun_at timestamptz not null,
  primary key (person_id, key));
create index if not exists bulks_begun on triage.bulks(begun_at);
create table if not exists triage.bulk_results(
  person_id text not null,
  key text not null,
  number integer not null,
  case_id text not null,
  code text not null,
  detail text not null,
  seen text,
  primary key (person_id, key, case_id),
  foreign key (person_id, key) references triage.bulks on delete cascade);
comment on column triage.bulk_results.number is 'Its place in what was asked.';

-- What somebody has seen of a case, so that nobody acts on what is no longer so: `revision` counts what events do to it,
-- and `version` everything else that people would see, such as the queue and who works on it.
alter table triage.cases add column if not exists version bigint not null default 1;
comment on column triage.cases.version is 'Counts changes beside those of revision; the two are what was seen.';
-- The transaction that changed it last. What is below the oldest one that still runs is all that there will be: who reads
-- in this order, and goes on from there, misses nothing.
alter table triage.cases add column if not exists changed_in xid8 not null default pg_current_xact_id();
create index if not exists cases_changed_in on triage.cases(changed_in, case_id collate "C");
create or replace function triage.count_version() returns trigger language plpgsql set search_path = '' as $$ begin
    new.version := old.version + (new.revision = old.revision)::int;
    new.changed_in := pg_current_xact_id();
    if new.state = 'closed' then
      new.stage := 'closed';
    elsif old.state = 'closed' and new.stage = 'closed' then
      new.stage := 'new';
    elsif new.revision <> old.revision and old.stage = 'cleared' and new.stage = 'cleared' then
      new.stage := 'new';
    end if;
    if new.revision <> old.revision and new.snoozed_until is not null then
      new.due_at := new.due_at - greatest(interval '0', new.snoozed_until - greatest(new.changed_at, new.snoozed_at));
      new.snoozed_until := null;
    end if;
    return new;
  end $$;
create or replace trigger cases_version before update on triage.cases
  for each row execute function triage.count_version();
create or replace function triage.touch_case() returns trigger language plpgsql set search_path = '' as $$ begin
    update triage.cases set version = version where case_id = new.case_id;
    return null;
  end $$;
create or replace trigger notes_touch after insert on triage.notes
  for each row execute function triage.touch_case();
create or replace trigger assignments_touch after insert or update on triage.assignments
  for each row execute function triage.touch_case();
create or replace trigger dispositions_touch after insert or update on triage.dispositions
  for each row execute function triage.touch_case();

-- A whole follows its parts: what is new of one is new of it, so that it is looked at again, and what was proposed of it on
-- other evidence cannot be approved. A part of a whole that ends by evidence, or by an erasure, goes on by itself, and so
-- does one that begins anew after its whole was closed: nothing that runs is hidden behind what does not. The revision of a
-- cluster counts those of its parts, so it does not matter in which batches they came.
create or replace function triage.follow_parts() returns trigger language plpgsql set search_path = '' as $$
  declare alone text[]; begin
    if not exists (select from now_ n join was w using (case_id)
                   where n.part_of is distinct from w.part_of or n.part_of is not null
                      or n.state is distinct from w.state) then
      return null;
    end if;
    update triage.cases c set version = c.version + 1,
        revision = c.revision + f.news + case when c.kind = 'cluster' then f.joined else 0 end,
        changed_at = greatest(c.changed_at, f.changed_at, case when c.kind = 'cluster' then f.joined_at end),
        parts_grave = case when f.fewer
          then exists (select from triage.cases p where p.part_of = c.case_id and p.severity = 'high')
          else c.parts_grave or f.grave end
      from (select x.whole_id, sum(x.news)::int as news, sum(x.joined)::int as joined, max(x.changed_at) as changed_at,
                   max(x.joined_at) as joined_at, bool_or(x.grave) as grave, bool_or(x.fewer) as fewer
            from (
              select n.part_of as whole_id,
                     case when n.part_of = w.part_of then n.revision - w.revision else 0 end as news,
                     case when n.part_of is distinct from w.part_of then n.revision else 0 end as joined,
                     case when n.revision <> w.revision then n.changed_at end as changed_at,
                     case when n.part_of is distinct from w.part_of then n.changed_at end as joined_at,
                     n.severity = 'high' as grave, false as fewer
              from now_ n join was w using (case_id)
              where n.part_of is not null
                and (n.revision <> w.revision or n.severity <> w.severity or n.part_of is distinct from w.part_of)
              union all
              select w.part_of, 0, 0, null, null, false, true from now_ n join was w using (case_id)
              where w.part_of is not null and n.part_of is distinct from w.part_of) as x group by 1) as f
      where c.case_id = f.whole_id and c.state <> 'closed';
    select array_agg(p.case_id order by p.case_id) into alone from triage.cases p
      join triage.cases c on c.case_id = p.part_of
      where p.state <> 'closed' and c.state = 'closed' and p.case_id in (
        select n.case_id from now_ n where n.part_of is not null and n.state <> 'closed'
        union all select o.case_id from triage.cases o where o.part_of in (
          select n.case_id from now_ n where n.state = 'closed'));
    if alone is not null then
      update triage.parts p set left_at = c.changed_at, left_by = 'triage', left_why = 'whole_closed'
        from triage.cases c where c.case_id = p.whole_id and p.part_id = any(alone) and p.left_at is null;
      update triage.cases c set part_of = null where c.case_id = any(alone);
    end if;
    return null;
  end $$;
create or replace trigger cases_follow_parts after update on triage.cases
  referencing old table as was new table as now_ for each statement execute function triage.follow_parts();

-- The next case for somebody is a whole; grave ones, or those with a grave part, first.
drop index if exists triage.cases_next;
create index if not exists cases_next_whole on triage.cases(queue, (severity = 'high' or parts_grave) desc, opened_at,
  case_id) where state <> 'closed' and part_of is null;

-- Attack patterns as people work on them (ADR 0061, `core/patterns.py`): how each stands, and what was done with it. They
-- are the platform's; `tenant` is that of the case that a pattern came from, which is shown to who sees that tenant.
create table if not exists triage.patterns(
  pattern_id text primary key check (pattern_id ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  revision integer not null check (revision >= 0),
  state text not null check (state in ('draft', 'proposed', 'shadow', 'live_proposed', 'live', 'withdrawn')),
  description text not null,
  species text,
  severity text not null check (severity in ('low', 'medium', 'high')),
  predicate text not null,
  case_id text,
  tenant text,
  drafted_by text not null,
  drafted_at timestamptz not null,
  proposed_by text,
  changed_at timestamptz not null,
  check ((state in ('proposed', 'live_proposed')) = (proposed_by is not null)));
comment on column triage.patterns.revision is 'What was published last; 0: nothing was.';
create table if not exists triage.pattern_acts(
  act_id bigint generated always as identity primary key,
  pattern_id text not null references triage.patterns,
  revision integer not null,
  at timestamptz not null,
  deed text not null,
  from_state text,
  to_state text not null,
  person_id text not null,
  reason text not null);
create index if not exists pattern_acts_of_pattern on triage.pattern_acts(pattern_id);
alter table triage.unsent alter column case_id drop not null;
alter table triage.unsent drop constraint if exists unsent_kind_check;
alter table triage.unsent add constraint unsent_kind_check check (kind in ('label', 'escalation', 'pattern'));
alter table triage.unsent drop constraint if exists unsent_of_case;
alter table triage.unsent add constraint unsent_of_case check ((kind = 'pattern') = (case_id is null));
-- Dispositions that somebody judges again without knowing them (`core/rereviews.py`): which, whose work it is, and what
-- they found. They go with the case, and with what the person is erased of.
create table if not exists triage.rereviews(
  disposition_id text primary key references triage.dispositions,
  case_id text not null references triage.cases,
  drawn_at timestamptz not null,
  given_to text,
  given_at timestamptz,
  verdict text check (verdict in ('cleared', 'threat')),
  attack text,
  species text,
  reason text,
  judged_at timestamptz,
  check ((given_to is null) = (given_at is null)),
  check ((verdict is null) = (judged_at is null)));
create index if not exists rereviews_waiting on triage.rereviews(drawn_at) where judged_at is null;
create index if not exists rereviews_judged on triage.rereviews(judged_at) where judged_at is not null;
create index if not exists rereviews_of_case on triage.rereviews(case_id);

-- What patterns matched, live and in shadow, as the scorer tells it: counts by day (UTC), which stay; and for thirty days
-- which transactions, so that what their cases were found to be says how precise a pattern is. They go with the person.
create table if not exists triage.pattern_days(
  pattern_id text not null,
  revision bigint not null,
  mode text not null check (mode in ('live', 'shadow')),
  tenant text not null,
  day date not null,
  hits bigint not null,
  accepted bigint not null,
  last_at timestamptz not null,
  primary key (pattern_id, revision, mode, tenant, day));
create table if not exists triage.pattern_hits(
  tenant text not null,
  transaction_id text not null,
  attempt_id text not null,
  pattern_id text not null,
  revision bigint not null,
  mode text not null,
  at timestamptz not null,
  kept_since timestamptz not null default now(),
  primary key (tenant, transaction_id, attempt_id, pattern_id, revision, mode));
create index if not exists pattern_hits_of_pattern on triage.pattern_hits(pattern_id);
create index if not exists pattern_hits_kept on triage.pattern_hits(kept_since);
create index if not exists case_reasons_by_transaction on triage.case_reasons(transaction_id)
  where transaction_id is not null;
create index if not exists case_reasons_of_patterns on triage.case_reasons(code) where code like 'attack\_pattern.%';
create or replace function triage.forget_hits(whose text, ids text[]) returns bigint
  language sql volatile security definer set search_path = '' as $$
    with gone as (
      delete from triage.pattern_hits h where h.tenant = whose and h.transaction_id = any(ids) returning 1)
    select count(*) from gone $$;
revoke all on function triage.forget_hits(text, text[]) from public;

-- Attempts and matches of patterns by age, some at a time; those of held persons stay. Only the role `privacy` may.
create or replace function triage.attempts_to_retire(before timestamptz, whose text[], tags text[])
  returns table(tenant text, held text, n bigint)
  language sql stable security definer set search_path = '' as $$
    select a.tenant, h.tag, count(*) from triage.attempts a
      left join unnest(whose, tags) as h(tenant, tag) on h.tenant = a.tenant and h.tag = a.subject_tag
    where a.logged_at < before group by 1, 2 $$;
create or replace function triage.attempts_retire(before timestamptz, whose text[], tags text[], most integer)
  returns table(tenant text, n bigint)
  language sql volatile security definer set search_path = '' as $$
    with gone as (
      delete from triage.attempts d where d.ctid = any(array(
        select a.ctid from triage.attempts a
        where a.logged_at < before
          and not exists (select from unnest(whose, tags) as h(tenant, tag)
                          where h.tenant = a.tenant and h.tag = a.subject_tag)
        order by a.logged_at limit most for update skip locked)) returning d.tenant)
    select g.tenant, count(*) from gone g group by 1 $$;
-- A match of a pattern names no person: it is of those whom cases or attempts name as the transaction's.
create or replace function triage.held_of(whose text[], tags text[])
  returns table(tenant text, tag text, transaction_id text)
  language sql stable security definer set search_path = '' as $$
    select h.tenant, h.tag, r.transaction_id from unnest(whose, tags) as h(tenant, tag)
      join triage.cases c on c.tenant = h.tenant and c.subject_tag = h.tag
      join triage.case_reasons r on r.case_id = c.case_id and r.transaction_id is not null
    union
    select h.tenant, h.tag, a.transaction_id from unnest(whose, tags) as h(tenant, tag)
      join triage.attempts a on a.tenant = h.tenant and a.subject_tag = h.tag $$;
create or replace function triage.pattern_hits_to_retire(before timestamptz, whose text[], tags text[])
  returns table(tenant text, held text, n bigint)
  language sql stable security definer set search_path = '' as $$
    select p.tenant, h.tag, count(*) from triage.pattern_hits p
      left join triage.held_of(whose, tags) h on h.tenant = p.tenant and h.transaction_id = p.transaction_id
    where p.kept_since < before group by 1, 2 $$;
create or replace function triage.pattern_hits_retire(before timestamptz, whose text[], tags text[], most integer)
  returns table(tenant text, n bigint)
  language sql volatile security definer set search_path = '' as $$
    with held as materialized (select * from triage.held_of(whose, tags)),
    gone as (
      delete from triage.pattern_hits d where d.ctid = any(array(
        select p.ctid from triage.pattern_hits p
        where p.kept_since < before
          and not exists (select from held h where h.tenant = p.tenant and h.transaction_id = p.transaction_id)
        order by p.kept_since limit most for update skip locked)) returning d.tenant)
    select g.tenant, count(*) from gone g group by 1 $$;
create or replace function triage.forget_attempts(whose text, tags text[]) returns bigint
  language sql volatile security definer set search_path = '' as $$
    with gone as (
      delete from triage.attempts a where a.tenant = whose and a.subject_tag = any(tags) returning 1)
    select count(*) from gone $$;
revoke all on function triage.attempts_to_retire(timestamptz, text[], text[]) from public;
revoke all on function triage.attempts_retire(timestamptz, text[], text[], integer) from public;
revoke all on function triage.held_of(text[], text[]) from public;
revoke all on function triage.pattern_hits_to_retire(timestamptz, text[], text[]) from public;
revoke all on function triage.pattern_hits_retire(timestamptz, text[], text[], integer) from public;
revoke all on function triage.forget_attempts(text, text[]) from public;
-- Their tags have one kind, as those of cases, and are moved with them.
create or replace trigger attempts_kind_of_tag before insert on triage.attempts
  for each row execute function triage.require_kind_of_tag();
create or replace function triage.attempts_lock_tags() returns void
  language plpgsql volatile security definer set search_path = '' as $$ begin
    lock table triage.attempts in share row exclusive mode;
  end $$;
create or replace function triage.attempts_tags_unkeyed(after_tenant text, after_tag text, most integer)
  returns table(tenant text, tag text)
  language sql stable security definer set search_path = ''
  set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set enable_hashagg = off as $$
    select distinct t.tenant collate "C", t.subject_tag collate "C" from triage.attempts t
    where not t.keyed and (t.tenant collate "C", t.subject_tag collate "C") > (after_tenant, after_tag)
    order by 1, 2 limit most $$;
create or replace function triage.attempts_retag(whose text[], olds text[], news text[]) returns bigint
  language sql volatile security definer set search_path = ''
  set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
    with done as (
      update triage.attempts t set subject_tag = w.new, keyed = true
      from unnest(whose, olds, news) as w(tenant, old, new)
      where t.tenant collate "C" = w.tenant collate "C" and t.subject_tag collate "C" = w.old collate "C"
        and not t.keyed returning 1)
    select count(*) from done $$;
revoke all on function triage.attempts_lock_tags() from public;
revoke all on function triage.attempts_tags_unkeyed(text, text, integer) from public;
revoke all on function triage.attempts_retag(text[], text[], text[]) from public;
-- What people find cases by (`services/triage/adapters/search.py`): the first letters of an id, the value of a slice.
create index if not exists cases_by_letters on triage.cases(case_id collate "C");
create index if not exists cases_by_value on triage.cases(segment_value) where segment_name is not null;
-- What lists and counts go through, in one place: whose rows are wide and many are closed is not read for it.
create index if not exists cases_running_whole on triage.cases(queue, opened_at)
  include (tenant, case_id, kind, subject_tag, state, severity, parts_grave, part_of, snoozed_until, due_at, changed_at)
  where state <> 'closed' and part_of is null;

-- What a case asks of people (`core/tasks.py`); null: it was opened by a release before, and its kind says it.
alter table triage.cases add column if not exists task text;

-- When people work while a case rests and until it is due (`core/hours.py`); null: always. What wakes it by news counts by it.
alter table triage.cases add column if not exists rest_hours tstzmultirange;
-- When a case is due that was to rest until `rests_until` and is woken `at`: as much work is left, or over, as was then.
create or replace function triage.due_once_woken(
    hours tstzmultirange, due_at timestamptz, rests_until timestamptz, at timestamptz) returns timestamptz
  language sql immutable set search_path = '' as $$
    with spans as (
      select lower(s) as begins, upper(s) as ends,
        coalesce(sum(extract(epoch from upper(s) - lower(s)))
                 over (order by lower(s) rows between unbounded preceding and 1 preceding), 0) as before
      from unnest(hours) as s),
    worked as (
      select sum(greatest(0, extract(epoch from least(ends, at) - begins))
                 + greatest(0, extract(epoch from least(ends, due_at) - begins))
                 - greatest(0, extract(epoch from least(ends, rests_until) - begins))) as until_due
      from spans)
    select coalesce((select s.begins + (w.until_due - s.before) * interval '1 second' from spans s, worked w
                     where w.until_due <= s.before + extract(epoch from s.ends - s.begins)
                     order by s.begins limit 1), due_at) $$;
create or replace function triage.count_version() returns trigger language plpgsql set search_path = '' as $$
  declare woken timestamptz; begin
    new.version := old.version + (new.revision = old.revision)::int;
    new.changed_in := pg_current_xact_id();
    if new.state = 'closed' then
      new.stage := 'closed';
    elsif old.state = 'closed' and new.stage = 'closed' then
      new.stage := 'new';
    elsif new.revision <> old.revision and old.stage = 'cleared' and new.stage = 'cleared' then
      new.stage := 'new';
    end if;
    if new.revision <> old.revision and new.snoozed_until is not null then
      woken := greatest(new.changed_at, new.snoozed_at);
      if woken < new.snoozed_until then
        new.due_at := case when new.rest_hours is null then new.due_at - (new.snoozed_until - woken)
                           else triage.due_once_woken(new.rest_hours, new.due_at, new.snoozed_until, woken) end;
      end if;
      new.snoozed_until := null;
      new.rest_hours := null;
    end if;
    return new;
  end $$;

-- Whose turn it was last, by task: the name of an account (`core/turns.py`); null: nobody's yet.
create table if not exists triage.turns(task text primary key, name text, at timestamptz);
comment on column triage.assignments.why is
  'Why it came to them: take, assign; of the next case, why it was that one; turn: new cases go around.';

-- What people want looked back for (`services/triage/core/lookbacks.py`): what members of a case share, what a pattern would
-- have matched, and hunts, which open it for review. A replica of triage works on one at a time (`taken_by`, until
-- `taken_until` by the clock here), reading the topic of transactions; whoever takes over begins to read anew. `chosen`: ids
-- of the suspicions that a hunt opens, settled before the first of them is, so that it opens no other and no more. `form`:
-- what a draft's form had, whose preview it is. They go after thirty days.
create table if not exists triage.lookbacks(
  lookback_id text primary key,
  kind text not null check (kind in ('traits', 'preview', 'hunt')),
  pattern_id text,
  revision integer,
  severity text,
  predicate text,
  case_id text,
  tenants text[],
  person_id text not null,
  asked_at timestamptz not null,
  since timestamptz not null,
  most integer not null check (most >= 1),
  form text,
  state text not null default 'waiting' check (state in ('waiting', 'reading', 'opening', 'done', 'failed')),
  progress real not null default 0,
  read bigint not null default 0,
  matched bigint not null default 0,
  opened integer not null default 0,
  chosen text[],
  result text,
  taken_by text,
  taken_until timestamptz,
  changed_at timestamptz not null default now(),
  check ((kind = 'traits') = (predicate is null)),
  check (kind <> 'hunt' or (pattern_id is not null and revision is not null and severity is not null)));
comment on column triage.lookbacks.tenants is 'Of whom it is; null: of every tenant.';
create unique index if not exists lookbacks_one_hunt on triage.lookbacks(pattern_id)
  where kind = 'hunt' and state in ('waiting', 'reading', 'opening');
create index if not exists lookbacks_to_do on triage.lookbacks(asked_at) where state in ('waiting', 'reading', 'opening');
create index if not exists lookbacks_of_pattern on triage.lookbacks(pattern_id, asked_at desc);

-- What of all that runs is overdue or rests at a moment: the rest of a list is in the order of `cases_next_whole`.
create index if not exists cases_overdue on triage.cases(due_at)
  where state <> 'closed' and part_of is null and due_at is not null;
create index if not exists cases_resting on triage.cases(snoozed_until)
  where state <> 'closed' and part_of is null and snoozed_until is not null;

-- Whatever a statement did to assignments is one change of their cases: of a hundred, one statement instead of a hundred.
create or replace function triage.touch_cases() returns trigger language plpgsql set search_path = '' as $$ begin
    update triage.cases c set version = c.version where c.case_id = any(array(select t.case_id from touched t));
    return null;
  end $$;
drop trigger if exists assignments_touch on triage.assignments;
create or replace trigger assignments_begun after insert on triage.assignments
  referencing new table as touched for each statement execute function triage.touch_cases();
create or replace trigger assignments_changed after update on triage.assignments
  referencing new table as touched for each statement execute function triage.touch_cases();
