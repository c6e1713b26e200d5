-- What of an order is sent, or collected, together. The order's row is the lock of all of its shipments.
create table shipments (
    id blob primary key,
    order_id blob not null references orders (id),
    -- 1 and up within the order.
    number integer not null,
    kind text not null check (kind in ('carriage', 'pickup')),
    status text not null check (status in
        ('pending', 'booked', 'ready_for_pickup', 'in_transit', 'delivered', 'returned', 'cancelled')),
    -- Where the goods leave from; null: from where they are set aside. No reference: it may be deleted afterwards.
    location_id blob,
    -- Who carries it: what the shopper chose at the checkout.
    plugin text not null,
    option_code text not null,
    -- The carrier's name of it; empty where none was booked.
    reference text not null,
    tracking_number text not null,
    tracking_url text not null,
    version integer not null,
    -- How often the carrier was asked about what is open.
    checks integer not null,
    -- When the worker asks the carrier next; none where there is nothing to ask.
    next_check_at text,
    created_at text not null,
    -- When the goods left; none while they are here.
    dispatched_at text,
    delivered_at text,
    updated_at text not null,
    unique (order_id, number)
) strict;
create index shipments_by_status on shipments (status, id);
create index shipments_due on shipments (next_check_at) where next_check_at is not null;

create table shipment_lines (
    shipment_id blob not null references shipments (id),
    -- The line of the order, by its position.
    line_position integer not null,
    quantity integer not null check (quantity > 0),
    primary key (shipment_id, line_position)
) strict;

-- What happened to a shipment. The key is the whole row: told twice, it is written once.
create table tracking_events (
    shipment_id blob not null references shipments (id),
    at text not null,
    -- A status of shipments, or a note.
    status text not null check (status in
        ('booked', 'ready_for_pickup', 'in_transit', 'delivered', 'returned', 'cancelled', 'note')),
    text text not null,
    source text not null check (source in ('carrier', 'staff')),
    primary key (shipment_id, at, status, text, source)
) strict;

-- The journal: what a carrier is asked to do, written before the plugin is called.
create table shipment_steps (
    id blob primary key,
    shipment_id blob not null references shipments (id),
    kind text not null check (kind in ('book', 'cancel')),
    idempotency_key text not null unique,
    status text not null check (status in ('begun', 'done', 'failed')),
    -- Why it failed.
    note text not null,
    begun_at text not null,
    ended_at text
) strict;
create index shipment_steps_by_shipment on shipment_steps (shipment_id, begun_at, id);

-- Goods that shoppers send back, or want to.
create table returns (
    id blob primary key,
    order_id blob not null references orders (id),
    -- 1 and up within the order.
    number integer not null,
    status text not null check (status in
        ('requested', 'approved', 'rejected', 'received', 'refunded', 'closed', 'cancelled')),
    -- What was given back for it.
    refund_id blob references refunds (id),
    version integer not null,
    created_at text not null,
    updated_at text not null,
    unique (order_id, number)
) strict;
create index returns_by_status on returns (status, id);

create table return_lines (
    return_id blob not null references returns (id),
    -- The line of the order, by its position.
    line_position integer not null,
    quantity integer not null check (quantity > 0),
    reason text not null check (reason in ('damaged', 'wrong-item', 'not-as-described', 'unwanted', 'other')),
    note text not null,
    -- Pieces that came, and those of them that lie on the shelf again.
    received integer not null check (received >= 0 and received <= quantity),
    restocked integer not null check (restocked >= 0 and restocked <= received),
    primary key (return_id, line_position)
) strict;

create table return_history (
    return_id blob not null references returns (id),
    position integer not null,
    at text not null,
    status text not null,
    cause text not null,
    -- Who did it; empty where the shopper did.
    actor text not null,
    primary key (return_id, position)
) strict;
