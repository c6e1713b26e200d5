-- The last number of each year: written in the transaction that uses it, so that none is lost.
create table invoice_counters (
    year bigint primary key,
    last bigint not null
);

-- Invoices and credit notes as they were issued; nothing here is ever deleted, and nothing changed but that a person is forgotten.
create table invoices (
    id uuid primary key,
    order_id uuid not null references orders (id),
    kind text not null check (kind in ('invoice', 'credit-note')),
    -- What it is about: a revision of the order, or a refund.
    reference text not null,
    year bigint not null,
    number bigint not null,
    sheet jsonb not null,
    issued_at timestamptz not null,
    unique (order_id, reference),
    unique (year, number)
);
