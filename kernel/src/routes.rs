//! Every endpoint, one line each. The path and its documentation stand beside the handler.

use std::time::Duration;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::openapi::Security;
use crate::http::{idempotency, layers};
use crate::{Shop, accounts, carts, catalog, http, orders, payments, plugins};

/// What the document says beside its paths.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Kassa",
        description = "A shop over HTTP. Amounts are integers in minor units of the currency that stands beside them. Errors are \
                       `application/problem+json` with a closed list of types, listed at `/problems`. A POST that creates takes an \
                       `Idempotency-Key`."
    ),
    components(schemas(crate::problem::ProblemSchema)),
    modifiers(&Security)
)]
struct Api;

fn shopper_routes() -> OpenApiRouter<Shop> {
    OpenApiRouter::new()
        .routes(routes!(accounts::http::register))
        .routes(routes!(accounts::http::login))
        .routes(routes!(accounts::http::refresh))
        .routes(routes!(accounts::http::logout))
        .routes(routes!(accounts::http::get_me, accounts::http::patch_me))
        .routes(routes!(catalog::http::list_products))
        .routes(routes!(catalog::http::get_product))
        .routes(routes!(catalog::http::list_categories))
        .routes(routes!(carts::http::create_cart))
        .routes(routes!(carts::http::get_cart))
        .routes(routes!(carts::http::add_line))
        .routes(routes!(carts::http::patch_line, carts::http::delete_line))
        .routes(routes!(carts::http::put_coupons))
        .routes(routes!(carts::http::put_address))
        .routes(routes!(carts::http::put_email))
        .routes(routes!(carts::http::put_delivery_option))
        .routes(routes!(carts::http::list_delivery_options))
        .routes(routes!(carts::http::list_payment_methods))
        .routes(routes!(orders::http::place_order))
        .routes(routes!(orders::http::list_orders))
        .routes(routes!(orders::http::get_order))
        .routes(routes!(orders::http::cancel_order))
        .routes(routes!(payments::http::receive_webhook))
}

fn merchant_routes() -> OpenApiRouter<Shop> {
    OpenApiRouter::new()
        .routes(routes!(catalog::http::create_product))
        .routes(routes!(catalog::http::admin_get_product, catalog::http::patch_product, catalog::http::delete_product))
        .routes(routes!(catalog::http::create_variant))
        .routes(routes!(catalog::http::patch_variant, catalog::http::delete_variant))
        .routes(routes!(catalog::http::create_category))
        .routes(routes!(catalog::http::patch_category, catalog::http::delete_category))
        .routes(routes!(catalog::http::list_price_lists, catalog::http::create_price_list))
        .routes(routes!(
            catalog::http::get_price_list,
            catalog::http::patch_price_list,
            catalog::http::delete_price_list
        ))
        .routes(routes!(catalog::http::list_list_prices, catalog::http::put_list_prices))
        .routes(routes!(catalog::http::put_list_price, catalog::http::delete_list_price))
        .routes(routes!(accounts::http::list_groups, accounts::http::create_group))
        .routes(routes!(accounts::http::get_group, accounts::http::patch_group, accounts::http::delete_group))
        .routes(routes!(accounts::http::put_customer_group))
        .routes(routes!(orders::http::admin_list_orders))
        .routes(routes!(orders::http::admin_get_order))
        .routes(routes!(orders::http::admin_get_receipt))
        .routes(routes!(orders::http::ship_order))
        .routes(routes!(orders::http::deliver_order))
        .routes(routes!(orders::http::admin_cancel_order))
        .routes(routes!(plugins::registry::http::list_plugins))
        .routes(routes!(plugins::registry::http::get_plugin))
        .routes(routes!(plugins::registry::http::list_bindings))
        .routes(routes!(plugins::registry::http::get_binding, plugins::registry::http::put_binding))
        .routes(routes!(plugins::registry::http::roll_back_binding))
}

/// Uploads have a larger body limit than everything else.
fn upload_routes() -> OpenApiRouter<Shop> {
    OpenApiRouter::new().routes(routes!(plugins::registry::http::upload_plugin))
}

fn operation_routes() -> OpenApiRouter<Shop> {
    OpenApiRouter::new()
        .routes(routes!(http::operations::livez))
        .routes(routes!(http::operations::readyz))
        .routes(routes!(http::operations::list_problems))
        .routes(routes!(http::operations::get_problem))
}

/// The OpenAPI document.
pub fn document() -> Document {
    let routes = [shopper_routes(), merchant_routes(), upload_routes(), operation_routes()];
    routes.into_iter().fold(OpenApiRouter::with_openapi(Api::openapi()), OpenApiRouter::merge).into_openapi()
}

/// Routes whose bodies have at most `bytes`. The limit stands around the idempotency keys, which read the body.
fn limited(routes: OpenApiRouter<Shop>, shop: &Shop, bytes: usize) -> Router<Shop> {
    let (router, _) = routes.split_for_parts();
    router
        .layer(from_fn_with_state(shop.clone(), idempotency::layer))
        .layer(from_fn_with_state(bytes, layers::body_limit))
}

/// The whole service.
pub fn router(shop: &Shop) -> Router {
    let config = shop.config();
    let (operations, _) = operation_routes().split_for_parts();
    let router = limited(shopper_routes().merge(merchant_routes()), shop, config.http.max_body_bytes)
        .merge(limited(upload_routes(), shop, config.plugins.package.max_bytes as usize))
        .merge(operations);
    let request_timeout = Duration::from_millis(config.http.request_timeout_ms);
    router
        .merge(http::openapi::pages(document()))
        .layer(from_fn_with_state(request_timeout, layers::time_limit))
        .layer(CompressionLayer::new())
        .fallback(layers::not_found)
        .method_not_allowed_fallback(layers::method_not_allowed)
        .layer(CatchPanicLayer::custom(layers::panicked))
        .layer(from_fn(layers::secure_headers))
        .layer(from_fn(layers::observe))
        .with_state(shop.clone())
}
