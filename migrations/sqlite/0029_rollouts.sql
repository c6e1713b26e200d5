-- A candidate on its way to being in force, tried on live calls.
create table rollouts (
    id blob primary key,
    domain text not null check (domain in ('pricing', 'delivery')),
    stage text not null check (stage in ('shadow', 'canary', 'active')),
    ending text check (ending in ('completed', 'stopped', 'rolled-back', 'superseded', 'failed')),
    -- A JSON array: from when on which share of the shoppers gets it.
    steps text not null,
    -- A JSON array of plugins with their settings, as a binding has them.
    candidate text not null,
    -- The generation of the domain's binding that was in force when it began.
    base_generation integer not null,
    -- Of the candidate, once it was put in force.
    generation integer,
    -- JSON: what it may not do, what was seen of it in this stage, which guard ended it.
    guards text not null,
    observed text not null,
    breach text,
    reason text,
    created_by text not null,
    created_at text not null,
    stage_since text not null,
    ended_at text
) strict;
-- One at a time in a domain.
create unique index rollouts_under_way on rollouts (domain) where ended_at is null;

-- What the kernel does by itself stands in the audit log, too. SQLite changes no check of a table that there is.
create table audit_entries_new (
    -- Sorts by time: spans of time are spans of ids.
    id blob primary key,
    actor_kind text not null check (actor_kind in ('person', 'api-key', 'cli', 'kernel', 'nobody')),
    actor_id blob,
    operation text not null,
    method text not null,
    path text not null,
    subject text,
    address text,
    request_id text,
    body text,
    body_bytes integer not null,
    body_sha256 text,
    status integer,
    begun_at text not null,
    finished_at text
) strict;
insert into audit_entries_new select * from audit_entries;
drop table audit_entries;
alter table audit_entries_new rename to audit_entries;
create index audit_entries_by_actor on audit_entries (actor_id, id) where actor_id is not null;
create index audit_entries_by_subject on audit_entries (subject, id) where subject is not null;
