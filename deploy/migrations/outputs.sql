-- revision 1
create schema if not exists outputs;

-- What was published of a tenant's month, once and for good: a second publication after late data could be subtracted
-- from the first (ADR 0050).
create table if not exists outputs.publications(
  tenant text collate "C" not null,
  month text collate "C" not null check (month ~ '^\d{4}-\d{2}$'),
  document text not null,
  published_at timestamptz not null,
  primary key (tenant, month));
comment on column outputs.publications.document is 'JSON, as it was given out: anonymous counts, or that there were too few.';
create or replace function outputs.stays() returns trigger language plpgsql as
$$ begin raise exception 'publications stay: another one of the same month could be subtracted from the first'; end $$;
create or replace trigger publications_stay before update or delete or truncate on outputs.publications
  for each statement execute function outputs.stays();
