create table carts (
    -- For a guest, knowing the id is the right to open the cart.
    id uuid primary key,
    customer_id uuid references customers (id) on delete cascade,
    status text not null check (status in ('open', 'ordered', 'merged')),
    -- ISO 4217, fixed when the cart is made.
    currency text not null,
    locale text not null,
    email text,
    -- As of an account: folded by the kernel, for finding it when a guest is forgotten.
    email_key text,
    address jsonb,
    -- Whom the invoice is for; none: the address.
    billing_address jsonb,
    coupons jsonb not null,
    -- Codes that a price was shown with: one that applies no longer is told.
    coupons_told jsonb not null,
    note text not null,
    attributes jsonb not null,
    -- Ids of gift cards, in the order in which they pay.
    gift_cards jsonb not null,
    store_credit boolean not null,
    delivery_plugin text,
    delivery_option text,
    -- What the chosen delivery cost when the cart was changed last.
    delivery_told bigint,
    -- What happened to the cart and cannot be derived, until it is acknowledged.
    notices jsonb not null,
    order_id uuid,
    -- The customer's cart that it was added to.
    merged_into uuid,
    -- When `cart.abandoned` told of it; none since its last change.
    abandoned_at timestamptz,
    version bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    expires_at timestamptz not null
);
create index carts_by_expiry on carts (expires_at);
create index carts_by_customer on carts (customer_id, status, updated_at, id);
create index carts_of_guests on carts (email_key) where customer_id is null;
create index carts_left on carts (updated_at, id) where status = 'open' and abandoned_at is null;

create table cart_lines (
    id uuid primary key,
    cart_id uuid not null references carts (id) on delete cascade,
    -- None once the variant was deleted: the line stays until the shopper has been told.
    variant_id uuid references variants (id) on delete set null,
    -- As they were when it was added, to tell of a variant that is gone.
    sku text not null,
    title text not null,
    quantity bigint not null check (quantity > 0),
    position bigint not null,
    note text not null,
    attributes jsonb not null,
    -- Of a piece, as it was shown last: until `held_until`, no more is asked.
    held_price bigint not null,
    held_until timestamptz,
    -- Of a piece, as the shopper knows it: another one is told until it is acknowledged.
    told_price bigint not null
);
-- One line for a variant with the same attributes: the version of the cart guards it, since attributes are too long for an index.
create index cart_lines_by_cart on cart_lines (cart_id, position, id);
create index cart_lines_by_variant on cart_lines (variant_id);
