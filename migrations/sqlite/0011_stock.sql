-- Where goods lie. The first one is there from the start; variants that are made with a stock have it there.
create table stock_locations (
    id blob primary key,
    name text not null,
    address text,
    -- Orders are served from the location with the lowest number that has all of a line.
    priority integer not null,
    active integer not null check (active in (0, 1)),
    pickup integer not null check (pickup in (0, 1)),
    version integer not null
) strict;
create index stock_locations_by_priority on stock_locations (priority, id);
insert into stock_locations (id, name, address, priority, active, pickup, version)
values (x'00000000000070008000000000000001', 'Main location', null, 0, 1, 0, 1);

-- What the shop knows of the stock of a variant, over all locations, and how it is to be sold. Whoever changes a level or
-- a reservation of a variant updates this row first: it is the lock of both.
create table stock_items (
    variant_id blob primary key references variants (id) on delete cascade,
    on_hand integer not null check (on_hand >= 0),
    -- Everything that orders hold, waiting included; more than is on hand where goods were promised before they came. That the
    -- rest is never more is checked at the levels, of which these are the sums: here it passes for a moment, inside a
    -- transaction that reserves beyond what is on hand.
    reserved integer not null check (reserved >= 0),
    -- The part of it for which no goods are set aside yet.
    waiting integer not null check (waiting >= 0 and waiting <= reserved),
    -- False: services, downloads. They never run out, and nothing of them is reserved.
    tracked integer not null check (tracked in (0, 1)),
    -- How many may be promised beyond what is on hand; null: as many as are wanted.
    backorder_limit integer check (backorder_limit >= 0),
    -- Null: the shop's own threshold.
    low_stock_threshold integer check (low_stock_threshold >= 0),
    -- What was told of it last.
    alert text not null check (alert in ('none', 'low', 'out')),
    -- The numbers changed since the worker last looked at it.
    alert_due integer not null check (alert_due in (0, 1)),
    -- What can be ordered now; 1,000,000 stands for no limit.
    available integer not null generated always as (
        case when tracked = 0 or backorder_limit is null then 1000000
             when on_hand - reserved + backorder_limit > 0 then on_hand - reserved + backorder_limit
             else 0 end) stored,
    version integer not null
) strict;
create index stock_items_alert_due on stock_items (variant_id) where alert_due;
create index stock_items_waiting on stock_items (variant_id) where waiting > 0;
create index stock_items_by_available on stock_items (available, variant_id);

-- How much of a variant lies at a location, and how much of that orders hold.
create table stock_levels (
    variant_id blob not null references stock_items (variant_id) on delete cascade,
    location_id blob not null references stock_locations (id),
    on_hand integer not null,
    reserved integer not null,
    primary key (variant_id, location_id),
    check (reserved >= 0 and reserved <= on_hand)
) strict;
create index stock_levels_by_location on stock_levels (location_id, variant_id);

-- What orders hold. No references to the order, which is written after it in the same transaction, nor to the variant and the
-- location, which may be deleted once the goods were shipped.
create table stock_reservations (
    id blob primary key,
    order_id blob not null,
    variant_id blob not null,
    sku text not null,
    -- Null while it waits for goods.
    location_id blob,
    quantity integer not null check (quantity > 0),
    -- held until it expires, kept once the order is paid; open are these two. An expired one is taken again when the
    -- order is paid after all, and released then.
    state text not null check (state in ('held', 'kept', 'expired', 'released', 'shipped')),
    expires_at text
) strict;
create index stock_reservations_by_order on stock_reservations (order_id, variant_id);
create index stock_reservations_held on stock_reservations (expires_at) where state = 'held';
create index stock_reservations_waiting on stock_reservations (variant_id, id)
    where location_id is null and state in ('held', 'kept');
create index stock_reservations_open on stock_reservations (id) where state in ('held', 'kept');
create index stock_reservations_open_by_variant on stock_reservations (variant_id, id) where state in ('held', 'kept');

-- Why each number is what it is; rows are only ever added. No references: it outlives what it tells about.
create table stock_movements (
    id blob primary key,
    variant_id blob not null,
    -- Null: a reservation that waits for goods.
    location_id blob,
    kind text not null check (kind in ('opening', 'count', 'adjustment', 'transfer', 'import', 'restock', 'reservation',
                                       'release', 'expiry', 'assignment', 'shipment', 'removal')),
    on_hand_delta integer not null,
    reserved_delta integer not null,
    -- At this location, afterwards.
    on_hand integer not null,
    reserved integer not null,
    -- The order, return or transfer that it belongs to.
    reference_id blob,
    reason text not null,
    -- Who did it; empty where the kernel did.
    actor text not null,
    at text not null
) strict;
create index stock_movements_by_variant on stock_movements (variant_id, id);
create index stock_movements_by_location on stock_movements (location_id, id);
create index stock_movements_by_reference on stock_movements (reference_id, id);
