create table categories (
    id blob primary key,
    parent_id blob references categories (id),
    slug text not null unique,
    name text not null,
    -- Slugs from the root: home/kitchen. A subtree is a range of it in byte order.
    path text not null unique,
    position integer not null,
    seo_title text not null,
    seo_description text not null,
    version integer not null,
    created_at text not null,
    updated_at text not null
) strict;
create index categories_by_parent on categories (parent_id, position);

-- What products of one kind have. Codes, not ids, are the keys: values, filters and translations name them.
create table product_types (
    code text primary key,
    name text not null,
    version integer not null,
    created_at text not null,
    updated_at text not null
) strict;

create table attributes (
    type_code text not null references product_types (code) on delete cascade,
    code text not null,
    name text not null,
    kind text not null check (kind in ('text', 'number', 'boolean', 'choice', 'date')),
    level text not null check (level in ('product', 'variant')),
    -- Of a number: what it counts, and how many digits of it stand behind the point.
    unit text not null,
    decimals integer not null,
    required integer not null,
    filterable integer not null,
    position integer not null,
    primary key (type_code, code),
    unique (type_code, code, kind)
) strict;
create index attributes_by_code on attributes (code);

create table attribute_choices (
    type_code text not null,
    attribute_code text not null,
    code text not null,
    name text not null,
    position integer not null,
    primary key (type_code, attribute_code, code),
    foreign key (type_code, attribute_code) references attributes (type_code, code) on delete cascade
) strict;

create table products (
    id blob primary key,
    slug text not null unique,
    title text not null,
    description text not null,
    vendor text not null,
    status text not null check (status in ('draft', 'active', 'archived')),
    category_id blob references categories (id),
    type_code text references product_types (code),
    -- What its variants differ in, in order: [{"code", "name", "values": [{"code", "name"}]}].
    options text not null,
    seo_title text not null,
    seo_description text not null,
    -- Kept by the reviews: an average is the quotient, and stays exact.
    rating_count integer not null default 0,
    rating_sum integer not null default 0,
    version integer not null,
    created_at text not null,
    updated_at text not null
) strict;
create index products_by_category on products (category_id);
create index products_by_type on products (type_code);
-- As the merchant lists them; ids are in the order of time.
create index products_by_status on products (status, id);
create index products_by_change on products (updated_at, id);

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
    -- The codes of its values in the order of the product's options: m/red; empty without options.
    options text not null,
    barcode text not null,
    -- 0 where it is not known.
    length_mm integer not null check (length_mm >= 0),
    width_mm integer not null check (width_mm >= 0),
    height_mm integer not null check (height_mm >= 0),
    position integer not null,
    created_at text not null,
    updated_at text not null
) strict;
create index variants_by_product on variants (product_id, position);
create unique index variants_by_options on variants (product_id, options) where options <> '';
