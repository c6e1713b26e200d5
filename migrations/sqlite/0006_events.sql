-- The outbox: written in the transaction of the change, sent by the relay.
create table events (
    id blob primary key,
    kind text not null,
    subject text not null,
    data text not null,
    occurred_at text not null,
    sent_at text,
    attempts integer not null,
    next_attempt_at text not null
) strict;
create index events_unsent on events (next_attempt_at) where sent_at is null;

-- What each consumer has had, written in the transaction of its effect.
create table consumed_events (
    consumer text not null,
    event_id blob not null,
    consumed_at text not null,
    primary key (consumer, event_id)
) strict;

create table messages (
    id blob primary key,
    event_id blob not null,
    channel text not null,
    recipient text not null,
    subject text not null,
    body_text text not null,
    body_html text,
    status text not null check (status in ('queued', 'sent', 'failed')),
    attempts integer not null,
    last_error text,
    next_attempt_at text not null,
    created_at text not null,
    sent_at text
) strict;
create index messages_due on messages (status, next_attempt_at);
create index messages_by_event on messages (event_id);
