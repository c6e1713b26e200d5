//! What is measured, and how to run it again. README.md has the commands.
//!
//! | file | holds |
//! |---|---|
//! | `sales` | the sales of an online-retail file, read without the kernel's code, so that it can be held against it |
//! | `client` | one keep-alive connection to a shop, as cheap as it gets |
//! | `merchant` | a signed-in merchant on such a connection |
//! | `replay` | the sales as carts and orders |
//! | `versions`, `swap` | two versions of a pricing plugin, and swapping them meanwhile |
//! | `stock`, `checks`, `candidate` | what must be true afterwards |
//! | `own_shop`, `database` | a shop in this process, on a database of its own |
//! | `plugin_file` | what a plugin file of any language costs |
//! | `beside` | what a plugin costs while a hostile one is called beside it |
//! | `latency`, `machine` | figures, and what they were measured on |

pub mod beside;
pub mod candidate;
pub mod checks;
pub mod client;
mod countries;
pub mod database;
mod error;
pub mod latency;
pub mod machine;
pub mod merchant;
pub mod own_shop;
pub mod plugin_file;
pub mod replay;
pub mod sales;
pub mod stock;
pub mod swap;
pub mod versions;

pub use error::{Error, Result};
