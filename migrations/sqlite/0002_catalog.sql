create table categories (
    id blob primary key,
    parent_id blob references categories (id),
    slug text not null unique,
    name text not null,
    -- Slugs from the root: home/kitchen. A subtree is a range of it in byte order.
    path text not null unique,
    position integer not null,
    created_at text not null,
    updated_at text not null
) strict;
create index categories_by_parent on categories (parent_id, position);

create table products (
    id blob primary key,
    slug text not null unique,
    title text not null,
    description text not null,
    vendor text not null,
    status text not null check (status in ('draft', 'active', 'archived')),
    category_id blob references categories (id),
    -- Title, vendor and SKUs, lower-cased by the kernel, so that both databases search alike.
    search_text text not null,
    version integer not null,
    created_at text not null,
    updated_at text not null
) strict;
create index products_by_age on products (status, created_at, id);
create index products_by_category on products (category_id, status, created_at, id);

create table variants (
    id blob primary key,
    product_id blob not null references products (id) on delete cascade,
    sku text not null unique,
    title text not null,
    -- Minor units of the shop's currency.
    price integer not null check (price >= 0),
    -- What it cost before, to be crossed out where it is more than the price.
    compare_at_price integer check (compare_at_price >= 0),
    weight_grams integer not null check (weight_grams >= 0),
    position integer not null,
    created_at text not null,
    updated_at text not null
) strict;
create index variants_by_product on variants (product_id, position);

create table stock_levels (
    variant_id blob primary key references variants (id) on delete cascade,
    on_hand integer not null,
    reserved integer not null,
    check (reserved >= 0 and reserved <= on_hand)
) strict;
