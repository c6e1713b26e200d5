//! All the SQL of reviews.

use uuid::Uuid;

use super::{Filter, Key, Rating, Reply, Review, Sort, StaffFilter, Status};
use crate::clock::Moment;
use crate::db::{Built, Conn, FromRow, Result, Tx, sql};

#[derive(FromRow)]
struct ReviewRow {
    id: Uuid,
    product_id: Uuid,
    customer_id: Uuid,
    author: String,
    rating: i64,
    title: String,
    body: String,
    verified: bool,
    status: String,
    reason: Option<String>,
    reply: Option<String>,
    replied_at: Option<Moment>,
    helpful: i64,
    unhelpful: i64,
    version: i64,
    created_at: Moment,
    updated_at: Moment,
}

impl From<ReviewRow> for Review {
    fn from(row: ReviewRow) -> Self {
        Self {
            id: row.id,
            product_id: row.product_id,
            customer_id: row.customer_id,
            author: row.author,
            rating: row.rating,
            title: row.title,
            body: row.body,
            verified: row.verified,
            status: Status::parse(&row.status),
            reason: row.reason,
            reply: row.reply.zip(row.replied_at).map(|(text, at)| Reply { text, at }),
            helpful: row.helpful,
            unhelpful: row.unhelpful,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

fn all(rows: Vec<ReviewRow>) -> Vec<Review> {
    rows.into_iter().map(Review::from).collect()
}

const ALL: &str = "select id, product_id, customer_id, author, rating, title, body, verified, status, reason, reply,
                          replied_at, helpful, unhelpful, version, created_at, updated_at
                   from reviews where ";

pub(super) async fn find(conn: &mut Conn, id: Uuid) -> Result<Option<Review>> {
    let row = sql::optional!(
        conn,
        ReviewRow,
        "select id, product_id, customer_id, author, rating, title, body, verified, status, reason, reply, replied_at,
                helpful, unhelpful, version, created_at, updated_at
         from reviews where id = $1",
        id
    )?;
    Ok(row.map(Review::from))
}

/// Locks it for the rest of the transaction.
pub(super) async fn lock(tx: &mut Tx, id: Uuid) -> Result<Option<Review>> {
    let row = sql::optional!(
        tx,
        ReviewRow,
        "update reviews set version = version where id = $1
         returning id, product_id, customer_id, author, rating, title, body, verified, status, reason, reply, replied_at,
                   helpful, unhelpful, version, created_at, updated_at",
        id
    )?;
    Ok(row.map(Review::from))
}

/// Published ones of a product, in the order of the filter.
pub(super) async fn published(
    conn: &mut Conn,
    product_id: Uuid,
    filter: Filter,
    after: Option<Key>,
    limit: i64,
) -> Result<Vec<Review>> {
    let mut built = Built::new(ALL);
    built.push("status = 'published' and product_id = ").bind(product_id);
    if let Some(rating) = filter.rating {
        built.push(" and rating = ").bind(rating);
    }
    if filter.verified {
        built.push(" and verified = true");
    }
    if let Some(after) = after {
        match filter.sort {
            Sort::Newest => built.push(" and id < ").bind(after.id),
            Sort::Rating => built.push(" and (rating, id) < (").bind(after.number).push(", ").bind(after.id).push(")"),
            Sort::Helpful => {
                built.push(" and (helpful, id) < (").bind(after.number).push(", ").bind(after.id).push(")")
            }
        };
    }
    built.push(match filter.sort {
        Sort::Newest => " order by id desc",
        Sort::Rating => " order by rating desc, id desc",
        Sort::Helpful => " order by helpful desc, id desc",
    });
    built.push(" limit ").bind(limit);
    Ok(all(built.all(conn).await?))
}

/// The newest first.
pub(super) async fn of_customer(
    conn: &mut Conn,
    customer_id: Uuid,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Review>> {
    let mut built = Built::new(ALL);
    built.push("customer_id = ").bind(customer_id);
    if let Some(after) = after {
        built.push(" and id < ").bind(after);
    }
    built.push(" order by id desc limit ").bind(limit);
    Ok(all(built.all(conn).await?))
}

/// The newest first.
pub(super) async fn for_staff(
    conn: &mut Conn,
    filter: StaffFilter,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Review>> {
    let mut built = Built::new(ALL);
    // Ids are never the greatest one.
    built.push("id < ").bind(after.unwrap_or(Uuid::max()));
    if let Some(status) = filter.status {
        built.push(" and status = ").bind(status.as_str());
    }
    if let Some(product_id) = filter.product_id {
        built.push(" and product_id = ").bind(product_id);
    }
    built.push(" order by id desc limit ").bind(limit);
    Ok(all(built.all(conn).await?))
}

/// False where the customer has reviewed the product before.
pub(super) async fn insert(tx: &mut Tx, review: &Review) -> Result<bool> {
    let inserted = sql::execute!(
        tx,
        "insert into reviews (id, product_id, customer_id, author, rating, title, body, verified, status, helpful,
                              unhelpful, version, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0, $10, $11, $11)
         on conflict (product_id, customer_id) do nothing",
        review.id,
        review.product_id,
        review.customer_id,
        review.author.as_str(),
        review.rating,
        review.title.as_str(),
        review.body.as_str(),
        review.verified,
        review.status.as_str(),
        review.version,
        review.created_at
    )?;
    Ok(inserted == 1)
}

/// What its author says, and what became of it.
pub(super) async fn update(tx: &mut Tx, review: &Review) -> Result<()> {
    sql::execute!(
        tx,
        "update reviews
         set author = $2, rating = $3, title = $4, body = $5, verified = $6, status = $7, reason = $8, version = $9,
             updated_at = $10
         where id = $1",
        review.id,
        review.author.as_str(),
        review.rating,
        review.title.as_str(),
        review.body.as_str(),
        review.verified,
        review.status.as_str(),
        review.reason.as_deref(),
        review.version,
        review.updated_at
    )?;
    Ok(())
}

pub(super) async fn set_reply(tx: &mut Tx, id: Uuid, reply: Option<&Reply>) -> Result<()> {
    sql::execute!(
        tx,
        "update reviews set reply = $2, replied_at = $3 where id = $1",
        id,
        reply.map(|reply| reply.text.as_str()),
        reply.map(|reply| reply.at)
    )?;
    Ok(())
}

/// Its votes go with it.
pub(super) async fn delete(tx: &mut Tx, id: Uuid) -> Result<()> {
    sql::execute!(tx, "delete from reviews where id = $1", id)?;
    Ok(())
}

/// What its author writes of the product from now on is seen by the merchant first.
pub(super) async fn refuse(tx: &mut Tx, review: &Review) -> Result<()> {
    sql::execute!(
        tx,
        "insert into review_refusals (product_id, customer_id) values ($1, $2)
         on conflict (product_id, customer_id) do nothing",
        review.product_id,
        review.customer_id
    )?;
    Ok(())
}

pub(super) async fn forgive(tx: &mut Tx, review: &Review) -> Result<()> {
    sql::execute!(
        tx,
        "delete from review_refusals where product_id = $1 and customer_id = $2",
        review.product_id,
        review.customer_id
    )?;
    Ok(())
}

pub(super) async fn was_refused(conn: &mut Conn, product_id: Uuid, customer_id: Uuid) -> Result<bool> {
    let row = sql::optional!(
        conn,
        (Uuid,),
        "select product_id from review_refusals where product_id = $1 and customer_id = $2",
        product_id,
        customer_id
    )?;
    Ok(row.is_some())
}

/// Deletes all of a customer; which they were, and their products, always in one order.
pub(super) async fn forget_customer(tx: &mut Tx, customer_id: Uuid) -> Result<Vec<(Uuid, Uuid)>> {
    sql::execute!(tx, "delete from review_refusals where customer_id = $1", customer_id)?;
    let mut rows = sql::all!(
        tx,
        (Uuid, Uuid),
        "delete from reviews where customer_id = $1 returning product_id, id",
        customer_id
    )?;
    rows.sort_unstable();
    Ok(rows)
}

/// The reviews that a customer voted on, always in one order.
pub(super) async fn votes_of(conn: &mut Conn, customer_id: Uuid) -> Result<Vec<Uuid>> {
    let rows = sql::all!(
        conn,
        (Uuid,),
        "select review_id from review_votes where customer_id = $1 order by review_id",
        customer_id
    )?;
    Ok(rows.into_iter().map(|(review_id,)| review_id).collect())
}

/// The reviews that a customer voted on, and how.
pub(super) async fn cast_by(conn: &mut Conn, customer_id: Uuid) -> Result<Vec<(Uuid, bool)>> {
    sql::all!(
        conn,
        (Uuid, bool),
        "select review_id, helpful from review_votes where customer_id = $1 order by review_id",
        customer_id
    )
}

pub(super) async fn put_vote(tx: &mut Tx, review_id: Uuid, customer_id: Uuid, helpful: bool) -> Result<()> {
    sql::execute!(
        tx,
        "insert into review_votes (review_id, customer_id, helpful) values ($1, $2, $3)
         on conflict (review_id, customer_id) do update set helpful = excluded.helpful",
        review_id,
        customer_id,
        helpful
    )?;
    Ok(())
}

pub(super) async fn delete_vote(tx: &mut Tx, review_id: Uuid, customer_id: Uuid) -> Result<()> {
    sql::execute!(tx, "delete from review_votes where review_id = $1 and customer_id = $2", review_id, customer_id)?;
    Ok(())
}

/// Counts the votes of a locked review again.
pub(super) async fn count_votes(tx: &mut Tx, review_id: Uuid) -> Result<()> {
    sql::execute!(
        tx,
        "update reviews
         set helpful = (select count(*) from review_votes where review_id = $1 and helpful = true),
             unhelpful = (select count(*) from review_votes where review_id = $1 and helpful = false)
         where id = $1",
        review_id
    )?;
    Ok(())
}

#[derive(FromRow)]
struct RatingRow {
    product_id: Uuid,
    stars_1: i64,
    stars_2: i64,
    stars_3: i64,
    stars_4: i64,
    stars_5: i64,
}

/// Of those products that were ever rated.
pub(super) async fn ratings(conn: &mut Conn, product_ids: &[Uuid]) -> Result<Vec<(Uuid, Rating)>> {
    let mut built = Built::new(
        "select product_id, stars_1, stars_2, stars_3, stars_4, stars_5 from product_ratings where product_id in (",
    );
    built.bind_all(product_ids.iter().copied()).push(")");
    let rows: Vec<RatingRow> = built.all(conn).await?;
    let rating = |row: RatingRow| {
        (row.product_id, Rating::of([row.stars_1, row.stars_2, row.stars_3, row.stars_4, row.stars_5]))
    };
    Ok(rows.into_iter().map(rating).collect())
}

/// Locks the rating of a product for the rest of the transaction, making it where it is missing.
pub(super) async fn lock_rating(tx: &mut Tx, product_id: Uuid) -> Result<()> {
    sql::execute!(
        tx,
        "insert into product_ratings (product_id, stars_1, stars_2, stars_3, stars_4, stars_5, reviews, rating)
         values ($1, 0, 0, 0, 0, 0, 0, 0)
         on conflict (product_id) do update set reviews = product_ratings.reviews",
        product_id
    )?;
    Ok(())
}

/// How many published reviews have one star, two, and so on.
pub(super) async fn count_stars(conn: &mut Conn, product_id: Uuid) -> Result<[i64; 5]> {
    let rows = sql::all!(
        conn,
        (i64, i64),
        "select rating, count(*) from reviews where product_id = $1 and status = 'published' group by rating",
        product_id
    )?;
    let mut stars = [0; 5];
    for (rating, count) in rows {
        if let Some(star) = usize::try_from(rating - 1).ok().and_then(|index| stars.get_mut(index)) {
            *star = count;
        }
    }
    Ok(stars)
}

pub(super) async fn set_rating(tx: &mut Tx, product_id: Uuid, rating: &Rating) -> Result<()> {
    let [one, two, three, four, five] = rating.stars;
    sql::execute!(
        tx,
        "update product_ratings
         set stars_1 = $2, stars_2 = $3, stars_3 = $4, stars_4 = $5, stars_5 = $6, reviews = $7, rating = $8
         where product_id = $1",
        product_id,
        one,
        two,
        three,
        four,
        five,
        rating.reviews,
        rating.average
    )?;
    Ok(())
}
