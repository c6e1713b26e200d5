create table reviews (
    id uuid primary key,
    product_id uuid not null references products (id),
    customer_id uuid not null references customers (id),
    -- As shown: first name and initial. Empty where the account has no name.
    author text not null,
    rating bigint not null check (rating between 1 and 5),
    title text not null,
    body text not null,
    -- They had paid for the product when they wrote this.
    verified boolean not null,
    status text not null check (status in ('pending', 'published', 'rejected')),
    -- Why it was rejected.
    reason text,
    -- What the shop answers.
    reply text,
    replied_at timestamptz,
    -- Sums of review_votes.
    helpful bigint not null,
    unhelpful bigint not null,
    -- Counts the changes of its author, from 1.
    version bigint not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    unique (product_id, customer_id)
);
create index reviews_by_product on reviews (product_id, status, id);
create index reviews_by_rating on reviews (product_id, status, rating, id);
create index reviews_by_helpful on reviews (product_id, status, helpful, id);
create index reviews_by_customer on reviews (customer_id, id);
create index reviews_by_status on reviews (status, id);

create table review_votes (
    review_id uuid not null references reviews (id) on delete cascade,
    customer_id uuid not null references customers (id),
    helpful boolean not null,
    primary key (review_id, customer_id)
);
create index review_votes_by_customer on review_votes (customer_id);

-- Whose review of a product the merchant rejected or took away: the next one, too, is seen by the merchant before others see it.
create table review_refusals (
    product_id uuid not null references products (id),
    customer_id uuid not null references customers (id),
    primary key (product_id, customer_id)
);
create index review_refusals_by_customer on review_refusals (customer_id);

-- What the published reviews of a product come to. Counted again with each change, under the lock of this row.
create table product_ratings (
    product_id uuid primary key references products (id),
    stars_1 bigint not null,
    stars_2 bigint not null,
    stars_3 bigint not null,
    stars_4 bigint not null,
    stars_5 bigint not null,
    reviews bigint not null,
    -- Their average, in hundredths of a star; 0 where there are none.
    rating bigint not null
);
