//! Who calls the operations, and what each must get.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use kassa::accounts::{self, Email, Grant, Permission, Permissions};
use reqwest::Method;
use serde_json::Value;
use uuid::Uuid;

use super::fixtures::{self, ENDS_SESSIONS, Objects};
use crate::support::App;

pub const PASSWORD: &str = "a long enough password";
const OWNER_PASSWORD: &str = "correct horse battery staple";

/// What a caller must get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Must {
    /// Anything but a refusal.
    Pass,
    /// Nor a 404: they are known to have the object.
    Find,
    SignIn,
    BeRefused,
    SeeNothing,
}

/// One line of access.txt.
pub struct Operation {
    pub method: Method,
    pub path: String,
    pub access: String,
    pub takes_body: bool,
}

/// Everyone who calls, and what they call with.
pub struct Cast {
    owner: String,
    owner_id: Uuid,
    ada: String,
    eve: String,
    /// Has the permission of the operation and no other, and the other way round.
    clerk: Clerk,
    others: Clerk,
    objects: Objects,
    of_guest: Objects,
    of_shop: Objects,
}

struct Clerk {
    id: Uuid,
    token: String,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

impl Operation {
    fn is_of_someone(&self) -> bool {
        ["owner", "mine"].contains(&self.access.as_str())
    }
}

impl Cast {
    pub async fn assemble(app: &App) -> Self {
        let made = accounts::create_owner(&app.shop, "boss@example.org", Some(OWNER_PASSWORD)).await;
        let owner_id = made.expect("an owner is made").customer_id;
        let owner = app.log_in("boss@example.org", OWNER_PASSWORD).await;
        let (ada, eve) = (app.customer("ada@example.org").await, app.customer("eve@example.org").await);
        Self {
            clerk: Clerk::hire(app, owner_id, "clerk@example.org").await,
            others: Clerk::hire(app, owner_id, "others@example.org").await,
            objects: Objects::of(app, Some(&ada)).await,
            of_guest: Objects::of(app, None).await,
            of_shop: Objects::of_shop(app, &owner).await,
            owner,
            owner_id,
            ada,
            eve,
        }
    }

    /// What fixtures.rs lacks to call `operations`: the lines to add, after where they belong.
    pub fn lacking(&self, operations: &[Operation]) -> String {
        let mut lacking = BTreeMap::<_, BTreeSet<String>>::new();
        for operation in operations {
            let whose = match operation.access.as_str() {
                "owner" => Some("an object of the customer or, without a token, of a guest"),
                "mine" => Some("an object of the customer: where there is a token"),
                _ => None,
            };
            let place = whose.map_or("Objects::of_shop, of an object that exists:".to_owned(), |whose| {
                format!("Objects::of, {whose}:")
            });
            let path = &operation.path;
            let sets =
                if operation.access == "owner" { vec![&self.objects, &self.of_guest] } else { vec![&self.objects] };
            for name in sets.into_iter().flat_map(|set| set.missing(path, &self.of_shop)) {
                let prefix = path.split('{').next().unwrap_or_default();
                lacking.entry(place.clone()).or_default().insert(format!("({prefix:?}, {name:?}, …),"));
            }
            if operation.is_of_someone() && operation.takes_body && fixtures::body(&operation.to_string()).is_none() {
                let line = format!("\"{operation}\" => json!({{ … }}),");
                lacking.entry("body(), one that is taken:".to_owned()).or_default().insert(line);
            }
        }
        let places = lacking
            .into_iter()
            .map(|(place, lines)| format!("to {place}\n    {}", lines.into_iter().collect::<Vec<_>>().join("\n    ")));
        places.collect::<Vec<_>>().join("\n")
    }

    /// Calls `operation` as everyone, and gathers what is not as it must be.
    pub async fn call(&mut self, app: &App, operation: &Operation, wrong: &mut Vec<String>) {
        match operation.access.split_once(' ') {
            Some((kind, permission)) => {
                let permission = Permission::parse(permission).expect("a permission");
                self.call_admin(app, operation, permission, kind, wrong).await;
            }
            None => self.call_shopper(app, operation, wrong).await,
        }
        if ENDS_SESSIONS.contains(&operation.to_string().as_str()) {
            self.sign_in_again(app).await;
        }
    }

    async fn call_shopper(&self, app: &App, operation: &Operation, wrong: &mut Vec<String>) {
        use Must::{BeRefused, Find, Pass, SeeNothing, SignIn};
        let key = app.api_key(&Permission::ALL.map(|(_, name)| name)).await;
        // Those who get nothing first: who is allowed may change what the others would have seen.
        let [anonymous, stranger, service, holder] = match operation.access.as_str() {
            "anyone" => [Pass, Pass, Pass, Pass],
            "customer" => [SignIn, Pass, BeRefused, Pass],
            "mine" => [SignIn, SeeNothing, BeRefused, Find],
            "owner" => [SeeNothing, SeeNothing, SeeNothing, Find],
            access => panic!("{operation}: what is {access}?"),
        };
        let path = self.objects.fill(&operation.path, &self.of_shop);
        let calls = [
            ("anonymous", None, anonymous),
            ("another customer", Some(&self.eve), stranger),
            ("the owner of the shop", Some(&self.owner), stranger),
            ("an API key with every scope", Some(&key), service),
            ("the owner of the object", Some(&self.ada), holder),
        ];
        for (who, token, must) in calls {
            check(app, operation, &path, who, token.map(String::as_str), must, wrong).await;
        }
        if operation.access == "owner" {
            let path = self.of_guest.fill(&operation.path, &self.of_shop);
            check(app, operation, &path, "a guest who knows the id", None, Find, wrong).await;
        }
    }

    async fn call_admin(
        &self,
        app: &App,
        operation: &Operation,
        permission: Permission,
        kind: &str,
        wrong: &mut Vec<String>,
    ) {
        use Must::{BeRefused, Pass, SignIn};
        let without = || Permission::ALL.into_iter().filter(move |(other, _)| *other != permission);
        self.clerk.give(app, self.owner_id, [permission].into_iter().collect()).await;
        self.others.give(app, self.owner_id, without().map(|(other, _)| other).collect()).await;
        let reads = operation.method == Method::GET || kind == "reader";
        let keys = [
            app.api_key(&without().map(|(_, name)| name).collect::<Vec<_>>()).await,
            app.api_key(&[format!("{}:read", permission.name()).as_str()]).await,
            app.api_key(&[permission.name()]).await,
        ];
        let if_key = |allowed: bool| if allowed && kind != "person" { Pass } else { BeRefused };
        let calls = [
            ("anonymous", None, SignIn),
            ("a customer", Some(&self.ada), BeRefused),
            ("staff without the permission", Some(&self.others.token), BeRefused),
            ("an API key without the scope", Some(&keys[0]), BeRefused),
            ("an API key that may only read", Some(&keys[1]), if_key(reads)),
            ("an API key with the scope", Some(&keys[2]), if_key(true)),
            ("staff with the permission", Some(&self.clerk.token), Pass),
            ("the owner of the shop", Some(&self.owner), Pass),
        ];
        let path = self.objects.fill(&operation.path, &self.of_shop);
        for (who, token, must) in calls {
            check(app, operation, &path, who, token.map(String::as_str), must, wrong).await;
        }
    }

    async fn sign_in_again(&mut self, app: &App) {
        self.ada = app.log_in("ada@example.org", PASSWORD).await;
        self.eve = app.log_in("eve@example.org", PASSWORD).await;
        self.owner = app.log_in("boss@example.org", OWNER_PASSWORD).await;
    }
}

impl Clerk {
    async fn hire(app: &App, owner_id: Uuid, email: &str) -> Self {
        let token = app.proved_customer(email).await;
        let grant = Grant::Staff(Permissions::none());
        let member = accounts::add_staff(&app.shop, owner_id, &Email::parse(email).expect("an address"), grant).await;
        Self { id: member.expect("staff").id, token }
    }

    async fn give(&self, app: &App, owner_id: Uuid, permissions: Permissions) {
        let changed = accounts::change_staff(&app.shop, owner_id, self.id, None, |_| Grant::Staff(permissions)).await;
        changed.expect("the grant is given");
    }
}

async fn check(
    app: &App,
    operation: &Operation,
    path: &str,
    who: &str,
    token: Option<&str>,
    must: Must,
    wrong: &mut Vec<String>,
) {
    let mut request = app.client.request(operation.method.clone(), format!("{}{path}", app.url));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    // Elsewhere the caller is judged before the body, so that none is needed.
    if operation.is_of_someone() && operation.takes_body {
        request = request.json(&fixtures::body(&operation.to_string()));
    }
    let response = request.send().await.expect("the shop answers");
    let status = response.status().as_u16();
    // Only problems are read: a stream of events would not end.
    let is_problem = response.headers().get("content-type").is_some_and(|value| value == "application/problem+json");
    let slug = match is_problem {
        true => response.json::<Value>().await.expect("a problem")["type"].as_str().unwrap_or_default().to_owned(),
        false => String::new(),
    };
    let slug = slug.trim_start_matches("/problems/");
    let refused = ["unauthenticated", "invalid-token", "forbidden"].contains(&slug);
    let fine = match must {
        Must::Pass => !refused && status < 500,
        Must::Find => !refused && status < 500 && status != 404,
        Must::SignIn => (status, slug) == (401, "unauthenticated"),
        Must::BeRefused => (status, slug) == (403, "forbidden"),
        Must::SeeNothing => (status, slug) == (404, "not-found"),
    };
    if !fine {
        wrong.push(format!("{operation} ({}) as {who}: {status} {slug}, but must {must:?}", operation.access));
    }
}
