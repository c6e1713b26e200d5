-- Candidates of every domain. SQLite changes no check of a table that there is.
create table rollouts_new (
    id blob primary key,
    domain text not null check (domain in ('pricing', 'payment', 'delivery', 'notification')),
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
insert into rollouts_new select * from rollouts;
drop table rollouts;
alter table rollouts_new rename to rollouts;
-- One at a time in a domain.
create unique index rollouts_under_way on rollouts (domain) where ended_at is null;

-- The rollout during which the payment was begun, and which side began it: that side goes on with it, under its own settings.
alter table payments add column rollout_id blob references rollouts (id);
alter table payments add column rollout_side text check (rollout_side in ('base', 'candidate'));
create index payments_by_rollout on payments (plugin, rollout_id, rollout_side) where rollout_id is not null;
