-- revision 11
create schema if not exists ledger;

-- One row per transaction that a verdict or a label has spoken of, whichever came first. Text keys sort by code point
-- (collate "C"), as Python does: rows are locked in the same order everywhere.
create table if not exists ledger.transactions (
  tenant                      text collate "C" not null,
  transaction_id              text collate "C" not null,
  -- the verdict; null until it comes
  logged_ms                   bigint,             -- log time, ms since 1970: of several verdicts the first counts
  occurred_us                 bigint,             -- microseconds since 1970
  match_score                 double precision,   -- -1: no score
  liveness_score              double precision,
  match_threshold             double precision,
  liveness_threshold          double precision,
  policy_hash                 text,
  decision                    text,
  match_outcome               text,
  liveness_outcome            text,
  segments                    text,               -- JSON object, catalogue segments only
  -- the winning assertion on the match; null until a label says something about it
  pair_authority              smallint,
  pair_asserted_us            bigint,
  pair_label_id               text,
  pair_class                  text,               -- genuine, impostor
  pair_probability            double precision,   -- sampling probability
  -- the winning assertion on liveness
  presentation_authority      smallint,
  presentation_asserted_us    bigint,
  presentation_label_id       text,
  presentation_class          text,               -- bona_fide, attack:<species>, injection:<method>
  presentation_probability    double precision,
  primary key (tenant, transaction_id)
);

-- The edges behind the bins of cells.
create table if not exists ledger.grids (
  edge_set_id                 text primary key,
  grid                        text not null,
  thresholds                  double precision[] not null
);

-- One row per day of the tenant, by its date, and cohort; the whole tenant has empty segment name and value. Whoever
-- changes a cell of a window holds its row: a revision sees all of a change or nothing of it.
create table if not exists ledger.windows (
  window_key                  bigint generated always as identity,
  day                         date not null,
  tenant                      text collate "C" not null,
  segment_name                text collate "C" not null,
  segment_value               text collate "C" not null,
  match_requested             bigint not null,    -- transactions that asked for the check, labelled or not
  liveness_requested          bigint not null,
  labelled                    boolean not null,   -- a cell was ever counted
  dirty                       boolean not null,   -- labelled, and changed since the last revision
  revision                    integer not null default 0,
  primary key (day, tenant, segment_name, segment_value)
) with (fillfactor = 50);
-- A change since the last revision came in time to be acted upon; without one the next revision is backfill.
alter table ledger.windows add column if not exists live boolean not null default true;
create unique index if not exists windows_window_key on ledger.windows (window_key);
create index if not exists windows_dirty on ledger.windows (day) where dirty;

-- Labelled trials by class, outcome and bin of the score; merged by adding +1 and -1.
create table if not exists ledger.labelled_cells (
  window_key                  bigint not null,
  policy_hash                 text collate "C" not null,
  class                       text collate "C" not null,  -- also 'transactions': labelled ones, once each; 'system:<attack>': by decision
  outcome                     text collate "C" not null,  -- passed, failed, missing
  edge_set_id                 text collate "C" not null,  -- '' without a score
  bin                         integer not null,
  n                           bigint not null,
  primary key (window_key, policy_hash, class, outcome, edge_set_id, bin)
) with (fillfactor = 80);

create table if not exists ledger.baselines (
  tenant                      text not null,
  segment_name                text not null,
  segment_value               text not null,
  length_s                    int not null,
  slot                        int not null,       -- 0 working day, 24 weekend
  body                        bytea not null,     -- msgpack: periods (start ms, k, n) by metric
  primary key (tenant, segment_name, segment_value, length_s, slot)
);

-- The latest anomaly of every series that ever had one.
create table if not exists ledger.anomalies (
  tenant                      text not null,
  segment_name                text not null,
  segment_value               text not null,
  length_s                    int not null,
  metric                      text not null,
  state                       text not null check (state in ('firing', 'resolved')),
  body                        bytea not null,     -- msgpack: id, revision, severity and the windows it spans
  primary key (tenant, segment_name, segment_value, length_s, metric)
);

-- What was said last about each cohort's step-up control.
create table if not exists ledger.controls (
  tenant                      text not null,
  segment_name                text not null,
  segment_value               text not null,
  body                        bytea not null,     -- msgpack: the day that decided, and when the control expires
  primary key (tenant, segment_name, segment_value)
);

-- Tenants keep their transactions for as long as their contracts say, so the old ones of one lie among those that others
-- keep: a range index over all would find nothing to skip.
create index if not exists transactions_of_tenant on ledger.transactions (tenant, logged_ms);
drop index if exists ledger.transactions_logged;
-- Which transactions were kept long enough and removed, by the day on which they were.
create table if not exists ledger.removed (
  day                         date not null,
  tenant                      text collate "C" not null,
  rows                        bigint not null,
  before_ms                   bigint not null,    -- those logged before this moment, ms since 1970
  primary key (day, tenant)
);

-- What the whole system made of attacks is counted since revision 5; of those labelled before, from what is kept of
-- them. Only once: later, what is counted is right by itself.
insert into ledger.labelled_cells (window_key, policy_hash, class, outcome, edge_set_id, bin, n)
select w.window_key, t.policy_hash, 'system:' || t.presentation_class,
       case when t.decision = 'accept' then 'passed' else 'failed' end, '', 0, count(*)
from ledger.transactions t
join ledger.windows w
  on w.tenant = t.tenant and w.day = date '1970-01-01' + (t.occurred_us / 86400000000)::int
 and (w.segment_name = '' or t.segments::jsonb ->> w.segment_name = w.segment_value)
where t.presentation_class like 'attack:%' and t.logged_ms is not null
  and t.match_outcome <> 'not_requested' and t.liveness_outcome <> 'not_requested'
  and not exists (select from ledger.labelled_cells where class like 'system:%')
group by 1, 2, 3, 4
on conflict do nothing;
-- When the winning assertion was logged: ms since 1970 with a minus, so that of equal ones the first is the greatest;
-- null: before revision 6.
alter table ledger.transactions add column if not exists pair_minus_logged_ms bigint;
alter table ledger.transactions add column if not exists presentation_minus_logged_ms bigint;
-- Errors and trials that count towards the promised limits, by the day they are about and the day of evaluation from
-- which on they count; gone once that is judged.
create table if not exists ledger.limit_counts (
  tenant                      text collate "C" not null,
  segment_name                text collate "C" not null,
  segment_value               text collate "C" not null,
  metric                      text collate "C" not null,
  species                     text collate "C" not null,
  day                         integer not null,   -- days since 1970
  effective                   integer not null,   -- days since 1970
  k                           bigint not null,    -- errors; negative: taken back
  n                           bigint not null,
  primary key (tenant, segment_name, segment_value, metric, species, day, effective)
) with (fillfactor = 80);
create index if not exists limit_counts_effective on ledger.limit_counts (effective);
-- What is judged of the promised limits of a cohort.
create table if not exists ledger.limits (
  tenant                      text collate "C" not null,
  segment_name                text collate "C" not null,
  segment_value               text collate "C" not null,
  quiet_from                  integer,            -- day of evaluation that ends a finding for want of trials
  breach                      boolean not null,   -- APCER is found above its limit
  body                        bytea not null,     -- msgpack: days, findings, evidence
  primary key (tenant, segment_name, segment_value)
);
create index if not exists limits_quiet on ledger.limits (quiet_from) where quiet_from is not null;
-- A labelled day is one of its tenant, which may have 23 or 25 hours; null: of UTC, counted before revision 7.
alter table ledger.windows add column if not exists start_ms bigint;
alter table ledger.windows add column if not exists end_ms bigint;
-- Since when the days of tenants are told by their own calendars, ms since 1970; what was counted before has days in
-- UTC. With a day in between, so that no process of an earlier release is at work any more when it begins.
create table if not exists ledger.calendars (
  one                         boolean not null primary key default true check (one),
  since_ms                    bigint not null
);
insert into ledger.calendars (since_ms)
select case when exists (select from ledger.windows)
            then (extract(epoch from now())::bigint / 86400 + 2) * 86400000 else 0 end
on conflict do nothing;
-- Whose transactions of a month belong together, so that k of a cell is of people: a number under the salt of the
-- tenant's month, which is random and thrown away after half a year. null and 0: not known; no person is counted for it.
alter table ledger.transactions add column if not exists person bigint;
create table if not exists ledger.month_salts (
  tenant                      text collate "C" not null,
  month                       integer not null,   -- months since the year 0, of the tenant's calendar
  salt                        bytea not null default uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()),
  primary key (tenant, month)
);
-- Erasure (ADR 0049): rows are no longer anybody's. They stay, because what was counted must count the same again: the
-- id becomes a random one, ids of labels go, times are of their quarter of an hour, which no day of any time zone cuts.
-- Only the role `privacy` may.
create or replace function ledger.unlink(whose text, ids text[]) returns bigint
  language sql volatile set search_path = '' as $$
    with unlinked as (
      update ledger.transactions t set transaction_id = 'erased-' || gen_random_uuid(), person = null,
        occurred_us = t.occurred_us - mod(t.occurred_us, 900000000),
        logged_ms = t.logged_ms - mod(t.logged_ms, 900000),
        pair_asserted_us = t.pair_asserted_us - mod(t.pair_asserted_us, 900000000),
        presentation_asserted_us = t.presentation_asserted_us - mod(t.presentation_asserted_us, 900000000),
        pair_label_id = case when t.pair_label_id is not null then 'erased' end,
        presentation_label_id = case when t.presentation_label_id is not null then 'erased' end
      where t.tenant = whose and t.transaction_id = any(ids) returning 1)
    select count(*) from unlinked $$;
comment on function ledger.unlink(text, text[]) is 'With the rights of who calls it: the ledger does so with what comes late.';
create or replace function ledger.forget(whose text, ids text[]) returns bigint
  language sql volatile security definer set search_path = '' as $$ select ledger.unlink(whose, ids) $$;
revoke all on function ledger.forget(text, text[]) from public;
create or replace function ledger.ids_of(whose text, behind text, most integer) returns setof text
  language sql stable security definer set search_path = '' as $$
    select t.transaction_id from ledger.transactions t where t.tenant = whose and t.transaction_id > behind collate "C"
    order by t.transaction_id limit most $$;
revoke all on function ledger.ids_of(text, text, integer) from public;

-- Labels that came of transactions of people who were erased: they are joined with nothing, for their rows are nobody's,
-- and are counted here, by the day (UTC) on which they were logged. Who and which transaction it was is not kept.
create table if not exists ledger.labels_of_erased (
  day                         date not null,
  tenant                      text collate "C" not null,
  aspect                      text collate "C" not null check (aspect in ('pair', 'presentation')),
  class                       text collate "C" not null,
  n                           bigint not null,
  primary key (day, tenant, aspect, class)
);
