//! From an event to a message, over a real database and real files.

mod gateway;
mod smtp;

use chrono::TimeDelta;
use futures_util::future::BoxFuture;
use serde_json::json;

use super::compose::{Answer, Recipient};
use super::queue::queue;
use super::reach::Reach;
use super::store::queue::{self as stored, State};
use super::{Channel, SmtpUrl, direct, inbox, sender};
use crate::events::{self, Bus, Consumer, Event, HandleError, Memory};
use crate::plugins::notification::Message;
use crate::plugins::{CallError, Fault, Report};
use crate::{Config, Shop, clock, id, test_shop};

fn config(dir: &tempfile::TempDir) -> Config {
    let mut config = Config::default();
    config.data.dir = dir.path().to_owned();
    config.database.url = format!("sqlite://{}/shop.db", dir.path().display());
    config.shop.name = "Tea & Co".into();
    config.shop.email = "shop@example.org".into();
    config.events.retry_after_ms = 0;
    config.notifications.retry_after_ms = 0;
    config.notifications.max_attempts = 2;
    config
}

/// A shop whose mails go to `smtp_url`; into files where that is empty.
async fn open_shop(dir: &tempfile::TempDir, smtp_url: &str) -> Shop {
    let mut config = config(dir);
    config.notifications.smtp_url = SmtpUrl::from(smtp_url);
    config.notifications.send_timeout_ms = 2_000;
    test_shop::open(config).await
}

fn message() -> Message {
    Message {
        channel: "email".into(),
        subject: "Заказ 1001".into(),
        text: "Thank you.\n.\n..hidden\nEnd".into(),
        html: Some("<p>Thank you.</p>".into()),
        attributes: Vec::new(),
    }
}

/// Stands where [`super::Notifications`] does, with plugins that say what the test wants.
struct Canned(Vec<(&'static str, Result<Vec<Message>, &'static str>)>);

impl Consumer for Canned {
    fn name(&self) -> &'static str {
        "notifications"
    }

    fn handle<'a>(&'a self, shop: &'a Shop, event: &'a Event) -> BoxFuture<'a, Result<(), HandleError>> {
        Box::pin(async move {
            let answer = |(plugin, said): &(&str, Result<Vec<Message>, &'static str>)| Answer {
                plugin: (*plugin).into(),
                messages: said
                    .clone()
                    .map_err(|rule| CallError { fault: Fault::InvalidAnswer(rule.into()), report: Report::default() }),
            };
            let answers = self.0.iter().map(answer).collect();
            // A new shop tells of its plugins too, and that has no recipient.
            let Some(recipient) = Recipient::of(event, "en") else { return Ok(()) };
            queue(shop, event, &recipient, &reach(), answers).await
        })
    }
}

/// Someone with everything but a device.
fn reach() -> Reach {
    Reach { channels: [Channel::Email, Channel::Sms, Channel::Inbox].into(), devices: Vec::new() }
}

fn one_mail() -> Memory {
    Memory::new(vec![Box::new(Canned(vec![("email", Ok(vec![message()]))]))])
}

async fn record_order(shop: &Shop) {
    let mut tx = shop.db().write().await.unwrap();
    let data = json!({"email": "ann@example.org", "name": "Ann, the first", "locale": "ru", "number": 1001});
    events::record(&mut tx, "order.placed", "1", data).await.unwrap();
    tx.commit().await.unwrap();
}

/// Records an order and queues its one mail.
async fn queue_mail(shop: &Shop) {
    record_order(shop).await;
    events::drain(shop, &one_mail()).await.unwrap();
}

async fn states(shop: &Shop) -> Vec<State> {
    stored::states(&mut shop.db().read().await.unwrap()).await.unwrap()
}

async fn only_state(shop: &Shop) -> State {
    let mut states = states(shop).await;
    assert_eq!(states.len(), 1, "{states:?}");
    states.remove(0)
}

/// Names and texts of the mails in the folder.
fn files(dir: &tempfile::TempDir) -> Vec<(String, String)> {
    let entries = std::fs::read_dir(dir.path().join("mail")).unwrap().map(Result::unwrap);
    entries
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read_to_string(entry.path()).unwrap()))
        .collect()
}

#[tokio::test]
async fn an_order_is_told_by_one_mail() {
    let dir = tempfile::tempdir().unwrap();
    let shop = open_shop(&dir, "").await;
    queue_mail(&shop).await;
    sender::drain(&shop).await.unwrap();
    sender::drain(&shop).await.unwrap();
    let state = only_state(&shop).await;
    assert_eq!((state.status.as_str(), state.attempts), ("sent", 1));
    let files = files(&dir);
    assert_eq!(files.len(), 1, "{files:?}");
    let (name, mail) = &files[0];
    assert!(name.ends_with(&format!("Z-{}.eml", state.id)) && name.as_bytes()[8] == b'T', "{name}");
    for header in [
        "From: =?utf-8?b?VGVhICYgQ28=?= <shop@example.org>\r\n".to_owned(),
        "To: =?utf-8?b?QW5uLCB0aGUgZmlyc3Q=?= <ann@example.org>\r\n".to_owned(),
        format!("Message-ID: <{}@example.org>\r\n", state.id),
        "Auto-Submitted: auto-generated\r\n".to_owned(),
        "Subject: =?utf-8?b?0JfQsNC60LDQtw==?= 1001\r\n".to_owned(),
        "Date: ".to_owned(),
        "Content-Type: multipart/alternative".to_owned(),
    ] {
        assert!(mail.contains(&header), "{header} is not in {mail}");
    }
    assert!(mail.contains("Thank you.\r\n.\r\n..hidden\r\nEnd") && mail.contains("<p>Thank you.</p>"), "{mail}");
}

#[tokio::test]
async fn the_workers_wake_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(&dir);
    // Nobody polls within the life of this test.
    config.notifications.poll_interval_ms = 3_600_000;
    let shop = test_shop::open(config).await;
    let worker = tokio::spawn(super::run(shop.clone()));
    queue_mail(&shop).await;
    while only_state(&shop).await.status != "sent" {
        tokio::task::yield_now().await;
    }
    shop.stop();
    worker.await.unwrap();
}

#[tokio::test]
async fn a_crash_at_any_step_gives_one_mail() {
    let dir = tempfile::tempdir().unwrap();
    let shop = open_shop(&dir, "").await;
    let event = Event {
        id: id::sequential(),
        kind: "order.placed".into(),
        subject: "1".into(),
        data: json!({"email": "ann@example.org"}),
        occurred_at: clock::now(),
    };
    // Killed after the messages were queued, before the event was marked as sent: it is told again.
    for _ in 0..2 {
        one_mail().publish(&shop, &event).await.unwrap();
    }
    assert_eq!(only_state(&shop).await.status, "queued");
    // Killed after the message was claimed, before it was sent.
    let claimed = sender::claim(&shop, Channel::Email).await.unwrap();
    assert_eq!(claimed.len(), 1);
    assert!(sender::claim(&shop, Channel::Email).await.unwrap().is_empty(), "another kernel leaves it alone meanwhile");
    let later = clock::now() + TimeDelta::hours(1);
    let mut tx = shop.db().write().await.unwrap();
    let again = stored::claim_due(&mut tx, "email", later, later, 10).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(again.len(), 1);
    // Killed after it was sent, before that was written: the second takes the place of the first.
    shop.transports().send(&again[0]).await.unwrap();
    shop.transports().send(&again[0]).await.unwrap();
    assert_eq!(files(&dir).len(), 1);
}

#[tokio::test]
async fn a_message_that_is_deleted_while_it_is_sent_makes_no_other_go_out_again() {
    let dir = tempfile::tempdir().unwrap();
    let shop = open_shop(&dir, "").await;
    queue_mail(&shop).await;
    queue_mail(&shop).await;
    let batch = sender::claim(&shop, Channel::Email).await.unwrap();
    assert_eq!(batch.len(), 2);
    // Whom it was for is forgotten meanwhile.
    let gone = batch[0].id;
    let mut tx = shop.db().write().await.unwrap();
    stored::delete_one(&mut tx, gone).await.unwrap();
    tx.commit().await.unwrap();
    sender::send(&shop, batch).await;
    assert_eq!(only_state(&shop).await.status, "sent", "what came of the other is written");
}

#[tokio::test]
async fn a_channel_that_waits_holds_up_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let shop = open_shop(&dir, "").await;
    let mut tx = shop.db().write().await.unwrap();
    let data = json!({"email": "ann@example.org", "phone": "+493012345"});
    events::record(&mut tx, "order.placed", "1", data).await.unwrap();
    tx.commit().await.unwrap();
    let say = |channel: &str| Message { channel: channel.into(), ..message() };
    let bus = Memory::new(vec![Box::new(Canned(vec![("all", Ok(vec![say("sms"), say("email")]))]))]);
    events::drain(&shop, &bus).await.unwrap();
    // The text message is the older one, and the only place is not its own.
    let later = clock::now() + TimeDelta::hours(1);
    let mut tx = shop.db().write().await.unwrap();
    let mails = stored::claim_due(&mut tx, "email", later, later, 1).await.unwrap();
    let texts = stored::claim_due(&mut tx, "sms", later, later, 1).await.unwrap();
    assert_eq!((mails.len(), mails[0].channel.as_str()), (1, "email"));
    assert_eq!((texts.len(), texts[0].channel.as_str()), (1, "sms"));
}

#[tokio::test]
async fn a_plugin_that_fails_holds_up_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let shop = open_shop(&dir, "").await;
    record_order(&shop).await;
    let answers = |second| Memory::new(vec![Box::new(Canned(vec![("good", Ok(vec![message()])), ("bad", second)]))]);
    events::drain(&shop, &answers(Err("broken"))).await.unwrap();
    assert_eq!(states(&shop).await.len(), 1);
    // Mended: now it says its part, and the first is not heard twice.
    events::drain(&shop, &answers(Ok(vec![message(), message()]))).await.unwrap();
    assert_eq!(states(&shop).await.len(), 3);
}

#[tokio::test]
async fn a_channel_without_a_transport_is_kept_as_dead() {
    let dir = tempfile::tempdir().unwrap();
    let shop = open_shop(&dir, "").await;
    record_order(&shop).await;
    let pigeon = Message { channel: "pigeon".into(), ..message() };
    let bus = Memory::new(vec![Box::new(Canned(vec![("email", Ok(vec![pigeon]))]))]);
    events::drain(&shop, &bus).await.unwrap();
    sender::drain(&shop).await.unwrap();
    let state = only_state(&shop).await;
    assert_eq!((state.status.as_str(), state.attempts), ("dead", 0));
    assert!(files(&dir).is_empty());
}

#[tokio::test]
async fn old_messages_are_forgotten_but_never_unsent_ones() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(&dir);
    config.notifications.keep_days = 0;
    let shop = test_shop::open(config).await;
    queue_mail(&shop).await;
    assert_eq!(super::forget_old(&shop).await.unwrap(), 0);
    sender::drain(&shop).await.unwrap();
    assert_eq!(super::forget_old(&shop).await.unwrap(), 1);
    assert!(states(&shop).await.is_empty());
}

#[tokio::test]
async fn settings_that_cannot_work_are_told_at_the_start() {
    type Spoil = fn(&mut Config);
    let table: [(Spoil, &str); 6] = [
        (|config| config.shop.email = "nobody".into(), "shop.email"),
        (|config| config.notifications.smtp_url = "mail.example.org".into(), "smtp_url"),
        (|config| config.notifications.concurrency = 0, "notifications.concurrency"),
        (|config| config.notifications.max_attempts = 0, "notifications.max_attempts"),
        (|config| config.notifications.sms.url = "http://sms.example".into(), "notifications.sms"),
        (|config| config.notifications.inbox.heartbeat_ms = 0, "notifications.inbox.heartbeat_ms"),
    ];
    for (spoil, named) in table {
        let dir = tempfile::tempdir().unwrap();
        let mut config = config(&dir);
        spoil(&mut config);
        let Err(error) = super::Transports::open(&config) else { panic!("{named}") };
        assert!(error.to_string().contains(named), "{error}");
    }
}

#[tokio::test]
async fn nobody_is_told_by_a_way_that_is_not_open() {
    let dir = tempfile::tempdir().unwrap();
    let shop = open_shop(&dir, "").await;
    record_order(&shop).await;
    let say = |channel: &str| Message { channel: channel.into(), ..message() };
    let bus = Memory::new(vec![Box::new(Canned(vec![("all", Ok(vec![say("email"), say("push")]))]))]);
    events::drain(&shop, &bus).await.unwrap();
    sender::drain(&shop).await.unwrap();
    let mut ends: Vec<_> = states(&shop).await.into_iter().map(|state| (state.channel, state.status)).collect();
    ends.sort();
    assert_eq!(ends, [("email".to_owned(), "sent".to_owned()), ("push".into(), "suppressed".into())]);
}

#[tokio::test]
async fn a_letter_with_a_secret_leaves_none_behind() {
    let dir = tempfile::tempdir().unwrap();
    let shop = open_shop(&dir, "").await;
    let recipient = Recipient {
        customer_id: None,
        name: "Ann".into(),
        email: "ann@example.org".into(),
        phone: "+493012345".into(),
        locale: "en".into(),
    };
    let data = json!({"url": "https://shop.example/reset?token=hush", "valid_minutes": 60});
    let composed = direct::compose(&shop, "account.reset-password", recipient, data).await.unwrap();
    let mut tx = shop.db().write().await.unwrap();
    direct::queue(&mut tx, &composed).await.unwrap();
    tx.commit().await.unwrap();
    let id = only_state(&shop).await.id;
    let waiting = super::log::find(&shop, id).await.unwrap().unwrap();
    assert_eq!((waiting.text.as_str(), waiting.message.secret), ("", true), "nobody reads it while it waits");
    sender::drain(&shop).await.unwrap();
    assert!(files(&dir)[0].1.contains("hush"));
    let mut conn = shop.db().read().await.unwrap();
    assert_eq!(super::store::log::body(&mut conn, id).await.unwrap(), (String::new(), None));
    let kept = super::store::log::find_message(&mut conn, id).await.unwrap().unwrap();
    assert_eq!(kept.subject, "", "a plugin may have put the link there");
    assert_eq!(stored::attributes_of(&mut conn, id).await.unwrap(), Vec::new());
    drop(conn);
    let again = super::log::resend(&shop, id).await;
    assert!(matches!(again, Err(super::log::ResendError::NotResendable)), "{again:?}");
}

#[tokio::test]
async fn positions_of_an_inbox_count_without_gaps() {
    let dir = tempfile::tempdir().unwrap();
    let shop = open_shop(&dir, "").await;
    let person = crate::accounts::create_owner(&shop, "ann@example.org", Some("a long enough password")).await;
    let person = person.unwrap().customer_id;
    let before = inbox::look(&shop, person, inbox::Look { before: None, unread: false, limit: 9 }).await.unwrap();
    for number in 1..=3 {
        let mut tx = shop.db().write().await.unwrap();
        let new = inbox::NewItem { kind: "test", about: "", title: "Hello", text: "", attributes: &[] };
        let position = inbox::put(&mut tx, person, new, clock::now()).await.unwrap();
        assert_eq!(position, before.position + number);
        // The third is taken back.
        if number != 3 {
            tx.commit().await.unwrap();
        }
    }
    let after = inbox::look(&shop, person, inbox::Look { before: None, unread: true, limit: 9 }).await.unwrap();
    assert_eq!((after.position, after.unread), (before.position + 2, before.unread + 2));
}
