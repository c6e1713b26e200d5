//! Letters about an account: links that are good once, and notices of what changed.

use kassa_sdk::notification::{Error, Event, Shop};

use crate::data::{Account, read};
use crate::language::{Language, account::AccountText};
use crate::letter::Part;

/// Subject and parts; none for events of another kind.
pub fn letter(
    kind: &str,
    language: Language,
    event: &Event,
    shop: &Shop,
) -> Result<Option<(String, Vec<Part>)>, Error> {
    let Some(text) = AccountText::of(kind) else { return Ok(None) };
    let account: Account = read(event)?;
    let mut parts = vec![Part::Paragraph(language.account(text, &shop.name, &account.new_email))];
    if let Some(label) = language.account_link(text) {
        parts.push(match account.url.is_empty() {
            false => Part::Link { label, url: account.url },
            true => Part::Lines { title: language.code(), lines: vec![account.token] },
        });
        if account.valid_minutes > 0 {
            parts.push(Part::Paragraph(language.valid_for(account.valid_minutes)));
        }
    }
    parts.push(Part::Paragraph(language.not_you(text).to_owned()));
    Ok(Some((language.account_subject(text, &shop.name), parts)))
}
