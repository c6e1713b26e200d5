-- A file that is imported while nobody waits for it.
create table import_jobs (
    id blob primary key,
    format text not null check (format in ('json-lines', 'shopify-csv')),
    dry_run integer not null check (dry_run in (0, 1)),
    state text not null check (state in ('receiving', 'queued', 'running', 'done', 'failed', 'cancelled')),
    bytes integer not null,
    -- Null until the file has been looked through.
    rows_total integer,
    rows_done integer not null,
    -- What is written of it: a worker that takes it up again begins after so many.
    items_done integer not null,
    -- JSON.
    counts text not null,
    error text,
    created_by text not null,
    created_at text not null,
    ended_at text,
    -- How often it was taken since it last got further.
    tries integer not null,
    -- Who works on it, and until when nobody else does.
    claim blob,
    claimed_until text
) strict;
create index import_jobs_by_state on import_jobs (state, id);
create index import_jobs_by_end on import_jobs (ended_at);

create table import_report (
    job_id blob not null references import_jobs (id) on delete cascade,
    number integer not null,
    line integer not null,
    outcome text not null check (outcome in ('created', 'updated', 'refused', 'note')),
    what text not null,
    detail text not null,
    primary key (job_id, number)
) strict;
create index import_report_by_outcome on import_report (job_id, outcome, number);
