-- Messages to send and sent, with their addresses and texts: the delivery log. Kept for `notifications.keep_days`.
create table messages (
    id uuid primary key,
    event_id uuid not null,
    -- Of the event: `order.paid`.
    kind text not null,
    -- What the event happened to: an order id, say.
    about text not null,
    plugin text not null,
    channel text not null,
    -- Of a recipient with an account.
    customer_id uuid references customers (id) on delete cascade,
    recipient_name text not null,
    -- An address of the channel: of e-mail, a phone number, a device token; empty for the inbox.
    recipient text not null,
    -- The same, folded by the kernel: people write the same address in many ways.
    recipient_key text not null,
    subject text not null,
    body_text text not null,
    body_html text,
    attributes jsonb not null,
    -- It holds a link that opens an account: staff never see it, and it is dropped once it is sent.
    secret boolean not null,
    status text not null check (status in ('queued', 'sent', 'dead', 'suppressed')),
    -- Tries that were begun since it was queued, or queued again.
    attempts bigint not null,
    last_error text,
    -- While a worker has the message: when its claim runs out.
    next_attempt_at timestamptz not null,
    created_at timestamptz not null,
    sent_at timestamptz,
    -- The message that this one repeats.
    resend_of uuid
);
create index messages_due on messages (status, channel, next_attempt_at, id);
create index messages_by_status on messages (status, id);
create index messages_by_age on messages (created_at);
create index messages_by_event on messages (event_id);
create index messages_by_about on messages (about, id);
create index messages_by_recipient on messages (recipient, id);
create index messages_to_guests on messages (recipient_key, id) where customer_id is null;
create index messages_by_customer on messages (customer_id, id);

-- Every try to send a message.
create table message_attempts (
    id uuid primary key,
    message_id uuid not null references messages (id) on delete cascade,
    at timestamptz not null,
    -- Both null where it was taken.
    code text,
    detail text
);
create index message_attempts_by_message on message_attempts (message_id, id);

-- What people find in the app.
create table inbox_items (
    id uuid primary key,
    customer_id uuid not null references customers (id) on delete cascade,
    -- Counts what this person was ever told. Streams go on from a position: it is given under the lock of the person's row in
    -- inbox_positions, so a lower one never becomes visible after a higher one.
    position bigint not null,
    kind text not null,
    about text not null,
    title text not null,
    body text not null,
    attributes jsonb not null,
    created_at timestamptz not null,
    read_at timestamptz,
    unique (customer_id, position)
);
create index inbox_items_unread on inbox_items (customer_id, position) where read_at is null;
create index inbox_items_by_about on inbox_items (about);
create index inbox_items_by_age on inbox_items (created_at);

create table inbox_positions (
    customer_id uuid primary key references customers (id) on delete cascade,
    last bigint not null,
    changed_at timestamptz not null
);
create index inbox_positions_by_change on inbox_positions (changed_at);

-- Devices that take push messages.
create table push_tokens (
    id uuid primary key,
    customer_id uuid not null references customers (id) on delete cascade,
    token text not null unique,
    platform text not null check (platform in ('android', 'ios', 'web')),
    created_at timestamptz not null
);
create index push_tokens_by_customer on push_tokens (customer_id, id);
