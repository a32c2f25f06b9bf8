-- revision 3
create schema if not exists audit;

-- What others enter, in the transaction of their act; they may insert here and nothing else. The auditor takes the rows
-- away as it gives the entries their places.
create table if not exists audit.pending(
  pending_id bigint generated always as identity primary key,
  entry bytea not null);
grant usage on schema audit to public;
-- The entry and nothing else: whoever chose a row's number would take that of who acts next. No entry is that long.
revoke insert on audit.pending from public;
grant insert (entry) on audit.pending to public;
alter table audit.pending add column if not exists entered_by name not null default session_user;
comment on column audit.pending.entered_by is 'As what role: nobody can say another. What is not its own to enter is doubted by the auditor.';
alter table audit.pending drop constraint if exists pending_entry_length;
alter table audit.pending add constraint pending_entry_length check (octet_length(entry) <= 262144) not valid;
comment on column audit.pending.entry is 'The entry as the leaf that it would be, with the time of the act as its time.';

-- One row: who sequences now, and the tree as it stands.
create table if not exists audit.log(
  one boolean primary key default true check (one),
  epoch bigint not null default 0,
  holder text not null default '',
  held_until timestamptz not null default '-infinity',
  size bigint not null default 0,
  hashes bytea[] not null default '{}',
  logged_at timestamptz);
comment on column audit.log.hashes is 'Roots of the perfect subtrees that the entries fall into, from left to right.';
comment on column audit.log.logged_at is 'When the last entry was logged: times never go back.';
insert into audit.log default values on conflict do nothing;

create table if not exists audit.entries(
  index bigint primary key,
  entry_id text not null unique,
  leaf bytea not null,
  leaf_hash bytea not null,
  logged_at timestamptz not null,
  tenant text,
  actor text not null,
  action text not null,
  outcome text not null);
create index if not exists entries_by_action on audit.entries(action, index);
create index if not exists entries_by_actor on audit.entries(actor, index);
create index if not exists entries_by_time on audit.entries(logged_at);

create table if not exists audit.nodes(
  level smallint not null,
  index bigint not null,
  hash bytea not null,
  primary key(level, index));
comment on table audit.nodes is 'Roots of perfect subtrees from level 1 on (RFC 6962); those of level 0 are the leaf hashes.';

create table if not exists audit.checkpoints(
  checkpoint_index bigint primary key,
  size bigint not null unique,
  note text not null,
  published_at timestamptz);
comment on column audit.checkpoints.note is 'The signed note; cosignatures stand apart.';
comment on column audit.checkpoints.published_at is 'When it had left this database: it is in the file and on the topic. Null: not yet.';

create table if not exists audit.cosignatures(
  checkpoint_index bigint not null references audit.checkpoints,
  line text not null,
  primary key(checkpoint_index, line));

create table if not exists audit.refused(
  pending_id bigint primary key,
  entry bytea not null,
  reason text not null,
  refused_at timestamptz not null default now());
comment on table audit.refused is 'What was entered and is no entry. That it was refused is an entry of its own.';
