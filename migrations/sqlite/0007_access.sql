-- Every change of staff counts it up first, and so waits for the one before.
insert into counters (name, value) values ('staff_changes', 0);

create index customers_staff on customers (id) where role <> 'customer';

-- What the owners ask of staff: one row.
create table staff_policy (
    id integer primary key check (id = 1),
    second_factor_required integer not null check (second_factor_required in (0, 1)),
    -- Null until an owner changed it.
    changed_by blob,
    changed_at text
) strict;
insert into staff_policy (id, second_factor_required) values (1, 0);

create table api_keys (
    id blob primary key,
    name text not null,
    -- How the key begins, to tell which it is.
    prefix text not null,
    key_hash blob not null unique,
    -- Names with spaces between them: `catalog orders:read`.
    scopes text not null,
    -- No foreign key: a key belongs to the shop and outlives its maker.
    created_by blob not null,
    created_at text not null,
    expires_at text,
    last_used_at text,
    revoked_at text
) strict;

-- What somebody changed, or tried to, under /v1/admin. Written before the change; `status` comes after it. No foreign keys: entries outlive
-- people, keys and objects.
create table audit_entries (
    -- Sorts by time: spans of time are spans of ids.
    id blob primary key,
    actor_kind text not null check (actor_kind in ('person', 'api-key', 'cli', 'nobody')),
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
create index audit_entries_by_actor on audit_entries (actor_id, id) where actor_id is not null;
create index audit_entries_by_subject on audit_entries (subject, id) where subject is not null;
