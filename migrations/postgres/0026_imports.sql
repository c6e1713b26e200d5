-- A file that is imported while nobody waits for it.
create table import_jobs (
    id uuid primary key,
    format text not null check (format in ('json-lines', 'shopify-csv')),
    dry_run boolean not null,
    state text not null check (state in ('receiving', 'queued', 'running', 'done', 'failed', 'cancelled')),
    bytes bigint not null,
    -- Null until the file has been looked through.
    rows_total bigint,
    rows_done bigint not null,
    -- What is written of it: a worker that takes it up again begins after so many.
    items_done bigint not null,
    -- JSON.
    counts jsonb not null,
    error text,
    created_by text not null,
    created_at timestamptz not null,
    ended_at timestamptz,
    -- How often it was taken since it last got further.
    tries bigint not null,
    -- Who works on it, and until when nobody else does.
    claim uuid,
    claimed_until timestamptz
);
create index import_jobs_by_state on import_jobs (state, id);
create index import_jobs_by_end on import_jobs (ended_at);

create table import_report (
    job_id uuid not null references import_jobs (id) on delete cascade,
    number bigint not null,
    line bigint not null,
    outcome text not null check (outcome in ('created', 'updated', 'refused', 'note')),
    what text not null,
    detail text not null,
    primary key (job_id, number)
);
create index import_report_by_outcome on import_report (job_id, outcome, number);
