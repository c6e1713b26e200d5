-- The last number of each year: written in the transaction that uses it, so that none is lost.
create table invoice_counters (
    year integer primary key,
    last integer not null
) strict;

-- Invoices and credit notes as they were issued; nothing here is ever deleted, and nothing changed but that a person is forgotten.
create table invoices (
    id blob primary key,
    order_id blob not null references orders (id),
    kind text not null check (kind in ('invoice', 'credit-note')),
    -- What it is about: a revision of the order, or a refund.
    reference text not null,
    year integer not null,
    number integer not null,
    sheet text not null,
    issued_at text not null,
    unique (order_id, reference),
    unique (year, number)
) strict;
