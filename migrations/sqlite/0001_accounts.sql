-- Whom price lists and pricing rules tell apart: trade, staff.
create table customer_groups (
    code text primary key,
    name text not null,
    created_at text not null,
    updated_at text not null
) strict;

create table customers (
    id blob primary key,
    email text not null,
    -- Lower-cased: what logins and uniqueness go by.
    email_key text not null unique,
    name text not null,
    locale text not null,
    role text not null check (role in ('customer', 'staff', 'owner')),
    -- Of staff: names with spaces between them.
    permissions text not null default '',
    group_code text references customer_groups (code) on delete set null,
    password_hash text not null,
    created_at text not null,
    updated_at text not null
) strict;
create index customers_by_group on customers (group_code) where group_code is not null;

-- One login somewhere. Every refresh token of it belongs to this family.
create table sessions (
    id blob primary key,
    customer_id blob not null references customers (id) on delete cascade,
    created_at text not null,
    expires_at text not null,
    revoked_at text
) strict;
create index sessions_by_customer on sessions (customer_id);
create index sessions_by_expiry on sessions (expires_at);

create table refresh_tokens (
    token_hash blob primary key,
    session_id blob not null references sessions (id) on delete cascade,
    issued_at text not null,
    used_at text
) strict;
create index refresh_tokens_by_session on refresh_tokens (session_id);

create table idempotency_keys (
    scope text not null,
    idempotency_key text not null,
    request_hash blob not null,
    claimed_at text not null,
    status integer,
    content_type text,
    location text,
    body blob,
    primary key (scope, idempotency_key)
) strict;
create index idempotency_keys_by_age on idempotency_keys (claimed_at);
