-- What each plugin may reach, in all its versions.
create table plugin_grants (
    plugin text primary key,
    -- JSON: hosts, secrets, kv.
    grants text not null,
    -- Rises with every change.
    version bigint not null,
    actor text not null,
    granted_at timestamptz not null
);

-- Values of secrets, encrypted under a key that is not in the database.
create table plugin_secrets (
    plugin text not null references plugin_grants (plugin),
    name text not null,
    value bytea not null,
    actor text not null,
    set_at timestamptz not null,
    primary key (plugin, name)
);
