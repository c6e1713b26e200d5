//! Owners of the shop: the first is made by whoever runs the process. Over HTTP only an owner makes another (`staff`).

use std::path::{Path, PathBuf};

use serde_json::json;
use uuid::Uuid;

use super::email::Email;
use super::password::Password;
use super::private_file::Staged;
use super::recovery::updated;
use super::{Customer, Error, Role, second_factor, store};
use crate::clock::{self, Moment};
use crate::db::Tx;
use crate::{Shop, events, id};

/// What became of [`create_owner`].
#[derive(Debug)]
pub struct NewOwner {
    pub customer_id: Uuid,
    pub email: String,
    /// There was an account with this address; it is an owner's now.
    pub promoted: bool,
    /// The password, where none was given: to be shown once.
    pub generated_password: Option<String>,
}

/// Makes an owner with this address, or makes one of the account that has it.
///
/// Either way the password is the given one or a new one, sessions of before end, and a second factor of before is gone: this is how an
/// owner comes back who lost theirs. An account's old password must not open the admin side: e-mail addresses are not proved at registration, so someone else may have taken this one in good time.
pub async fn create_owner(shop: &Shop, email: &str, password: Option<&str>) -> Result<NewOwner, Error> {
    let email = Email::parse(email)?;
    let given = password.map(|text| Password::new(text, &email)).transpose()?;
    let generated = if given.is_none() { Some(Password::generated()) } else { None };
    let password_hash = match given.as_ref().or(generated.as_ref()) {
        Some(password) => shop.hashing().hash(password).await?,
        None => unreachable!("one of the two is there"),
    };
    let mut tx = shop.db().write().await?;
    let (customer_id, promoted) = put_owner(shop, &mut tx, &email, &password_hash, clock::now()).await?;
    tx.commit().await?;
    Ok(NewOwner {
        customer_id,
        email: email.as_str().to_owned(),
        promoted,
        generated_password: generated.map(|password| password.reveal().to_owned()),
    })
}

/// Is there an owner yet?
pub async fn has_owner(shop: &Shop) -> Result<bool, Error> {
    Ok(store::has_owner(&mut shop.db().read().await?).await?)
}

/// In a shop without any owner, makes one with a generated password and writes how to log in to a file for the
/// administrator of this machine, whose path it returns. Does nothing in any other shop.
pub async fn first_owner(shop: &Shop) -> Result<Option<PathBuf>, Error> {
    if has_owner(shop).await? {
        return Ok(None);
    }
    let email = first_email(shop);
    let password = Password::generated();
    let password_hash = shop.hashing().hash(&password).await?;
    let path = shop.config().data.dir.join("merchant-credentials.txt");
    let failed = |cause| Error::CredentialsFile { path: path.clone(), cause };
    let staged = stage(path.clone(), credentials(shop, &email, &password)).await.map_err(failed)?;

    let mut tx = shop.db().write().await?;
    if store::has_owner(&mut tx).await? {
        return Ok(None);
    }
    match put_owner(shop, &mut tx, &email, &password_hash, clock::now()).await {
        // Another process makes the first owner of this database at this moment; its file has the password.
        Err(Error::EmailTaken) => return Ok(None),
        outcome => outcome?,
    };
    // The file before the commit: after a crash between them the next start finds no owner and does all of it again. The
    // other way round it would find one whose password nobody has. A rename is the only file I/O inside a transaction, once in
    // the life of a shop.
    staged.replace().map_err(failed)?;
    tx.commit().await?;
    Ok(Some(path))
}

async fn stage(path: PathBuf, text: String) -> std::io::Result<Staged> {
    let staged = tokio::task::spawn_blocking(move || Staged::write(Path::new(&path), text.as_bytes()));
    staged.await.map_err(std::io::Error::other)?
}

/// `merchant@` where the shop's own mail comes from.
fn first_email(shop: &Shop) -> Email {
    let sender = Email::parse(&shop.config().shop.email);
    let domain = sender.as_ref().map_or("example.org", Email::domain);
    Email::parse(&format!("merchant@{domain}")).unwrap_or_else(|_| unreachable!("the domain is one of an address"))
}

/// What stands in the file. The command line reads `email:` and `password:` in it.
fn credentials(shop: &Shop, email: &Email, password: &Password) -> String {
    let (url, email, password) = (&shop.config().shop.url, email.as_str(), password.reveal());
    format!(
        "The first owner of this shop. Whoever reads this file can change everything in it.\n\
         \n\
         url: {url}\n\
         email: {email}\n\
         password: {password}\n\
         \n\
         Log in with POST {url}/v1/auth/login; the `kassa plugin` commands on this machine do it by themselves.\n\
         For another password, or an owner with another address:\n\
         \n\
         kassa admin create {email}\n\
         \n\
         Then delete this file: it is not written again while the shop has an owner.\n"
    )
}

/// The id of the account, and whether it was there before.
async fn put_owner(
    shop: &Shop,
    tx: &mut Tx,
    email: &Email,
    password_hash: &str,
    now: Moment,
) -> Result<(Uuid, bool), Error> {
    store::staff::lock(tx).await?;
    if let Some(known) = store::find_credentials(tx, email.key()).await? {
        let id = known.customer.id;
        store::make_owner(tx, id, password_hash, now).await?;
        store::revoke_sessions_of(tx, id, now).await?;
        second_factor::reset(tx, &known.customer).await?;
        updated(tx, id, &["role", "password"]).await?;
        return Ok((id, true));
    }
    let owner = Customer {
        id: id::sequential(),
        email: email.as_str().to_owned(),
        // Whoever runs the process vouches for it.
        email_confirmed_at: Some(now),
        name: String::new(),
        phone: String::new(),
        locale: shop.config().shop.locale.clone(),
        role: Role::Owner,
        created_at: now,
    };
    if !store::insert_customer(tx, &owner, email.key(), password_hash).await? {
        return Err(Error::EmailTaken);
    }
    events::record(tx, "user.created", owner.id, json!({ "customer_id": owner.id })).await?;
    Ok((owner.id, false))
}
