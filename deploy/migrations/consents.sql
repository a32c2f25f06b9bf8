-- revision 3
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
