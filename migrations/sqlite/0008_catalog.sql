-- Values of attributes. The keys to the definitions see to it that no value outlives its attribute, that its kind is that
-- of the attribute, and that a choice in use is not removed, whatever happens at the same time.
create table product_attributes (
    -- The variant or, for an attribute of the whole product, the product.
    owner_id blob not null,
    product_id blob not null references products (id) on delete cascade,
    variant_id blob references variants (id) on delete cascade,
    type_code text not null,
    code text not null,
    kind text not null,
    -- A text, or a date as 2026-11-21.
    text_value text,
    -- A number in units of its last decimal; 1 or 0 for a boolean.
    number_value integer,
    choice text,
    primary key (owner_id, code),
    foreign key (type_code, code, kind) references attributes (type_code, code, kind) on delete cascade,
    foreign key (type_code, code, choice) references attribute_choices (type_code, attribute_code, code)
) strict;
create index product_attributes_by_product on product_attributes (product_id);
create index product_attributes_by_variant on product_attributes (variant_id);
create index product_attributes_by_choice on product_attributes (code, choice, product_id);
create index product_attributes_by_number on product_attributes (code, number_value, product_id);
create index product_attributes_by_text on product_attributes (code, text_value, product_id);
create index product_attributes_by_definition on product_attributes (type_code, code, choice);

-- Where something is that once had this slug.
create table slug_redirects (
    kind text not null check (kind in ('product', 'category', 'collection')),
    slug text not null,
    target_id blob not null,
    created_at text not null,
    primary key (kind, slug)
) strict;
create index slug_redirects_by_target on slug_redirects (target_id);

create table related_products (
    product_id blob not null references products (id) on delete cascade,
    kind text not null check (kind in ('related', 'accessory', 'upsell')),
    related_id blob not null references products (id) on delete cascade,
    position integer not null,
    primary key (product_id, kind, related_id)
) strict;
create index related_products_by_related on related_products (related_id);

-- One text in one language. A field is named as docs/catalog.md says: title, options.size, attributes.roast.light.
create table translations (
    entity text not null check (entity in ('product', 'product-type', 'category', 'collection')),
    -- The id, or the code of a type.
    entity_id text not null,
    locale text not null,
    field text not null,
    value text not null,
    primary key (entity, entity_id, locale, field)
) strict;

create table product_tags (
    product_id blob not null references products (id) on delete cascade,
    tag text not null,
    primary key (product_id, tag)
) strict;
create index product_tags_by_tag on product_tags (tag, product_id);

create table collections (
    id blob primary key,
    slug text not null unique,
    title text not null,
    description text not null,
    seo_title text not null,
    seo_description text not null,
    status text not null check (status in ('draft', 'active', 'archived')),
    -- JSON, and null where its products are chosen by hand.
    rule text,
    version integer not null,
    -- When its membership is derived anew from the rule, and the product after which that goes on.
    derive_at text,
    derive_after blob,
    created_at text not null,
    updated_at text not null
) strict;
create index collections_by_age on collections (status, created_at, id);
create index collections_by_derivation on collections (derive_at);

-- What is in a collection: the merchant's choice, or derived from its rule.
create table collection_products (
    collection_id blob not null references collections (id) on delete cascade,
    product_id blob not null references products (id) on delete cascade,
    position integer not null,
    primary key (collection_id, product_id)
) strict;
create index collection_products_by_position on collection_products (collection_id, position, product_id);
create index collection_products_by_product on collection_products (product_id);
