create table categories (
    id uuid primary key,
    parent_id uuid references categories (id),
    slug text not null unique,
    name text not null,
    -- Slugs from the root: home/kitchen. A subtree is a range of it in byte order.
    path text collate "C" not null unique,
    position bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create index categories_by_parent on categories (parent_id, position);

create table products (
    id uuid primary key,
    slug text not null unique,
    title text not null,
    description text not null,
    vendor text not null,
    status text not null check (status in ('draft', 'active', 'archived')),
    category_id uuid references categories (id),
    -- Title, vendor and SKUs, lower-cased by the kernel, so that both databases search alike.
    search_text text not null,
    version bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create index products_by_age on products (status, created_at, id);
create index products_by_category on products (category_id, status, created_at, id);

create table variants (
    id uuid primary key,
    product_id uuid not null references products (id) on delete cascade,
    sku text not null unique,
    title text not null,
    -- Minor units of the shop's currency.
    price bigint not null check (price >= 0),
    -- What it cost before, to be crossed out where it is more than the price.
    compare_at_price bigint check (compare_at_price >= 0),
    weight_grams bigint not null check (weight_grams >= 0),
    position bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create index variants_by_product on variants (product_id, position);

create table stock_levels (
    variant_id uuid primary key references variants (id) on delete cascade,
    on_hand bigint not null,
    reserved bigint not null,
    check (reserved >= 0 and reserved <= on_hand)
);
