-- revision 2
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
