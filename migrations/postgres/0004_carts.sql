create table carts (
    -- For a guest, knowing the id is the right to open the cart.
    id uuid primary key,
    customer_id uuid references customers (id) on delete cascade,
    status text not null check (status in ('open', 'ordered')),
    locale text not null,
    email text,
    address jsonb,
    coupons jsonb not null,
    -- Ids of gift cards, in the order in which they pay.
    gift_cards jsonb not null,
    store_credit boolean not null,
    delivery_plugin text,
    delivery_option text,
    order_id uuid,
    version bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    expires_at timestamptz not null
);
create index carts_by_expiry on carts (expires_at);
create index carts_by_customer on carts (customer_id);

create table cart_lines (
    id uuid primary key,
    cart_id uuid not null references carts (id) on delete cascade,
    variant_id uuid not null references variants (id) on delete cascade,
    quantity bigint not null check (quantity > 0),
    position bigint not null,
    unique (cart_id, variant_id)
);
