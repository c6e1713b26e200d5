//! The layer that throttles requests by address and, where that says more, by account.

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method};

use super::{Class, TooMany, Who, check};
use crate::Shop;
use crate::http::auth;
use crate::http::client::ClientAddress;
use crate::problem::{Kind, Problem};

impl From<TooMany> for Problem {
    fn from(error: TooMany) -> Self {
        Problem::new(Kind::TooManyRequests).retry_after(error.retry_after_seconds)
    }
}

/// Answers `too-many-requests` before anything else is done for the request.
pub async fn layer(State(shop): State<Shop>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    // Whoever looks whether the shop lives must never be told to look less often.
    if ["/livez", "/readyz"].contains(&route) {
        return next.run(request).await;
    }
    let class = class(request.method(), route);
    let address = request.extensions().get::<ClientAddress>().copied();
    match take(&shop, class, address, request.headers()).await {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn class(method: &Method, route: &str) -> Option<Class> {
    // Each tells whether a code is one of a gift card.
    if method == Method::PUT && route == "/v1/carts/{id}/gift-cards" {
        return Some(Class::GiftCards);
    }
    if method != Method::POST {
        return None;
    }
    match route {
        "/v1/auth/login" | "/v1/auth/second-factor" | "/v1/orders/lookup/confirm" => Some(Class::Logins),
        "/v1/auth/register" => Some(Class::Registrations),
        "/v1/auth/forgot-password" | "/v1/auth/confirm-email/resend" | "/v1/me/email" | "/v1/orders/lookup" => {
            Some(Class::PasswordResets)
        }
        "/v1/carts" => Some(Class::Carts),
        "/v1/gift-cards/balance" => Some(Class::GiftCards),
        // Whoever tries stolen cards tries them wherever a card is taken.
        "/v1/carts/{id}/checkout" | "/v1/orders/{id}/payments" => Some(Class::Checkouts),
        _ => None,
    }
}

async fn take(
    shop: &Shop,
    class: Option<Class>,
    address: Option<ClientAddress>,
    headers: &HeaderMap,
) -> Result<(), Problem> {
    if let Some(ClientAddress(address)) = address {
        check(shop, Class::Everything, Who::Address(address)).await?;
        if let Some(class) = class {
            check(shop, class, Who::Address(address)).await?;
        }
    }
    let by_account = match class {
        Some(class @ (Class::Carts | Class::Checkouts)) => class.is_limited(&shop.config().throttle).then_some(class),
        _ => None,
    };
    if let Some(class) = by_account
        && let Some(bearer) = auth::identify(shop, headers).await?
    {
        check(shop, class, Who::Account(&bearer.actor().to_string())).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_costs_something_has_a_bucket_of_its_own() {
        for (method, route, expected) in [
            (Method::POST, "/v1/auth/login", Some(Class::Logins)),
            (Method::POST, "/v1/auth/second-factor", Some(Class::Logins)),
            (Method::POST, "/v1/auth/register", Some(Class::Registrations)),
            (Method::POST, "/v1/auth/forgot-password", Some(Class::PasswordResets)),
            (Method::POST, "/v1/auth/confirm-email/resend", Some(Class::PasswordResets)),
            (Method::POST, "/v1/me/email", Some(Class::PasswordResets)),
            (Method::POST, "/v1/orders/lookup", Some(Class::PasswordResets)),
            (Method::POST, "/v1/orders/lookup/confirm", Some(Class::Logins)),
            (Method::POST, "/v1/carts", Some(Class::Carts)),
            (Method::POST, "/v1/carts/{id}/checkout", Some(Class::Checkouts)),
            (Method::POST, "/v1/orders/{id}/payments", Some(Class::Checkouts)),
            (Method::POST, "/v1/gift-cards/balance", Some(Class::GiftCards)),
            (Method::PUT, "/v1/carts/{id}/gift-cards", Some(Class::GiftCards)),
            (Method::PUT, "/v1/carts/{id}/coupons", None),
            (Method::POST, "/v1/carts/{id}/lines", None),
            (Method::GET, "/v1/auth/login", None),
        ] {
            assert_eq!(class(&method, route), expected, "{method} {route}");
        }
    }
}
