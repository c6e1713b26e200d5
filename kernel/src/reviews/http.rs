//! Reviews over HTTP: what everybody reads, what customers write, what the merchant decides.

mod merchant;
mod mine;
mod shopper;

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Error, Review};
use crate::clock::Moment;
use crate::problem::{Kind, Problem};

pub use merchant::*;
pub use mine::*;
pub use shopper::*;

/// A review as everybody sees it. Texts are plain: escape them before they become part of a page.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReviewOut {
    id: Uuid,
    /// First name and initial; null where the author has given no name.
    #[schema(example = "Ada L.")]
    author: Option<String>,
    #[schema(minimum = 1, maximum = 5, example = 5)]
    rating: i64,
    /// Empty where there is none.
    #[schema(example = "Bright and smooth")]
    title: String,
    /// Empty where there is none.
    #[schema(example = "The best Earl Grey that I have had.")]
    body: String,
    /// Its author had paid for the product here when they wrote it.
    verified: bool,
    /// What the shop answers.
    reply: Option<ReplyOut>,
    /// How many found it helpful.
    #[schema(example = 12)]
    helpful: i64,
    /// How many did not.
    #[schema(example = 1)]
    unhelpful: i64,
    #[schema(value_type = DateTime<Utc>)]
    created_at: Moment,
    /// When its author or a decision changed it last.
    #[schema(value_type = DateTime<Utc>)]
    updated_at: Moment,
}

/// An answer of the shop.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReplyOut {
    #[schema(example = "Thank you, Ada!")]
    text: String,
    #[schema(value_type = DateTime<Utc>)]
    at: Moment,
}

impl From<Review> for ReviewOut {
    fn from(review: Review) -> Self {
        Self {
            id: review.id,
            author: Some(review.author).filter(|author| !author.is_empty()),
            rating: review.rating,
            title: review.title,
            body: review.body,
            verified: review.verified,
            reply: review.reply.map(|reply| ReplyOut { text: reply.text, at: reply.at }),
            helpful: review.helpful,
            unhelpful: review.unhelpful,
            created_at: review.created_at,
            updated_at: review.updated_at,
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::NotFound => Problem::not_found(),
            Error::Exists => Problem::new(Kind::ReviewExists),
            Error::Own => Problem::new(Kind::OwnReview),
            Error::VersionMismatch { .. } => Problem::new(Kind::PreconditionFailed).detail(detail),
            Error::Catalog(error) => error.into(),
            Error::Accounts(error) => error.into(),
            Error::Database(error) => error.into(),
        }
    }
}
