-- The money of each order by double entry. Nothing here is ever changed or deleted: what was wrong is corrected by another
-- transaction, and every balance is a sum.
create table ledger_transactions (
    id blob primary key,
    order_id blob not null references orders (id),
    -- The payment whose money it is; none where it is about what is owed.
    payment_id blob references payments (id),
    kind text not null check (kind in
        ('placed', 'edited', 'cancelled', 'authorized', 'released', 'captured', 'credited', 'refunded', 'redeemed',
         'corrected', 'by-hand')),
    -- What it tells of. Posted again under the same reference, it changes nothing.
    reference text not null unique,
    cause text not null,
    posted_at text not null
) strict;
create index ledger_transactions_by_order on ledger_transactions (order_id, posted_at, id);
create index ledger_transactions_by_payment on ledger_transactions (payment_id);

create table ledger_entries (
    transaction_id blob not null references ledger_transactions (id),
    position integer not null,
    account text not null check (account in
        ('receivable', 'sales', 'delivery', 'tax', 'refunds', 'authorized', 'hold', 'provider', 'gift-card', 'store-credit',
         'by-hand', 'correction')),
    -- Above 0 a debit, below 0 a credit.
    amount integer not null check (amount <> 0),
    primary key (transaction_id, position)
) strict;
