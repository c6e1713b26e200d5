//! Pricing by a chain: each plugin sees what those before it have added.

use std::sync::Arc;

use super::pricing::{Adjustment, Quote, Request, Totals};
use super::{Bound, CallError, Called, Fault, Host, Report};

/// A price.
#[derive(Debug)]
pub struct Chained {
    /// Of each plugin, in the order of the chain.
    pub links: Vec<Link>,
    /// All that they added.
    pub adjustments: Vec<Adjustment>,
    pub totals: Totals,
}

/// What one plugin of a chain was asked and answered.
#[derive(Debug)]
pub struct Link {
    pub request: Arc<Request>,
    pub quote: Quote,
    pub report: Report,
}

/// A chain without a price.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct ChainError {
    /// Which plugin it was, by its place in the chain; none where only their sum is broken.
    pub index: Option<usize>,
    pub error: CallError,
}

/// How far a chain came.
#[derive(Debug)]
pub struct Walked {
    /// Of each plugin that answered, in the order of the chain.
    pub links: Vec<Link>,
    /// All that they added.
    pub adjustments: Vec<Adjustment>,
    pub end: Result<Totals, ChainError>,
}

impl Host {
    /// Prices with every plugin of `chain`, one after the other. Fails closed: a price that one of them could not finish is no price.
    pub async fn price_chain(&self, chain: &[Arc<Bound>], request: Request) -> Result<Chained, ChainError> {
        let Walked { links, adjustments, end } = self.walk_chain(chain, request).await;
        end.map(|totals| Chained { links, adjustments, totals })
    }

    /// The same, for whoever asks how far it came.
    pub async fn walk_chain(&self, chain: &[Arc<Bound>], mut request: Request) -> Walked {
        let mut links = Vec::with_capacity(chain.len());
        for (index, bound) in chain.iter().enumerate() {
            let asked = Arc::new(request.clone());
            match self.price(bound, &asked).await {
                Ok(Called { value: quote, report }) => {
                    request.so_far.extend(quote.adjustments.iter().cloned());
                    links.push(Link { request: asked, quote, report });
                }
                Err(error) => {
                    let end = Err(ChainError { index: Some(index), error });
                    return Walked { links, adjustments: request.so_far, end };
                }
            }
        }
        let end = Totals::of(&request, &request.so_far).map_err(|broken| ChainError {
            index: None,
            error: CallError { fault: Fault::InvalidAnswer(broken), report: Report::default() },
        });
        Walked { links, adjustments: request.so_far, end }
    }
}
