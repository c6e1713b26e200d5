//! Flows of accounts over a real database.

use tempfile::TempDir;

use super::*;
use crate::db::Db;
use crate::{Config, test_shop};

/// A shop of its own; the folder must outlive it.
async fn shop_with(accounts: AccountsConfig) -> (Shop, TempDir) {
    let dir = tempfile::tempdir().expect("a folder");
    let mut config = Config { accounts, ..Config::default() };
    config.data.dir = dir.path().join("data");
    config.database.url = format!("sqlite://{}/shop.db", dir.path().display());
    (test_shop::open(config).await, dir)
}

async fn shop() -> (Shop, TempDir) {
    shop_with(AccountsConfig::default()).await
}

const PASSWORD: &str = "correct horse";

fn ada() -> Registration {
    let email = Email::parse("Ada@Example.org").expect("an address");
    let password = Password::new(PASSWORD, &email).expect("a password");
    Registration { email, password, name: "Ada".into(), locale: None }
}

async fn registered(shop: &Shop) -> (Customer, Tokens) {
    match register(shop, ada(), &Device::default()).await.expect("registered") {
        Registered::In(customer, tokens) => (*customer, tokens),
        Registered::Waiting => panic!("nothing to wait for"),
    }
}

/// Of those who have no second factor.
async fn log_in(shop: &Shop, email: &str, password: &str, device: &Device) -> Result<(Customer, Tokens), Error> {
    match super::log_in(shop, email, password, device).await? {
        LoggedIn::In(customer, tokens) => Ok((*customer, tokens)),
        LoggedIn::Challenged(_) => panic!("nobody has a second factor"),
    }
}

async fn events(db: &Db) -> Vec<(String, String)> {
    let mut conn = db.read().await.expect("a connection");
    store::tests::recorded_events(&mut conn).await.expect("events")
}

#[tokio::test]
async fn a_customer_registers_once_and_logs_in_in_any_case() {
    let (shop, _dir) = shop().await;
    let (customer, tokens) = registered(&shop).await;
    assert_eq!((customer.email.as_str(), customer.role), ("Ada@Example.org", Role::Customer));
    assert_eq!(customer.locale, shop.config().shop.locale);
    let identity = authenticate(&shop, &tokens.access_token).await.expect("signed in");
    assert_eq!((identity.customer_id, identity.role), (customer.id, Role::Customer));

    let again = Registration { email: Email::parse("ADA@example.org").expect("an address"), ..ada() };
    assert!(matches!(register(&shop, again, &Device::default()).await, Err(Error::EmailTaken)));
    let (same, other) = log_in(&shop, " aDa@EXAMPLE.org ", PASSWORD, &Device::default()).await.expect("logged in");
    assert_eq!(same, customer);
    let elsewhere = authenticate(&shop, &other.access_token).await.expect("signed in");
    assert_ne!(elsewhere.session_id, identity.session_id);

    let recorded = events(shop.db()).await;
    assert_eq!(recorded, [("user.created".to_owned(), format!(r#"{{"customer_id":"{}"}}"#, customer.id))]);
}

#[tokio::test]
async fn two_registrations_at_once_make_one_account() {
    let (shop, _dir) = shop().await;
    let device = Device::default();
    let (one, other) = tokio::join!(register(&shop, ada(), &device), register(&shop, ada(), &device));
    let outcomes = [one.map(drop), other.map(drop)];
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    assert!(outcomes.iter().any(|outcome| matches!(outcome, Err(Error::EmailTaken))), "{outcomes:?}");
    assert_eq!(events(shop.db()).await.len(), 1);
}

#[tokio::test]
async fn wrong_passwords_and_unknown_addresses_fail_alike_and_make_wait() {
    let settings = AccountsConfig { free_login_failures: 2, ..AccountsConfig::default() };
    let (shop, _dir) = shop_with(settings).await;
    registered(&shop).await;
    for email in ["ada@example.org", "nobody@example.org"] {
        for _ in 0..2 {
            let refused = log_in(&shop, email, "incorrect horse", &Device::default()).await;
            assert!(matches!(refused, Err(Error::InvalidCredentials)), "{email}: {refused:?}");
        }
        let refused = log_in(&shop, email, PASSWORD, &Device::default()).await;
        assert!(matches!(refused, Err(Error::TooManyAttempts { .. })), "{email}: {refused:?}");
    }
}

#[tokio::test]
async fn an_unknown_address_takes_its_turn_at_hashing() {
    let settings = AccountsConfig { hashes_at_once: 1, hash_wait_ms: 0, ..AccountsConfig::default() };
    let (shop, _dir) = shop_with(settings).await;
    registered(&shop).await;
    let _turn = shop.hashing().turn().await.expect("the only turn");
    for email in ["ada@example.org", "nobody@example.org"] {
        let refused = log_in(&shop, email, PASSWORD, &Device::default()).await;
        assert!(matches!(refused, Err(Error::Busy)), "{email} was answered without hashing: {refused:?}");
    }
}

#[tokio::test]
async fn a_refresh_token_gives_one_successor() {
    let (shop, _dir) = shop().await;
    let (customer, first) = registered(&shop).await;
    let second = refresh(&shop, &first.refresh_token).await.expect("refreshed");
    assert_ne!(second.refresh_token, first.refresh_token);
    assert_eq!(second.session_expires_at, first.session_expires_at, "refreshing does not prolong a session");
    let identity = authenticate(&shop, &second.access_token).await.expect("signed in");
    assert_eq!(identity.customer_id, customer.id);
    // The answer was lost: the same again, as often as it takes.
    for _ in 0..2 {
        let again = refresh(&shop, &first.refresh_token).await.expect("within the grace");
        assert_eq!(again.refresh_token, second.refresh_token);
    }
    let third = refresh(&shop, &second.refresh_token).await.expect("refreshed");
    assert_ne!(third.refresh_token, second.refresh_token);
}

#[tokio::test]
async fn a_token_whose_successor_was_used_ends_the_session_even_within_the_grace() {
    let (shop, _dir) = shop().await;
    let (_, first) = registered(&shop).await;
    let (_, elsewhere) = log_in(&shop, "ada@example.org", PASSWORD, &Device::default()).await.expect("logged in");
    let second = refresh(&shop, &first.refresh_token).await.expect("refreshed");
    let third = refresh(&shop, &second.refresh_token).await.expect("refreshed");
    let reused = refresh(&shop, &first.refresh_token).await;
    assert!(matches!(reused, Err(Error::RefreshTokenReused)), "{reused:?}");
    for refresh_token in [&first, &second, &third].map(|tokens| &tokens.refresh_token) {
        assert!(matches!(refresh(&shop, refresh_token).await, Err(Error::InvalidToken)));
    }
    assert!(matches!(authenticate(&shop, &third.access_token).await, Err(Error::InvalidToken)));
    assert!(authenticate(&shop, &elsewhere.access_token).await.is_ok(), "other sessions go on");
}

#[tokio::test]
async fn without_grace_a_second_use_ends_the_session() {
    let settings = AccountsConfig { refresh_grace_seconds: 0, ..AccountsConfig::default() };
    let (shop, _dir) = shop_with(settings).await;
    let (_, first) = registered(&shop).await;
    let second = refresh(&shop, &first.refresh_token).await.expect("refreshed");
    let reused = refresh(&shop, &first.refresh_token).await;
    assert!(matches!(reused, Err(Error::RefreshTokenReused)), "{reused:?}");
    assert!(matches!(authenticate(&shop, &second.access_token).await, Err(Error::InvalidToken)));
}

#[tokio::test]
async fn two_refreshes_at_once_get_the_same_token() {
    let (shop, _dir) = shop().await;
    let (_, first) = registered(&shop).await;
    for _ in 0..20 {
        let (_, tokens) = log_in(&shop, "ada@example.org", PASSWORD, &Device::default()).await.expect("logged in");
        let (one, other) = tokio::join!(refresh(&shop, &tokens.refresh_token), refresh(&shop, &tokens.refresh_token));
        let (one, other) = (one.expect("refreshed"), other.expect("refreshed"));
        assert_eq!(one.refresh_token, other.refresh_token);
        assert!(refresh(&shop, &one.refresh_token).await.is_ok(), "and it is good");
    }
    assert!(authenticate(&shop, &first.access_token).await.is_ok());
}

#[tokio::test]
async fn what_is_no_refresh_token_is_refused() {
    let (shop, _dir) = shop().await;
    let (_, tokens) = registered(&shop).await;
    let unborn = shop.keys().successor_of(&tokens.refresh_token);
    for text in ["", "nonsense", &tokens.access_token, &unborn] {
        let refused = refresh(&shop, text).await;
        assert!(matches!(refused, Err(Error::InvalidToken)), "{text}: {refused:?}");
    }
    assert!(refresh(&shop, &tokens.refresh_token).await.is_ok());
}

#[tokio::test]
async fn a_logout_ends_access_at_once_and_can_be_repeated() {
    let (shop, _dir) = shop().await;
    let (_, first) = registered(&shop).await;
    let second = refresh(&shop, &first.refresh_token).await.expect("refreshed");
    log_out(&shop, &second.refresh_token).await.expect("logged out");
    for tokens in [&first, &second] {
        assert!(matches!(authenticate(&shop, &tokens.access_token).await, Err(Error::InvalidToken)));
        assert!(matches!(refresh(&shop, &tokens.refresh_token).await, Err(Error::InvalidToken)));
        log_out(&shop, &tokens.refresh_token).await.expect("nothing left to end");
    }
    log_out(&shop, "nonsense").await.expect("nothing to end");
}

#[tokio::test]
async fn expired_sessions_are_worth_nothing_and_forgotten() {
    let (shop, _dir) = shop().await;
    let (customer, _) = registered(&shop).await;
    let long_ago = clock::now() - chrono::TimeDelta::days(31);
    let mut tx = shop.db().write().await.expect("a transaction");
    let old = sessions::open(&shop, &mut tx, customer.id, &Device::default(), long_ago).await.expect("opened");
    tx.commit().await.expect("committed");
    let bearer = tokens::Bearer { customer_id: customer.id, session_id: session_of(&shop, &old).await };
    let fresh = tokens::sign(shop.keys(), shop.config(), &bearer, clock::now()).expect("signed");
    assert!(matches!(authenticate(&shop, &fresh).await, Err(Error::InvalidToken)), "the session ended by itself");
    assert!(matches!(refresh(&shop, &old.refresh_token).await, Err(Error::InvalidToken)));
    assert_eq!(forget_expired(&shop).await.expect("forgotten"), 1);
    assert_eq!(forget_expired(&shop).await.expect("forgotten"), 0, "the session of the registration stays");
}

async fn session_of(shop: &Shop, tokens: &Tokens) -> Uuid {
    let hash = sessions::token_hash(&tokens.refresh_token);
    let mut conn = shop.db().read().await.expect("a connection");
    let token = store::find_refresh_token(&mut conn, &hash).await.expect("read").expect("there");
    token.bearer.session_id
}

#[tokio::test]
async fn a_token_of_someone_else_does_not_open_a_session() {
    let (shop, _dir) = shop().await;
    let (_, tokens) = registered(&shop).await;
    let session_id = authenticate(&shop, &tokens.access_token).await.expect("signed in").session_id;
    let mixed = tokens::Bearer { customer_id: id::sequential(), session_id };
    let token = tokens::sign(shop.keys(), shop.config(), &mixed, clock::now()).expect("signed");
    assert!(matches!(authenticate(&shop, &token).await, Err(Error::InvalidToken)));
}

#[tokio::test]
async fn a_profile_changes_where_it_is_told_to() {
    let (shop, _dir) = shop().await;
    let (customer, _) = registered(&shop).await;
    let change = ProfileChange { locale: Some("ru".into()), ..ProfileChange::default() };
    let changed = change_profile(&shop, customer.id, change).await.expect("changed");
    assert_eq!((changed.name.as_str(), changed.locale.as_str()), ("Ada", "ru"));
    let told = format!(r#"{{"customer_id":"{}","fields":["locale"]}}"#, customer.id);
    assert_eq!(events(shop.db()).await.pop(), Some(("user.updated".to_owned(), told)));
    assert_eq!(find_customer(&shop, customer.id).await.expect("read"), Some(changed));
    let nobody = change_profile(&shop, id::sequential(), ProfileChange::default()).await;
    assert!(matches!(nobody, Err(Error::InvalidToken)));
}

#[tokio::test]
async fn a_promoted_account_loses_its_password_and_sessions() {
    let (shop, _dir) = shop().await;
    let (customer, tokens) = registered(&shop).await;
    let owner = create_owner(&shop, "ADA@example.org", None).await.expect("promoted");
    assert!(owner.promoted);
    assert_eq!(owner.customer_id, customer.id);
    let password = owner.generated_password.expect("generated");
    assert!(matches!(authenticate(&shop, &tokens.access_token).await, Err(Error::InvalidToken)));
    assert!(matches!(
        log_in(&shop, "ada@example.org", PASSWORD, &Device::default()).await,
        Err(Error::InvalidCredentials)
    ));
    let (_, tokens) = log_in(&shop, "ada@example.org", &password, &Device::default()).await.expect("logged in");
    assert_eq!(authenticate(&shop, &tokens.access_token).await.expect("signed in").role, Role::Owner);

    let made = create_owner(&shop, "boss@example.org", Some(PASSWORD)).await.expect("made");
    assert!(!made.promoted && made.generated_password.is_none());
    assert!(log_in(&shop, "boss@example.org", PASSWORD, &Device::default()).await.is_ok());
    assert!(matches!(create_owner(&shop, "boss", None).await, Err(Error::Email(_))));
    assert!(matches!(create_owner(&shop, "boss@example.org", Some("short")).await, Err(Error::Password(_))));
}

#[tokio::test]
async fn a_new_shop_has_one_owner_whose_password_is_in_a_file() {
    let (shop, _dir) = shop().await;
    assert!(!has_owner(&shop).await.expect("read"));
    let path = first_owner(&shop).await.expect("made").expect("the first");
    assert!(has_owner(&shop).await.expect("read"));
    let text = std::fs::read_to_string(&path).expect("there");
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).expect(name);
        line.trim().to_owned()
    };
    let (owner, _) = log_in(&shop, &value("email:"), &value("password:"), &Device::default()).await.expect("logged in");
    assert_eq!(owner.role, Role::Owner);
    assert!(first_owner(&shop).await.expect("nothing to do").is_none());
    assert_eq!(std::fs::read_to_string(&path).expect("there"), text, "and the file stays as it was");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_credentials_file_that_cannot_be_written_leaves_no_owner() {
    let (shop, _dir) = shop().await;
    let path = shop.config().data.dir.join("merchant-credentials.txt");
    std::fs::create_dir(&path).expect("something in the way");
    assert!(matches!(first_owner(&shop).await, Err(Error::CredentialsFile { .. })));
    std::fs::remove_dir(&path).expect("out of the way");
    assert!(first_owner(&shop).await.expect("made").is_some(), "the next start makes up for it");
}

#[tokio::test]
async fn two_first_starts_make_one_owner_and_its_file() {
    let (shop, _dir) = shop().await;
    let (one, other) = tokio::join!(first_owner(&shop), first_owner(&shop));
    let made = [one.expect("no fault"), other.expect("no fault")];
    let path = made.iter().flatten().collect::<Vec<_>>();
    assert_eq!(path.len(), 1, "one made it, the other found it");
    let text = std::fs::read_to_string(path[0]).expect("there");
    let password = text.lines().find_map(|line| line.strip_prefix("password:")).expect("a password").trim();
    assert!(log_in(&shop, "merchant@example.org", password, &Device::default()).await.is_ok());
}

#[test]
fn language_tags_are_told_from_other_texts() {
    for (text, fine) in [
        ("en", true),
        ("pt-BR", true),
        ("zh-Hans-CN", true),
        ("es-419", true),
        ("", false),
        ("e", false),
        ("english", false),
        ("en-", false),
        ("en_GB", false),
        ("en-toolongpart", false),
        ("en-aaaaaaaa-aaaaaaaa-aaaaaaaa-aaaaaaaa", false),
    ] {
        assert_eq!(is_locale(text), fine, "{text}");
    }
}

#[tokio::test]
async fn a_link_that_went_to_an_address_of_before_sets_no_password() {
    let (shop, _dir) = shop().await;
    let (customer, _) = registered(&shop).await;
    for (sent_to, fine) in [("former@example.org", false), (customer.email.as_str(), true)] {
        let link = links::Link::new(&shop, links::Purpose::ResetPassword);
        let mut tx = shop.db().write().await.expect("a transaction");
        link.keep(&mut tx, customer.id, sent_to).await.expect("kept");
        tx.commit().await.expect("committed");
        let reset = reset_password(&shop, link.token(), "another long password").await;
        assert_eq!(reset.is_ok(), fine, "{sent_to}: {reset:?}");
    }
}

/// What a password proved is worth nothing under another one, whoever was quicker.
#[tokio::test]
async fn what_a_password_proved_ends_with_it() {
    let (shop, _dir) = shop().await;
    let (_, tokens) = registered(&shop).await;
    let identity = authenticate(&shop, &tokens.access_token).await.expect("signed in");
    let proved = || proved::prove_again(&shop, &identity, PASSWORD);
    let (login, change, removal) = (proved().await, proved().await, proved().await);
    change_password(&shop, &identity, PASSWORD, "another password").await.expect("changed");
    let refused = sessions::admit(&shop, login.expect("proved"), &Device::default()).await.map(drop);
    assert!(matches!(refused, Err(Error::InvalidCredentials)), "{refused:?}");
    let refused = recovery::replace_password(&shop, &identity, &change.expect("proved"), "a third password").await;
    assert!(matches!(refused, Err(Error::InvalidCredentials)), "{refused:?}");
    let mut tx = shop.db().write().await.expect("a transaction");
    assert!(matches!(removal.expect("proved").hold(&mut tx).await, Err(Error::InvalidCredentials)));
    drop(tx);
    log_in(&shop, "ada@example.org", "another password", &Device::default()).await.expect("logged in");
}

/// The account's lock lets codes come one by one; behind it, the step of a code is taken once all the same.
#[tokio::test]
async fn a_step_is_taken_once_and_none_before_it() {
    let (shop, _dir) = shop().await;
    let (customer, _) = registered(&shop).await;
    let now = clock::now();
    let mut tx = shop.db().write().await.expect("a transaction");
    assert!(store::second_factors::begin(&mut tx, customer.id, b"sealed", now).await.expect("begun"));
    assert!(!store::second_factors::take_step(&mut tx, customer.id, 3).await.expect("asked"), "not confirmed");
    let factor = store::second_factors::find(&mut tx, customer.id).await.expect("asked").expect("there");
    assert!(store::second_factors::confirm(&mut tx, &factor, 4, now).await.expect("confirmed"));
    for (step, taken) in [(4, false), (5, true), (5, false), (3, false), (6, true)] {
        let outcome = store::second_factors::take_step(&mut tx, customer.id, step).await.expect("asked");
        assert_eq!(outcome, taken, "{step}");
    }
}
