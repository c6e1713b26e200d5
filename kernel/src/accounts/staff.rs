//! Those who work for the shop: who they are, and who gives them what.
//!
//! Rules: nobody gives a permission that they do not have; only an owner makes or unmakes an owner; a shop keeps an owner. All
//! changes of staff queue on one row (`store::staff::lock`) and look at giver and taker behind it: two owners who remove each other
//! at the same moment must not both succeed.

use serde_json::json;
use uuid::Uuid;

use super::email::Email;
use super::letters::{self, Letter};
use super::password::Password;
use super::recovery::updated;
use super::store::{self, staff};
use super::{Customer, Permission, Permissions, Role, second_factor};
use crate::clock::{self, Moment};
use crate::db::{self, Tx};
use crate::{Shop, events, id};

/// What someone who works for the shop may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// Everything, and to make owners.
    Owner,
    Staff(Permissions),
}

/// Someone who works for the shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffMember {
    pub id: Uuid,
    pub email: String,
    /// Empty where none was given.
    pub name: String,
    pub grant: Grant,
    pub second_factor: bool,
    pub created_at: Moment,
}

/// What the owners ask of everybody who works for the shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffPolicy {
    pub second_factor_required: bool,
    /// The owner who said so, and when; none where nobody has.
    pub changed_by: Option<Uuid>,
    pub changed_at: Option<Moment>,
}

/// Why staff cannot be changed.
#[derive(Debug, thiserror::Error)]
pub enum StaffError {
    #[error("whoever registered this address has not proved that it is theirs; they can, by the letter that they got")]
    Unproved,
    #[error("this account works for the shop already")]
    AlreadyStaff,
    #[error("nobody who works for the shop has this id")]
    NotFound,
    #[error("you do not have {0} yourself")]
    BeyondOwn(&'static str),
    #[error("only an owner does that")]
    OwnersOnly,
    #[error("the last owner of a shop stays")]
    LastOwner,
    #[error("the member of staff was changed meanwhile")]
    Changed,
    #[error(transparent)]
    Account(#[from] super::Error),
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl Grant {
    pub fn role(self) -> Role {
        match self {
            Self::Owner => Role::Owner,
            Self::Staff(_) => Role::Staff,
        }
    }

    pub fn permissions(self) -> Permissions {
        match self {
            Self::Owner => Permissions::all(),
            Self::Staff(permissions) => permissions,
        }
    }

    /// Names this grant among all of them: what `If-Match` is held against.
    pub fn tag(self) -> String {
        match self {
            Self::Owner => "owner".to_owned(),
            Self::Staff(permissions) => format!("staff:{}", permissions.to_text().replace(' ', ",")),
        }
    }

    /// Whether someone with the grant `giver` may put this one in the place of `before`.
    fn check(self, before: Option<Self>, giver: Self) -> Result<(), StaffError> {
        let touches_owners = self == Self::Owner || before == Some(Self::Owner);
        if touches_owners && giver != Self::Owner {
            return Err(StaffError::OwnersOnly);
        }
        let had = before.map_or(Permissions::none(), Self::permissions);
        let beyond = self.permissions().iter().find(|&wanted| !had.has(wanted) && !giver.permissions().has(wanted));
        beyond.map_or(Ok(()), |permission: Permission| Err(StaffError::BeyondOwn(permission.name())))
    }
}

/// Everyone who works for the shop, by id, behind `after`.
pub async fn list_staff(shop: &Shop, after: Option<Uuid>, limit: u32) -> Result<Vec<StaffMember>, StaffError> {
    let mut conn = shop.db().read().await?;
    Ok(staff::list(&mut conn, after.unwrap_or(Uuid::nil()), i64::from(limit) + 1).await?)
}

pub async fn get_staff(shop: &Shop, id: Uuid) -> Result<StaffMember, StaffError> {
    let mut conn = shop.db().read().await?;
    staff::find(&mut conn, id).await?.ok_or(StaffError::NotFound)
}

/// Gives the account with this address a grant, in the name of `giver`. Where there is none it is made, and whoever reads the mail of this
/// address gets a letter to set its password with.
///
/// An address that nobody has proved is refused: who registered it need not be who is meant.
pub async fn add_staff(shop: &Shop, giver: Uuid, email: &Email, grant: Grant) -> Result<StaffMember, StaffError> {
    let known = store::find_credentials(&mut shop.db().read().await?, email.key()).await?.is_some();
    // Before anything is locked: hashing takes its time.
    let hash = if known { None } else { Some(shop.hashing().hash(&Password::generated()).await?) };
    let (mut tx, own) = begin(shop, giver).await?;
    let account = store::find_credentials(&mut tx, email.key()).await?.map(|known| known.customer);
    match &account {
        Some(account) if account.role != Role::Customer => return Err(StaffError::AlreadyStaff),
        Some(account) if account.email_confirmed_at.is_none() => return Err(StaffError::Unproved),
        _ => grant.check(None, own)?,
    }
    let id = match (account, hash) {
        (Some(account), _) => account.id,
        (None, Some(hash)) => invite(shop, &mut tx, email, &hash).await?,
        (None, None) => return Err(StaffError::Changed),
    };
    let member = put(tx, id, grant).await?;
    shop.letters().wake();
    shop.relay().wake();
    Ok(member)
}

/// An account whose password nobody knows, and the letter with which they set one.
async fn invite(shop: &Shop, tx: &mut Tx, email: &Email, password_hash: &str) -> Result<Uuid, StaffError> {
    let invited = Customer {
        id: id::sequential(),
        email: email.as_str().to_owned(),
        email_confirmed_at: None,
        name: String::new(),
        phone: String::new(),
        locale: shop.config().shop.locale.clone(),
        role: Role::Customer,
        created_at: clock::now(),
    };
    if !store::insert_customer(tx, &invited, email.key(), password_hash).await? {
        return Err(StaffError::Changed);
    }
    letters::to_customer(tx, Letter::ResetPassword, &invited, None).await?;
    events::record(tx, "user.created", invited.id, json!({ "customer_id": invited.id })).await?;
    Ok(invited.id)
}

/// Puts another grant in the place of the one that the member has, which is in force at their next request. `choose` makes it from the
/// one they have; `expected` is the tag that they must have.
pub async fn change_staff(
    shop: &Shop,
    giver: Uuid,
    id: Uuid,
    expected: Option<&str>,
    choose: impl FnOnce(Grant) -> Grant,
) -> Result<StaffMember, StaffError> {
    let (mut tx, own) = begin(shop, giver).await?;
    let before = staff::find(&mut tx, id).await?.ok_or(StaffError::NotFound)?.grant;
    if expected.is_some_and(|tag| tag != before.tag()) {
        return Err(StaffError::Changed);
    }
    let grant = choose(before);
    grant.check(Some(before), own)?;
    if before == Grant::Owner && grant != Grant::Owner {
        keep_an_owner(&mut tx, id).await?;
    }
    let member = put(tx, id, grant).await?;
    shop.relay().wake();
    Ok(member)
}

/// Makes a customer of the member again, and ends their sessions.
pub async fn remove_staff(shop: &Shop, giver: Uuid, id: Uuid) -> Result<(), StaffError> {
    let (mut tx, own) = begin(shop, giver).await?;
    let before = staff::find(&mut tx, id).await?.ok_or(StaffError::NotFound)?.grant;
    if before == Grant::Owner {
        if own != Grant::Owner {
            return Err(StaffError::OwnersOnly);
        }
        keep_an_owner(&mut tx, id).await?;
    }
    let now = clock::now();
    staff::update_grant(&mut tx, id, Role::Customer, Permissions::none(), now).await?;
    store::revoke_sessions_of(&mut tx, id, now).await?;
    updated(&mut tx, id, &["role"]).await?;
    tx.commit().await?;
    shop.relay().wake();
    Ok(())
}

/// Takes the second factor of the member away, who lost it; their sessions end. They can log in with the password alone then, and set up
/// another one.
pub async fn reset_second_factor_of_staff(shop: &Shop, giver: Uuid, id: Uuid) -> Result<(), StaffError> {
    let (mut tx, own) = begin(shop, giver).await?;
    let before = staff::find(&mut tx, id).await?.ok_or(StaffError::NotFound)?.grant;
    if before == Grant::Owner && own != Grant::Owner {
        return Err(StaffError::OwnersOnly);
    }
    let customer = store::find_customer(&mut tx, id).await?.ok_or(StaffError::NotFound)?;
    second_factor::reset(&mut tx, &customer).await?;
    tx.commit().await?;
    shop.letters().wake();
    shop.relay().wake();
    Ok(())
}

pub async fn staff_policy(shop: &Shop) -> Result<StaffPolicy, StaffError> {
    Ok(staff::policy(&mut shop.db().read().await?).await?)
}

/// Only owners say what is asked of staff. It is in force at the next request, also for the owner who says it.
pub async fn set_staff_policy(
    shop: &Shop,
    owner: Uuid,
    second_factor_required: bool,
) -> Result<StaffPolicy, StaffError> {
    let (mut tx, own) = begin(shop, owner).await?;
    if own != Grant::Owner {
        return Err(StaffError::OwnersOnly);
    }
    let policy = StaffPolicy { second_factor_required, changed_by: Some(owner), changed_at: Some(clock::now()) };
    staff::update_policy(&mut tx, &policy).await?;
    tx.commit().await?;
    Ok(policy)
}

/// Takes the turn, and reads what the giver has now: it may have changed since their request began.
async fn begin(shop: &Shop, giver: Uuid) -> Result<(Tx, Grant), StaffError> {
    let mut tx = shop.db().write().await?;
    staff::lock(&mut tx).await?;
    let own = staff::find(&mut tx, giver).await?.map_or(Grant::Staff(Permissions::none()), |giver| giver.grant);
    if own.permissions().has(Permission::Settings) {
        Ok((tx, own))
    } else {
        Err(StaffError::BeyondOwn(Permission::Settings.name()))
    }
}

async fn keep_an_owner(tx: &mut Tx, leaving: Uuid) -> Result<(), StaffError> {
    if staff::has_other_owner(tx, leaving).await? { Ok(()) } else { Err(StaffError::LastOwner) }
}

async fn put(mut tx: Tx, id: Uuid, grant: Grant) -> Result<StaffMember, StaffError> {
    // An owner's are not written: they have those of later versions, too.
    let permissions = match grant {
        Grant::Owner => Permissions::none(),
        Grant::Staff(permissions) => permissions,
    };
    staff::update_grant(&mut tx, id, grant.role(), permissions, clock::now()).await?;
    updated(&mut tx, id, &["role"]).await?;
    let member = staff::find(&mut tx, id).await?.ok_or(StaffError::NotFound)?;
    tx.commit().await?;
    Ok(member)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn staff(text: &str) -> Grant {
        Grant::Staff(Permissions::of_text(text))
    }

    #[test]
    fn nobody_gives_what_they_do_not_have() {
        for (wanted, before, giver, fine) in [
            (staff("catalog"), None, staff("catalog settings"), true),
            (staff("catalog orders"), None, staff("catalog settings"), false),
            // What somebody has already is not given again.
            (staff("orders settings"), Some(staff("orders")), staff("settings"), true),
            (staff("orders refunds"), Some(staff("orders")), staff("settings"), false),
            // Taking away is not giving.
            (staff(""), Some(staff("refunds")), staff("settings"), true),
            (staff("refunds"), None, Grant::Owner, true),
            (Grant::Owner, None, Grant::Owner, true),
            (Grant::Owner, Some(staff("catalog")), Grant::Staff(Permissions::all()), false),
            (staff("catalog"), Some(Grant::Owner), Grant::Staff(Permissions::all()), false),
            (staff("catalog"), Some(Grant::Owner), Grant::Owner, true),
        ] {
            let checked = wanted.check(before, giver);
            assert_eq!(checked.is_ok(), fine, "{giver:?} puts {wanted:?} in the place of {before:?}: {checked:?}");
        }
    }

    #[test]
    fn a_tag_tells_grants_apart() {
        assert_eq!(Grant::Owner.tag(), "owner");
        assert_eq!(staff("orders catalog").tag(), "staff:catalog,orders");
        assert_ne!(Grant::Owner.tag(), Grant::Staff(Permissions::all()).tag());
    }
}
