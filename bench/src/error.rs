//! Why a run ends early. What a run was made to find out (a request that failed, a sum that differs) is no error but a result.

use std::io;

/// Why a run ends early.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("`{0}` is not the address of a shop: http://host:port is")]
    Url(String),
    #[error("cannot connect to {address}: {cause}")]
    Connect { address: String, cause: io::Error },
    #[error("the connection: {0}")]
    Http(#[from] hyper::Error),
    #[error("no answer to {0} within {limit} s", limit = crate::client::PATIENCE.as_secs())]
    NoAnswer(String),
    #[error("{request} was answered with {status}: {body}")]
    Refused { request: String, status: u16, body: String },
    #[error("the answer to {request} is not as documented: {cause}")]
    Answer { request: String, cause: serde_json::Error },
    #[error("{path}: {cause}")]
    File { path: String, cause: io::Error },
    #[error("the sales: {0}")]
    Sales(#[from] csv::Error),
    #[error("the file of sales has no column {0}")]
    MissingColumn(&'static str),
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    #[error("the shop: {0}")]
    Shop(Box<dyn std::error::Error + Send + Sync>),
    #[error("the plugin: {0}")]
    Plugin(String),
    #[error("a task ended early: {0}")]
    Task(#[from] tokio::task::JoinError),
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A fault of the shop in this process.
    pub fn shop(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Shop(Box::new(cause))
    }
}
