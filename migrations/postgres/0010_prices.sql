create table price_lists (
    id uuid primary key,
    code text collate "C" not null unique,
    name text not null,
    currency text not null,
    -- None: for everyone.
    group_code text collate "C" references customer_groups (code),
    status text not null check (status in ('draft', 'active')),
    -- The list with the highest counts.
    priority bigint not null,
    -- The first moment in which it is in force, and the first in which it no longer is.
    starts_at timestamptz,
    ends_at timestamptz,
    version bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
-- From a shopper to the few lists that can be in force for them; then the primary key of list_prices finds the price.
create index price_lists_for on price_lists (currency, coalesce(group_code, '')) where status = 'active';
create index price_lists_by_group on price_lists (group_code);

create table list_prices (
    list_id uuid not null references price_lists (id) on delete cascade,
    variant_id uuid not null references variants (id) on delete cascade,
    -- Minor units of the list's currency.
    amount bigint not null check (amount >= 0),
    compare_at bigint check (compare_at >= 0),
    updated_at timestamptz not null,
    primary key (list_id, variant_id)
);
create index list_prices_by_variant on list_prices (variant_id);
