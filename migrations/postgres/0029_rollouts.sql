-- A candidate on its way to being in force, tried on live calls.
create table rollouts (
    id uuid primary key,
    domain text not null check (domain in ('pricing', 'delivery')),
    stage text not null check (stage in ('shadow', 'canary', 'active')),
    ending text check (ending in ('completed', 'stopped', 'rolled-back', 'superseded', 'failed')),
    -- A JSON array: from when on which share of the shoppers gets it.
    steps text not null,
    -- A JSON array of plugins with their settings, as a binding has them.
    candidate text not null,
    -- The generation of the domain's binding that was in force when it began.
    base_generation bigint not null,
    -- Of the candidate, once it was put in force.
    generation bigint,
    -- JSON: what it may not do, what was seen of it in this stage, which guard ended it.
    guards text not null,
    observed text not null,
    breach text,
    reason text,
    created_by text not null,
    created_at timestamptz not null,
    stage_since timestamptz not null,
    ended_at timestamptz
);
-- One at a time in a domain.
create unique index rollouts_under_way on rollouts (domain) where ended_at is null;

-- What the kernel does by itself stands in the audit log, too.
alter table audit_entries drop constraint audit_entries_actor_kind_check;
alter table audit_entries add constraint audit_entries_actor_kind_check
    check (actor_kind in ('person', 'api-key', 'cli', 'kernel', 'nobody'));
