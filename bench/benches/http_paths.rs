//! Requests per second of the paths that shoppers use most, at 16 connections, on both databases.
//!
//! The server is the real one, in this process, on loopback; the client is in the same process and shares the cores, and the row
//! `livez` shows what the two can do together where the shop has nothing to do. `KASSA_BENCH_SECONDS` sets how long each row is
//! measured.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use http::Method;
use kassa_bench::client::Connection;
use kassa_bench::latency::{Latency, millis};
use kassa_bench::merchant::{Login, Merchant};
use kassa_bench::own_shop::OwnShop;
use kassa_bench::replay::Shopper;
use kassa_bench::sales::{Invoice, Line};
use kassa_bench::{Result, database, machine};
use serde::Deserialize;
use serde_json::json;
use tokio::task::JoinSet;

const CONNECTIONS: u64 = 16;
const PRODUCTS: u64 = 3_000;
const PAGE: usize = 20;
/// Lines of the carts that are added to: a cart of usual size.
const CART_LINES: u64 = 10;
const WARM_UP: Duration = Duration::from_secs(1);

/// What a connection does again and again.
#[derive(Clone)]
enum Work {
    /// Reads one of these paths, at random.
    Read(Arc<Vec<String>>),
    /// Adds one of ten variants to a cart of its own, which has the ten lines from the beginning.
    AddToCart,
    /// Cart, line, e-mail, address, delivery, checkout.
    Checkout,
}

#[tokio::main]
async fn main() -> Result<()> {
    // cargo passes `--bench`; there is nothing to choose.
    println!("{}", machine::describe());
    let seconds = std::env::var("KASSA_BENCH_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(5);
    let time = Duration::from_secs(seconds);
    println!("{CONNECTIONS} connections, {PRODUCTS} products, {seconds} s a row, client and server in one process");
    measure(None, time).await?;
    match database::postgres_server().await {
        Ok(server) => measure(Some(&server), time).await?,
        Err(reason) => {
            println!("NOT COVERED: PostgreSQL does not answer ({reason}); KASSA_TEST_POSTGRES says where it is")
        }
    }
    Ok(())
}

async fn measure(postgres: Option<&str>, time: Duration) -> Result<()> {
    let own = OwnShop::open(postgres).await?;
    let measured = measure_in(&own, time).await;
    own.close().await?;
    measured
}

async fn measure_in(own: &OwnShop, time: Duration) -> Result<()> {
    own.import(std::io::Cursor::new(catalog()), 100_000_000).await?;
    println!("\n{:<34}{:>10}{:>10}{:>10}", own.database.name(), "per s", "p50 ms", "p99 ms");
    let (pages, products) = paths(&own.login).await?;
    let read = |paths: Vec<String>| Work::Read(Arc::new(paths));
    let rows = [
        ("livez (no shop in it)", read(vec!["/livez".to_owned()])),
        ("product list, the first page", read(pages[..1].to_vec())),
        ("product list, any of the pages", read(pages)),
        ("product detail, any product", read(products)),
        ("add to a cart of 10 lines", Work::AddToCart),
        ("whole checkout (7 requests)", Work::Checkout),
    ];
    for (name, work) in rows {
        let row = run(&own.login.address, &work, time).await?;
        let per_second = row.count() as f64 / time.as_secs_f64();
        let [p50, p99] = [50.0, 99.0].map(|percent| millis(row.percentile(percent)));
        println!("{name:<34}{per_second:>10.0}{p50:>10.2}{p99:>10.2}");
    }
    Ok(())
}

/// Sales of which the import makes the catalog: a product each.
fn catalog() -> String {
    let mut file = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n".to_owned();
    for product in 0..PRODUCTS {
        let pence = 100 + product % 4_900;
        // Writing to a string cannot fail.
        let _ = writeln!(
            file,
            "{product},P{product:04},ARTICLE NUMBER {product} OF THE BENCH,1,2011-01-01 00:00:00,{}.{:02},,United Kingdom",
            pence / 100,
            pence % 100
        );
    }
    file
}

fn line(product: u64) -> Line {
    let price = (100 + product % 4_900) as i64;
    Line { sku: format!("P{product:04}@{}.{:02}", price / 100, price % 100), quantity: 1, price }
}

/// The paths of all pages of the list, and of all products.
async fn paths(login: &Login) -> Result<(Vec<String>, Vec<String>)> {
    #[derive(Deserialize)]
    struct Listed {
        slug: String,
    }
    #[derive(Deserialize)]
    struct Page {
        items: Vec<Listed>,
        next_cursor: Option<String>,
    }
    let mut merchant = Merchant::log_in(login).await?;
    let mut pages = vec![format!("/v1/products?limit={PAGE}")];
    let mut products = Vec::new();
    loop {
        let page: Page = merchant.get(&pages[pages.len() - 1]).await?;
        products.extend(page.items.into_iter().map(|product| format!("/v1/products/{}", product.slug)));
        match page.next_cursor {
            Some(cursor) => pages.push(format!("/v1/products?limit={PAGE}&cursor={cursor}")),
            None => return Ok((pages, products)),
        }
    }
}

async fn run(address: &str, work: &Work, time: Duration) -> Result<Latency> {
    let counting = Arc::new(AtomicBool::new(false));
    let stop = Arc::new(AtomicBool::new(false));
    let mut connections = JoinSet::new();
    for index in 0..CONNECTIONS {
        let worker = Worker::open(address, index).await?;
        connections.spawn(worker.run(work.clone(), counting.clone(), stop.clone()));
    }
    tokio::time::sleep(WARM_UP).await;
    counting.store(true, Ordering::Relaxed);
    tokio::time::sleep(time).await;
    counting.store(false, Ordering::Relaxed);
    stop.store(true, Ordering::Relaxed);
    let mut all = Latency::default();
    while let Some(latency) = connections.join_next().await {
        all.add(&latency??);
    }
    Ok(all)
}

struct Worker {
    connection: Connection,
    shopper: Shopper,
    random: u64,
    cart: String,
}

impl Worker {
    async fn open(address: &str, index: u64) -> Result<Self> {
        let shopper = Shopper::new(Connection::open(address).await?);
        let connection = Connection::open(address).await?;
        Ok(Self { connection, shopper, random: 0x9e37_79b9_7f4a_7c15 ^ (index + 1), cart: String::new() })
    }

    async fn run(mut self, work: Work, counting: Arc<AtomicBool>, stop: Arc<AtomicBool>) -> Result<Latency> {
        if let Work::AddToCart = work {
            self.fill_cart().await?;
        }
        let mut latency = Latency::default();
        while !stop.load(Ordering::Relaxed) {
            let begun = Instant::now();
            self.once(&work).await?;
            if counting.load(Ordering::Relaxed) {
                latency.record(begun.elapsed());
            }
        }
        Ok(latency)
    }

    async fn once(&mut self, work: &Work) -> Result<()> {
        match work {
            Work::Read(paths) => {
                let path = &paths[self.below(paths.len() as u64) as usize];
                let answer = self.connection.get(path).await?;
                if answer.is_success() { Ok(()) } else { answer.json(path) }
            }
            Work::AddToCart => {
                let product = self.below(CART_LINES);
                self.add(product).await
            }
            Work::Checkout => {
                let lines = vec![line(self.below(PRODUCTS))];
                self.shopper.play(0, &Invoice { number: "bench".into(), country: "GB", lines }).await;
                // A refusal would make the figure look better than it is.
                let outcome = std::mem::take(&mut self.shopper.outcome);
                outcome.failures.into_iter().next().map_or(Ok(()), |failure| Err(kassa_bench::Error::Plugin(failure)))
            }
        }
    }

    async fn fill_cart(&mut self) -> Result<()> {
        #[derive(Deserialize)]
        struct Cart {
            id: String,
        }
        let cart = self.connection.send_json(Method::POST, "/v1/carts", &json!({})).await?;
        self.cart = cart.json::<Cart>("create cart")?.id;
        for product in 0..CART_LINES {
            self.add(product).await?;
        }
        Ok(())
    }

    async fn add(&mut self, product: u64) -> Result<()> {
        let path = format!("/v1/carts/{}/lines", self.cart);
        let body = json!({ "sku": line(product).sku, "quantity": 1 });
        let answer = self.connection.send_json(Method::POST, &path, &body).await?;
        if answer.is_success() { Ok(()) } else { answer.json(&path) }
    }

    /// A number below `bound`, from a xorshift: the same in every run.
    fn below(&mut self, bound: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % bound
    }
}
