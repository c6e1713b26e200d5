//! What goes over letters: confirming an address, a new password, another address.

use futures_util::future::{join, join_all};
use kassa::db::sql;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::App;
use crate::support::app::Answer;
use crate::support::shopper::{Shopper, address};

const PASSWORD: &str = "a long enough password";
const CONFIRM: &str = "/v1/auth/confirm-email";

/// The letter with this subject to this address, as soon as it is there.
async fn letter(app: &App, to: &str, subject: &str) -> String {
    app.eventually(&format!("{subject} to {to}"), || async { find(app, to, subject).pop() }).await
}

fn find(app: &App, to: &str, subject: &str) -> Vec<String> {
    let subject = format!("Subject: {subject}");
    let to = |mail: &String| mail.lines().any(|line| line.starts_with("To: ") && line.contains(to));
    app.mails().into_iter().filter(|mail| mail.contains(&subject) && to(mail)).collect()
}

/// A shop without a storefront writes the token itself.
fn token(letter: &str) -> String {
    let code = letter.lines().skip_while(|line| line.trim() != "Your code:").nth(1);
    code.unwrap_or_else(|| panic!("no code in {letter}")).trim().to_owned()
}

async fn post_token(app: &App, path: &str, token: &str) -> Answer {
    app.post(path, json!({ "token": token })).await
}

/// By who is signed in.
async fn confirm(app: &App, token: &str, access: &str) {
    let answer = app.send(Method::POST, CONFIRM, Some(access), Some(json!({ "token": token }))).await;
    assert_eq!(answer.status, 204, "{}", answer.body);
}

async fn me(app: &App, token: &str) -> Value {
    app.send(Method::GET, "/v1/me", Some(token), None).await.expect(200)
}

async fn ask_for_email(app: &App, access: &str, email: &str) {
    let body = json!({ "password": PASSWORD, "email": email });
    assert_eq!(app.send(Method::POST, "/v1/me/email", Some(access), Some(body)).await.status, 202);
}

api_test! {
    async fn a_forgotten_password_is_set_anew_by_a_letter(app: App) {
        let access = app.customer("ada@example.org").await;
        let ask = |email: &'static str| app.post("/v1/auth/forgot-password", json!({ "email": email }));
        let (known, unknown) = (ask("Ada@Example.org").await, ask("nobody@example.org").await);
        assert_eq!((known.status, &known.body), (202, &unknown.body), "nothing tells one from the other");
        assert_eq!(unknown.status, 202);
        let link = token(&letter(&app, "ada@example.org", "A new password for Kassa").await);
        assert_eq!(ask("ada@example.org").await.status, 202);

        let reset = |token: &str, password: &str| {
            let body = json!({ "token": token, "password": password });
            app.post("/v1/auth/reset-password", body)
        };
        reset("no such token", "another long password").await.problem("invalid-link");
        reset(&link, "short").await.problem("invalid-request");
        reset(&link, "ADA@example.org").await.problem("invalid-request");
        let at_once = join_all((0..4).map(|_| reset(&link, "another long password"))).await;
        let done = at_once.iter().filter(|answer| answer.status == 204).count();
        assert_eq!(done, 1, "{at_once:?}");
        reset(&link, "yet another password").await.problem("invalid-link");

        app.send(Method::GET, "/v1/me", Some(&access), None).await.problem("invalid-token");
        let old = json!({ "email": "ada@example.org", "password": PASSWORD });
        app.post("/v1/auth/login", old).await.problem("invalid-credentials");
        let access = app.log_in("ada@example.org", "another long password").await;
        assert_eq!(me(&app, &access).await["email_confirmed"], true, "the letter proved the address");
        letter(&app, "ada@example.org", "Your password for Kassa was changed").await;
        assert_eq!(find(&app, "ada@example.org", "A new password").len(), 1, "asked twice within the pause");
        assert!(!app.mails().iter().any(|mail| mail.contains("nobody@example.org")));
    }
}

api_test! {
    async fn a_confirmed_address_brings_the_orders_that_its_owner_placed_as_a_guest(app: App) {
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        let order = shopper.check_out("tok-approve").await.expect(201);
        let access = app.customer("ADA@example.org").await;
        let orders = || async { app.send(Method::GET, "/v1/orders", Some(&access), None).await.expect(200) };
        assert_eq!(me(&app, &access).await["email_confirmed"], false);
        let link = token(&letter(&app, "ADA@example.org", "Confirm your e-mail address").await);
        let reset = json!({ "token": link, "password": "another long password" });
        app.post("/v1/auth/reset-password", reset).await.problem("invalid-link");
        post_token(&app, CONFIRM, "no such token").await.problem("invalid-link");
        assert_eq!(orders().await["items"], json!([]), "whoever registers an address has not proved it");

        confirm(&app, &link, &access).await;
        let again = app.send(Method::POST, CONFIRM, Some(&access), Some(json!({ "token": link }))).await;
        again.problem("invalid-link");
        assert_eq!(me(&app, &access).await["email_confirmed"], true);
        let first = || async { orders().await["items"][0]["id"].as_str().map(str::to_owned) };
        assert_eq!(app.eventually("the order is adopted", first).await, order["id"].as_str().unwrap());
        for email in ["ada@example.org", "nobody@example.org", "no address"] {
            let resent = app.post("/v1/auth/confirm-email/resend", json!({ "email": email })).await;
            assert_eq!(resent.status, 202, "{email}");
        }
    }
}

api_test! {
    /// A stranger registered the address. Its owner, who bought as a guest, follows the link of the letter.
    async fn a_letter_alone_does_not_vouch_for_a_strangers_password(app: App) {
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        shopper.check_out("tok-approve").await.expect(201);
        let stranger = app.customer("ada@example.org").await;
        let eve = app.customer("eve@example.org").await;
        let link = token(&letter(&app, "ada@example.org", "Confirm your e-mail address").await);
        post_token(&app, CONFIRM, &link).await.problem("unauthenticated");
        let as_eve = app.send(Method::POST, CONFIRM, Some(&eve), Some(json!({ "token": link }))).await;
        as_eve.problem("unauthenticated");
        let guessed = json!({ "token": link, "password": "another long password" });
        app.post(CONFIRM, guessed).await.problem("invalid-credentials");
        assert_eq!(me(&app, &stranger).await["email_confirmed"], false);

        // Who knows the password may: the link is still good. Sessions that proved nothing end.
        assert_eq!(app.post(CONFIRM, json!({ "token": link, "password": PASSWORD })).await.status, 204);
        app.send(Method::GET, "/v1/me", Some(&stranger), None).await.problem("invalid-token");
        let access = app.log_in("ada@example.org", PASSWORD).await;
        assert_eq!(me(&app, &access).await["email_confirmed"], true);
    }
}

api_test! {
    async fn what_a_stranger_kept_with_an_account_goes_when_its_owner_proves_the_address(app: App) {
        let stranger = app.customer("ada@example.org").await;
        let send = |method: Method, path: &'static str, body: Value| app.send(method, path, Some(&stranger), Some(body));
        send(Method::PATCH, "/v1/me", json!({ "phone": "+49 30 666" })).await.expect(200);
        let token_of_app = json!({ "token": "strangers-device", "platform": "android" });
        send(Method::POST, "/v1/me/push-tokens", token_of_app).await.expect(201);
        send(Method::POST, "/v1/me/addresses", json!({ "address": address() })).await.expect(201);
        let mut settings = app.send(Method::GET, "/v1/me/settings", Some(&stranger), None).await.expect(200);
        let usual = settings.clone();
        settings["notifications"]["order"]["sms"] = json!(true);
        send(Method::PUT, "/v1/me/settings", settings).await.expect(200);
        let consent = json!({ "given": true, "source": "a stranger" });
        send(Method::PUT, "/v1/me/consents/marketing", consent).await.expect(200);
        let mut tx = app.shop.db().write().await.unwrap();
        let made = sql::execute!(
            tx,
            "insert into second_factors (customer_id, secret, confirmed_at, last_step, created_at)
             select id, $1, created_at, 0, created_at from customers where email_key = 'ada@example.org'",
            [7_u8; 32].as_slice()
        );
        assert_eq!(made.unwrap(), 1);
        tx.commit().await.unwrap();

        app.post("/v1/auth/forgot-password", json!({ "email": "ada@example.org" })).await;
        let link = token(&letter(&app, "ada@example.org", "A new password for Kassa").await);
        let reset = json!({ "token": link, "password": "another long password" });
        assert_eq!(app.post("/v1/auth/reset-password", reset).await.status, 204);
        // No second factor is asked for.
        let ada = app.log_in("ada@example.org", "another long password").await;
        let get = async |path: &str| app.send(Method::GET, path, Some(&ada), None).await.expect(200);
        assert_eq!((&get("/v1/me").await["phone"], &get("/v1/me").await["email_confirmed"]), (&json!(""), &json!(true)));
        assert_eq!(get("/v1/me/push-tokens").await, json!([]));
        assert_eq!(get("/v1/me/addresses").await, json!([]));
        assert_eq!(get("/v1/me/settings").await, usual);
        assert_eq!(get("/v1/me/consents").await[0]["given"], false);
    }
}

api_test! {
    async fn where_addresses_are_confirmed_first_a_registration_tells_nothing(app: App) {
        let app = app.another(|config| config.accounts.confirm_before_login = true).await;
        let stop = app.stopper();
        let body = json!({ "email": "ada@example.org", "password": PASSWORD });
        let first = app.post("/v1/auth/register", body.clone()).await;
        let link = token(&letter(&app, "ada@example.org", "Confirm your e-mail address").await);
        let second = app.post("/v1/auth/register", json!({ "email": "ADA@example.org", "password": "somebody else's" })).await;
        assert_eq!((first.status, &first.body), (202, &second.body));
        assert_eq!(second.status, 202);
        letter(&app, "ada@example.org", "You have an account at Kassa").await;
        assert_eq!(app.post("/v1/auth/register", body.clone()).await.status, 202);
        assert_eq!(app.post("/v1/auth/forgot-password", json!({ "email": "ada@example.org" })).await.status, 202);
        letter(&app, "ada@example.org", "A new password for Kassa").await;
        assert_eq!(find(&app, "ada@example.org", "You have an account").len(), 1, "no second within the pause");

        app.post("/v1/auth/login", body.clone()).await.problem("email-unconfirmed");
        let wrong = json!({ "email": "ada@example.org", "password": "somebody else's" });
        app.post("/v1/auth/login", wrong).await.problem("invalid-credentials");
        let confirmation = json!({ "token": link, "password": PASSWORD });
        assert_eq!(app.post(CONFIRM, confirmation).await.status, 204);
        app.post("/v1/auth/login", body).await.expect(200);
        stop.stop().await;
    }
}

api_test! {
    async fn a_shop_may_want_addresses_confirmed_before_orders(app: App) {
        let app = app.another(|config| config.accounts.confirm_before_checkout = true).await;
        let stop = app.stopper();
        let access = app.customer("ada@example.org").await;
        let shopper = Shopper::signed_in(&app, &access).await;
        shopper.prepare("TEA-SENCHA-100", 1).await;
        shopper.check_out("tok-approve").await.problem("email-unconfirmed");
        let link = token(&letter(&app, "ada@example.org", "Confirm your e-mail address").await);
        confirm(&app, &link, &access).await;
        shopper.check_out("tok-approve").await.expect(201);
        Shopper::ready(&app, "TEA-SENCHA-100", 1).await.check_out("tok-approve").await.expect(201);
        stop.stop().await;
    }
}

api_test! {
    async fn a_password_is_changed_by_who_knows_it_and_other_sessions_end(app: App) {
        let elsewhere = app.customer("ada@example.org").await;
        let here = app.log_in("ada@example.org", PASSWORD).await;
        let change = |current: &str, password: &str| {
            let body = json!({ "current_password": current, "password": password });
            app.send(Method::POST, "/v1/me/password", Some(&here), Some(body))
        };
        change("not the password", "another long password").await.problem("invalid-credentials");
        change(PASSWORD, "short").await.problem("invalid-request");
        // Said before the current one is tried, which takes its time and counts.
        let short = change("not the password", "short").await.problem("invalid-request");
        assert_eq!(short["errors"][0]["pointer"], "/password");
        change(PASSWORD, "ada@example.org").await.problem("invalid-request");
        assert_eq!(change(PASSWORD, "another long password").await.status, 204);
        me(&app, &here).await;
        app.send(Method::GET, "/v1/me", Some(&elsewhere), None).await.problem("invalid-token");
        app.log_in("ada@example.org", "another long password").await;
        letter(&app, "ada@example.org", "Your password for Kassa was changed").await;
        let anonymous = json!({ "current_password": PASSWORD, "password": "another long password" });
        app.post("/v1/me/password", anonymous).await.problem("unauthenticated");
    }
}

api_test! {
    async fn another_address_takes_effect_when_both_have_agreed(app: App) {
        let access = app.customer("ada@example.org").await;
        let wrong = json!({ "password": "not the password", "email": "countess@example.org" });
        app.send(Method::POST, "/v1/me/email", Some(&access), Some(wrong)).await.problem("invalid-credentials");
        let long = json!({ "password": "x".repeat(257), "email": "countess@example.org" });
        let long = app.send(Method::POST, "/v1/me/email", Some(&access), Some(long)).await.problem("invalid-request");
        assert_eq!(long["errors"][0]["pointer"], "/password");
        let same = json!({ "password": PASSWORD, "email": "ada@example.org" });
        app.send(Method::POST, "/v1/me/email", Some(&access), Some(same)).await.problem("invalid-request");
        app.post("/v1/me/email", json!({ "password": PASSWORD, "email": "b@example.org" })).await.problem("unauthenticated");

        ask_for_email(&app, &access, "countess@example.org").await;
        let old = token(&letter(&app, "ada@example.org", "Do you want another e-mail address").await);
        let new = token(&letter(&app, "countess@example.org", "Confirm your new e-mail address").await);
        let first = post_token(&app, "/v1/auth/change-email", &new).await.expect(200);
        assert_eq!((&first["changed"], &me(&app, &access).await["email"]), (&json!(false), &json!("ada@example.org")));
        post_token(&app, "/v1/auth/change-email", &new).await.problem("invalid-link");
        assert_eq!(post_token(&app, "/v1/auth/change-email", &old).await.expect(200)["changed"], true);
        let now = me(&app, &access).await;
        assert_eq!((&now["email"], &now["email_confirmed"]), (&json!("countess@example.org"), &json!(true)));
        app.log_in("countess@example.org", PASSWORD).await;
        letter(&app, "ada@example.org", "Your e-mail address for Kassa was changed").await;
        post_token(&app, "/v1/auth/change-email/cancel", &old).await.problem("invalid-link");
    }
}

api_test! {
    async fn two_who_agree_at_once_change_the_address_once(app: App) {
        let access = app.customer("ada@example.org").await;
        ask_for_email(&app, &access, "countess@example.org").await;
        let old = token(&letter(&app, "ada@example.org", "Do you want another e-mail address").await);
        let new = token(&letter(&app, "countess@example.org", "Confirm your new e-mail address").await);
        let tokens = [&old, &new, &old, &new];
        let answers = join_all(tokens.map(|token| post_token(&app, "/v1/auth/change-email", token))).await;
        let changed = answers.iter().filter(|answer| answer.body["changed"] == true).count();
        let agreed = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!((changed, agreed), (1, 2), "{answers:?}");
        assert_eq!(me(&app, &access).await["email"], "countess@example.org");
    }
}

api_test! {
    async fn a_change_of_the_address_is_called_off_or_comes_too_late(app: App) {
        let access = app.customer("ada@example.org").await;
        ask_for_email(&app, &access, "countess@example.org").await;
        let old = token(&letter(&app, "ada@example.org", "Do you want another e-mail address").await);
        let new = token(&letter(&app, "countess@example.org", "Confirm your new e-mail address").await);
        post_token(&app, "/v1/auth/change-email", &new).await.expect(200);
        assert_eq!(post_token(&app, "/v1/auth/change-email/cancel", &old).await.status, 204);
        post_token(&app, "/v1/auth/change-email", &old).await.problem("invalid-link");

        // Somebody registers the address while it is being asked for.
        ask_for_email(&app, &access, "late@example.org").await;
        let new = token(&letter(&app, "late@example.org", "Confirm your new e-mail address").await);
        let second_to_old = || async { (find(&app, "ada@example.org", "Do you want").len() == 2).then_some(()) };
        app.eventually("the second letter", second_to_old).await;
        let mut olds: Vec<String> = find(&app, "ada@example.org", "Do you want").iter().map(|mail| token(mail)).collect();
        olds.retain(|token| *token != old);
        post_token(&app, "/v1/auth/change-email", &new).await.expect(200);
        app.customer("late@example.org").await;
        post_token(&app, "/v1/auth/change-email", &olds[0]).await.problem("email-taken");
        assert_eq!(me(&app, &access).await["email"], "ada@example.org");

        // Who has the address that is asked for hears of it; who asks does not.
        let bob = app.customer("bob@example.org").await;
        ask_for_email(&app, &access, "bob@example.org").await;
        letter(&app, "bob@example.org", "You have an account at Kassa").await;
        assert!(find(&app, "bob@example.org", "Confirm your new").is_empty());

        // Who has it may have it written otherwise.
        ask_for_email(&app, &bob, "Bob@example.org").await;
        let old = token(&letter(&app, "bob@example.org", "Do you want another e-mail address").await);
        let new = token(&letter(&app, "Bob@example.org", "Confirm your new e-mail address").await);
        for (token, changed) in [(old, false), (new, true)] {
            assert_eq!(post_token(&app, "/v1/auth/change-email", &token).await.expect(200)["changed"], changed);
        }
        assert_eq!(me(&app, &bob).await["email"], "Bob@example.org");
    }
}

api_test! {
    /// Whoever knows the password of before gets nothing for it any more, however long their login has waited for its turn.
    async fn a_login_under_way_ends_with_the_password_that_it_proved(app: App) {
        let app = app.another(|config| {
            config.accounts.hashes_at_once = 1;
            config.accounts.hash_wait_ms = 10_000;
        }).await;
        app.customer("ada@example.org").await;
        app.post("/v1/auth/forgot-password", json!({ "email": "ada@example.org" })).await.expect(202);
        let link = token(&letter(&app, "ada@example.org", "A new password for Kassa").await);
        let old = json!({ "email": "ada@example.org", "password": PASSWORD });
        let reset = app.post("/v1/auth/reset-password", json!({ "token": link, "password": "another long password" }));
        let logins = join_all((0..6).map(|_| app.post("/v1/auth/login", old.clone())));
        let (reset, logins) = join(reset, logins).await;
        assert_eq!(reset.status, 204, "{}", reset.body);
        let statuses: Vec<_> = logins.iter().map(|login| login.status).collect();
        assert!(statuses.iter().all(|status| [200, 401].contains(status)), "{statuses:?}");
        let access = app.log_in("ada@example.org", "another long password").await;
        let sessions = app.send(Method::GET, "/v1/me/sessions", Some(&access), None).await.expect(200);
        assert_eq!(sessions["items"].as_array().unwrap().len(), 1, "the new one; {statuses:?}");
        app.stopper().stop().await;
    }
}

/// Whether nothing waits to be written to anybody.
async fn letters_are_written(app: &App) {
    let written = || async {
        let mut conn = app.shop.db().read().await.unwrap();
        let (waiting,) = sql::one!(
            conn,
            (i64,),
            "select (select count(*) from account_letters) + (select count(*) from messages where status = 'queued')"
        )
        .unwrap();
        (waiting == 0).then_some(())
    };
    app.eventually("all letters are written", written).await;
}

api_test! {
    /// To erase oneself and to register again, over and over, is no way to have somebody written to as often as one likes.
    async fn an_erasure_does_not_end_the_pause_between_letters(app: App) {
        let confirmations = || find(&app, "ada@example.org", "Confirm your e-mail address").len();
        for _ in 0..2 {
            let access = app.customer("ada@example.org").await;
            letters_are_written(&app).await;
            assert_eq!(confirmations(), 1);
            let erased = app.send(Method::DELETE, "/v1/me", Some(&access), Some(json!({ "password": PASSWORD }))).await;
            assert_eq!(erased.status, 204, "{}", erased.body);
        }
    }
}
