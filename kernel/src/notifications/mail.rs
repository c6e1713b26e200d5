//! A message as a mail: RFC 5322 headers, MIME body.

use lettre::Address;
use lettre::address::AddressError;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder, MultiPart, SinglePart};

use super::store::queue::Claimed;

/// `Auto-Submitted: auto-generated` (RFC 3834): holiday answers and the like are not sent back to the shop.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".into())
    }
}

/// A message cannot become a mail, however often it is tried.
#[derive(Debug, thiserror::Error)]
pub(super) enum MailError {
    #[error("not an address that mail can be sent to: {0}")]
    Recipient(AddressError),
    #[error("not a mail: {0}")]
    Format(lettre::error::Error),
}

/// The sender that `name` and `email` make.
pub(super) fn mailbox(name: &str, email: &str) -> Result<Mailbox, AddressError> {
    const NAME_CHARS: usize = 100;
    let name: String = one_line(name).chars().take(NAME_CHARS).collect();
    Ok(Mailbox::new((!name.is_empty()).then_some(name), email.parse::<Address>()?))
}

/// The mail. Made anew from the same message it is the same byte for byte, `Message-ID` included, so that a mailbox can drop
/// the second of two copies.
pub(super) fn build(message: &Claimed, from: &Mailbox) -> Result<lettre::Message, MailError> {
    let to = mailbox(&message.recipient_name, &message.recipient).map_err(MailError::Recipient)?;
    let head = MessageBuilder::new()
        .from(from.clone())
        .to(to)
        .subject(one_line(&message.subject))
        .date(message.created_at.into())
        .message_id(Some(format!("<{}@{}>", message.id, from.email.domain())))
        .header(AutoSubmitted);
    let text = SinglePart::plain(message.body_text.clone());
    let mail = match &message.body_html {
        None => head.singlepart(text),
        Some(html) => {
            let html = SinglePart::builder().header(ContentType::TEXT_HTML).body(html.clone());
            // No text can hold the boundary: whoever wrote it did not know the id.
            let boundary = format!("kassa-{}", message.id.simple());
            head.multipart(MultiPart::alternative().boundary(boundary).singlepart(text).singlepart(html))
        }
    };
    mail.map_err(MailError::Format)
}

/// `text` on one line: line breaks and other control characters become spaces. Fit for the value of a mail header.
fn one_line(text: &str) -> String {
    let spaced = |c: char| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c };
    text.chars().map(spaced).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Json;
    use crate::{clock, id};

    fn message(subject: &str, name: &str, html: Option<&str>) -> Claimed {
        Claimed {
            id: id::sequential(),
            kind: "order.placed".into(),
            channel: "email".into(),
            attributes: Json(Vec::new()),
            recipient_name: name.into(),
            recipient: "ann@example.org".into(),
            subject: subject.into(),
            body_text: "Здравствуйте\n.\nline".into(),
            body_html: html.map(str::to_owned),
            attempts: 1,
            created_at: clock::now(),
        }
    }

    fn text(message: &Claimed) -> String {
        let from = mailbox("Kassa, the shop", "shop@example.org").unwrap();
        String::from_utf8(build(message, &from).unwrap().formatted()).unwrap()
    }

    #[test]
    fn nothing_gets_into_the_headers_by_a_line_break() {
        for evil in
            ["a\r\nBcc: all@example.org", "a\nBcc: all@example.org", "a\rBcc: all@example.org", "ж\r\n Bcc: x@y.z"]
        {
            let mail = text(&message(evil, evil, None));
            let (head, _) = mail.split_once("\r\n\r\n").unwrap();
            let names: Vec<_> = head
                .split("\r\n")
                .filter(|line| !line.starts_with([' ', '\t']))
                .map(|line| line.split_once(':').unwrap().0)
                .collect();
            let expected = ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version"];
            assert_eq!(names[..expected.len()], expected, "{evil:?}: {head}");
            assert!(!names.contains(&"Bcc"), "{evil:?}: {head}");
            assert!(!head.replace("\r\n", "").contains(['\r', '\n']), "{evil:?}: {head:?}");
        }
    }

    #[test]
    fn the_same_message_is_the_same_mail() {
        let message = message("Order", "Ann", Some("<p>Hello</p>"));
        assert_eq!(text(&message), text(&message));
    }

    #[test]
    fn html_stands_beside_the_text() {
        let mail = text(&message("Order", "Ann", Some("<p>Hello</p>")));
        assert!(mail.contains("Content-Type: multipart/alternative"), "{mail}");
        let (plain, html) = (mail.find("text/plain").unwrap(), mail.find("text/html").unwrap());
        assert!(plain < html, "the last part is the one that is preferred: {mail}");
        let only_text = text(&self::message("Order", "Ann", None));
        assert!(only_text.contains("Content-Type: text/plain; charset=utf-8") && !only_text.contains("multipart"));
    }

    #[test]
    fn an_address_that_is_none_is_told_so() {
        let from = mailbox("Kassa", "shop@example.org").unwrap();
        for bad in ["", "ann", "ann@", "ann@example.org\r\nBcc: x@example.org", "a@b, c@d"] {
            let message = Claimed { recipient: bad.into(), ..message("Order", "Ann", None) };
            assert!(matches!(build(&message, &from), Err(MailError::Recipient(_))), "{bad:?}");
        }
    }
}
