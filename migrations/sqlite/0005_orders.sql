create table counters (
    name text primary key,
    value integer not null
) strict;
insert into counters (name, value) values ('order_number', 1000);

create table orders (
    -- For a guest, knowing the id is the right to see the order.
    id blob primary key,
    number integer not null unique,
    cart_id blob not null,
    customer_id blob references customers (id),
    status text not null check (status in ('new', 'paid', 'shipped', 'delivered', 'cancelled')),
    currency text not null,
    locale text not null,
    email text not null,
    -- As of an account: folded by the kernel, since the databases do not agree on letters beyond ASCII.
    email_key text not null,
    address text not null,
    -- Whom the invoice is for; none: the address.
    billing_address text,
    delivery text not null,
    -- What the shopper says about it, in the cart's words.
    note text not null,
    attributes text not null,
    goods_total integer not null,
    discount_total integer not null,
    fee_total integer not null,
    delivery_total integer not null,
    tax_total integer not null,
    tax_included_total integer not null,
    total integer not null check (total >= 0),
    -- Counts the edits of its contents; 1 as it was placed.
    revision integer not null,
    version integer not null,
    placed_at text not null,
    updated_at text not null
) strict;
create index orders_by_customer on orders (customer_id, placed_at, id);
create index orders_by_age on orders (placed_at, id);
create index orders_by_status on orders (status, placed_at, id);
create index orders_by_cart on orders (cart_id);
create index orders_by_email on orders (email_key);

create table order_lines (
    order_id blob not null references orders (id),
    position integer not null,
    -- No reference: an order outlives the variant.
    variant_id blob not null,
    sku text not null,
    title text not null,
    quantity integer not null check (quantity > 0),
    unit_price integer not null,
    -- For information: what the shopper saw crossed out, and the price list that the price came from.
    compare_at integer,
    price_list text,
    total integer not null,
    note text not null,
    attributes text not null,
    primary key (order_id, position)
) strict;

create table order_adjustments (
    order_id blob not null references orders (id),
    position integer not null,
    -- line, order or delivery; line_position where it is a line.
    target text not null check (target in ('line', 'order', 'delivery')),
    line_position integer,
    kind text not null check (kind in ('discount', 'tax', 'tax-included', 'fee')),
    code text not null,
    label text not null,
    amount integer not null,
    primary key (order_id, position)
) strict;

create table order_history (
    order_id blob not null references orders (id),
    position integer not null,
    at text not null,
    status text not null,
    cause text not null,
    primary key (order_id, position)
) strict;

-- What each plugin was asked for this order, so that every amount can be derived again.
create table order_receipts (
    order_id blob not null references orders (id),
    -- Of the order: each edit has its own.
    revision integer not null,
    position integer not null,
    -- Pricing in the order of the chain, then delivery.
    domain text not null check (domain in ('pricing', 'delivery')),
    plugin text not null,
    version text not null,
    -- Empty: the static rates of the settings stood in for plugins that failed.
    digest text not null,
    -- Of the binding that the plugin stood in: which settings these were.
    generation integer not null,
    settings text not null,
    -- Canonical JSON, byte for byte as it was priced: text on both databases, since jsonb would rewrite it.
    input text not null,
    input_sha256 text not null,
    output text not null,
    fuel integer not null,
    elapsed_us integer not null,
    -- Lines that the plugin wrote, a JSON array.
    log text not null,
    dropped_log_lines integer not null,
    primary key (order_id, revision, position)
) strict;

-- What an order was before an edit.
create table order_revisions (
    order_id blob not null references orders (id),
    revision integer not null,
    replaced_at text not null,
    actor text not null,
    reason text not null,
    total integer not null,
    contents text not null,
    primary key (order_id, revision)
) strict;

create table payments (
    id blob primary key,
    order_id blob not null references orders (id),
    plugin text not null,
    digest text not null,
    method text not null,
    -- The order is given up where the payment of its checkout fails; one of the rest leaves it as it is.
    purpose text not null check (purpose in ('checkout', 'rest')),
    idempotency_key text not null unique,
    status text not null check (status in
        ('pending', 'requires_action', 'authorized', 'captured', 'declined', 'cancelled', 'unknown')),
    currency text not null,
    amount integer not null check (amount >= 0),
    reference text not null,
    action text,
    decline_code text,
    decline_message text,
    version integer not null,
    checks integer not null,
    -- When the reconciling worker asks the provider again; none once it is settled.
    next_check_at text,
    created_at text not null,
    updated_at text not null
) strict;
create index payments_by_order on payments (order_id, created_at, id);
create index payments_by_plugin on payments (plugin);
create index payments_due on payments (next_check_at);

-- Money that goes back, decided once and carried out by steps of payments.
create table refunds (
    id blob primary key,
    order_id blob not null references orders (id),
    amount integer not null check (amount > 0),
    -- The part of it that is for the delivery; the lines have theirs, and the rest was given as an amount.
    delivery integer not null check (delivery >= 0),
    -- The part of it that gift cards and store credit got, at once; payments give the rest.
    prepaid integer not null check (prepaid >= 0 and prepaid <= amount),
    destination text not null check (destination in ('original', 'store_credit')),
    reason text not null,
    actor text not null,
    status text not null check (status in ('pending', 'refunded', 'declined')),
    -- Why the provider declined it last.
    code text not null,
    created_at text not null,
    updated_at text not null
) strict;
create index refunds_by_order on refunds (order_id, created_at, id);

create table refund_lines (
    refund_id blob not null references refunds (id),
    -- The line of the order, by its position.
    line_position integer not null,
    quantity integer not null check (quantity > 0),
    amount integer not null,
    restock integer not null,
    -- Pieces of it that had not left, and will not.
    dropped integer not null check (dropped >= 0 and dropped <= quantity),
    primary key (refund_id, line_position)
) strict;

-- The journal: each step that may move money, written before the plugin is called.
create table payment_steps (
    id blob primary key,
    payment_id blob not null references payments (id),
    kind text not null check (kind in ('authorize', 'capture', 'cancel', 'refund')),
    -- Of a refund: which it carries out.
    refund_id blob references refunds (id),
    idempotency_key text not null unique,
    amount integer not null,
    status text not null check (status in ('begun', 'done', 'failed', 'unknown')),
    note text not null,
    begun_at text not null,
    ended_at text
) strict;
create index payment_steps_by_payment on payment_steps (payment_id, begun_at);
create index payment_steps_by_refund on payment_steps (refund_id);

-- Codes that were mailed to guests who look for their order.
create table order_codes (
    order_id blob primary key references orders (id),
    code_hash blob not null,
    attempts integer not null,
    made_at text not null,
    expires_at text not null
) strict;
create index order_codes_by_expiry on order_codes (expires_at);

-- Orders in the making, by staff.
create table drafts (
    id blob primary key,
    wishes text not null,
    -- Both as in the wishes, for finding it when the person is forgotten.
    customer_id blob,
    email_key text,
    actor text not null,
    -- The order that it became, written before it.
    order_id blob,
    version integer not null,
    created_at text not null,
    updated_at text not null
) strict;
create index drafts_by_age on drafts (created_at, id);
create index drafts_by_order on drafts (order_id);
create index drafts_by_customer on drafts (customer_id);
create index drafts_by_email on drafts (email_key);
