//! Logging in with a password and a code.

use aws_lc_rs::hmac;
use futures_util::future::{join, join_all};
use kassa::clock;
use kassa::db::sql;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::App;
use crate::support::app::Answer;

const PASSWORD: &str = "a long enough password";
const FACTOR: &str = "/v1/me/second-factor";

/// An app on a telephone.
pub struct Authenticator {
    secret: Vec<u8>,
    last: i64,
}

impl Authenticator {
    fn new(base32: &str) -> Self {
        let digits = base32.bytes().map(|c| match c {
            b'A'..=b'Z' => c - b'A',
            _ => c - b'2' + 26,
        });
        let bits: Vec<u8> = digits.flat_map(|digit| (0..5).rev().map(move |bit| digit >> bit & 1)).collect();
        let secret = bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |value, bit| value << 1 | bit)).collect();
        Self { secret, last: 0 }
    }

    /// A code that was not shown before: the current one, or the next. A third at once would be of a time too far ahead.
    fn code(&mut self) -> String {
        self.last = (clock::now().timestamp() / 30).max(self.last + 1);
        self.code_of(self.last)
    }

    fn code_of(&self, step: i64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.secret);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let offset = usize::from(tag.as_ref()[19] & 0xf);
        let number = u32::from_be_bytes(tag.as_ref()[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff;
        format!("{:06}", number % 1_000_000)
    }

    /// One that is wrong now.
    fn wrong(&self) -> String {
        let now = clock::now().timestamp() / 30;
        let near: Vec<_> = (now - 3..now + 4).map(|step| self.code_of(step)).collect();
        (0..).map(|number| format!("{number:06}")).find(|code| !near.contains(code)).unwrap()
    }
}

async fn send(app: &App, method: Method, path: &str, token: &str, body: Value) -> Answer {
    app.send(method, path, Some(token), Some(body)).await
}

/// The authenticator and the recovery codes of whom the token names, from now on with a second factor.
pub async fn enrol(app: &App, token: &str, password: &str) -> (Authenticator, Vec<String>) {
    let begun = send(app, Method::POST, FACTOR, token, json!({ "password": password })).await.expect(201);
    let mut authenticator = Authenticator::new(begun["secret"].as_str().unwrap());
    let body = json!({ "code": authenticator.code() });
    let confirmed = send(app, Method::POST, "/v1/me/second-factor/confirm", token, body).await.expect(200);
    let codes = confirmed["recovery_codes"].as_array().unwrap();
    (authenticator, codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect())
}

/// Logs in as far as the password goes.
async fn challenge(app: &App, email: &str) -> Value {
    let answer = app.post("/v1/auth/login", json!({ "email": email, "password": PASSWORD })).await.expect(202);
    assert_eq!(answer["second_factor_required"], true);
    let members: Vec<_> = answer.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(members, ["challenge", "expires_in", "second_factor_required"], "and nothing of a session");
    answer["challenge"].clone()
}

async fn answer(app: &App, challenge: &Value, proof: (&str, &str)) -> Answer {
    let (name, code) = proof;
    app.post("/v1/auth/second-factor", json!({ "challenge": challenge, name: code })).await
}

api_test! {
    async fn a_login_asks_for_a_code_once_the_app_has_shown_one(app: App) {
        let elsewhere = app.customer("ada@example.org").await;
        let here = app.log_in("ada@example.org", PASSWORD).await;
        let wrong = json!({ "password": "not my password" });
        send(&app, Method::POST, FACTOR, &here, wrong).await.problem("invalid-credentials");
        let first = json!({ "code": "000000" });
        send(&app, Method::POST, "/v1/me/second-factor/confirm", &here, first).await.problem("not-found");

        let password = json!({ "password": PASSWORD });
        let forgotten = send(&app, Method::POST, FACTOR, &here, password.clone()).await.expect(201);
        let begun = send(&app, Method::POST, FACTOR, &here, password.clone()).await.expect(201);
        assert_ne!(forgotten["secret"], begun["secret"]);
        let uri = begun["otpauth_uri"].as_str().unwrap();
        assert!(uri.starts_with("otpauth://totp/Kassa:ada@example.org?secret="), "{uri}");
        app.log_in("ada@example.org", PASSWORD).await;
        assert_eq!(app.send(Method::GET, FACTOR, Some(&here), None).await.expect(200)["enabled"], false);

        let mut authenticator = Authenticator::new(begun["secret"].as_str().unwrap());
        let confirm = async |code: String| send(&app, Method::POST, "/v1/me/second-factor/confirm", &here, json!({ "code": code })).await;
        confirm(authenticator.wrong()).await.problem("invalid-code");
        confirm(Authenticator::new(forgotten["secret"].as_str().unwrap()).code()).await.problem("invalid-code");
        let shown = authenticator.code();
        let codes = confirm(shown.clone()).await.expect(200);
        assert_eq!(codes["recovery_codes"].as_array().unwrap().len(), 10);
        confirm(authenticator.wrong()).await.problem("second-factor-exists");
        send(&app, Method::POST, FACTOR, &here, password).await.problem("second-factor-exists");
        let about = app.send(Method::GET, FACTOR, Some(&here), None).await.expect(200);
        assert_eq!((&about["enabled"], &about["recovery_codes_left"]), (&json!(true), &json!(10)));
        app.send(Method::GET, "/v1/me", Some(&elsewhere), None).await.problem("invalid-token");

        let waiting = challenge(&app, "ada@example.org").await;
        app.send(Method::GET, "/v1/me", waiting.as_str(), None).await.problem("invalid-token");
        app.post("/v1/auth/refresh", json!({ "refresh_token": waiting })).await.problem("invalid-token");
        answer(&app, &waiting, ("code", &authenticator.wrong())).await.problem("invalid-code");
        answer(&app, &waiting, ("code", &shown)).await.problem("invalid-code");
        let session = answer(&app, &waiting, ("code", &authenticator.code())).await.expect(200);
        assert_eq!(session["customer"]["email"], "ada@example.org");
        app.send(Method::GET, "/v1/me", session["access_token"].as_str(), None).await.expect(200);
        answer(&app, &waiting, ("code", &authenticator.wrong())).await.problem("invalid-challenge");
        answer(&app, &json!("no such challenge"), ("code", "000000")).await.problem("invalid-challenge");
        let told = || async { Some(()).filter(|()| app.mails().iter().any(|mail| mail.contains("ask for a code now"))) };
        app.eventually("the letter about it", told).await;
    }
}

api_test! {
    async fn a_recovery_code_opens_once_and_both_factors_remove_the_second(app: App) {
        let token = app.customer("ada@example.org").await;
        let (mut authenticator, codes) = enrol(&app, &token, PASSWORD).await;
        let typed = codes[0].to_uppercase().replace('-', " ");
        let waiting = challenge(&app, "ada@example.org").await;
        let session = answer(&app, &waiting, ("recovery_code", &typed)).await.expect(200);
        let token = session["access_token"].as_str().unwrap();
        let waiting = challenge(&app, "ada@example.org").await;
        answer(&app, &waiting, ("recovery_code", &codes[0])).await.problem("invalid-code");
        answer(&app, &waiting, ("code", &codes[1])).await.problem("invalid-code");
        assert_eq!(app.send(Method::GET, FACTOR, Some(token), None).await.expect(200)["recovery_codes_left"], 9);

        let renewal = json!({ "password": PASSWORD, "recovery_code": codes[1] });
        let path = "/v1/me/second-factor/recovery-codes";
        let renewed = send(&app, Method::POST, path, token, renewal).await.expect(201);
        assert_eq!(app.send(Method::GET, FACTOR, Some(token), None).await.expect(200)["recovery_codes_left"], 10);
        answer(&app, &waiting, ("recovery_code", &codes[2])).await.problem("invalid-code");

        let code = authenticator.code();
        let with = |password: &str, code: &str| json!({ "password": password, "code": code });
        send(&app, Method::DELETE, FACTOR, token, with("not my password", &code)).await.problem("invalid-credentials");
        send(&app, Method::DELETE, FACTOR, token, with(PASSWORD, &authenticator.wrong())).await.problem("invalid-code");
        send(&app, Method::DELETE, FACTOR, token, json!({ "password": PASSWORD })).await.problem("invalid-request");
        assert_eq!(send(&app, Method::DELETE, FACTOR, token, with(PASSWORD, &code)).await.status, 204);
        send(&app, Method::DELETE, FACTOR, token, with(PASSWORD, &code)).await.problem("not-found");
        app.log_in("ada@example.org", PASSWORD).await;
        // A login that waited for it is over, and its recovery codes are worth nothing.
        let left = renewed["recovery_codes"][0].as_str().unwrap();
        answer(&app, &waiting, ("recovery_code", left)).await.problem("invalid-challenge");
        let mut conn = app.shop.db().read().await.unwrap();
        let kinds = sql::all!(conn, (String,), "select cast(data as text) from events where kind = 'user.updated' order by id").unwrap();
        let told = kinds.iter().filter(|(data,)| data.contains("second_factor")).count();
        assert_eq!(told, 2, "on and off: {kinds:?}");
    }
}

api_test! {
    async fn codes_cannot_be_guessed(app: App) {
        let app = app.another(|config| {
            config.accounts.challenge_attempts = 3;
            config.accounts.free_login_failures = 5;
        }).await;
        let stop = app.stopper();
        let token = app.customer("ada@example.org").await;
        let (mut authenticator, codes) = enrol(&app, &token, PASSWORD).await;
        let waiting = challenge(&app, "ada@example.org").await;
        for _ in 0..3 {
            answer(&app, &waiting, ("code", &authenticator.wrong())).await.problem("invalid-code");
        }
        answer(&app, &waiting, ("recovery_code", &codes[0])).await.problem("invalid-challenge");
        // Another login, other answers: but the account has had enough.
        let waiting = challenge(&app, "ada@example.org").await;
        for _ in 0..2 {
            answer(&app, &waiting, ("code", &authenticator.wrong())).await.problem("invalid-code");
        }
        let refused = answer(&app, &waiting, ("code", &authenticator.code())).await;
        assert_eq!(refused.headers["retry-after"], "1");
        refused.problem("too-many-requests");
        // To wait costs none of the answers.
        tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
        answer(&app, &waiting, ("recovery_code", &codes[0])).await.expect(200);

        // Somebody else is not made to wait, and another password ends what waits.
        app.customer("bob@example.org").await;
        app.log_in("bob@example.org", PASSWORD).await;
        let waiting = challenge(&app, "ada@example.org").await;
        let change = json!({ "current_password": PASSWORD, "password": "another long password" });
        assert_eq!(send(&app, Method::POST, "/v1/me/password", &token, change).await.status, 204);
        answer(&app, &waiting, ("recovery_code", &codes[1])).await.problem("invalid-challenge");
        stop.stop().await;
    }
}

api_test! {
    async fn a_code_opens_one_session_however_often_it_is_sent(app: App) {
        let token = app.customer("ada@example.org").await;
        let (mut authenticator, codes) = enrol(&app, &token, PASSWORD).await;
        let code = authenticator.code();
        for proof in [("code", code.as_str()), ("recovery_code", &codes[0])] {
            let (one, other) = (challenge(&app, "ada@example.org").await, challenge(&app, "ada@example.org").await);
            let (one, other) = join(answer(&app, &one, proof), answer(&app, &other, proof)).await;
            let mut statuses = [one.status, other.status];
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 422], "{proof:?}");
        }
        let waiting = challenge(&app, "ada@example.org").await;
        let (one, other) = (("recovery_code", codes[1].as_str()), ("recovery_code", codes[2].as_str()));
        let (one, other) = join(answer(&app, &waiting, one), answer(&app, &waiting, other)).await;
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 422], "one challenge, one session");
    }
}

api_test! {
    async fn a_shop_can_ask_its_staff_for_one(app: App) {
        let app = app.another(|config| config.accounts.require_second_factor_of_staff = true).await;
        let stop = app.stopper();
        let clerk = app.staff(&["orders", "settings"]).await;
        let owner = app.log_in("owner@example.org", "correct horse battery staple").await;
        let orders = async |token: &str| app.send(Method::GET, "/v1/admin/orders", Some(token), None).await;
        orders(&clerk).await.problem("second-factor-required");
        orders(&owner).await.problem("second-factor-required");
        send(&app, Method::POST, "/v1/admin/staff", &owner, json!({ "email": "x@example.org" })).await.problem("second-factor-required");
        app.send(Method::GET, "/v1/me", Some(&clerk), None).await.expect(200);
        app.get("/v1/admin/orders").await.problem("unauthenticated");
        let ada = app.customer("ada@example.org").await;
        orders(&ada).await.problem("forbidden");
        orders(&app.api_key(&["orders:read"]).await).await.expect(200);

        let reader = app.api_key(&["customers:read"]).await;
        let scope = async || send(&app, Method::POST, "/v1/auth/introspect", &reader, json!({ "token": clerk })).await.expect(200)["scope"].clone();
        assert_eq!(scope().await, "", "nor elsewhere");

        let (mut authenticator, _) = enrol(&app, &clerk, PASSWORD).await;
        orders(&clerk).await.expect(200);
        assert_eq!(scope().await, "orders settings");
        let remove = json!({ "password": PASSWORD, "code": authenticator.code() });
        assert_eq!(send(&app, Method::DELETE, FACTOR, &clerk, remove).await.status, 204);
        orders(&clerk).await.problem("second-factor-required");
        stop.stop().await;
    }
}

api_test! {
    async fn owners_ask_their_staff_for_one(app: App) {
        let clerk = app.staff(&["orders", "settings"]).await;
        let owner = app.log_in("owner@example.org", "correct horse battery staple").await;
        let policy = "/v1/admin/staff-policy";
        let orders = async |token: &str| app.send(Method::GET, "/v1/admin/orders", Some(token), None).await;
        let ask = async |token: &str, required: bool| send(&app, Method::PUT, policy, token, json!({ "second_factor_required": required })).await;
        let before = app.send(Method::GET, policy, Some(&clerk), None).await.expect(200);
        assert_eq!((&before["second_factor_required"], &before["changed_by"]), (&json!(false), &Value::Null));
        assert_eq!(ask(&clerk, true).await.status, 403, "staff with the permission is no owner");
        orders(&clerk).await.expect(200);
        let boss = app.send(Method::GET, "/v1/me", Some(&owner), None).await.expect(200);
        let after = ask(&owner, true).await.expect(200);
        assert_eq!((&after["second_factor_required"], &after["changed_by"]), (&json!(true), &boss["id"]));
        orders(&clerk).await.problem("second-factor-required");
        ask(&owner, false).await.problem("second-factor-required");
        enrol(&app, &owner, "correct horse battery staple").await;
        orders(&owner).await.expect(200);
        ask(&owner, false).await.expect(200);
        orders(&clerk).await.expect(200);
    }
}

api_test! {
    async fn a_lost_factor_of_staff_is_taken_away_by_who_may(app: App) {
        let clerk = app.staff(&["settings"]).await;
        let me = app.send(Method::GET, "/v1/me", Some(&clerk), None).await.expect(200);
        let owner = app.log_in("owner@example.org", "correct horse battery staple").await;
        let boss = app.send(Method::GET, "/v1/me", Some(&owner), None).await.expect(200);
        let of = |who: &Value| format!("/v1/admin/staff/{}", who["id"].as_str().unwrap());
        let reset = async |who: &Value, token: &str| app.send(Method::DELETE, &format!("{}/second-factor", of(who)), Some(token), None).await;
        enrol(&app, &clerk, PASSWORD).await;
        enrol(&app, &owner, "correct horse battery staple").await;
        let member = app.send(Method::GET, &of(&me), Some(&owner), None).await.expect(200);
        assert_eq!(member["second_factor"], true);

        reset(&boss, &clerk).await.problem("forbidden");
        reset(&me, &app.api_key(&["settings"]).await).await.problem("forbidden");
        assert_eq!(reset(&me, &owner).await.status, 204);
        assert_eq!(reset(&me, &owner).await.status, 204, "and again");
        app.send(Method::GET, "/v1/me", Some(&clerk), None).await.problem("invalid-token");
        app.log_in(me["email"].as_str().unwrap(), PASSWORD).await;
        let member = app.send(Method::GET, &of(&me), Some(&owner), None).await.expect(200);
        assert_eq!(member["second_factor"], false);
        let ada = app.customer("ada@example.org").await;
        let ada = app.send(Method::GET, "/v1/me", Some(&ada), None).await.expect(200);
        reset(&ada, &owner).await.problem("not-found");

        // The owner's own is taken away by whoever runs the process.
        let password = "another long password";
        kassa::accounts::create_owner(&app.shop, "owner@example.org", Some(password)).await.expect("made anew");
        app.log_in("owner@example.org", password).await;
    }
}

api_test! {
    /// Sent at once, codes are looked at one after the other, and each sees how those before it ended.
    async fn a_burst_of_codes_is_counted_like_any_others(app: App) {
        let app = app.another(|config| {
            config.accounts.free_login_failures = 3;
            config.database.connections = 20;
        }).await;
        let looked_at = |answers: Vec<Answer>| {
            assert!(answers.iter().all(|answer| [422, 429].contains(&answer.status)), "{answers:?}");
            answers.iter().filter(|answer| answer.body["type"] == "/problems/invalid-code").count()
        };
        let eve = app.customer("eve@example.org").await;
        let begun = send(&app, Method::POST, FACTOR, &eve, json!({ "password": PASSWORD })).await.expect(201);
        let wrong = json!({ "code": Authenticator::new(begun["secret"].as_str().unwrap()).wrong() });
        let confirm = || send(&app, Method::POST, "/v1/me/second-factor/confirm", &eve, wrong.clone());
        let at_enrolment = looked_at(join_all((0..16).map(|_| confirm())).await);

        let ada = app.customer("ada@example.org").await;
        let (authenticator, _) = enrol(&app, &ada, PASSWORD).await;
        let mut waiting = Vec::new();
        for _ in 0..4 {
            waiting.push(challenge(&app, "ada@example.org").await);
        }
        let wrong = authenticator.wrong();
        let guesses = (0..16).map(|number| answer(&app, &waiting[number % 4], ("code", &wrong)));
        let at_login = looked_at(join_all(guesses).await);
        // Three, and then a second's wait, and two: only a machine that hardly moves looks at more.
        assert!((3..=5).contains(&at_enrolment) && (3..=5).contains(&at_login), "{at_enrolment} and {at_login} of 16");
        app.stopper().stop().await;
    }
}

api_test! {
    async fn few_logins_of_an_account_wait_for_a_code_at_a_time(app: App) {
        let token = app.customer("ada@example.org").await;
        let (_, codes) = enrol(&app, &token, PASSWORD).await;
        let mut waiting = Vec::new();
        for _ in 0..6 {
            waiting.push(challenge(&app, "ada@example.org").await);
        }
        answer(&app, &waiting[0], ("recovery_code", &codes[0])).await.problem("invalid-challenge");
        answer(&app, &waiting[1], ("recovery_code", &codes[0])).await.expect(200);
        answer(&app, &waiting[5], ("recovery_code", &codes[1])).await.expect(200);
    }
}

api_test! {
    /// Until its app has shown a code, there is nothing that could be proved with it.
    async fn a_factor_that_was_only_begun_is_none(app: App) {
        let token = app.customer("ada@example.org").await;
        let begun = send(&app, Method::POST, FACTOR, &token, json!({ "password": PASSWORD })).await.expect(201);
        let mut authenticator = Authenticator::new(begun["secret"].as_str().unwrap());
        let mut both = || json!({ "password": PASSWORD, "code": authenticator.code() });
        send(&app, Method::DELETE, FACTOR, &token, both()).await.problem("not-found");
        send(&app, Method::POST, "/v1/me/second-factor/recovery-codes", &token, both()).await.problem("not-found");
    }
}
