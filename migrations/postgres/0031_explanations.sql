-- What a recorded call took; 0 where it was not recorded.
alter table order_receipts add column memory_bytes bigint not null default 0;

-- Calls of plugins in force that crashed, went beyond a limit or answered nonsense, for their authors' desks.
create table failed_calls (
    id uuid primary key,
    plugin text not null,
    version text not null,
    digest text not null,
    domain text not null check (domain in ('pricing', 'payment', 'delivery', 'notification')),
    function text not null,
    code text not null,
    fault text not null,
    failed_at timestamptz not null,
    -- The file for the desk: JSON, without secrets.
    call text not null
);
create index failed_calls_by_plugin on failed_calls (plugin, id);
create index failed_calls_by_time on failed_calls (failed_at);

-- Whom they are about, so that they go with a person's data: ids of customers, orders and carts, numbers of orders, e-mail addresses.
create table failed_call_subjects (
    subject text not null,
    call_id uuid not null references failed_calls (id) on delete cascade,
    primary key (subject, call_id)
);
create index failed_call_subjects_by_call on failed_call_subjects (call_id);
