create table reviews (
    id blob primary key,
    product_id blob not null references products (id),
    customer_id blob not null references customers (id),
    -- As shown: first name and initial. Empty where the account has no name.
    author text not null,
    rating integer not null check (rating between 1 and 5),
    title text not null,
    body text not null,
    -- They had paid for the product when they wrote this.
    verified integer not null check (verified in (0, 1)),
    status text not null check (status in ('pending', 'published', 'rejected')),
    -- Why it was rejected.
    reason text,
    -- What the shop answers.
    reply text,
    replied_at text,
    -- Sums of review_votes.
    helpful integer not null,
    unhelpful integer not null,
    -- Counts the changes of its author, from 1.
    version integer not null,
    created_at text not null,
    updated_at text not null,
    unique (product_id, customer_id)
) strict;
create index reviews_by_product on reviews (product_id, status, id);
create index reviews_by_rating on reviews (product_id, status, rating, id);
create index reviews_by_helpful on reviews (product_id, status, helpful, id);
create index reviews_by_customer on reviews (customer_id, id);
create index reviews_by_status on reviews (status, id);

create table review_votes (
    review_id blob not null references reviews (id) on delete cascade,
    customer_id blob not null references customers (id),
    helpful integer not null check (helpful in (0, 1)),
    primary key (review_id, customer_id)
) strict;
create index review_votes_by_customer on review_votes (customer_id);

-- Whose review of a product the merchant rejected or took away: the next one, too, is seen by the merchant before others see it.
create table review_refusals (
    product_id blob not null references products (id),
    customer_id blob not null references customers (id),
    primary key (product_id, customer_id)
) strict;
create index review_refusals_by_customer on review_refusals (customer_id);

-- What the published reviews of a product come to. Counted again with each change, under the lock of this row.
create table product_ratings (
    product_id blob primary key references products (id),
    stars_1 integer not null,
    stars_2 integer not null,
    stars_3 integer not null,
    stars_4 integer not null,
    stars_5 integer not null,
    reviews integer not null,
    -- Their average, in hundredths of a star; 0 where there are none.
    rating integer not null
) strict;
