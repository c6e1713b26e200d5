-- Every change of staff counts it up first, and so waits for the one before.
insert into counters (name, value) values ('staff_changes', 0);

create index customers_staff on customers (id) where role <> 'customer';

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
