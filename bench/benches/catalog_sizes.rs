//! How the pages that shoppers open most grow with the catalog: search, category, detail; at 1,000, 10,000 and 100,000
//! variants, five to a product, on both databases; and how long a file of so many takes to be imported, and to be imported again.
//!
//! One connection asks one thing after the other, so that a figure is the time of a page and not of a queue. The cache of ready
//! answers is off: what is measured is the work. `KASSA_BENCH_VARIANTS=1000,10000` chooses the sizes, `KASSA_BENCH_ROUNDS`
//! how often each page is asked for.

use std::fmt::Write;
use std::time::{Duration, Instant};

use kassa::import::{Format, Tally};
use kassa_bench::client::Connection;
use kassa_bench::latency::{Latency, millis};
use kassa_bench::own_shop::OwnShop;
use kassa_bench::{Error, Result, database, machine};
use serde::Deserialize;

const VARIANTS_OF_A_PRODUCT: u64 = 5;
const CATEGORIES: u64 = 50;
const COLOURS: [&str; 10] = ["Amber", "Blue", "Cobalt", "Dusty", "Emerald", "Fawn", "Golden", "Hazel", "Ivory", "Jade"];
const MATTERS: [&str; 10] =
    ["Acrylic", "Bamboo", "Ceramic", "Denim", "Enamel", "Felted", "Glazed", "Hemp", "Iron", "Jute"];
const THINGS: [&str; 10] =
    ["Apron", "Basket", "Candle", "Drawer", "Envelope", "Frame", "Garland", "Hanger", "Incense", "Jar"];

#[tokio::main]
async fn main() -> Result<()> {
    println!("{}", machine::describe());
    let sizes = std::env::var("KASSA_BENCH_VARIANTS").unwrap_or_else(|_| "1000,10000,100000".to_owned());
    let sizes: Vec<u64> = sizes.split(',').filter_map(|size| size.trim().parse().ok()).collect();
    let rounds = std::env::var("KASSA_BENCH_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(300);
    println!("one connection, {rounds} times each, nothing cached; p50 / p99 in ms");
    let postgres = database::postgres_server().await;
    for variants in sizes {
        measure(None, variants, rounds).await?;
        match &postgres {
            Ok(server) => measure(Some(server), variants, rounds).await?,
            Err(reason) => {
                println!("NOT COVERED: PostgreSQL does not answer ({reason}); KASSA_TEST_POSTGRES says where it is")
            }
        }
    }
    Ok(())
}

async fn measure(postgres: Option<&str>, variants: u64, rounds: u64) -> Result<()> {
    let own = OwnShop::open_with(postgres, |config| config.cache.memory_mib = 0).await?;
    let measured = measure_in(&own, variants, rounds).await;
    own.close().await?;
    measured
}

async fn measure_in(own: &OwnShop, variants: u64, rounds: u64) -> Result<()> {
    let products = variants / VARIANTS_OF_A_PRODUCT;
    let file = catalog(products);
    println!("\n{variants} variants, {}:", own.database.name());
    let made = import(own, &file, "imported and indexed").await?;
    let same = import(own, &file, "imported again").await?;
    if (made.created, same.unchanged) != (products * VARIANTS_OF_A_PRODUCT, made.created) {
        return Err(Error::Plugin(format!("the import made {made:?}, and then {same:?}")));
    }
    // A shop of this size has had its statistics taken long ago; one that was filled a second ago has not.
    own.database.take_statistics().await?;
    let mut connection = Connection::open(&own.login.address).await?;
    let colour = |n: u64| COLOURS[(n % 10) as usize];
    let thing = |n: u64| THINGS[(n / 10 % 10) as usize];
    let pages: [(&str, &dyn Fn(u64) -> String); 9] = [
        ("search: a word that a tenth of all has", &|n| format!("/v1/products?q={}", thing(n))),
        ("search: two of them", &|n| format!("/v1/products?q={}+{}", colour(n), thing(n))),
        ("search: a SKU", &|n| format!("/v1/products?q=SKU-{}-1", n % products)),
        ("search: a prefix", &|n| format!("/v1/products?q={}", &thing(n)[..3])),
        ("search: a typo", &|n| format!("/v1/products?q={}x", thing(n))),
        ("search with facets", &|n| format!("/v1/products?q={}&facets=true", thing(n))),
        ("a category", &|n| format!("/v1/products?category=category-{}", n % CATEGORIES)),
        ("the list, by price", &|_| "/v1/products?sort=price-asc".to_owned()),
        ("a product", &|n| format!("/v1/products/product-{}", n % products)),
    ];
    for (name, path) in pages {
        let latency = ask(&mut connection, path, rounds).await?;
        let [p50, p99] = [50.0, 99.0].map(|percent| millis(latency.percentile(percent)));
        println!("{name:<42}{p50:>9.2}{p99:>9.2}");
    }
    Ok(())
}

async fn import(own: &OwnShop, file: &str, what: &str) -> Result<Tally> {
    let begun = Instant::now();
    let file = std::io::Cursor::new(file.to_owned());
    let report = kassa::import::run(&own.shop, file, Format::ShopifyCsv, false, &mut |_| {}).await;
    println!("{what} in {:.1} s", begun.elapsed().as_secs_f64());
    Ok(report.map_err(Error::shop)?.variants)
}

async fn ask(connection: &mut Connection, path: &dyn Fn(u64) -> String, rounds: u64) -> Result<Latency> {
    /// That a page is found, and not empty, is what makes its time mean something.
    #[derive(Deserialize)]
    struct Page {
        #[serde(default)]
        items: Option<Vec<serde_json::Value>>,
    }
    let mut latency = Latency::default();
    for round in 0..rounds {
        // A prime stride: neighbours of one round are not the neighbours of the next.
        let path = path(round * 7_919);
        let begun = Instant::now();
        let answer = connection.get(&path).await?;
        latency.record(begun.elapsed().max(Duration::from_micros(1)));
        if answer.json::<Page>(&path)?.items.is_some_and(|items| items.is_empty()) {
            return Err(Error::Plugin(format!("{path} found nothing")));
        }
    }
    Ok(latency)
}

/// An export of Shopify.
fn catalog(products: u64) -> String {
    let mut file = "Handle,Title,Body (HTML),Vendor,Type,Published,Option1 Name,Option1 Value,Variant SKU,\
                    Variant Grams,Variant Inventory Qty,Variant Price\n"
        .to_owned();
    for product in 0..products {
        let word = |words: [&'static str; 10], at: u64| words[(at % 10) as usize];
        let title = format!(
            "{} {} {} {product}",
            word(COLOURS, product),
            word(MATTERS, product / 100),
            word(THINGS, product / 10)
        );
        for variant in 1..=VARIANTS_OF_A_PRODUCT {
            // The first row of a product has what belongs to all of it. Writing to a string cannot fail.
            let head = if variant == 1 {
                format!(
                    "{title},<p>Made by hand and packed with care.</p>,Vendor {},Category {},TRUE",
                    product % 200,
                    product % CATEGORIES
                )
            } else {
                ",,,,".to_owned()
            };
            let _ = writeln!(
                file,
                "product-{product},{head},Size,{variant},SKU-{product}-{variant},100,10,{}.{:02}",
                1 + product % 90,
                variant
            );
        }
    }
    file
}
