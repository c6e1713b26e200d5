-- Every change of staff counts it up first, and so waits for the one before.
insert into counters (name, value) values ('staff_changes', 0);

create index customers_staff on customers (id) where role <> 'customer';

create table api_keys (
    id uuid primary key,
    name text not null,
    -- How the key begins, to tell which it is.
    prefix text not null,
    key_hash bytea not null unique,
    -- Names with spaces between them: `catalog orders:read`.
    scopes text not null,
    -- No foreign key: a key belongs to the shop and outlives its maker.
    created_by uuid not null,
    created_at timestamptz not null,
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz
);
