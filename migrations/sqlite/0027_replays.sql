-- What orders that were placed would have cost with other plugins.
create table replays (
    id blob primary key,
    domain text not null check (domain in ('pricing', 'delivery')),
    -- A JSON array of plugins with their settings, as a binding has them.
    candidate text not null,
    state text not null check (state in ('running', 'done', 'failed', 'cancelled')),
    orders_total integer not null,
    orders_done integer not null,
    -- JSON, once it is done: the report, and what a list of replays says of it.
    report text,
    summary text,
    error text,
    created_by text not null,
    created_at text not null,
    -- The last sign of life of the kernel that runs it.
    seen_at text not null,
    ended_at text
) strict;
create index replays_by_end on replays (ended_at);

-- Every order that would change, some hundreds in a row: one for each would keep the one writer of SQLite from shoppers.
create table replay_changes (
    replay_id blob not null references replays (id),
    -- Number of the last order in the row; they stand in it from the newest on.
    oldest integer not null,
    -- A JSON array.
    changes text not null,
    primary key (replay_id, oldest)
) strict;
