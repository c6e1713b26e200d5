-- Whom price lists and pricing rules tell apart: trade, staff.
create table customer_groups (
    code text primary key,
    name text not null,
    created_at text not null,
    updated_at text not null
) strict;

create table customers (
    id blob primary key,
    email text not null,
    -- Lower-cased: what logins and uniqueness go by.
    email_key text not null unique,
    -- When its owner proved it; null while they have not.
    email_confirmed_at text,
    name text not null,
    -- In lower case, to sort by.
    name_key text not null,
    phone text not null default '',
    locale text not null,
    role text not null check (role in ('customer', 'staff', 'owner')),
    -- Of staff: names with spaces between them.
    permissions text not null default '',
    -- What they want to be told, and where; null: the usual.
    preferences text,
    -- Of the address book: here, so that there cannot be two of one.
    default_delivery_id blob,
    default_billing_id blob,
    password_hash text not null,
    group_code text references customer_groups (code) on delete set null,
    -- The merchant's.
    note text not null default '',
    -- Since when nobody can log in to it.
    disabled_at text,
    -- When the person was forgotten: it is nobody's, and stays for the orders that point to it.
    erased_at text,
    version integer not null default 1,
    created_at text not null,
    updated_at text not null
) strict;

create index customers_by_name on customers (name_key, id);
create index customers_by_group on customers (group_code) where group_code is not null;

-- What the merchant finds a customer by: words of the name, the e-mail address, digits of the telephone number, in lower case.
create table customer_terms (
    term text not null,
    customer_id blob not null references customers (id) on delete cascade,
    primary key (term, customer_id)
) strict, without rowid;
create index customer_terms_by_customer on customer_terms (customer_id);

-- One login somewhere. Every refresh token of it belongs to this family.
create table sessions (
    id blob primary key,
    customer_id blob not null references customers (id) on delete cascade,
    created_at text not null,
    expires_at text not null,
    revoked_at text,
    -- When its tokens were last renewed.
    last_used_at text not null,
    -- What the browser or app called itself, and the network that it came from.
    user_agent text not null,
    network text not null
) strict;
create index sessions_by_customer on sessions (customer_id, id);
create index sessions_by_expiry on sessions (expires_at);

create table refresh_tokens (
    token_hash blob primary key,
    session_id blob not null references sessions (id) on delete cascade,
    issued_at text not null,
    used_at text
) strict;
create index refresh_tokens_by_session on refresh_tokens (session_id);

create table second_factors (
    customer_id blob primary key references customers (id) on delete cascade,
    -- Encrypted under a key of the install that the database does not have.
    secret blob not null,
    -- Null until the first code proves that the app has it.
    confirmed_at text,
    -- The step of 30 seconds whose code was taken last: a code is good once.
    last_step integer not null,
    created_at text not null
) strict;

create table recovery_codes (
    customer_id blob not null references customers (id) on delete cascade,
    code_hash blob not null,
    used_at text,
    primary key (customer_id, code_hash)
) strict;

-- Logins whose password was right and that wait for a code.
create table login_challenges (
    token_hash blob primary key,
    customer_id blob not null references customers (id) on delete cascade,
    -- Answers so far.
    attempts integer not null,
    created_at text not null,
    expires_at text not null
) strict;
create index login_challenges_by_customer on login_challenges (customer_id);
create index login_challenges_by_expiry on login_challenges (expires_at);

create table customer_addresses (
    id blob primary key,
    customer_id blob not null references customers (id) on delete cascade,
    label text not null,
    address text not null,
    created_at text not null,
    updated_at text not null
) strict;
create index customer_addresses_by_customer on customer_addresses (customer_id, created_at, id);

-- Every consent that was given or withdrawn, as proof: rows are added and never changed. The newest is in force.
create table consents (
    id blob primary key,
    customer_id blob not null references customers (id) on delete cascade,
    kind text not null check (kind in ('marketing', 'analytics')),
    given integer not null,
    source text not null,
    at text not null
) strict;
create index consents_by_customer on consents (customer_id, kind, id);

-- The links in letters: each is good once, for one purpose, for a while.
create table account_tokens (
    token_hash blob primary key,
    purpose text not null check (purpose in ('confirm-email', 'reset-password', 'change-email-old', 'change-email-new')),
    customer_id blob not null references customers (id) on delete cascade,
    -- The address that it is about: of a change, the new one.
    email text not null,
    created_at text not null,
    expires_at text not null,
    used_at text
) strict;
create index account_tokens_by_customer on account_tokens (customer_id, purpose);
create index account_tokens_by_expiry on account_tokens (expires_at);

-- Letters about accounts that wait for the worker. A row stands here for an address that nobody has, too: who asks must not see a
-- difference.
create table account_letters (
    id blob primary key,
    letter text not null,
    email_key text not null,
    customer_id blob references customers (id) on delete cascade,
    other_email text,
    attempts integer not null,
    -- While a worker has the letter: when its claim runs out.
    next_attempt_at text not null,
    created_at text not null,
    unique (letter, email_key)
) strict;
create index account_letters_due on account_letters (next_attempt_at, id);
create index account_letters_by_customer on account_letters (customer_id);

-- Until when an address gets no other letter of a kind that anybody can ask for. Of the address a digest under a key of the install: the
-- row outlives an account that is erased.
create table letter_pauses (
    letter text not null,
    recipient_digest blob not null,
    until text not null,
    primary key (letter, recipient_digest)
) strict;
create index letter_pauses_by_end on letter_pauses (until);

create table idempotency_keys (
    scope text not null,
    idempotency_key text not null,
    request_hash blob not null,
    claimed_at text not null,
    status integer,
    content_type text,
    location text,
    body blob,
    -- Whom the answer was given to, what was asked about, and what was made: for finding it when a person is forgotten.
    caller_id blob,
    subject_id blob,
    made_id blob,
    primary key (scope, idempotency_key)
) strict;
create index idempotency_keys_by_age on idempotency_keys (claimed_at);
create index idempotency_keys_by_caller on idempotency_keys (caller_id) where caller_id is not null;
create index idempotency_keys_by_subject on idempotency_keys (subject_id) where subject_id is not null;
create index idempotency_keys_by_made on idempotency_keys (made_id) where made_id is not null;

-- What was done under such a key, written with what it did: an answer can be lost, this cannot.
create table done_once (
    key_hash blob primary key,
    -- What the answer is about: a refund, a step of a payment, an order.
    made blob not null,
    done_at text not null
) strict;
create index done_once_by_age on done_once (done_at);
