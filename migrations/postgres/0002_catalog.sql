create table categories (
    id uuid primary key,
    parent_id uuid references categories (id),
    slug text not null unique,
    name text not null,
    -- Slugs from the root: home/kitchen. A subtree is a range of it in byte order.
    path text collate "C" not null unique,
    position bigint not null,
    seo_title text not null,
    seo_description text not null,
    version bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create index categories_by_parent on categories (parent_id, position);

-- What products of one kind have. Codes, not ids, are the keys: values, filters and translations name them.
create table product_types (
    code text collate "C" primary key,
    name text not null,
    version bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create table attributes (
    type_code text collate "C" not null references product_types (code) on delete cascade,
    code text collate "C" not null,
    name text not null,
    kind text not null check (kind in ('text', 'number', 'boolean', 'choice', 'date')),
    level text not null check (level in ('product', 'variant')),
    -- Of a number: what it counts, and how many digits of it stand behind the point.
    unit text not null,
    decimals bigint not null,
    required boolean not null,
    filterable boolean not null,
    position bigint not null,
    primary key (type_code, code),
    unique (type_code, code, kind)
);
create index attributes_by_code on attributes (code);

create table attribute_choices (
    type_code text collate "C" not null,
    attribute_code text collate "C" not null,
    code text collate "C" not null,
    name text not null,
    position bigint not null,
    primary key (type_code, attribute_code, code),
    foreign key (type_code, attribute_code) references attributes (type_code, code) on delete cascade
);

create table products (
    id uuid primary key,
    slug text not null unique,
    title text not null,
    description text not null,
    vendor text not null,
    status text not null check (status in ('draft', 'active', 'archived')),
    category_id uuid references categories (id),
    type_code text collate "C" references product_types (code),
    -- What its variants differ in, in order: [{"code", "name", "values": [{"code", "name"}]}].
    options jsonb not null,
    seo_title text not null,
    seo_description text not null,
    -- Kept by the reviews: an average is the quotient, and stays exact.
    rating_count bigint not null default 0,
    rating_sum bigint not null default 0,
    version bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create index products_by_category on products (category_id);
create index products_by_type on products (type_code);
-- As the merchant lists them; ids are in the order of time.
create index products_by_status on products (status, id);
create index products_by_change on products (updated_at, id);

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
    -- The codes of its values in the order of the product's options: m/red; empty without options.
    options text not null,
    barcode text not null,
    -- 0 where it is not known.
    length_mm bigint not null check (length_mm >= 0),
    width_mm bigint not null check (width_mm >= 0),
    height_mm bigint not null check (height_mm >= 0),
    position bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create index variants_by_product on variants (product_id, position);
create unique index variants_by_options on variants (product_id, options) where options <> '';
