-- Codes that the shop counts. What they are worth is the pricing plugin's affair.
create table coupons (
    id uuid primary key,
    -- As the merchant wrote it.
    code text not null,
    -- Folded by the kernel: shoppers type it in any case.
    code_key text not null unique,
    description text not null,
    active boolean not null,
    starts_at timestamptz,
    -- The first moment at which it is not valid any more.
    ends_at timestamptz,
    -- Null: as often as it is wanted.
    limit_total bigint check (limit_total > 0),
    limit_per_customer bigint check (limit_per_customer > 0),
    -- Redemptions that were not given back. It stands here so that a guarded update can hold the limit; the row is also the lock
    -- of what one buyer redeemed.
    redeemed bigint not null check (redeemed >= 0),
    version bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create table coupon_redemptions (
    id uuid primary key,
    coupon_id uuid not null references coupons (id) on delete cascade,
    order_id uuid not null references orders (id),
    -- The account's id; of a guest the SHA-256 of the folded e-mail address.
    buyer text not null,
    redeemed_at timestamptz not null,
    -- When its order came to nothing.
    returned_at timestamptz,
    unique (coupon_id, order_id)
);
create index coupon_redemptions_by_order on coupon_redemptions (order_id);
create index coupon_redemptions_by_buyer on coupon_redemptions (coupon_id, buyer);
create index coupon_redemptions_by_age on coupon_redemptions (coupon_id, id);

-- What the shop owes to whoever holds a gift card, and to customers as store credit. No balance stands here: it is the sum of the
-- entries. Whoever takes from an account writes its row first, which is the lock of the sum.
create table prepaid_accounts (
    id uuid primary key,
    kind text not null check (kind in ('gift-card', 'store-credit')),
    currency text not null,
    -- Whose store credit it is. Without a customer it stays in the books.
    customer_id uuid references customers (id) on delete set null,
    -- SHA-256 of a gift card's code, and the end of it, to tell cards apart.
    code_hash bytea unique,
    last_four text,
    active boolean not null,
    expires_at timestamptz,
    note text not null,
    created_by text not null,
    version bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    -- A customer has one account in each currency.
    unique (customer_id, currency),
    check ((kind = 'gift-card') = (code_hash is not null) and (code_hash is null) = (last_four is null))
);
create index prepaid_accounts_by_kind on prepaid_accounts (kind, id);
create index prepaid_accounts_by_last_four on prepaid_accounts (last_four, id);

create table prepaid_entries (
    id uuid primary key,
    account_id uuid not null references prepaid_accounts (id),
    cause text not null check (cause in ('issued', 'adjusted', 'redeemed', 'returned', 'refunded')),
    -- Above 0, the shop owes more.
    amount bigint not null check (amount <> 0),
    order_id uuid references orders (id),
    reason text not null,
    -- Empty where the shop did by itself.
    actor text not null,
    posted_at timestamptz not null
);
create index prepaid_entries_by_account on prepaid_entries (account_id, id);
create index prepaid_entries_by_order on prepaid_entries (order_id);
