//! What notifications have of a person: told, and forgotten.

use serde_json::{Value, json};
use uuid::Uuid;

use super::store::people as rows;
use crate::accounts::Person;
use crate::db::{self, Conn, Tx};

/// Messages to the person that are still kept, and their inbox.
pub async fn export_person(conn: &mut Conn, person: &Person) -> db::Result<Value> {
    let messages = rows::messages(conn, person.customer_id, proved(person)).await?;
    let inbox = rows::inbox(conn, person.customer_id).await?;
    Ok(json!({ "messages": messages, "inbox": inbox, "devices": rows::devices(conn, person.customer_id).await? }))
}

/// Forgets what was said to the person under their account or an address that is proved to be theirs, what was said about these
/// subjects to whomever, and their devices. What waits to be sent is not sent.
pub async fn forget_person(tx: &mut Tx, person: &Person, subjects: &[Uuid]) -> db::Result<()> {
    rows::delete_of(tx, person.customer_id).await?;
    if let Some(email) = proved(person) {
        rows::delete_to_guests(tx, email).await?;
    }
    for subject in subjects {
        rows::delete_about(tx, &subject.to_string()).await?;
    }
    Ok(())
}

/// Under an address that nobody proved, mail is whoever's reads it.
fn proved(person: &Person) -> Option<&str> {
    person.proved_email_key.as_ref().map(|_| person.email.as_str())
}
