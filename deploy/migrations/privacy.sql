-- revision 1
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

-- What services ask that write of a subject, without rights on the tables: by marks, which they must know already.
create or replace function privacy.keys_of(tenants text[], marks text[])
  returns table(tenant text, mark text, key_id text, epoch integer, wrapped bytea)
  language sql stable security definer set search_path = '' as $$
    select k.tenant, k.mark, k.key_id, k.epoch, k.wrapped
    from unnest(tenants, marks) as w(tenant, mark) join privacy.keys k using (tenant, mark) $$;
create or replace function privacy.keep_keys(
  tenants text[], marks text[], ids text[], epochs integer[], bodies bytea[]) returns void
  language sql volatile security definer set search_path = '' as $$
    insert into privacy.keys(tenant, mark, key_id, epoch, wrapped)
    select * from unnest(tenants, marks, ids, epochs, bodies) order by 1, 2 on conflict do nothing $$;
create or replace function privacy.suppressed_of(tenants text[], marks text[])
  returns table(tenant text, mark text, erased_at timestamptz)
  language sql stable security definer set search_path = '' as $$
    select s.tenant, s.mark, s.erased_at
    from unnest(tenants, marks) as w(tenant, mark) join privacy.suppressed s using (tenant, mark) $$;
