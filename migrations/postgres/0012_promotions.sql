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
