create table carts (
    -- For a guest, knowing the id is the right to open the cart.
    id blob primary key,
    customer_id blob references customers (id) on delete cascade,
    status text not null check (status in ('open', 'ordered')),
    locale text not null,
    email text,
    address text,
    coupons text not null,
    -- Ids of gift cards, in the order in which they pay.
    gift_cards text not null,
    store_credit integer not null check (store_credit in (0, 1)),
    delivery_plugin text,
    delivery_option text,
    order_id blob,
    version integer not null,
    created_at text not null,
    updated_at text not null,
    expires_at text not null
) strict;
create index carts_by_expiry on carts (expires_at);
create index carts_by_customer on carts (customer_id);

create table cart_lines (
    id blob primary key,
    cart_id blob not null references carts (id) on delete cascade,
    variant_id blob not null references variants (id) on delete cascade,
    quantity integer not null check (quantity > 0),
    position integer not null,
    unique (cart_id, variant_id)
) strict;
