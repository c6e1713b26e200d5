//! Payments.

use crate::Shop;

pub async fn run(_: Shop) {}
