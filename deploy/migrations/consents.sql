-- revision 1
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
