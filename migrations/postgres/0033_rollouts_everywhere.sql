-- Candidates of every domain.
alter table rollouts drop constraint rollouts_domain_check;
alter table rollouts add constraint rollouts_domain_check
    check (domain in ('pricing', 'payment', 'delivery', 'notification'));

-- The rollout whose candidate began the payment: while it is tried, the candidate goes on with it.
alter table payments add column rollout_id uuid references rollouts (id);
