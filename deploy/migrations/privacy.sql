-- revision 6
create schema if not exists privacy;
grant usage on schema privacy to public;

-- One row for each data subject: their key, wrapped under a key that is not in this database. Erasure deletes the row.
create table if not exists privacy.keys(
  tenant text collate "C" not null,
  mark text collate "C" not null check (mark ~ '^[0-9a-f]{32}$'),
  key_id text not null unique,
  epoch integer not null check (epoch >= 1),
  wrapped bytea not null,
  primary key (tenant, mark));
comment on column privacy.keys.mark is 'HMAC of the subject under the deployment''s secret; no case has it.';
comment on column privacy.keys.epoch is 'Under which key-encryption key it is wrapped; where that is destroyed, nobody reads it.';
create index if not exists keys_by_epoch on privacy.keys(epoch);

-- Whom, and whose transactions, nothing that happened by then may bring back.
create table if not exists privacy.suppressed(
  tenant text collate "C" not null,
  mark text collate "C" not null,
  kind text not null check (kind in ('subject', 'transaction')),
  erased_at timestamptz not null,
  primary key (tenant, mark));

create table if not exists privacy.erasures(
  erasure_id text primary key,
  tenant text collate "C" not null,
  mark text collate "C" not null,
  state text not null check (state in ('requested', 'running', 'done', 'withdrawn')),
  reason text not null,
  requested_by text not null,
  requested_at timestamptz not null,
  approved_by text,
  approved_at timestamptz,
  done_at timestamptz,
  forgotten_by date,
  sealed_epoch integer,
  sealed bytea,
  check ((state in ('running', 'done')) = (approved_by is not null) or approved_by is null),
  check (approved_by <> requested_by),
  check ((state in ('requested', 'running')) = (sealed is not null)));
comment on column privacy.erasures.sealed is 'Who it is about and which transactions are theirs, wrapped; null: it has ended.';
create unique index if not exists erasures_one_running on privacy.erasures(tenant, mark)
  where state in ('requested', 'running');

-- How far an erasure has come; a step is entered with what it did, in one transaction where that is in this database.
create table if not exists privacy.steps(
  erasure_id text not null references privacy.erasures,
  step text not null,
  figures jsonb not null,
  done_at timestamptz not null,
  primary key (erasure_id, step));

create table if not exists privacy.holds(
  hold_id text primary key,
  tenant text collate "C" not null,
  mark text collate "C" not null,
  reason text not null,
  placed_by text not null,
  placed_at timestamptz not null,
  until timestamptz,
  lifted_by text,
  lifted_at timestamptz,
  lifted_reason text,
  check (lifted_by <> placed_by));
comment on column privacy.holds.until is 'When it ends by itself; null: when somebody lifts it.';
create index if not exists holds_in_force on privacy.holds(tenant, mark) where lifted_at is null;

-- A restriction of processing (GDPR Art. 18) is a hold that closes, too: what it keeps is stored and not used. Its ground
-- makes it one. It never ends by itself, for the person is told first (Art. 18(3)); a person has one at a time.
alter table privacy.holds add column if not exists ground text
  check (ground in ('accuracy', 'unlawful', 'legal_claims', 'objection'));
alter table privacy.holds add column if not exists tag text collate "C";
alter table privacy.holds add column if not exists informed_on date;
alter table privacy.holds drop constraint if exists holds_restriction;
alter table privacy.holds add constraint holds_restriction check (case when ground is null
  then tag is null and informed_on is null
  else until is null and (tag is null) = (lifted_at is not null) and (informed_on is null) = (lifted_at is null) end);
comment on column privacy.holds.ground is 'Of Art. 18(1); null: it keeps and closes nothing.';
comment on column privacy.holds.tag is 'By which tables know the person while it is restricted; gone when it is lifted.';
comment on column privacy.holds.informed_on is 'The day on which the person was told that it would be lifted.';
create unique index if not exists holds_one_restriction on privacy.holds(tenant, mark)
  where lifted_at is null and ground is not null;

-- For what of Art. 18(2) a case may be worked on all the same, for a while, on a second person's word.
create table if not exists privacy.permitted_uses(
  hold_id text not null references privacy.holds,
  case_id text not null,
  use text not null check (use in ('consent', 'legal_claims', 'rights_of_others', 'public_interest')),
  reason text not null,
  permitted_by text not null,
  permitted_at timestamptz not null,
  until timestamptz not null check (until > permitted_at and until <= permitted_at + interval '30 days'));
create index if not exists permitted_uses_of on privacy.permitted_uses(hold_id);

-- What services ask that write of a subject, without rights on the tables: by marks, which they must know already.
create or replace function privacy.keys_of(tenants text[], marks text[])
  returns table(tenant text, mark text, key_id text, epoch integer, wrapped bytea)
  language sql stable security definer set search_path = '' as $$
    select k.tenant, k.mark, k.key_id, k.epoch, k.wrapped
    from unnest(tenants, marks) as w(tenant, mark) join privacy.keys k using (tenant, mark) $$;
-- Nothing is wrapped in an epoch older than the newest in use: an older one may be about to be destroyed.
create or replace function privacy.keep_keys(
  tenants text[], marks text[], ids text[], epochs integer[], bodies bytea[]) returns void
  language plpgsql volatile security definer set search_path = '' as $$
  declare newest integer; begin
    select max(k.epoch) into newest from privacy.keys k;
    if newest > (select min(e) from unnest(epochs) as u(e)) then
      raise exception 'data keys are wrapped in epoch % by now: start this process again with today''s key-encryption keys',
        newest;
    end if;
    insert into privacy.keys(tenant, mark, key_id, epoch, wrapped)
    select * from unnest(tenants, marks, ids, epochs, bodies) order by 1, 2 on conflict do nothing;
  end $$;
-- Whoever asks keeps erasures from beginning until its transaction has ended: what it writes is seen by those that begin
-- then, and nothing that it did not know of was there before. One lock for all: erasures are few.
create or replace function privacy.suppressed_of(tenants text[], marks text[])
  returns table(tenant text, mark text, erased_at timestamptz)
  language plpgsql volatile security definer set search_path = '' as $$ begin
    perform pg_advisory_xact_lock_shared(49, 0);
    return query select s.tenant, s.mark, s.erased_at
      from unnest(tenants, marks) as w(tenant, mark)
      join privacy.suppressed s on s.tenant = w.tenant and s.mark = w.mark;
  end $$;

-- Up to where this database knew every erasure of the topic of erasures. A database that was restored lacks those that
-- were announced since; every service asks before it reads or writes, and waits for `proofwatch erase replay`.
create table if not exists privacy.erasures_known(
  partition integer primary key,
  topic_id text not null,
  known bigint not null);
comment on column privacy.erasures_known.topic_id is 'Kafka''s identifier of the topic that known is an offset of; empty: it has none.';
create or replace function privacy.erasure_positions() returns table(partition integer, topic_id text, known bigint)
  language sql stable security definer set search_path = '' as $$
    select k.partition, k.topic_id, k.known from privacy.erasures_known k $$;
create or replace function privacy.erasures_unknown(ids text[]) returns setof text
  language sql stable security definer set search_path = '' as $$
    select i.id from unnest(ids) as i(id)
    where not exists (select from privacy.erasures e where e.erasure_id = i.id and e.state in ('running', 'done')) $$;

-- What may come late is asked for by mark only where somebody of the tenant was erased since it happened.
create index if not exists suppressed_latest on privacy.suppressed(tenant, erased_at);
create or replace function privacy.latest_erasures(tenants text[]) returns table(tenant text, erased_at timestamptz)
  language plpgsql volatile security definer set search_path = '' as $$ begin
    perform pg_advisory_xact_lock_shared(49, 0);
    return query select w.tenant, l.erased_at from unnest(tenants) as w(tenant) cross join lateral (
      select s.erased_at from privacy.suppressed s where s.tenant = w.tenant order by s.erased_at desc limit 1) as l;
  end $$;
-- A transaction that was not known when its person was erased, because it came late: only of somebody who was.
create or replace function privacy.suppress_late(tenants text[], subjects text[], transactions text[]) returns void
  language sql volatile security definer set search_path = '' as $$
    insert into privacy.suppressed(tenant, mark, kind, erased_at)
    select w.tenant, w.late, 'transaction', s.erased_at
    from unnest(tenants, subjects, transactions) as w(tenant, mark, late)
    join privacy.suppressed s on s.tenant = w.tenant and s.mark = w.mark and s.kind = 'subject'
    order by 1, 2 on conflict do nothing $$;

-- Of whom, by mark or by tag, processing is restricted, by which hold, and in which cases they may be worked with.
create or replace function privacy.restricted_of(tenants text[], whose text[], as_of timestamptz)
  returns table(tenant text, who text, hold_id text, permitted text[])
  language sql stable security definer set search_path = '' as $$
    select h.tenant, w.who, h.hold_id, array(
      select p.case_id from privacy.permitted_uses p where p.hold_id = h.hold_id and p.until > as_of)
    from unnest(tenants, whose) as w(tenant, who)
    join privacy.holds h on h.tenant = w.tenant and w.who in (h.mark, h.tag)
    where h.lifted_at is null and h.ground is not null $$;

-- All of them, for who reads cases and so knows their tags: `permitted` are cases that go on.
create or replace function privacy.restricted_tags(as_of timestamptz)
  returns table(tenant text, tag text, permitted text[])
  language sql stable security definer set search_path = '' rows 10 as $$
    select h.tenant, h.tag, array(
      select p.case_id from privacy.permitted_uses p where p.hold_id = h.hold_id and p.until > as_of)
    from privacy.holds h where h.lifted_at is null and h.ground is not null $$;
create or replace function privacy.restricted_marks(whose text) returns setof text
  language sql stable security definer set search_path = '' as $$
    select h.mark from privacy.holds h where h.tenant = whose and h.lifted_at is null and h.ground is not null $$;
-- For who cannot tell whose something is; without a tenant: not even whose of.
create or replace function privacy.anybody_restricted(whose text) returns boolean
  language sql stable security definer set search_path = '' as $$
    select exists (select from privacy.holds h
      where (whose is null or h.tenant = whose) and h.lifted_at is null and h.ground is not null) $$;
-- Which of these transactions are theirs, as far as cases, attempts and references to imagery say whose they are.
create or replace function privacy.restricted_transactions(whose text, ids text[]) returns setof text
  language plpgsql stable security definer set search_path = '' as $$ begin
    return query
      select f.transaction_id from imagery.flagged f
      join privacy.holds h on h.tenant = f.tenant and h.tag = f.subject_tag
      where f.tenant = whose and f.transaction_id = any(ids)
      union
      select r.transaction_id from triage.case_reasons r join triage.cases c using (case_id)
      join privacy.holds h on h.tenant = c.tenant and h.tag = c.subject_tag
      where c.tenant = whose and r.transaction_id = any(ids)
      union
      select a.transaction_id from triage.attempts a
      join privacy.holds h on h.tenant = a.tenant and h.tag = a.subject_tag
      where a.tenant = whose and a.transaction_id = any(ids);
  end $$;

-- Retention that runs by itself: one run a day, and what has gone in it, batch by batch, in the transaction in which it
-- went. Whoever finds a run that nobody ended goes on with it.
create table if not exists privacy.retention_runs(
  day date primary key,
  began_at timestamptz not null,
  ended_at timestamptz);
create table if not exists privacy.retention_removed(
  day date not null references privacy.retention_runs,
  rule text not null,
  tenant text collate "C" not null,
  n bigint not null,
  primary key (day, rule, tenant));

-- Under what tags of subjects are: the deployment's secret (ADR 0005), and from `moved_at` on each subject's data key.
-- `proofwatch keys tags` moves all that there are in one transaction; from then on no table takes one of the other kind.
create table if not exists privacy.tagging(
  one boolean primary key default true check (one),
  moved_at timestamptz);
insert into privacy.tagging default values on conflict do nothing;
create or replace function privacy.tags_moved() returns boolean
  language sql stable security definer set search_path = '' as $$
    select t.moved_at is not null from privacy.tagging t $$;
-- One row without a mark, which says whether tags are under data keys; and if so the keys that there are.
create or replace function privacy.tag_keys_of(tenants text[], marks text[])
  returns table(moved boolean, tenant text, mark text, key_id text, epoch integer, wrapped bytea)
  language sql stable security definer set search_path = '' as $$
    select t.moved_at is not null, null, null, null, null, null from privacy.tagging t
    union all
    select true, k.tenant, k.mark, k.key_id, k.epoch, k.wrapped
    from unnest(tenants, marks) as w(tenant, mark) join privacy.keys k using (tenant, mark)
    where (select t.moved_at is not null from privacy.tagging t) $$;

-- Of whom, is asked by those who write of data subjects, and by nobody else (`proofwatch acls --format sql`).
revoke all on function privacy.keys_of(text[], text[]) from public;
revoke all on function privacy.keep_keys(text[], text[], text[], integer[], bytea[]) from public;
revoke all on function privacy.tag_keys_of(text[], text[]) from public;
revoke all on function privacy.suppressed_of(text[], text[]) from public;
revoke all on function privacy.latest_erasures(text[]) from public;
revoke all on function privacy.suppress_late(text[], text[], text[]) from public;
revoke all on function privacy.restricted_of(text[], text[], timestamptz) from public;
revoke all on function privacy.restricted_tags(timestamptz) from public;
revoke all on function privacy.restricted_marks(text) from public;
revoke all on function privacy.restricted_transactions(text, text[]) from public;
revoke all on function privacy.anybody_restricted(text) from public;
