//! Those who work for the shop.

use uuid::Uuid;

use crate::accounts::{Grant, Permissions, Role, StaffMember, StaffPolicy};
use crate::clock::Moment;
use crate::db::{Conn, FromRow, Result, Tx, sql};

#[derive(FromRow)]
struct MemberRow {
    id: Uuid,
    email: String,
    name: String,
    role: String,
    permissions: String,
    factors: i64,
    created_at: Moment,
}

impl From<MemberRow> for StaffMember {
    fn from(row: MemberRow) -> Self {
        let grant = match Role::parse(&row.role) {
            Role::Owner => Grant::Owner,
            _ => Grant::Staff(Permissions::of_text(&row.permissions)),
        };
        let MemberRow { id, email, name, factors, created_at, .. } = row;
        Self { id, email, name, grant, second_factor: factors > 0, created_at }
    }
}

/// One change of staff at a time: the row stays locked until the commit, and what is read behind it is what the one before left.
pub(in crate::accounts) async fn lock(tx: &mut Tx) -> Result<()> {
    sql::execute!(tx, "update counters set value = value + 1 where name = 'staff_changes'")?;
    Ok(())
}

pub(in crate::accounts) async fn policy(conn: &mut Conn) -> Result<StaffPolicy> {
    let (second_factor_required, changed_by, changed_at) = sql::one!(
        conn,
        (bool, Option<Uuid>, Option<Moment>),
        "select second_factor_required, changed_by, changed_at from staff_policy"
    )?;
    Ok(StaffPolicy { second_factor_required, changed_by, changed_at })
}

pub(in crate::accounts) async fn update_policy(tx: &mut Tx, policy: &StaffPolicy) -> Result<()> {
    sql::execute!(
        tx,
        "update staff_policy set second_factor_required = $1, changed_by = $2, changed_at = $3",
        policy.second_factor_required,
        policy.changed_by,
        policy.changed_at
    )?;
    Ok(())
}

pub(in crate::accounts) async fn list(conn: &mut Conn, after: Uuid, limit: i64) -> Result<Vec<StaffMember>> {
    let rows = sql::all!(
        conn,
        MemberRow,
        "select id, email, name, role, permissions, created_at,
                (select count(*) from second_factors f where f.customer_id = customers.id and f.confirmed_at is not null) as factors
         from customers where role <> 'customer' and id > $1 order by id limit $2",
        after,
        limit
    )?;
    Ok(rows.into_iter().map(StaffMember::from).collect())
}

pub(in crate::accounts) async fn find(conn: &mut Conn, id: Uuid) -> Result<Option<StaffMember>> {
    let row = sql::optional!(
        conn,
        MemberRow,
        "select id, email, name, role, permissions, created_at,
                (select count(*) from second_factors f where f.customer_id = customers.id and f.confirmed_at is not null) as factors
         from customers where id = $1 and role <> 'customer'",
        id
    )?;
    Ok(row.map(StaffMember::from))
}

pub(in crate::accounts) async fn has_other_owner(conn: &mut Conn, id: Uuid) -> Result<bool> {
    let found = sql::optional!(
        conn,
        (Uuid,),
        "select id from customers where role <> 'customer' and role = 'owner' and id <> $1 limit 1",
        id
    )?;
    Ok(found.is_some())
}

pub(in crate::accounts) async fn update_grant(
    tx: &mut Tx,
    id: Uuid,
    role: Role,
    permissions: Permissions,
    now: Moment,
) -> Result<()> {
    sql::execute!(
        tx,
        "update customers set role = $2, permissions = $3, updated_at = $4 where id = $1",
        id,
        role.name(),
        permissions.to_text(),
        now
    )?;
    Ok(())
}
