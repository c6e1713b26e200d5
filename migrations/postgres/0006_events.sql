-- The outbox: written in the transaction of the change, sent by the relay.
create table events (
    id uuid primary key,
    kind text not null,
    subject text not null,
    data text not null,
    occurred_at timestamptz not null,
    sent_at timestamptz,
    attempts bigint not null,
    next_attempt_at timestamptz not null
);
create index events_unsent on events (next_attempt_at) where sent_at is null;

-- What each consumer has had, written in the transaction of its effect.
create table consumed_events (
    consumer text not null,
    event_id uuid not null,
    consumed_at timestamptz not null,
    primary key (consumer, event_id)
);

create table messages (
    id uuid primary key,
    event_id uuid not null,
    channel text not null,
    recipient text not null,
    subject text not null,
    body_text text not null,
    body_html text,
    status text not null check (status in ('queued', 'sent', 'failed')),
    attempts bigint not null,
    last_error text,
    next_attempt_at timestamptz not null,
    created_at timestamptz not null,
    sent_at timestamptz
);
create index messages_due on messages (status, next_attempt_at);
create index messages_by_event on messages (event_id);
