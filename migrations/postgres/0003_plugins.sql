create table plugin_versions (
    digest text primary key,
    name text not null,
    version text not null,
    domain text not null check (domain in ('pricing', 'payment', 'delivery', 'notification')),
    -- What the file says of itself and what was read from it, as JSON.
    package text not null,
    -- The signature that came with it, and which key verified it, as JSON.
    signature text,
    -- It came with a kernel of this shop.
    from_kernel boolean not null,
    uploaded_at timestamptz not null,
    unique (name, version)
);

-- Every state that a domain's binding ever had. The one in force is the one with the highest generation.
create table bindings (
    domain text not null check (domain in ('pricing', 'payment', 'delivery', 'notification')),
    generation bigint not null,
    -- JSON: [{"name", "version", "digest", "settings"}], in the order of the chain.
    plugins text not null,
    -- The generation that this one went back to, where it is a rollback.
    rolled_back_to bigint,
    actor text not null,
    created_at timestamptz not null,
    primary key (domain, generation)
);

create table plugin_kv (
    plugin text not null,
    key text not null,
    value bytea not null,
    primary key (plugin, key)
);

-- What each plugin keeps in plugin_kv in all: its quota without a sum.
create table plugin_kv_usage (
    plugin text primary key,
    keys bigint not null,
    bytes bigint not null
);
