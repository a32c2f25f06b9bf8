-- revision 8
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
alter table access.sessions add column if not exists vouched_until timestamptz;
comment on column access.sessions.vouched_until is 'Of a provider''s person: until when it holds if the provider says nothing. Null: a local one.';
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
                mfa_at timestamptz, seen_at timestamptz, expires_at timestamptz, vouched_until timestamptz)
  language sql volatile security definer set search_path = '' as $$
    select s.session_id, s.person_id, s.tenants, s.roles, s.signed_in_at, s.mfa_at, s.seen_at, s.expires_at,
           s.vouched_until
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

-- Tokens of machines: what a program may read over HTTP, until when. Changed by proofwatch.access alone, each with an
-- entry of the audit log. `token_id` stands in the token itself, so that one that leaked is found by its beginning.
create table if not exists access.tokens(
  token_id text primary key check (token_id ~ '^[0-9a-f]{8}$'),
  token_hash bytea not null unique,
  name text not null check (name ~ '^[a-z0-9][a-z0-9._@-]{0,63}$'),
  scopes text[] not null,
  tenants text[],
  created_at timestamptz not null,
  created_by text not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  refused_at timestamptz,
  revoked_at timestamptz,
  revoked_by text);
comment on column access.tokens.token_hash is 'SHA-256 of the token, which is stored nowhere.';
comment on column access.tokens.created_by is 'The id of the account, or operator; likewise revoked_by.';
comment on column access.tokens.refused_at is 'When a refusal was entered last: a program that asks on is not entered each time.';

-- Likewise for every process that answers programs: whose a token is, whose hash it has, and that it was used.
create or replace function access.token_of(hash bytea)
  returns table(token_id text, name text, scopes text[], tenants text[], created_at timestamptz,
                expires_at timestamptz, used_at timestamptz, revoked_at timestamptz)
  language sql stable security definer set search_path = '' as $$
    select t.token_id, t.name, t.scopes, t.tenants, t.created_at, t.expires_at, t.used_at, t.revoked_at
    from access.tokens t where t.token_hash = hash $$;
create or replace function access.token_used(hash bytea, at timestamptz) returns boolean
  language sql volatile security definer set search_path = '' as $$
    update access.tokens set used_at = greatest(used_at, least(at, expires_at))
    where revoked_at is null and token_hash = hash returning true $$;
create or replace function access.token_refused(hash bytea, at timestamptz) returns boolean
  language sql volatile security definer set search_path = '' as $$
    update access.tokens set refused_at = at
    where token_hash = hash and (refused_at is null or refused_at <= at - interval '1 hour') returning true $$;

-- Who signs in with a provider (OpenID Connect) is known by issuer and subject, never by name; such an account has no
-- password, and its roles and tenants follow the provider's claims.
alter table access.people add column if not exists issuer text;
alter table access.people add column if not exists subject text;
-- Who gave somebody what they have, and when they signed in last, for reviews of access; null: before there were these.
alter table access.people add column if not exists added_by text;
alter table access.people add column if not exists given_at timestamptz;
alter table access.people add column if not exists given_by text;
alter table access.people add column if not exists signed_in_at timestamptz;
comment on column access.people.given_by is 'The id of the account, operator, or provider; likewise added_by.';
create or replace function access.note_sign_in() returns trigger
  language plpgsql volatile security definer set search_path = '' as $$ begin
    update access.people p set signed_in_at = greatest(p.signed_in_at, new.signed_in_at)
    where p.person_id = new.person_id;
    return null;
  end $$;
revoke all on function access.note_sign_in() from public;
drop trigger if exists session_begun on access.sessions;
create trigger session_begun after insert on access.sessions for each row execute function access.note_sign_in();
create unique index if not exists people_of_provider on access.people(issuer, subject) where issuer is not null;

-- What such a session is looked at again with. Apart from the session, which every process asks for.
create table if not exists access.vouchers(
  session_id text primary key references access.sessions on delete cascade,
  refresh_token text not null,
  checked_at timestamptz not null);
alter table access.vouchers add column if not exists sid text;
comment on column access.vouchers.sid is 'By what the provider knows its own session, of which this one is; null: it did not say.';
comment on column access.vouchers.refresh_token is 'Sealed under a key that the database does not have.';

-- Sign-ins that were begun and have not come back from the provider; each is taken once, by the browser that began it.
create table if not exists access.flows(
  state_hash bytea primary key,
  browser_hash bytea not null,
  nonce text not null,
  verifier text not null,
  wanted text not null,
  begun_at timestamptz not null);
create index if not exists flows_begun on access.flows(begun_at);
alter table access.flows add column if not exists session_id text references access.sessions on delete cascade;
comment on column access.flows.session_id is 'That which somebody confirms by signing in afresh. Null: a session is to begin.';

-- What a provider has told of sessions that ended there (back-channel logout): none is taken twice.
create table if not exists access.logouts(
  jti_hash bytea primary key,
  taken_at timestamptz not null);

-- A session of the console that is handed over to the imagery broker, once, within a minute, to the page that asked for
-- it: a session of its own begins there, which ends with the one that it comes from.
create table if not exists access.handovers(
  ticket_hash bytea primary key,
  challenge text not null,
  session_id text not null references access.sessions on delete cascade,
  given_at timestamptz not null);
comment on column access.handovers.challenge is 'SHA-256, base64url, of a secret that the page keeps.';
alter table access.sessions add column if not exists handed_from text references access.sessions on delete cascade;
create index if not exists sessions_handed on access.sessions(handed_from) where ended_at is null;

-- Gives the account of a provider's person the roles and tenants that the claims give, and ends their sessions where that
-- changes anything; adds it, where `adds`. It touches no account that has a password.
create or replace function access.of_provider(
    iss text, sub text, id text, wanted text, held text[], whose text[], at timestamptz, adds boolean)
  returns table(person_id text, revoked_at timestamptz, added boolean, changed boolean,
                roles_before text[], tenants_before text[], sessions_ended bigint)
  language plpgsql volatile security definer set search_path = '' as $$
  #variable_conflict use_column
  declare who access.people; fresh boolean := false; differs boolean := false; n bigint := 0; begin
    select * into who from access.people p where p.issuer = iss and p.subject = sub for update;
    if not found and adds then
      insert into access.people(person_id, name, tenants, roles, added_at, issuer, subject, added_by, given_at, given_by)
      select id, case when exists (select from access.people p where p.name = wanted)
                      then wanted || '-' || left(encode(sha256(convert_to(iss || chr(10) || sub, 'UTF8')), 'hex'), 8)
                      else wanted end, whose, held, at, iss, sub, 'provider', at, 'provider'
      on conflict do nothing;
      fresh := found;
      select * into who from access.people p where p.issuer = iss and p.subject = sub for update;
    end if;
    if who.person_id is null then return; end if;
    if who.revoked_at is null and not fresh and (who.roles <> held or who.tenants is distinct from whose) then
      differs := true;
      update access.people p set roles = held, tenants = whose, given_at = at, given_by = 'provider'
      where p.person_id = who.person_id;
      update access.sessions s set ended_at = at, ended_by = 'roles_given'
      where s.person_id = who.person_id and s.ended_at is null;
      get diagnostics n = row_count;
    end if;
    return query select who.person_id, who.revoked_at, fresh, differs, who.roles, who.tenants, n;
  end $$;
revoke all on function access.of_provider(text, text, text, text, text[], text[], timestamptz, boolean) from public;

-- Who is there: has a session that goes on `at` then and was used `since`; as what the register has them now. For the
-- process that gives work to people.
create or replace function access.present(at timestamptz, since timestamptz)
  returns table(person_id text, name text, tenants text[], roles text[])
  language sql stable security definer set search_path = '' as $$
    select d.person_id, d.name, d.tenants, d.roles from access.directory d
    where exists (select from access.sessions s
                  where s.person_id = d.person_id and s.ended_at is null and s.expires_at > at and s.seen_at >= since
                    and (s.vouched_until is null or s.vouched_until > at)) $$;
revoke all on function access.present(timestamptz, timestamptz) from public;
