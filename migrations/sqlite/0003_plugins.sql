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
    from_kernel integer not null check (from_kernel in (0, 1)),
    uploaded_at text not null,
    unique (name, version)
) strict;

-- Every state that a domain's binding ever had. The one in force is the one with the highest generation.
create table bindings (
    domain text not null check (domain in ('pricing', 'payment', 'delivery', 'notification')),
    generation integer not null,
    -- JSON: [{"name", "version", "digest", "settings"}], in the order of the chain.
    plugins text not null,
    -- The generation that this one went back to, where it is a rollback.
    rolled_back_to integer,
    actor text not null,
    created_at text not null,
    primary key (domain, generation)
) strict;

create table plugin_kv (
    plugin text not null,
    key text not null,
    value blob not null,
    primary key (plugin, key)
) strict;

-- What each plugin keeps in plugin_kv in all: its quota without a sum.
create table plugin_kv_usage (
    plugin text primary key,
    keys integer not null,
    bytes integer not null
) strict;
