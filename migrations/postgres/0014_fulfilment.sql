-- What of an order is sent, or collected, together. The order's row is the lock of all of its shipments.
create table shipments (
    id uuid primary key,
    order_id uuid not null references orders (id),
    -- 1 and up within the order.
    number bigint not null,
    kind text not null check (kind in ('carriage', 'pickup')),
    status text not null check (status in
        ('pending', 'booked', 'ready_for_pickup', 'in_transit', 'delivered', 'returned', 'cancelled')),
    -- Where the goods leave from; null: from where they are set aside. No reference: it may be deleted afterwards.
    location_id uuid,
    -- Who carries it: what the shopper chose at the checkout.
    plugin text not null,
    option_code text not null,
    -- The carrier's name of it; empty where none was booked.
    reference text not null,
    tracking_number text not null,
    tracking_url text not null,
    version bigint not null,
    -- How often the carrier was asked about what is open.
    checks bigint not null,
    -- When the worker asks the carrier next; none where there is nothing to ask.
    next_check_at timestamptz,
    created_at timestamptz not null,
    -- When the goods left; none while they are here.
    dispatched_at timestamptz,
    delivered_at timestamptz,
    updated_at timestamptz not null,
    unique (order_id, number)
);
create index shipments_by_status on shipments (status, id);
create index shipments_due on shipments (next_check_at) where next_check_at is not null;

create table shipment_lines (
    shipment_id uuid not null references shipments (id),
    -- The line of the order, by its position.
    line_position bigint not null,
    quantity bigint not null check (quantity > 0),
    primary key (shipment_id, line_position)
);

-- What happened to a shipment. The key is the whole row: told twice, it is written once.
create table tracking_events (
    shipment_id uuid not null references shipments (id),
    at timestamptz not null,
    -- A status of shipments, or a note.
    status text not null check (status in
        ('booked', 'ready_for_pickup', 'in_transit', 'delivered', 'returned', 'cancelled', 'note')),
    text text not null,
    source text not null check (source in ('carrier', 'staff')),
    primary key (shipment_id, at, status, text, source)
);

-- The journal: what a carrier is asked to do, written before the plugin is called.
create table shipment_steps (
    id uuid primary key,
    shipment_id uuid not null references shipments (id),
    kind text not null check (kind in ('book', 'cancel')),
    idempotency_key text not null unique,
    status text not null check (status in ('begun', 'done', 'failed')),
    -- Why it failed.
    note text not null,
    begun_at timestamptz not null,
    ended_at timestamptz
);
create index shipment_steps_by_shipment on shipment_steps (shipment_id, begun_at, id);

-- Goods that shoppers send back, or want to.
create table returns (
    id uuid primary key,
    order_id uuid not null references orders (id),
    -- 1 and up within the order.
    number bigint not null,
    status text not null check (status in
        ('requested', 'approved', 'rejected', 'received', 'refunded', 'closed', 'cancelled')),
    -- What was given back for it.
    refund_id uuid references refunds (id),
    version bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    unique (order_id, number)
);
create index returns_by_status on returns (status, id);

create table return_lines (
    return_id uuid not null references returns (id),
    -- The line of the order, by its position.
    line_position bigint not null,
    quantity bigint not null check (quantity > 0),
    reason text not null check (reason in ('damaged', 'wrong-item', 'not-as-described', 'unwanted', 'other')),
    note text not null,
    -- Pieces that came, and those of them that lie on the shelf again.
    received bigint not null check (received >= 0 and received <= quantity),
    restocked bigint not null check (restocked >= 0 and restocked <= received),
    primary key (return_id, line_position)
);

create table return_history (
    return_id uuid not null references returns (id),
    position bigint not null,
    at timestamptz not null,
    status text not null,
    cause text not null,
    -- Who did it; empty where the shopper did.
    actor text not null,
    primary key (return_id, position)
);
