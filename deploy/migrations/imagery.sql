-- revision 7
create schema if not exists imagery;

-- Transactions that the watch flagged, and where their imagery lies. Only the broker's process reads this.
create table if not exists imagery.flagged(
  tenant text not null,
  transaction_id text not null,
  subject_tag text not null check (subject_tag ~ '^[0-9a-f]{32}$'),
  imagery_ref text,
  imagery_sha256 text check (imagery_sha256 ~ '^[0-9a-f]{64}$'),
  imagery_media_type text,
  flagged_at timestamptz not null,
  primary key (tenant, transaction_id));
comment on column imagery.flagged.imagery_ref is 'As upstream sent it; null: it sent none.';
create index if not exists flagged_by_subject on imagery.flagged(tenant, subject_tag);

-- One row: the latest time at which anything was granted. A clock that is behind it has been set back.
create table if not exists imagery.clock(
  one boolean primary key default true check (one),
  last_seen_at timestamptz not null default to_timestamp(0));
insert into imagery.clock default values on conflict do nothing;

create table if not exists imagery.leases(
  lease_id text primary key,
  session_id text not null,
  person_id text not null,
  tenant text not null,
  case_id text not null,
  transaction_id text not null,
  purpose text not null,
  reason text not null,
  granted_at timestamptz not null,
  expires_at timestamptz not null,
  views_left integer not null check (views_left >= 0),
  revoked_at timestamptz);
comment on table imagery.leases is 'What was granted: to one session, for one transaction of one case, for minutes.';
create index if not exists leases_running on imagery.leases(person_id, expires_at) where revoked_at is null;

create table if not exists imagery.views(
  view_id text primary key,
  lease_id text not null references imagery.leases,
  person_id text not null,
  sharp boolean not null,
  state text not null check (state in ('intended', 'delivered', 'withheld', 'undelivered', 'presumed_seen')),
  code text not null default '',
  bytes bigint not null default 0,
  intended_at timestamptz not null,
  ended_at timestamptz,
  check ((state = 'intended') = (ended_at is null)));
comment on table imagery.views is 'Each single view: entered before a byte was fetched, ended with what became of it.';
create index if not exists views_by_person on imagery.views(person_id, intended_at);
create index if not exists views_open on imagery.views(intended_at) where state = 'intended';

-- What one person asked for and a second agreed to: minutes in which somebody else's case may be opened.
create table if not exists imagery.glass(
  glass_id text primary key,
  person_id text not null,
  tenant text not null,
  case_id text not null,
  transaction_id text not null,
  purpose text not null,
  reason text not null,
  asked_at timestamptz not null,
  expires_at timestamptz not null,
  uses_left integer not null check (uses_left >= 0),
  second_person text check (second_person <> person_id),
  agreed_at timestamptz,
  ended_at timestamptz,
  check ((second_person is null) = (agreed_at is null)),
  check (expires_at <= coalesce(agreed_at, asked_at) + interval '30 minutes'));
comment on table imagery.glass is 'Break-glass: asked for by one person, agreed to by a second, over after half an hour at most.';
create index if not exists glass_of_person on imagery.glass(person_id, transaction_id, asked_at desc);
create index if not exists glass_running on imagery.glass(expires_at) where ended_at is null;
-- When the SOC was told that it is broken, and that it is whole again; until the first it opens nothing.
alter table imagery.glass add column if not exists told_at timestamptz;
alter table imagery.glass add column if not exists end_told_at timestamptz;
create index if not exists glass_untold on imagery.glass(agreed_at)
  where agreed_at is not null and (told_at is null or end_told_at is null);
alter table imagery.leases add column if not exists glass_id text references imagery.glass;
create index if not exists flagged_at_times on imagery.flagged(tenant, flagged_at);
create index if not exists leases_of_transaction on imagery.leases(tenant, transaction_id);

-- Erasure (ADR 0049): which transactions of a person were flagged; and to forget where their pictures lie, at once also
-- for whoever is looking: leases end, and no longer name a transaction. Only the role `privacy` may.
create or replace function imagery.transactions_of(whose text, tags text[]) returns setof text
  language sql stable security definer set search_path = '' as $$
    select f.transaction_id from imagery.flagged f where f.tenant = whose and f.subject_tag = any(tags) $$;
create or replace function imagery.forget(whose text, tags text[], ids text[], at timestamptz)
  returns table(flags bigint, leases bigint)
  language plpgsql volatile security definer set search_path = '' as $$
  declare gone bigint; ended bigint; begin
    delete from imagery.flagged f
      where f.tenant = whose and (f.subject_tag = any(tags) or f.transaction_id = any(ids));
    get diagnostics gone = row_count;
    update imagery.leases l set revoked_at = coalesce(l.revoked_at, at), transaction_id = 'erased-' || gen_random_uuid(),
        reason = ''
      where l.tenant = whose and l.transaction_id = any(ids);
    get diagnostics ended = row_count;
    update imagery.glass g set ended_at = coalesce(g.ended_at, at), transaction_id = 'erased-' || gen_random_uuid(),
        reason = ''
      where g.tenant = whose and g.transaction_id = any(ids);
    return query select gone, ended;
  end $$;
revoke all on function imagery.transactions_of(text, text[]) from public;
revoke all on function imagery.forget(text, text[], text[], timestamptz) from public;

-- Retention: references of before a moment, some at a time; those of held persons stay. Only the role `privacy` may.
create index if not exists flagged_by_age on imagery.flagged(flagged_at);
create or replace function imagery.to_retire(before timestamptz, whose text[], tags text[])
  returns table(tenant text, held text, n bigint)
  language sql stable security definer set search_path = '' as $$
    select f.tenant, h.tag, count(*) from imagery.flagged f
      left join unnest(whose, tags) as h(tenant, tag) on h.tenant = f.tenant and h.tag = f.subject_tag
    where f.flagged_at < before group by 1, 2 $$;
create or replace function imagery.retire(before timestamptz, whose text[], tags text[], most integer)
  returns table(tenant text, n bigint)
  language sql volatile security definer set search_path = '' as $$
    with old as (
      select f.tenant, f.transaction_id from imagery.flagged f
      where f.flagged_at < before
        and not exists (select from unnest(whose, tags) as h(tenant, tag)
                        where h.tenant = f.tenant and h.tag = f.subject_tag)
      order by f.flagged_at limit most for update skip locked),
    done as (delete from imagery.flagged f using old o
             where f.tenant = o.tenant and f.transaction_id = o.transaction_id returning f.tenant)
    select d.tenant, count(*) from done d group by 1 $$;
revoke all on function imagery.to_retire(timestamptz, text[], text[]) from public;
revoke all on function imagery.retire(timestamptz, text[], text[], integer) from public;

-- Tags of subjects (ADR 0049): `keyed` ones nobody can derive from the deployment's secret. A table has one kind at a time,
-- and refuses the other: a process that has not heard of the move, or of an older release, writes nothing.
alter table imagery.flagged add column if not exists keyed boolean not null default false;
create index if not exists flagged_to_move on imagery.flagged(tenant collate "C", subject_tag collate "C") where not keyed;
drop index if exists imagery.flagged_unkeyed;  -- a condition that always holds kept PostgreSQL from using it
create or replace function imagery.require_kind_of_tag() returns trigger language plpgsql set search_path = '' as $$ begin
    if new.keyed <> privacy.tags_moved() then
      raise exception 'tags of subjects are under %: this process knows that not yet, or is of an older release',
        case when new.keyed then 'the deployment''s secret' else 'data keys' end;
    end if;
    return new;
  end $$;
create or replace trigger flagged_kind_of_tag before insert on imagery.flagged
  for each row when (new.subject_tag is not null) execute function imagery.require_kind_of_tag();
-- The move, for the role `privacy` alone: nobody writes meanwhile, which tags are to be moved, and moving them. By their
-- index, whatever is known of the table: page by page through the whole of it, a million would take days.
create or replace function imagery.lock_tags() returns void
  language plpgsql volatile security definer set search_path = '' as $$ begin
    lock table imagery.flagged in share row exclusive mode;
  end $$;
create or replace function imagery.tags_unkeyed(after_tenant text, after_tag text, most integer)
  returns table(tenant text, tag text)
  language sql stable security definer set search_path = ''
  set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set enable_hashagg = off as $$
    select distinct t.tenant collate "C", t.subject_tag collate "C" from imagery.flagged t
    where not t.keyed
      and (t.tenant collate "C", t.subject_tag collate "C") > (after_tenant, after_tag)
    order by 1, 2 limit most $$;
create or replace function imagery.retag(whose text[], olds text[], news text[]) returns bigint
  language sql volatile security definer set search_path = ''
  set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
    with done as (
      update imagery.flagged t set subject_tag = w.new, keyed = true from unnest(whose, olds, news) as w(tenant, old, new)
      where t.tenant collate "C" = w.tenant collate "C" and t.subject_tag collate "C" = w.old collate "C" and not t.keyed
      returning 1)
    select count(*) from done $$;
revoke all on function imagery.lock_tags() from public;
revoke all on function imagery.tags_unkeyed(text, text, integer) from public;
revoke all on function imagery.retag(text[], text[], text[]) from public;
