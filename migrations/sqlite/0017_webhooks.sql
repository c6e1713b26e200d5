-- Where other systems are told what happened.
create table webhooks (
    id blob primary key,
    url text not null,
    description text not null,
    -- Kinds of events with spaces between them; empty: every kind.
    kinds text not null,
    enabled integer not null check (enabled in (0, 1)),
    -- Why it is off: by the `merchant`, because it is `gone` (410), or because it was `failing` for too long.
    disabled_reason text,
    -- The secret is made of the key of the install and this; no secret stands here.
    salt blob not null,
    -- Of the secret before, which signs too until then.
    former_salt blob,
    former_until text,
    -- The first failure since the last success.
    failing_since text,
    created_at text not null,
    updated_at text not null
) strict;

-- An event for a webhook. Kept for `webhooks.keep_days`.
create table webhook_messages (
    id blob primary key,
    webhook_id blob not null references webhooks (id) on delete cascade,
    event_id blob not null,
    kind text not null,
    -- As it is posted: the same bytes at every try.
    body text not null,
    status text not null check (status in ('queued', 'delivered', 'failed')),
    -- Tries that were begun since it was queued, or queued again.
    attempts integer not null,
    -- While a worker has the message: when its claim runs out.
    next_attempt_at text not null,
    created_at text not null,
    unique (webhook_id, event_id)
) strict;
create index webhook_messages_due on webhook_messages (webhook_id, status, next_attempt_at, id);
create index webhook_messages_by_webhook on webhook_messages (webhook_id, id);
create index webhook_messages_by_status on webhook_messages (webhook_id, status, id);
create index webhook_messages_by_age on webhook_messages (created_at);

-- Every try to post a message.
create table webhook_attempts (
    id blob primary key,
    message_id blob not null references webhook_messages (id) on delete cascade,
    at text not null,
    duration_ms integer not null,
    -- Of the answer; null where there was none.
    status integer,
    -- Why there was none.
    error text,
    -- The beginning of the answer.
    answer text not null
) strict;
create index webhook_attempts_by_message on webhook_attempts (message_id, id);
