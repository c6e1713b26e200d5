//! The outbox, over both databases.

use std::time::Duration;

use kassa::db::sql;
use kassa::{Shop, events};
use serde_json::json;


api_test! {
    /// Two kernels on one database take turns, and no event is taken by both.
    async fn two_kernels_share_the_outbox(app: App) {
        const EVENTS: i64 = 500;
        let other_data = tempfile::tempdir().expect("a temporary folder");
        let mut config = app.shop.config().clone();
        config.data.dir = other_data.path().to_owned();
        let other = Shop::open(config).await.expect("a second kernel opens");
        let worker = tokio::spawn(events::run(other.clone()));

        let mut tx = app.shop.db().write().await.unwrap();
        for number in 0..EVENTS {
            events::record(&mut tx, "test.counted", number, json!({ "number": number })).await.unwrap();
        }
        tx.commit().await.unwrap();
        for _ in 0..20 {
            app.shop.relay().wake();
            other.relay().wake();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        app.eventually("every event is sent", || async {
            (unsent(&app.shop).await == 0).then_some(())
        })
        .await;
        let mut conn = app.shop.db().read().await.unwrap();
        let (sent, tries) = sql::one!(
            conn,
            (i64, i64),
            "select count(*), cast(sum(attempts) as bigint) from events where kind = 'test.counted' and sent_at is not null"
        )
        .unwrap();
        assert_eq!((sent, tries), (EVENTS, EVENTS), "each was taken once");
        other.stop();
        worker.await.expect("the worker ends");
        drop(conn);
        other.db().close().await;
    }
}

async fn unsent(shop: &Shop) -> i64 {
    let mut conn = shop.db().read().await.unwrap();
    let row = sql::one!(conn, (i64,), "select count(*) from events where kind = 'test.counted' and sent_at is null");
    row.unwrap().0
}
