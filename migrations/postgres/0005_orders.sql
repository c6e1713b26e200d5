create table counters (
    name text primary key,
    value bigint not null
);
insert into counters (name, value) values ('order_number', 1000);

create table orders (
    -- For a guest, knowing the id is the right to see the order.
    id uuid primary key,
    number bigint not null unique,
    cart_id uuid not null,
    customer_id uuid references customers (id),
    status text not null check (status in ('new', 'paid', 'shipped', 'delivered', 'cancelled')),
    currency text not null,
    locale text not null,
    email text not null,
    -- As of an account: folded by the kernel, since the databases do not agree on letters beyond ASCII.
    email_key text not null,
    address jsonb not null,
    -- Whom the invoice is for; none: the address.
    billing_address jsonb,
    delivery jsonb not null,
    -- What the shopper says about it, in the cart's words.
    note text not null,
    attributes jsonb not null,
    goods_total bigint not null,
    discount_total bigint not null,
    fee_total bigint not null,
    delivery_total bigint not null,
    tax_total bigint not null,
    tax_included_total bigint not null,
    total bigint not null check (total >= 0),
    -- Counts the edits of its contents; 1 as it was placed.
    revision bigint not null,
    version bigint not null,
    placed_at timestamptz not null,
    updated_at timestamptz not null
);
create index orders_by_customer on orders (customer_id, placed_at, id);
create index orders_by_age on orders (placed_at, id);
create index orders_by_status on orders (status, placed_at, id);
create index orders_by_cart on orders (cart_id);
create index orders_by_email on orders (email_key);

create table order_lines (
    order_id uuid not null references orders (id),
    position bigint not null,
    -- No reference: an order outlives the variant.
    variant_id uuid not null,
    sku text not null,
    title text not null,
    quantity bigint not null check (quantity > 0),
    unit_price bigint not null,
    -- For information: what the shopper saw crossed out, and the price list that the price came from.
    compare_at bigint,
    price_list text,
    total bigint not null,
    note text not null,
    attributes jsonb not null,
    primary key (order_id, position)
);

create table order_adjustments (
    order_id uuid not null references orders (id),
    position bigint not null,
    -- line, order or delivery; line_position where it is a line.
    target text not null check (target in ('line', 'order', 'delivery')),
    line_position bigint,
    kind text not null check (kind in ('discount', 'tax', 'tax-included', 'fee')),
    code text not null,
    label text not null,
    amount bigint not null,
    primary key (order_id, position)
);

create table order_history (
    order_id uuid not null references orders (id),
    position bigint not null,
    at timestamptz not null,
    status text not null,
    cause text not null,
    primary key (order_id, position)
);

-- What each plugin was asked for this order, so that every amount can be derived again.
create table order_receipts (
    order_id uuid not null references orders (id),
    -- Of the order: each edit has its own.
    revision bigint not null,
    position bigint not null,
    -- Pricing in the order of the chain, then delivery.
    domain text not null check (domain in ('pricing', 'delivery')),
    plugin text not null,
    version text not null,
    -- Empty: the static rates of the settings stood in for plugins that failed.
    digest text not null,
    -- Of the binding that the plugin stood in: which settings these were.
    generation bigint not null,
    settings text not null,
    -- Canonical JSON, byte for byte as it was priced: text on both databases, since jsonb would rewrite it.
    input text not null,
    input_sha256 text not null,
    output text not null,
    fuel bigint not null,
    elapsed_us bigint not null,
    -- Lines that the plugin wrote, a JSON array.
    log text not null,
    dropped_log_lines bigint not null,
    primary key (order_id, revision, position)
);

-- What an order was before an edit.
create table order_revisions (
    order_id uuid not null references orders (id),
    revision bigint not null,
    replaced_at timestamptz not null,
    actor text not null,
    reason text not null,
    total bigint not null,
    contents jsonb not null,
    primary key (order_id, revision)
);

create table payments (
    id uuid primary key,
    order_id uuid not null references orders (id),
    plugin text not null,
    digest text not null,
    method text not null,
    -- The order is given up where the payment of its checkout fails; one of the rest leaves it as it is.
    purpose text not null check (purpose in ('checkout', 'rest')),
    idempotency_key text not null unique,
    status text not null check (status in
        ('pending', 'requires_action', 'authorized', 'captured', 'declined', 'cancelled', 'unknown')),
    currency text not null,
    amount bigint not null check (amount >= 0),
    reference text not null,
    action jsonb,
    decline_code text,
    decline_message text,
    version bigint not null,
    checks bigint not null,
    -- When the reconciling worker asks the provider again; none once it is settled.
    next_check_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create index payments_by_order on payments (order_id, created_at, id);
create index payments_by_plugin on payments (plugin);
create index payments_due on payments (next_check_at);

-- Money that goes back, decided once and carried out by steps of payments.
create table refunds (
    id uuid primary key,
    order_id uuid not null references orders (id),
    amount bigint not null check (amount > 0),
    -- The part of it that is for the delivery; the lines have theirs, and the rest was given as an amount.
    delivery bigint not null check (delivery >= 0),
    -- The part of it that gift cards and store credit got, at once; payments give the rest.
    prepaid bigint not null check (prepaid >= 0 and prepaid <= amount),
    destination text not null check (destination in ('original', 'store_credit')),
    reason text not null,
    actor text not null,
    status text not null check (status in ('pending', 'refunded', 'declined')),
    -- Why the provider declined it last.
    code text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create index refunds_by_order on refunds (order_id, created_at, id);

create table refund_lines (
    refund_id uuid not null references refunds (id),
    -- The line of the order, by its position.
    line_position bigint not null,
    quantity bigint not null check (quantity > 0),
    amount bigint not null,
    restock boolean not null,
    -- Pieces of it that had not left, and will not.
    dropped bigint not null check (dropped >= 0 and dropped <= quantity),
    primary key (refund_id, line_position)
);

-- The journal: each step that may move money, written before the plugin is called.
create table payment_steps (
    id uuid primary key,
    payment_id uuid not null references payments (id),
    kind text not null check (kind in ('authorize', 'capture', 'cancel', 'refund')),
    -- Of a refund: which it carries out.
    refund_id uuid references refunds (id),
    idempotency_key text not null unique,
    amount bigint not null,
    status text not null check (status in ('begun', 'done', 'failed', 'unknown')),
    note text not null,
    begun_at timestamptz not null,
    ended_at timestamptz
);
create index payment_steps_by_payment on payment_steps (payment_id, begun_at);
create index payment_steps_by_refund on payment_steps (refund_id);

-- Codes that were mailed to guests who look for their order.
create table order_codes (
    order_id uuid primary key references orders (id),
    code_hash bytea not null,
    attempts bigint not null,
    made_at timestamptz not null,
    expires_at timestamptz not null
);
create index order_codes_by_expiry on order_codes (expires_at);

-- Orders in the making, by staff.
create table drafts (
    id uuid primary key,
    wishes jsonb not null,
    -- Both as in the wishes, for finding it when the person is forgotten.
    customer_id uuid,
    email_key text,
    actor text not null,
    -- The order that it became, written before it.
    order_id uuid,
    version bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create index drafts_by_age on drafts (created_at, id);
create index drafts_by_order on drafts (order_id);
create index drafts_by_customer on drafts (customer_id);
create index drafts_by_email on drafts (email_key);
