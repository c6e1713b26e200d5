-- Candidates of every domain.
alter table rollouts drop constraint rollouts_domain_check;
alter table rollouts add constraint rollouts_domain_check
    check (domain in ('pricing', 'payment', 'delivery', 'notification'));

-- The rollout during which the payment was begun, and which side began it: that side goes on with it, under its own settings.
alter table payments add column rollout_id uuid references rollouts (id);
alter table payments add column rollout_side text check (rollout_side in ('base', 'candidate'));
create index payments_by_rollout on payments (plugin, rollout_id, rollout_side) where rollout_id is not null;
