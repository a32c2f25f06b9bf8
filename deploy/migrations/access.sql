-- revision 3
create schema if not exists access;

-- Who may sign in. What is done with it goes through proofwatch.access alone, and every act is an entry of the audit log.
create table if not exists access.people(
  person_id text primary key,
  name text not null unique check (name ~ '^[a-z0-9][a-z0-9._@-]{0,63}$'),
  tenants text[],
  roles text[] not null,
  password_hash text,
  code_secret text,
  code_step bigint not null default 0,
  added_at timestamptz not null,
  revoked_at timestamptz);
comment on column access.people.tenants is 'Whose data is there for this person; null: that of every tenant.';
comment on column access.people.password_hash is 'argon2id. Null: not enrolled yet.';
comment on column access.people.code_step is 'The largest step of a one-time code that was accepted: none counts twice.';

create table if not exists access.sessions(
  session_id text primary key,
  token_hash bytea not null unique,
  person_id text not null references access.people,
  tenants text[],
  roles text[] not null,
  signed_in_at timestamptz not null,
  mfa_at timestamptz not null,
  seen_at timestamptz not null,
  expires_at timestamptz not null,
  ended_at timestamptz,
  ended_by text);
comment on column access.sessions.token_hash is 'SHA-256 of the token, which is stored nowhere.';
comment on column access.sessions.roles is 'Those of the person when it began; a change of them ends it.';
comment on column access.sessions.seen_at is 'The latest time of a call; a clock that shows less was set back.';
create index if not exists sessions_running on access.sessions(person_id) where ended_at is null;
create index if not exists sessions_seen on access.sessions(seen_at) where ended_at is null;

-- What every process may ask, without rights on the tables, which hold secrets: whose a token is, whose hash it has, and
-- that a session of a known id goes on until its transaction has ended. None can be called without knowing one already.
grant usage on schema access to public;
create or replace function access.running(hash bytea) returns setof access.sessions
  language sql stable security definer set search_path = '' as $$
    select * from access.sessions where ended_at is null and token_hash = hash $$;
-- Ids of sessions stand in the audit log: by one, nobody learns the token's hash, and nobody moves `seen_at`.
drop function if exists access.held(text);
create function access.held(id text)
  returns table(session_id text, person_id text, tenants text[], roles text[], signed_in_at timestamptz,
                mfa_at timestamptz, seen_at timestamptz, expires_at timestamptz)
  language sql volatile security definer set search_path = '' as $$
    select s.session_id, s.person_id, s.tenants, s.roles, s.signed_in_at, s.mfa_at, s.seen_at, s.expires_at
    from access.sessions s where s.ended_at is null and s.session_id = id for share $$;
create or replace function access.seen(hash bytea, at timestamptz) returns boolean
  language sql volatile security definer set search_path = '' as $$
    update access.sessions set seen_at = greatest(seen_at, least(at, expires_at))
    where ended_at is null and token_hash = hash returning true $$;
-- A process of the release before asks by the id: it hears whether the session goes on, and changes nothing.
create or replace function access.seen(id text, at timestamptz) returns boolean
  language sql stable security definer set search_path = '' as $$
    select true from access.sessions where ended_at is null and session_id = id $$;

-- Who is who, and as what: without secrets, for every process that names a person or gives work to one.
create or replace view access.directory as
  select person_id, name, tenants, case when revoked_at is null then roles else '{}' end as roles from access.people;
grant select on access.directory to public;

create table if not exists access.attempts(
  name_hash bytea primary key,
  failures integer not null,
  last_at timestamptz,
  unheard integer not null);
comment on table access.attempts is 'Failures in a row by what was typed as name (SHA-256), whether there is such an account or not.';

-- Any role can hold what a revocation or an erasure waits for, and may set its own limits of time back. By these two
-- whoever does such an act says who that is, and ends them: only those whom a session of its own role waits for, and
-- neither its own nor the owner's. The owner needs pg_signal_backend and pg_read_all_stats (`proofwatch acls`).
create or replace function access.holders_of(waiting integer) returns table(pid integer, role text, application text)
  language sql volatile security definer set search_path = '' as $$
    select distinct h.pid, a.usename::text, a.application_name
    from pg_catalog.pg_stat_activity w cross join lateral unnest(pg_catalog.pg_blocking_pids(w.pid)) as h(pid)
    left join pg_catalog.pg_stat_activity a on a.pid = h.pid
    where w.pid = waiting and w.usename = session_user $$;
create or replace function access.end_holders(waiting integer) returns setof integer
  language plpgsql volatile security definer set search_path = '' as $$
  declare each record; begin
    for each in select h.pid from access.holders_of(waiting) h where h.role not in (session_user, current_user) loop
      begin
        if pg_catalog.pg_terminate_backend(each.pid) then return next each.pid; end if;
      exception when insufficient_privilege then null;  -- an administrator's
      end;
    end loop;
  end $$;
revoke all on function access.holders_of(integer) from public;
revoke all on function access.end_holders(integer) from public;
