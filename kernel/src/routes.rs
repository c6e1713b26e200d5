//! Every endpoint, one line each. The path and its documentation stand beside the handler.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::audit::http::layer::Recorder;
use crate::documents;
use crate::http::client::Proxies;
use crate::http::openapi::Security;
use crate::http::{client, idempotency, layers};
use crate::{
    Shop, accounts, audit, carts, catalog, customers, events, export, fulfilment, http, images, import, inventory,
    ledger, notifications, orders, payments, plugins, prices, replay, returns, reviews, rollouts, throttle, webhooks,
};
use crate::{coupons, prepaid};

/// What the document says beside its paths.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Kassa",
        description = "A shop over HTTP. Amounts are integers in minor units of the currency that stands beside them. Errors are \
                       `application/problem+json` with a closed list of types, listed at `/problems`. A POST that creates takes an \
                       `Idempotency-Key`."
    ),
    components(schemas(crate::problem::ProblemSchema, catalog::Entity, customers::http::CustomerSort)),
    modifiers(&Security)
)]
struct Api;

fn shopper_routes() -> OpenApiRouter<Shop> {
    OpenApiRouter::new()
        .routes(routes!(accounts::http::register))
        .routes(routes!(accounts::http::login))
        .routes(routes!(accounts::http::refresh))
        .routes(routes!(accounts::http::logout))
        .routes(routes!(accounts::http::answer_challenge))
        .routes(routes!(
            accounts::http::get_second_factor,
            accounts::http::begin_second_factor,
            accounts::http::remove_second_factor
        ))
        .routes(routes!(accounts::http::confirm_second_factor))
        .routes(routes!(accounts::http::renew_recovery_codes))
        .routes(routes!(accounts::http::introspect_token))
        .routes(routes!(accounts::http::list_signing_keys))
        .routes(routes!(accounts::http::confirm_email))
        .routes(routes!(accounts::http::resend_confirmation))
        .routes(routes!(accounts::http::forgot_password))
        .routes(routes!(accounts::http::reset_password))
        .routes(routes!(accounts::http::agree_to_email_change))
        .routes(routes!(accounts::http::refuse_email_change))
        .routes(routes!(accounts::http::change_password))
        .routes(routes!(accounts::http::change_email))
        .routes(routes!(accounts::http::get_settings, accounts::http::put_settings))
        .routes(routes!(accounts::http::list_consents))
        .routes(routes!(accounts::http::list_consent_changes, accounts::http::put_consent))
        .routes(routes!(accounts::http::list_addresses, accounts::http::create_address))
        .routes(routes!(accounts::http::get_address, accounts::http::put_address, accounts::http::delete_address))
        .routes(routes!(accounts::http::list_sessions, accounts::http::delete_other_sessions))
        .routes(routes!(accounts::http::delete_session))
        .routes(routes!(accounts::http::get_me, accounts::http::patch_me, customers::http::delete_me))
        .routes(routes!(customers::http::export_me))
        .routes(routes!(catalog::http::list_products))
        .routes(routes!(catalog::http::suggest_products))
        .routes(routes!(catalog::http::get_product))
        .routes(routes!(catalog::http::list_categories))
        .routes(routes!(catalog::http::get_category))
        .routes(routes!(catalog::http::list_collections))
        .routes(routes!(catalog::http::get_collection))
        .routes(routes!(images::http::get_image_file))
        .routes(routes!(reviews::http::list_reviews, reviews::http::create_review))
        .routes(routes!(reviews::http::list_my_reviews))
        .routes(routes!(reviews::http::get_my_review, reviews::http::patch_my_review, reviews::http::delete_my_review))
        .routes(routes!(reviews::http::put_review_vote, reviews::http::delete_review_vote))
        .routes(routes!(inventory::http::list_pickup_locations))
        .routes(routes!(carts::http::create_cart))
        .routes(routes!(carts::http::get_cart, carts::http::patch_cart))
        .routes(routes!(carts::http::add_line))
        .routes(routes!(carts::http::patch_line, carts::http::delete_line))
        .routes(routes!(carts::http::acknowledge_changes))
        .routes(routes!(carts::http::claim_cart))
        .routes(routes!(carts::http::get_my_cart))
        .routes(routes!(carts::http::put_coupons))
        .routes(routes!(carts::http::put_gift_cards))
        .routes(routes!(carts::http::put_store_credit))
        .routes(routes!(prepaid::http::get_gift_card_balance))
        .routes(routes!(prepaid::http::get_my_credit))
        .routes(routes!(carts::http::put_address))
        .routes(routes!(carts::http::put_billing_address, carts::http::delete_billing_address))
        .routes(routes!(carts::http::put_email))
        .routes(routes!(carts::http::put_delivery_option))
        .routes(routes!(carts::http::list_delivery_options))
        .routes(routes!(carts::http::list_payment_methods))
        .routes(routes!(orders::http::place_order))
        .routes(routes!(orders::http::list_orders))
        .routes(routes!(orders::http::get_order))
        .routes(routes!(orders::http::cancel_order))
        .routes(routes!(orders::http::edit_order))
        .routes(routes!(orders::http::preview_order_edit))
        .routes(routes!(orders::http::create_payment))
        .routes(routes!(orders::http::look_up_order))
        .routes(routes!(orders::http::confirm_order_look_up))
        .routes(routes!(documents::http::get_order_confirmation))
        .routes(routes!(documents::http::get_order_invoice))
        .routes(routes!(orders::http::list_order_payment_methods))
        .routes(routes!(returns::http::list_order_returns, returns::http::request_return))
        .routes(routes!(returns::http::cancel_return))
        .routes(routes!(payments::http::receive_webhook))
        .routes(routes!(notifications::http::get_inbox))
        .routes(routes!(notifications::http::stream_inbox))
        .routes(routes!(notifications::http::read_inbox))
        .routes(routes!(notifications::http::read_inbox_item))
        .routes(routes!(notifications::http::delete_inbox_item))
        .routes(routes!(notifications::http::list_push_tokens, notifications::http::register_push_token))
        .routes(routes!(notifications::http::delete_push_token))
}

fn merchant_routes() -> OpenApiRouter<Shop> {
    OpenApiRouter::new()
        .routes(routes!(audit::http::list_audit_entries))
        .routes(routes!(accounts::http::list_staff, accounts::http::add_staff))
        .routes(routes!(accounts::http::get_staff, accounts::http::patch_staff, accounts::http::remove_staff))
        .routes(routes!(accounts::http::reset_second_factor_of_staff))
        .routes(routes!(accounts::http::get_staff_policy, accounts::http::put_staff_policy))
        .routes(routes!(customers::http::list_customers))
        .routes(routes!(customers::http::get_customer, customers::http::patch_customer))
        .routes(routes!(accounts::http::list_groups, accounts::http::create_group))
        .routes(routes!(accounts::http::get_group, accounts::http::patch_group, accounts::http::delete_group))
        .routes(routes!(accounts::http::put_customer_group))
        .routes(routes!(customers::http::export_customer))
        .routes(routes!(customers::http::erase_customer))
        .routes(routes!(customers::http::export_guest))
        .routes(routes!(customers::http::erase_guest))
        .routes(routes!(customers::http::reset_second_factor_of_customer))
        .routes(routes!(accounts::http::list_api_keys, accounts::http::create_api_key))
        .routes(routes!(accounts::http::get_api_key, accounts::http::revoke_api_key))
        .routes(routes!(catalog::http::list_all_products, catalog::http::create_product))
        .routes(routes!(catalog::http::admin_get_product, catalog::http::patch_product, catalog::http::delete_product))
        .routes(routes!(catalog::http::create_variant))
        .routes(routes!(catalog::http::patch_variant, catalog::http::delete_variant))
        .routes(routes!(prices::http::list_price_lists, prices::http::create_price_list))
        .routes(routes!(prices::http::get_price_list, prices::http::patch_price_list, prices::http::delete_price_list))
        .routes(routes!(prices::http::list_list_prices, prices::http::put_list_prices))
        .routes(routes!(prices::http::put_list_price, prices::http::delete_list_price))
        .routes(routes!(prices::http::list_variant_prices))
        .routes(routes!(catalog::http::list_product_types, catalog::http::create_product_type))
        .routes(routes!(
            catalog::http::get_product_type,
            catalog::http::patch_product_type,
            catalog::http::delete_product_type
        ))
        .routes(routes!(catalog::http::create_category))
        .routes(routes!(
            catalog::http::admin_get_category,
            catalog::http::patch_category,
            catalog::http::delete_category
        ))
        .routes(routes!(catalog::http::get_related, catalog::http::put_related))
        .routes(routes!(catalog::http::list_translations))
        .routes(routes!(catalog::http::put_translation, catalog::http::delete_translation))
        .routes(routes!(catalog::http::admin_list_collections, catalog::http::create_collection))
        .routes(routes!(
            catalog::http::admin_get_collection,
            catalog::http::patch_collection,
            catalog::http::delete_collection
        ))
        .routes(routes!(catalog::http::list_collection_products, catalog::http::put_collection_products))
        .routes(routes!(reviews::http::admin_list_reviews))
        .routes(routes!(reviews::http::admin_get_review, reviews::http::admin_delete_review))
        .routes(routes!(reviews::http::publish_review))
        .routes(routes!(reviews::http::reject_review))
        .routes(routes!(reviews::http::put_review_reply, reviews::http::delete_review_reply))
        .routes(routes!(images::http::list_images))
        .routes(routes!(images::http::put_image_order))
        .routes(routes!(images::http::get_image, images::http::patch_image, images::http::delete_image))
        .routes(routes!(images::http::put_variant_images))
        .routes(routes!(catalog::http::change_prices_in_bulk))
        .routes(routes!(inventory::http::change_stock_in_bulk))
        .routes(routes!(import::http::list_imports))
        .routes(routes!(import::http::get_import))
        .routes(routes!(import::http::list_import_report))
        .routes(routes!(import::http::cancel_import))
        .routes(routes!(export::http::export_catalog))
        .routes(routes!(inventory::http::list_locations, inventory::http::create_location))
        .routes(routes!(
            inventory::http::get_location,
            inventory::http::patch_location,
            inventory::http::delete_location
        ))
        .routes(routes!(inventory::http::list_stock))
        .routes(routes!(inventory::http::list_movements))
        .routes(routes!(inventory::http::list_reservations))
        .routes(routes!(inventory::http::transfer_stock))
        .routes(routes!(inventory::http::get_stock, inventory::http::patch_stock))
        .routes(routes!(inventory::http::count_stock))
        .routes(routes!(inventory::http::adjust_stock))
        .routes(routes!(coupons::http::list_coupons, coupons::http::create_coupon))
        .routes(routes!(coupons::http::get_coupon, coupons::http::patch_coupon, coupons::http::delete_coupon))
        .routes(routes!(coupons::http::list_coupon_redemptions))
        .routes(routes!(prepaid::http::list_gift_cards, prepaid::http::create_gift_card))
        .routes(routes!(prepaid::http::get_gift_card, prepaid::http::patch_gift_card))
        .routes(routes!(prepaid::http::adjust_gift_card))
        .routes(routes!(prepaid::http::list_gift_card_entries))
        .routes(routes!(prepaid::http::get_customer_credit, prepaid::http::create_customer_credit))
        .routes(routes!(orders::http::admin_list_orders))
        .routes(routes!(orders::http::admin_get_order))
        .routes(routes!(orders::http::admin_get_receipt))
        .routes(routes!(orders::http::explain_order_price))
        .routes(routes!(orders::http::ship_order))
        .routes(routes!(orders::http::deliver_order))
        .routes(routes!(orders::http::admin_cancel_order))
        .routes(routes!(carts::http::explain_delivery_options))
        .routes(routes!(carts::http::explain_cart_price))
        .routes(routes!(returns::http::list_returns))
        .routes(routes!(returns::http::get_return))
        .routes(routes!(returns::http::admin_list_order_returns, returns::http::create_return))
        .routes(routes!(returns::http::approve_return))
        .routes(routes!(returns::http::reject_return))
        .routes(routes!(returns::http::receive_return))
        .routes(routes!(returns::http::refund_return))
        .routes(routes!(returns::http::close_return))
        .routes(routes!(fulfilment::http::list_order_shipments, fulfilment::http::create_shipment))
        .routes(routes!(fulfilment::http::list_shipments))
        .routes(routes!(fulfilment::http::get_shipment, fulfilment::http::patch_shipment))
        .routes(routes!(fulfilment::http::book_shipment))
        .routes(routes!(fulfilment::http::dispatch_shipment))
        .routes(routes!(fulfilment::http::ready_shipment))
        .routes(routes!(fulfilment::http::deliver_shipment))
        .routes(routes!(fulfilment::http::cancel_shipment))
        .routes(routes!(fulfilment::http::create_tracking_event))
        .routes(routes!(orders::http::list_refunds, orders::http::create_refund))
        .routes(routes!(orders::http::retry_refund))
        .routes(routes!(orders::http::admin_edit_order))
        .routes(routes!(orders::http::list_drafts, orders::http::create_draft))
        .routes(routes!(orders::http::get_draft, orders::http::patch_draft, orders::http::delete_draft))
        .routes(routes!(orders::http::list_draft_delivery_options))
        .routes(routes!(orders::http::explain_draft_price))
        .routes(routes!(orders::http::complete_draft))
        .routes(routes!(orders::http::send_draft))
        .routes(routes!(orders::http::request_payment))
        .routes(routes!(orders::http::admin_preview_order_edit))
        .routes(routes!(orders::http::list_order_revisions))
        .routes(routes!(documents::http::admin_get_order_confirmation))
        .routes(routes!(documents::http::admin_get_order_invoice))
        .routes(routes!(documents::http::get_credit_note))
        .routes(routes!(orders::http::create_correction))
        .routes(routes!(orders::http::create_payment_by_hand))
        .routes(routes!(orders::http::create_capture))
        .routes(routes!(orders::http::release_payments))
        .routes(routes!(orders::http::list_payment_steps))
        .routes(routes!(ledger::http::get_ledger))
        .routes(routes!(notifications::http::list_messages))
        .routes(routes!(notifications::http::list_notification_kinds))
        .routes(routes!(notifications::http::preview_notification))
        .routes(routes!(notifications::http::retry_dead_messages))
        .routes(routes!(notifications::http::get_message))
        .routes(routes!(notifications::http::resend_message))
        .routes(routes!(events::http::list_events))
        .routes(routes!(webhooks::http::list_webhooks, webhooks::http::create_webhook))
        .routes(routes!(webhooks::http::get_webhook, webhooks::http::patch_webhook, webhooks::http::delete_webhook))
        .routes(routes!(webhooks::http::rotate_webhook_secret))
        .routes(routes!(webhooks::http::test_webhook))
        .routes(routes!(webhooks::http::replay_failed_webhook_messages))
        .routes(routes!(webhooks::http::list_webhook_messages))
        .routes(routes!(webhooks::http::get_webhook_message))
        .routes(routes!(webhooks::http::replay_webhook_message))
        .routes(routes!(plugins::registry::http::list_plugins))
        .routes(routes!(plugins::registry::http::get_plugin))
        .routes(routes!(plugins::registry::http::get_plugin_settings, plugins::registry::http::put_plugin_settings))
        .routes(routes!(plugins::registry::http::get_plugin_grants, plugins::registry::http::put_plugin_grants))
        .routes(routes!(plugins::registry::http::put_plugin_secret, plugins::registry::http::delete_plugin_secret))
        .routes(routes!(plugins::registry::http::get_plugin_counters))
        .routes(routes!(plugins::registry::http::get_plugin_conformance))
        .routes(routes!(plugins::registry::http::list_failed_calls))
        .routes(routes!(plugins::registry::http::get_failed_call))
        .routes(routes!(plugins::registry::http::list_plugin_logs))
        .routes(routes!(plugins::registry::http::follow_plugin_logs))
        .routes(routes!(plugins::registry::http::list_bindings))
        .routes(routes!(plugins::registry::http::get_binding, plugins::registry::http::put_binding))
        .routes(routes!(plugins::registry::http::list_binding_history))
        .routes(routes!(plugins::registry::http::roll_back_binding))
        .routes(routes!(rollouts::http::create_rollout))
        .routes(routes!(rollouts::http::list_rollouts))
        .routes(routes!(rollouts::http::get_rollout))
        .routes(routes!(rollouts::http::put_rollout_stage))
        .routes(routes!(rollouts::http::stop_rollout))
        .routes(routes!(replay::http::create_replay))
        .routes(routes!(replay::http::list_replays))
        .routes(routes!(replay::http::get_replay))
        .routes(routes!(replay::http::list_replay_changes))
        .routes(routes!(replay::http::get_replay_page))
        .routes(routes!(replay::http::cancel_replay))
}

/// Uploads have a larger body limit than everything else.
fn upload_routes() -> OpenApiRouter<Shop> {
    OpenApiRouter::new().routes(routes!(plugins::registry::http::upload_plugin))
}

/// Pictures are larger than plugins.
fn image_upload_routes() -> OpenApiRouter<Shop> {
    OpenApiRouter::new().routes(routes!(images::http::upload_image))
}

/// Catalogs are larger than pictures.
fn import_upload_routes() -> OpenApiRouter<Shop> {
    OpenApiRouter::new().routes(routes!(import::http::create_import))
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
    let uploads = upload_routes().merge(image_upload_routes()).merge(import_upload_routes());
    let routes = [shopper_routes(), merchant_routes(), uploads, operation_routes()];
    let merged = routes.into_iter().fold(OpenApiRouter::with_openapi(Api::openapi()), OpenApiRouter::merge);
    let mut document = merged.into_openapi();
    http::openapi::complete(&mut document);
    document
}

/// Routes whose bodies have at most `bytes`. The limit stands around the idempotency keys, which read the body.
fn limited(routes: OpenApiRouter<Shop>, shop: &Shop, recorder: Recorder, bytes: usize) -> Router<Shop> {
    let (router, _) = routes.split_for_parts();
    router
        .layer(from_fn_with_state(shop.clone(), idempotency::layer))
        .layer(from_fn_with_state(recorder, audit::http::layer::layer))
        .layer(from_fn_with_state(bytes, layers::body_limit))
}

/// The whole service.
pub fn router(shop: &Shop) -> Router {
    let config = shop.config();
    let (operations, _) = operation_routes().split_for_parts();
    let recorder = Recorder::new(shop, http::openapi::operation_ids(document()).collect());
    let proxies = Proxies { trusted: config.http.trusted_proxies.clone(), header: config.http.forwarded_header };
    let router = limited(shopper_routes().merge(merchant_routes()), shop, recorder.clone(), config.http.max_body_bytes)
        .merge(limited(upload_routes(), shop, recorder.clone(), config.plugins.package.max_bytes as usize))
        .merge(limited(image_upload_routes(), shop, recorder.clone(), config.images.max_bytes))
        .merge(limited(import_upload_routes(), shop, recorder, config.import.max_bytes))
        .merge(operations);
    let request_timeout = Duration::from_millis(config.http.request_timeout_ms);
    router
        .merge(http::openapi::pages(document()))
        .layer(from_fn_with_state(request_timeout, layers::time_limit))
        .layer(CompressionLayer::new())
        .layer(from_fn_with_state(shop.clone(), throttle::http::layer))
        .layer(from_fn_with_state(Arc::new(proxies), client::layer))
        .fallback(layers::not_found)
        .method_not_allowed_fallback(layers::method_not_allowed)
        .layer(CatchPanicLayer::custom(layers::panicked))
        .layer(from_fn(layers::secure_headers))
        .layer(from_fn(layers::observe))
        .with_state(shop.clone())
}
