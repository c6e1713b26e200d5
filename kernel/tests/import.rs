//! Imports of the files in data/.

use kassa::Shop;
use kassa::catalog::{self, Filter, find_listed, find_variant_by_sku, list_products};
use kassa::import::{Error, Format, Progress, Remark, Report, Tally};
use kassa::inventory::{MovementFilter, list_movements};
use kassa::money::Amount;
use kassa::prices::PriceContext;

use crate::support::App;

use std::io::Cursor;

const SHOPIFY: &[u8] = include_bytes!("data/shopify.csv");
const ONLINE_RETAIL: &[u8] = include_bytes!("data/online-retail.csv");

/// A shop whose prices are in the currency of the sales.
async fn sterling(app: &App) -> App {
    app.another(|config| config.shop.currency = "GBP".to_owned().try_into().expect("a currency")).await
}

fn amount(variant: &catalog::SellableVariant) -> Amount {
    variant.price.as_ref().map_or(-1, |price| price.amount)
}

async fn import(shop: &Shop, file: &'static [u8], format: Format) -> Result<Report, Error> {
    kassa::import::run(shop, Cursor::new(file), format, false, &mut |_| {}).await
}

fn retail(extra_stock: i64) -> Format {
    Format::OnlineRetail { extra_stock }
}

fn lines(remarks: &[Remark]) -> Vec<(u64, &str)> {
    remarks.iter().map(|remark| (remark.line, remark.text.as_str())).collect()
}

async fn variant(shop: &Shop, sku: &str) -> catalog::SellableVariant {
    let mut conn = shop.db().read().await.unwrap();
    find_variant_by_sku(&mut conn, &PriceContext::of_guest(shop), sku)
        .await
        .unwrap()
        .unwrap_or_else(|| panic!("{sku} was imported"))
}

api_test! {
    async fn shopify_takes_what_it_can_and_says_what_not(app: App) {
        let shop = &app.shop;
        let mut last = None;
        let report = {
            let on_progress = &mut |progress| last = Some(progress);
            kassa::import::run(shop, Cursor::new(SHOPIFY), Format::ShopifyCsv, false, on_progress).await.unwrap()
        };
        assert_eq!(
            lines(&report.rejected),
            [
                (11, "gift cards cannot be sold here"),
                (12, "gift cards cannot be sold here"),
                (14, "no row of `orphan` has a title"),
                (15, "it has no handle"),
                (16, "the SKU HAT-1 is that of line 10"),
                (17, "it has no price"),
                (18, "the price `5.005`: it is finer than the smallest unit of EUR"),
                (19, "the weight `heavy` is not a number of grams from 0 to 1000000000"),
                (20, "the inventory quantity `many` is not a whole number"),
                (21, "the price -5 is negative"),
                (23, "the handles `Felt Hat 2` and `felt-hat-2` have the same address `felt-hat-2`"),
                (24, "it has 3 fields and the header has 21"),
            ]
        );
        assert_eq!(
            lines(&report.notes),
            [
                (1, "columns that are passed over: Google Shopping / Gender"),
                (2, "wool-scarf: 2 images are not taken: download them, and upload each"),
                (7, "wool-scarf:ash-grey:short: the inventory quantity -2 was taken as 0")
            ]
        );
        assert_eq!((report.rows, report.rows_taken), (21, 9));
        assert_eq!(report.products, Tally { created: 5, ..Tally::default() });
        assert_eq!(report.variants, Tally { created: 8, ..Tally::default() });
        assert_eq!(last, Some(Progress { rows_done: 21, rows_total: 21 }));

        let scarf = find_listed(shop, &PriceContext::of_guest(shop), "wool-scarf").await.unwrap().unwrap();
        assert_eq!(scarf.description, "Soft & warm.\n- Merino\n- 180 cm");
        let before: Vec<_> = scarf.variants.iter().map(|variant| variant.price.as_ref().unwrap().compare_at).collect();
        assert_eq!(before, [Some(4_900), None, None]);
        assert_eq!(scarf.category_path.as_deref(), Some("scarves"));
        let skus: Vec<_> =
            scarf.variants.iter().map(|variant| (variant.sku.as_str(), variant.title.as_str())).collect();
        assert_eq!(
            skus,
            [
                ("wool-scarf:ash-grey:long", "Ash Grey / Long"),
                ("wool-scarf:ash-grey:short", "Ash Grey / Short"),
                ("0042", "Rust / Long")
            ]
        );
        let hat = variant(shop, "HAT-1").await;
        assert_eq!((hat.title.as_str(), amount(&hat), hat.weight_grams, hat.available), ("Felt Hat", 5_500, 96, 7));
        assert_eq!(amount(&variant(shop, "HAT-7").await), 100_500);
        assert!(!variant(shop, "sketch").await.sellable, "what is not published is a draft");

        let again = import(shop, SHOPIFY, Format::ShopifyCsv).await.unwrap();
        assert_eq!(again.products, Tally { unchanged: 5, ..Tally::default() });
        assert_eq!(again.variants, Tally { unchanged: 8, ..Tally::default() });
        assert_eq!(again.rejected, report.rejected);
    }
}

api_test! {
    async fn online_retail_makes_a_variant_of_each_price(app: App) {
        let gbp = sterling(&app).await;
        let shop = &gbp.shop;
        let report = import(shop, ONLINE_RETAIL, retail(10)).await.unwrap();
        assert_eq!(
            lines(&report.rejected),
            [
                (7, "a return: the quantity is -1"),
                (9, "the price 0.0 is zero or less"),
                (10, "a return: the quantity is -4"),
                (11, "the price -20.5 is zero or less"),
                (12, "the price 0.001 is finer than a penny"),
                (13, "it has no stock code"),
                (16, "the quantity `two` is not a whole number"),
                (17, "the price `cheap`: it is not a decimal number"),
                (18, "it has 4 fields and the header has 8"),
                (19, "the invoice C900016 is a cancellation"),
                (20, "the quantity is zero"),
            ]
        );
        assert_eq!((report.rows, report.rows_taken), (21, 10));
        assert_eq!(report.products.created, 6);
        assert_eq!(report.variants.created, 7);
        assert_eq!(report.sales, Some(3 * 495 + 4 * 425 + 105 + 10 * 85 + 1_800 + 1_500 + 210));

        let teapot = variant(shop, "10001@4.25").await;
        assert_eq!((teapot.title.as_str(), amount(&teapot), teapot.available), ("TEAPOT BLUE, at 4.25", 425, 14));
        assert_eq!(variant(shop, "10001@4.95").await.product_id, teapot.product_id);
        assert_ne!(variant(shop, "10001a@1.05").await.product_id, teapot.product_id);
        assert_eq!(variant(shop, "10002@0.85").await.title, "PAPER \"LACE\" NAPKINS, at 0.85");
        let fees = Filter { category: Some("fees-and-services".into()), ..Filter::default() };
        let listing = list_products(shop, &PriceContext::of_guest(shop), &fees, kassa::search::Sort::Newest, None, 10).await.unwrap();
        assert_eq!(listing.products.len(), 2, "what was imported is indexed");

        let again = import(shop, ONLINE_RETAIL, retail(10)).await.unwrap();
        assert_eq!((again.products.unchanged, again.variants.unchanged), (6, 7));
        let more = import(shop, ONLINE_RETAIL, retail(11)).await.unwrap();
        assert_eq!((more.products.unchanged, more.variants.updated), (6, 7));
        assert_eq!(variant(shop, "10001@4.25").await.available, 15);
        let filter = MovementFilter { variant_id: Some(teapot.id), ..MovementFilter::default() };
        let movements = list_movements(shop, filter, None, 9).await.unwrap();
        let told: Vec<_> = movements.iter().map(|movement| (movement.kind.as_str(), movement.on_hand)).collect();
        assert_eq!(told, [("import", 15), ("opening", 14)]);
        gbp.stopper().stop().await;
    }
}

api_test! {
    async fn prices_of_another_currency_are_refused(app: App) {
        let shop = &app.shop;
        let refused = import(shop, ONLINE_RETAIL, retail(0)).await;
        assert!(matches!(refused, Err(Error::Currency { shop: "EUR", .. })));
    }
}

api_test! {
    async fn rows_of_shopify_that_do_not_fit_are_told(app: App) {
        let (title, long, of_option) = ("x".repeat(201), "x".repeat(101), "x".repeat(61));
        let mut file = "Handle,Title,Vendor,Option1 Name,Option1 Value,Variant SKU,Variant Grams,Variant Price\n".to_owned();
        file += &format!("a,{title},,,,A,,1\nb,B,{long},,,B,,1\nc,C,,,,{long},,1\nd,D,,Size,{of_option},D,,1\ne,E,,,,E,1000000001,1\n");
        file += "f,F,,,,,,\ng,G,,,,G,+5,1\nh,H,,,,H,1.x,1\n";
        (0..101).for_each(|index| file += &format!("many,Many,,Size,v{index},M-{index},,1\n"));
        let report = kassa::import::run(&app.shop, Cursor::new(file), Format::ShopifyCsv, true, &mut |_| {}).await.unwrap();
        let (own, many) = report.rejected.split_at(8);
        assert_eq!(
            lines(own),
            [
                (2, "the title is longer than 200 characters"),
                (3, "the vendor is longer than 100 characters"),
                (4, "the SKU is longer than 100 characters"),
                (5, "the option value is longer than 60 characters"),
                (6, "the weight `1000000001` is not a number of grams from 0 to 1000000000"),
                (7, "no row of `f` is a variant"),
                (8, "the weight `+5` is not a number of grams from 0 to 1000000000"),
                (9, "the weight `1.x` is not a number of grams from 0 to 1000000000"),
            ]
        );
        assert!(many.iter().all(|remark| remark.text == "an option of `many` has more than 100 values"), "{many:?}");
        assert_eq!((many.len(), report.rows_taken), (101, 0));
    }
}

api_test! {
    async fn sales_that_no_variant_can_hold_are_told(app: App) {
        let gbp = sterling(&app).await;
        let mut file = "InvoiceNo,StockCode,Description,Quantity,UnitPrice\n".to_owned();
        (1..=201).for_each(|price| file += &format!("1,MANY,MANY PRICES,1,{}.{:02}\n", price / 100, price % 100));
        file += &format!("1,{},LONG,1,1.00\n1,MUCH,MUCH,1,1.00\n1,MUCH,MUCH,1000000000,1.00\n", "x".repeat(97));
        file += "1,ALONE,ALONE,1000000001,1.00\n";
        let report = kassa::import::run(&gbp.shop, Cursor::new(file), retail(0), true, &mut |_| {}).await.unwrap();
        assert_eq!(
            lines(&report.rejected),
            [
                (202, "MANY has more than 200 prices"),
                (203, "its stock code cannot be part of a SKU"),
                (205, "more than 1000000000 of MUCH would be in stock"),
                (206, "more than 1000000000 of ALONE would be in stock"),
            ]
        );
        assert_eq!(report.products.created, 2, "what is not taken leaves no product behind");
        gbp.stopper().stop().await;
    }
}
