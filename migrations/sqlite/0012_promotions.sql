-- Codes that the shop counts. What they are worth is the pricing plugin's affair.
create table coupons (
    id blob primary key,
    -- As the merchant wrote it.
    code text not null,
    -- Folded by the kernel: shoppers type it in any case.
    code_key text not null unique,
    description text not null,
    active integer not null check (active in (0, 1)),
    starts_at text,
    -- The first moment at which it is not valid any more.
    ends_at text,
    -- Null: as often as it is wanted.
    limit_total integer check (limit_total > 0),
    limit_per_customer integer check (limit_per_customer > 0),
    -- Redemptions that were not given back. It stands here so that a guarded update can hold the limit; the row is also the lock
    -- of what one buyer redeemed.
    redeemed integer not null check (redeemed >= 0),
    version integer not null,
    created_at text not null,
    updated_at text not null
) strict;

create table coupon_redemptions (
    id blob primary key,
    coupon_id blob not null references coupons (id) on delete cascade,
    order_id blob not null references orders (id),
    -- The account's id; of a guest the SHA-256 of the folded e-mail address.
    buyer text not null,
    redeemed_at text not null,
    -- When its order came to nothing.
    returned_at text,
    unique (coupon_id, order_id)
) strict;
create index coupon_redemptions_by_order on coupon_redemptions (order_id);
create index coupon_redemptions_by_buyer on coupon_redemptions (coupon_id, buyer);
create index coupon_redemptions_by_age on coupon_redemptions (coupon_id, id);
