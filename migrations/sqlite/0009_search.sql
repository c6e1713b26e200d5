-- What shoppers' lists filter and sort by: a row for each product, written with every change of it.
create table search_documents (
    product_id blob primary key references products (id) on delete cascade,
    -- The version of the product that it was made from: an older one never replaces a newer one.
    product_version integer not null,
    -- Whether shoppers see the product.
    listed integer not null,
    category_id blob,
    created_at text not null,
    -- Folded, at most 100 characters; compared byte by byte, so that both databases sort alike.
    title text not null,
    -- Of the variants, in the shop's currency. Without variants: beyond any price, and below any.
    lowest_price integer not null,
    highest_price integer not null,
    -- Average in hundredths of a star; 0 without reviews.
    rating integer not null
) strict;
create index search_documents_by_age on search_documents (listed, created_at, product_id);
create index search_documents_by_category on search_documents (category_id, listed, created_at, product_id);
create index search_documents_by_lowest_price on search_documents (listed, lowest_price, product_id);
create index search_documents_by_highest_price on search_documents (listed, highest_price, product_id);
create index search_documents_by_rating on search_documents (listed, rating, product_id);
create index search_documents_by_title on search_documents (listed, title, product_id);

-- The inverted index: which listed products have a word (`teapots`), or a stem (`=teapot`), and how much it weighs there.
create table search_postings (
    term text not null,
    product_id blob not null references products (id) on delete cascade,
    weight integer not null,
    primary key (term, product_id)
) strict, without rowid;
create index search_postings_by_product on search_postings (product_id);

-- What the merchant finds products by, listed or not: the words of what each is called. Apart from the postings, which shoppers
-- search, so that neither makes the other longer.
create table search_labels (
    term text not null,
    product_id blob not null references products (id) on delete cascade,
    primary key (term, product_id)
) strict, without rowid;
create index search_labels_by_product on search_labels (product_id);

-- Every word that was ever indexed, under itself and under all that is left of it without one letter: two words that
-- are one typo apart meet in such a row.
create table search_deletions (
    deletion text not null,
    word text not null,
    primary key (deletion, word)
) strict, without rowid;

-- Values that lists filter and count by: the vendor, attributes, tags.
create table search_values (
    name text not null,
    value text not null,
    -- Of a number or a date, for bounds: 20261121. Null of all others, which are counted one by one.
    number integer,
    product_id blob not null references products (id) on delete cascade,
    primary key (name, value, product_id)
) strict, without rowid;
create index search_values_by_product on search_values (product_id);
create index search_values_by_number on search_values (name, number, product_id);

-- Products that wait to be indexed. Rows are only added and taken, never changed: nobody waits for another.
create table search_queue (
    id blob primary key,
    product_id blob not null references products (id) on delete cascade
) strict;
