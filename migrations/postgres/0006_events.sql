-- The outbox: written in the transaction of the change, sent by the relay.
create table events (
    id uuid primary key,
    kind text not null,
    subject text not null,
    data text not null,
    occurred_at timestamptz not null,
    sent_at timestamptz,
    -- Tries that were begun. With it a worker tells its own claim from a later one.
    attempts bigint not null,
    -- While a worker has the event: when its claim runs out.
    next_attempt_at timestamptz not null,
    last_error text,
    -- After the last try; nobody takes it up again by itself.
    given_up_at timestamptz
);
create index events_unsent on events (next_attempt_at) where sent_at is null and given_up_at is null;
create index events_by_subject on events (subject, kind, id);
create index events_by_kind on events (kind, id);
create index events_sent on events (sent_at) where sent_at is not null;
create index events_given_up on events (given_up_at) where given_up_at is not null;

-- What each consumer has had, written in the transaction of its effect.
create table consumed_events (
    consumer text not null,
    event_id uuid not null,
    consumed_at timestamptz not null,
    primary key (consumer, event_id)
);
create index consumed_events_by_age on consumed_events (consumed_at);
