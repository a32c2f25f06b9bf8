-- revision 5
create schema if not exists consents;

-- The word that holds of each subject for each purpose; the subject by tag (HMAC), never by subject_ref. What was
-- withdrawn stays as withdrawn, so that an older grant that comes late changes nothing.
create table if not exists consents.words(
  tenant text collate "C" not null,
  subject_tag text collate "C" not null check (subject_tag ~ '^[0-9a-f]{32}$'),
  purpose text collate "C" not null,
  granted boolean not null,
  asserted_at timestamptz not null,
  expires_at timestamptz,
  primary key (tenant, subject_tag, purpose));
comment on column consents.words.asserted_at is 'When it was said, at the latest when it was logged.';
comment on column consents.words.expires_at is 'When a grant ends by itself; null: it does not.';

-- Erasure (ADR 0049): a person's words go, withdrawals too. Only the role `privacy` may.
create or replace function consents.forget(whose text, tags text[]) returns bigint
  language sql volatile security definer set search_path = '' as $$
    with gone as (delete from consents.words w where w.tenant = whose and w.subject_tag = any(tags) returning 1)
    select count(*) from gone $$;
revoke all on function consents.forget(text, text[]) from public;

-- Retention: grants that ended before a moment, some at a time; those of held persons stay, and withdrawals do, which
-- must outlast an older grant that comes late. Only the role `privacy` may.
create or replace function consents.to_retire(before timestamptz, whose text[], tags text[])
  returns table(tenant text, held text, n bigint)
  language sql stable security definer set search_path = '' as $$
    select w.tenant, h.tag, count(*) from consents.words w
      left join unnest(whose, tags) as h(tenant, tag) on h.tenant = w.tenant and h.tag = w.subject_tag
    where w.granted and w.expires_at < before group by 1, 2 $$;
create or replace function consents.retire(before timestamptz, whose text[], tags text[], most integer)
  returns table(tenant text, n bigint)
  language sql volatile security definer set search_path = '' as $$
    with old as (
      select w.tenant, w.subject_tag, w.purpose from consents.words w
      where w.granted and w.expires_at < before
        and not exists (select from unnest(whose, tags) as h(tenant, tag)
                        where h.tenant = w.tenant and h.tag = w.subject_tag)
      order by w.expires_at limit most for update skip locked),
    done as (delete from consents.words w using old o
             where w.tenant = o.tenant and w.subject_tag = o.subject_tag and w.purpose = o.purpose returning w.tenant)
    select d.tenant, count(*) from done d group by 1 $$;
revoke all on function consents.to_retire(timestamptz, text[], text[]) from public;
revoke all on function consents.retire(timestamptz, text[], text[], integer) from public;

-- Tags of subjects (ADR 0049): `keyed` ones nobody can derive from the deployment's secret. A table has one kind at a time,
-- and refuses the other: a process that has not heard of the move, or of an older release, writes nothing.
alter table consents.words add column if not exists keyed boolean not null default false;
create index if not exists words_to_move on consents.words(tenant, subject_tag) where not keyed;
drop index if exists consents.words_unkeyed;  -- a condition that always holds kept PostgreSQL from using it
create or replace function consents.require_kind_of_tag() returns trigger language plpgsql set search_path = '' as $$ begin
    if new.keyed <> privacy.tags_moved() then
      raise exception 'tags of subjects are under %: this process knows that not yet, or is of an older release',
        case when new.keyed then 'the deployment''s secret' else 'data keys' end;
    end if;
    return new;
  end $$;
create or replace trigger words_kind_of_tag before insert on consents.words
  for each row when (new.subject_tag is not null) execute function consents.require_kind_of_tag();
-- The move, for the role `privacy` alone: nobody writes meanwhile, which tags are to be moved, and moving them. By their
-- index, whatever is known of the table: page by page through the whole of it, a million would take days.
create or replace function consents.lock_tags() returns void
  language plpgsql volatile security definer set search_path = '' as $$ begin
    lock table consents.words in share row exclusive mode;
  end $$;
create or replace function consents.tags_unkeyed(after_tenant text, after_tag text, most integer)
  returns table(tenant text, tag text)
  language sql stable security definer set search_path = ''
  set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set enable_hashagg = off as $$
    select distinct t.tenant collate "C", t.subject_tag collate "C" from consents.words t
    where not t.keyed
      and (t.tenant collate "C", t.subject_tag collate "C") > (after_tenant, after_tag)
    order by 1, 2 limit most $$;
create or replace function consents.retag(whose text[], olds text[], news text[]) returns bigint
  language sql volatile security definer set search_path = ''
  set enable_seqscan = off set enable_bitmapscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
    with done as (
      update consents.words t set subject_tag = w.new, keyed = true from unnest(whose, olds, news) as w(tenant, old, new)
      where t.tenant = w.tenant and t.subject_tag = w.old and not t.keyed
      returning 1)
    select count(*) from done $$;
revoke all on function consents.lock_tags() from public;
revoke all on function consents.tags_unkeyed(text, text, integer) from public;
revoke all on function consents.retag(text[], text[], text[]) from public;
