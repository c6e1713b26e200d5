-- Whom price lists and pricing rules tell apart: trade, staff.
create table customer_groups (
    code text collate "C" primary key,
    name text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create table customers (
    id uuid primary key,
    email text not null,
    -- Lower-cased: what logins and uniqueness go by.
    email_key text collate "C" not null unique,
    -- When its owner proved it; null while they have not.
    email_confirmed_at timestamptz,
    name text not null,
    -- In lower case, to sort by.
    name_key text collate "C" not null,
    phone text not null default '',
    locale text not null,
    role text not null check (role in ('customer', 'staff', 'owner')),
    -- Of staff: names with spaces between them.
    permissions text not null default '',
    -- What they want to be told, and where; null: the usual.
    preferences jsonb,
    -- Of the address book: here, so that there cannot be two of one.
    default_delivery_id uuid,
    default_billing_id uuid,
    password_hash text not null,
    group_code text collate "C" references customer_groups (code) on delete set null,
    -- The merchant's.
    note text not null default '',
    -- Since when nobody can log in to it.
    disabled_at timestamptz,
    -- When the person was forgotten: it is nobody's, and stays for the orders that point to it.
    erased_at timestamptz,
    version bigint not null default 1,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create index customers_by_name on customers (name_key, id);
create index customers_by_group on customers (group_code) where group_code is not null;

-- What the merchant finds a customer by: words of the name, the e-mail address, digits of the telephone number, in lower case.
create table customer_terms (
    term text collate "C" not null,
    customer_id uuid not null references customers (id) on delete cascade,
    primary key (term, customer_id)
);
create index customer_terms_by_customer on customer_terms (customer_id);

-- One login somewhere. Every refresh token of it belongs to this family.
create table sessions (
    id uuid primary key,
    customer_id uuid not null references customers (id) on delete cascade,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    revoked_at timestamptz,
    -- When its tokens were last renewed.
    last_used_at timestamptz not null,
    -- What the browser or app called itself, and the network that it came from.
    user_agent text not null,
    network text not null
);
create index sessions_by_customer on sessions (customer_id, id);
create index sessions_by_expiry on sessions (expires_at);

create table refresh_tokens (
    token_hash bytea primary key,
    session_id uuid not null references sessions (id) on delete cascade,
    issued_at timestamptz not null,
    used_at timestamptz
);
create index refresh_tokens_by_session on refresh_tokens (session_id);

create table second_factors (
    customer_id uuid primary key references customers (id) on delete cascade,
    -- Encrypted under a key of the install that the database does not have.
    secret bytea not null,
    -- Null until the first code proves that the app has it.
    confirmed_at timestamptz,
    -- The step of 30 seconds whose code was taken last: a code is good once.
    last_step bigint not null,
    created_at timestamptz not null
);

create table recovery_codes (
    customer_id uuid not null references customers (id) on delete cascade,
    code_hash bytea not null,
    used_at timestamptz,
    primary key (customer_id, code_hash)
);

-- Logins whose password was right and that wait for a code.
create table login_challenges (
    token_hash bytea primary key,
    customer_id uuid not null references customers (id) on delete cascade,
    -- Answers so far.
    attempts bigint not null,
    created_at timestamptz not null,
    expires_at timestamptz not null
);
create index login_challenges_by_customer on login_challenges (customer_id);
create index login_challenges_by_expiry on login_challenges (expires_at);

create table customer_addresses (
    id uuid primary key,
    customer_id uuid not null references customers (id) on delete cascade,
    label text not null,
    address jsonb not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create index customer_addresses_by_customer on customer_addresses (customer_id, created_at, id);

-- Every consent that was given or withdrawn, as proof: rows are added and never changed. The newest is in force.
create table consents (
    id uuid primary key,
    customer_id uuid not null references customers (id) on delete cascade,
    kind text not null check (kind in ('marketing', 'analytics')),
    given boolean not null,
    source text not null,
    at timestamptz not null
);
create index consents_by_customer on consents (customer_id, kind, id);

-- The links in letters: each is good once, for one purpose, for a while.
create table account_tokens (
    token_hash bytea primary key,
    purpose text not null check (purpose in ('confirm-email', 'reset-password', 'change-email-old', 'change-email-new')),
    customer_id uuid not null references customers (id) on delete cascade,
    -- The address that it is about: of a change, the new one.
    email text not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz
);
create index account_tokens_by_customer on account_tokens (customer_id, purpose);
create index account_tokens_by_expiry on account_tokens (expires_at);

-- Letters about accounts that wait for the worker. A row stands here for an address that nobody has, too: who asks must not see a
-- difference.
create table account_letters (
    id uuid primary key,
    letter text not null,
    email_key text not null,
    customer_id uuid references customers (id) on delete cascade,
    other_email text,
    attempts bigint not null,
    -- While a worker has the letter: when its claim runs out.
    next_attempt_at timestamptz not null,
    created_at timestamptz not null,
    unique (letter, email_key)
);
create index account_letters_due on account_letters (next_attempt_at, id);
create index account_letters_by_customer on account_letters (customer_id);

-- Until when an address gets no other letter of a kind that anybody can ask for. Of the address a digest under a key of the install: the
-- row outlives an account that is erased.
create table letter_pauses (
    letter text not null,
    recipient_digest bytea not null,
    until timestamptz not null,
    primary key (letter, recipient_digest)
);
create index letter_pauses_by_end on letter_pauses (until);

create table idempotency_keys (
    scope text not null,
    idempotency_key text not null,
    request_hash bytea not null,
    claimed_at timestamptz not null,
    status bigint,
    content_type text,
    location text,
    body bytea,
    -- Whom the answer was given to, what was asked about, and what was made: for finding it when a person is forgotten.
    caller_id uuid,
    subject_id uuid,
    made_id uuid,
    primary key (scope, idempotency_key)
);
create index idempotency_keys_by_age on idempotency_keys (claimed_at);
create index idempotency_keys_by_caller on idempotency_keys (caller_id) where caller_id is not null;
create index idempotency_keys_by_subject on idempotency_keys (subject_id) where subject_id is not null;
create index idempotency_keys_by_made on idempotency_keys (made_id) where made_id is not null;

-- What was done under such a key, written with what it did: an answer can be lost, this cannot.
create table done_once (
    key_hash bytea primary key,
    -- What the answer is about: a refund, a step of a payment, an order.
    made uuid not null,
    done_at timestamptz not null
);
create index done_once_by_age on done_once (done_at);
