//! Orders.

use serde::Deserialize;

use crate::Shop;

#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct OrdersConfig {}

pub async fn run(_: Shop) {}
