-- The outbox of Continuo: a row is a job that is ordered when the row's transaction commits.
-- Run it as often as you like; it needs PostgreSQL 13 or newer.

create table if not exists continuo_outbox (
    seq bigint generated always as identity primary key,
    id uuid not null default gen_random_uuid(),
    kind text not null,
    payload jsonb not null default '{}' check (jsonb_typeof(payload) = 'object'),
    options jsonb not null default '{}' check (jsonb_typeof(options) = 'object'),
    ordered_at timestamptz not null default clock_timestamp()
);

-- The transaction that wrote a row: workers look for the rows of those that they have not seen.
alter table continuo_outbox add column if not exists transaction xid8 not null default pg_current_xact_id();
create index if not exists continuo_outbox_transaction on continuo_outbox (transaction);

-- Rows that cannot become a job, with the reason.
create table if not exists continuo_outbox_refused (
    seq bigint primary key,
    id uuid not null,
    kind text not null,
    payload jsonb not null,
    options jsonb not null,
    ordered_at timestamptz not null,
    refused_at timestamptz not null default clock_timestamp(),
    reason text not null
);

-- How jobs ended that were ordered with the option "store_result"; join on id.
create table if not exists continuo_results (
    id uuid primary key,
    kind text not null,
    status text not null,
    result json,
    error text not null,
    attempts int,
    ended_at timestamptz not null
);

-- Order a job; the id that comes back is the job's.
create or replace function continuo_enqueue(kind text, payload jsonb default '{}', options jsonb default '{}')
returns uuid language sql as $$
    insert into continuo_outbox (kind, payload, options)
    values ($1, coalesce($2, '{}'), coalesce($3, '{}'))
    returning id
$$;

-- Order refused rows again, under their ids: all of them, or one. Returns how many.
create or replace function continuo_retry_refused(job uuid default null)
returns bigint language sql as $$
    with again as (
        delete from continuo_outbox_refused where $1 is null or id = $1
        returning seq, id, kind, payload, options
    ), ordered as (
        insert into continuo_outbox (id, kind, payload, options)
        select id, kind, payload, options from again order by seq
        returning 1
    )
    select count(*) from ordered
$$;

create or replace function continuo_notify() returns trigger language plpgsql as $$
begin
    perform pg_notify('continuo_outbox', '');
    return null;
end
$$;

drop trigger if exists continuo_notify on continuo_outbox;
create trigger continuo_notify after insert on continuo_outbox
for each statement execute function continuo_notify();
