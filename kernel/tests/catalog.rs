//! The rules of the catalog over a database: versions, stock, paging, the tree of categories.

use std::collections::HashSet;

use kassa::Shop;
use kassa::catalog::*;
use kassa::inventory::WantedStock;
use kassa::money::Amount;
use kassa::prices::PriceContext;
use kassa::search::Sort;
use uuid::Uuid;

fn variant(sku: &str, price: Amount, on_hand: i64) -> NewVariant {
    NewVariant { sku: sku.into(), title: String::new(), price, weight_grams: 100, on_hand, ..NewVariant::default() }
}

fn product(title: &str, variants: Vec<NewVariant>) -> NewProduct {
    NewProduct {
        title: title.into(),
        slug: None,
        description: String::new(),
        vendor: "Kassa".into(),
        status: Status::Active,
        category_id: None,
        variants,
        ..NewProduct::default()
    }
}

async fn category(shop: &Shop, name: &str, parent_id: Option<Uuid>) -> Category {
    let new = NewCategory { name: name.into(), parent_id, ..NewCategory::default() };
    create_category(shop, &new).await.unwrap()
}

async fn titles(shop: &Shop, q: Option<&str>, category: Option<&str>) -> Vec<String> {
    let filter = Filter { q: q.map(Into::into), category: category.map(Into::into), ..Filter::default() };
    let listing = list_products(shop, &PriceContext::of_guest(shop), &filter, Sort::Newest, None, 100).await.unwrap();
    let whole = listing.products.into_iter().filter(|_| !listing.partial);
    whole.map(|product| product.title).collect()
}

api_test! {
    async fn a_product_is_made_changed_and_archived(app: App) {
        let shop = &app.shop;
        let made = create_product(shop, &product("Rooibos", vec![variant("T-1", 690, 5)])).await.unwrap();
        assert_eq!((made.slug.as_str(), made.version, made.variants[0].on_hand), ("rooibos", 1, 5));
        let twin = create_product(shop, &product("Rooibos", vec![])).await.unwrap();
        assert_eq!(twin.slug, "rooibos-2");
        let taken = create_product(shop, &product("Other", vec![variant("T-1", 1, 1)])).await;
        assert!(matches!(taken, Err(Error::SkuTaken(sku)) if sku == "T-1"));
        assert_eq!(titles(shop, Some("other"), None).await, [""; 0], "nothing of the refused product is left");

        let title = |title: &str| ProductPatch { title: Some(title.into()), ..ProductPatch::default() };
        let changed = patch_product(shop, made.id, title("Honeybush"), Some(1)).await.unwrap();
        assert_eq!((changed.title.as_str(), changed.version), ("Honeybush", 2));
        let stale = patch_product(shop, made.id, title("Mate"), Some(1)).await;
        assert!(matches!(stale, Err(Error::VersionMismatch { current: 2 })));
        let slug = ProductPatch { slug: Some("rooibos-2".into()), ..ProductPatch::default() };
        assert!(matches!(patch_product(shop, made.id, slug, None).await, Err(Error::SlugTaken(_))));
        assert_eq!(get_product(shop, made.id).await.unwrap(), changed, "refused changes leave nothing");

        assert_eq!(find_listed(shop, &PriceContext::of_guest(shop), "rooibos").await.unwrap().unwrap().id, made.id);
        assert_eq!(find_listed(shop, &PriceContext::of_guest(shop), &made.id.to_string()).await.unwrap().unwrap().slug, "rooibos");
        archive_product(shop, made.id, None).await.unwrap();
        assert!(find_listed(shop, &PriceContext::of_guest(shop), "rooibos").await.unwrap().is_none());
        assert_eq!(titles(shop, Some("honeybush"), None).await, [""; 0]);
        let mut conn = shop.db().read().await.unwrap();
        let kept = find_variant_by_sku(&mut conn, &PriceContext::of_guest(shop), "T-1").await.unwrap().unwrap();
        assert!(!kept.sellable);
        assert_eq!(kept.title, "Honeybush");
    }
}

api_test! {
    async fn variants_keep_stock_within_what_is_reserved(app: App) {
        let shop = &app.shop;
        let made = create_product(shop, &product("Cup", vec![variant("C-1", 900, 5)])).await.unwrap();
        let id = made.variants[0].id;
        let mut tx = shop.db().write().await.unwrap();
        let wanted = kassa::inventory::Quantity { variant_id: id, sku: "C-1".into(), quantity: 3 };
        kassa::inventory::reserve(&mut tx, Uuid::from_u128(1), std::slice::from_ref(&wanted), None).await.unwrap();
        tx.commit().await.unwrap();

        let on_hand = |on_hand| VariantPatch { on_hand: Some(on_hand), price: Some(1), ..VariantPatch::default() };
        assert!(matches!(patch_variant(shop, id, on_hand(2), None).await, Err(Error::BelowReserved { .. })));
        assert_eq!(get_product(shop, made.id).await.unwrap().variants[0].price, 900, "nothing of it is left");
        let (changed, ..) = patch_variant(shop, id, on_hand(3), None).await.unwrap();
        assert_eq!((changed.on_hand, changed.reserved, changed.price), (3, 3, 1));
        let listed = find_listed(shop, &PriceContext::of_guest(shop), "cup").await.unwrap().unwrap();
        assert!(!listed.in_stock());
        assert_eq!(listed.price_range(), Some((1, 1)));

        let mut tx = shop.db().write().await.unwrap();
        let short = kassa::inventory::reserve(&mut tx, Uuid::from_u128(2), &[wanted], None).await;
        assert!(matches!(short, Err(kassa::inventory::Error::Insufficient { available: 0, .. })));
        drop(tx);
        let (added, ..) = create_variant(shop, made.id, &variant("C-2", 500, 1)).await.unwrap();
        assert_eq!(added.position, 1);
        assert_eq!(titles(shop, Some("c-2"), None).await, ["Cup"], "a new SKU is found");
        delete_variant(shop, added.id, None).await.unwrap();
        assert_eq!(titles(shop, Some("c-2"), None).await, [""; 0]);
        assert!(matches!(delete_variant(shop, added.id, None).await, Err(Error::NotFound)));
        assert_eq!(get_product(shop, made.id).await.unwrap().version, 4);
    }
}

api_test! {
    async fn pages_neither_repeat_nor_skip_while_products_come_and_go(app: App) {
        let shop = &app.shop;
        let demo = list_products(shop, &PriceContext::of_guest(shop), &Filter::default(), Sort::Newest, None, 100).await.unwrap().products.len();
        let mut made = Vec::new();
        for number in 0..23 {
            let sku = format!("P-{number}");
            made.push(
                create_product(shop, &product(&format!("Product {number}"), vec![variant(&sku, 1, 1)])).await.unwrap(),
            );
        }
        let (filter, mut after, mut seen) = (Filter::default(), None, Vec::new());
        loop {
            let page = list_products(shop, &PriceContext::of_guest(shop), &filter, Sort::Newest, after.as_ref(), 5).await.unwrap();
            let Some(last) = page.products.last() else { break };
            seen.extend(page.products.iter().map(|product| product.id));
            // One newer than everything, and one that was shown goes.
            create_product(shop, &product("Newcomer", vec![])).await.unwrap();
            archive_product(shop, last.id, None).await.unwrap();
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let expected: Vec<_> = made.iter().rev().map(|product| product.id).collect();
        assert_eq!(seen[..made.len()], expected);
        assert_eq!(seen.len(), made.len() + demo);
    }
}

api_test! {
    async fn a_subtree_moves_with_its_paths_and_products(app: App) {
        let shop = &app.shop;
        let garden = category(shop, "Garden", None).await;
        let roses = category(shop, "Roses", Some(garden.id)).await;
        let climbing = category(shop, "Climbing", Some(roses.id)).await;
        // Its path begins like that of roses, and it is not below it.
        let books = category(shop, "Roses in books", Some(garden.id)).await;
        let other = category(shop, "Other", None).await;
        assert_eq!(climbing.path, "garden/roses/climbing");
        for (title, id) in [("Guji", climbing.id), ("Mug", books.id), ("Blend", roses.id)] {
            let new = NewProduct { category_id: Some(id), ..product(title, vec![]) };
            create_product(shop, &new).await.unwrap();
        }
        assert_eq!(titles(shop, None, Some("garden")).await, ["Blend", "Mug", "Guji"]);
        assert_eq!(titles(shop, None, Some("roses")).await, ["Blend", "Guji"]);
        assert_eq!(titles(shop, None, Some("nothing")).await, [""; 0]);

        let into = |id| CategoryPatch { parent_id: Some(Some(id)), ..CategoryPatch::default() };
        for (id, target) in [(roses.id, roses.id), (roses.id, climbing.id), (garden.id, climbing.id)] {
            assert!(matches!(patch_category(shop, id, into(target), None).await, Err(Error::CategoryCycle)));
        }
        let renamed = CategoryPatch { slug: Some("rosen".into()), ..into(other.id) };
        assert_eq!(patch_category(shop, roses.id, renamed, None).await.unwrap().path, "other/rosen");
        assert_eq!(titles(shop, None, Some("garden")).await, ["Mug"]);
        assert_eq!(titles(shop, None, Some("other")).await, ["Blend", "Guji"]);
        let guji = find_listed(shop, &PriceContext::of_guest(shop), "guji").await.unwrap().unwrap();
        assert_eq!(guji.category_path.as_deref(), Some("other/rosen/climbing"));

        assert!(matches!(delete_category(shop, roses.id, None).await, Err(Error::CategoryNotEmpty)));
        delete_category(shop, climbing.id, None).await.unwrap();
        assert_eq!(titles(shop, None, Some("rosen")).await, ["Blend", "Guji"], "products go up to the parent");
        let root = CategoryPatch { parent_id: Some(None), ..CategoryPatch::default() };
        assert_eq!(patch_category(shop, roses.id, root, None).await.unwrap().path, "rosen");
        let names: Vec<_> = list_categories(shop, &Reading::default()).await.unwrap().into_iter().map(|node| node.category.name).collect();
        assert_eq!(names, ["Coffee", "Garden", "Other", "Roses", "Tea", "Equipment"]);
    }
}

api_test! {
    async fn two_moves_at_a_time_make_no_cycle(app: App) {
        let shop = &app.shop;
        let (a, b) = (category(shop, "A", None).await, category(shop, "B", None).await);
        let into = |id| CategoryPatch { parent_id: Some(Some(id)), ..CategoryPatch::default() };
        let (first, second) =
            tokio::join!(patch_category(shop, a.id, into(b.id), None), patch_category(shop, b.id, into(a.id), None));
        assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    }
}

api_test! {
    async fn a_path_has_an_end(app: App) {
        let shop = &app.shop;
        let (mut parent, mut made) = (None, HashSet::new());
        let error = loop {
            let name = format!("{} {}", "deep".repeat(17), made.len());
            let new = NewCategory { name, parent_id: parent, ..NewCategory::default() };
            match create_category(shop, &new).await {
                Ok(category) => parent = Some(category.id).filter(|id| made.insert(*id)),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, Error::CategoryTooDeep), "{error:?}");
        assert!(made.len() > 20);
    }
}

api_test! {
    async fn a_file_put_again_changes_nothing(app: App) {
        let shop = &app.shop;
        let variant_of = |sku: &str, price: i64, on_hand: i64| WantedVariant {
            sku: sku.into(),
            price: Some(price),
            stock: WantedStock { total: Some(on_hand), ..WantedStock::default() },
            ..WantedVariant::default()
        };
        let mut wanted = WantedProduct {
            title: Some("Guji".into()),
            status: Some(Status::Active),
            variants: vec![variant_of("G-1", 990, 5), variant_of("G-2", 1890, 2)],
            ..WantedProduct::default()
        };
        let put = async |wanted: &WantedProduct| {
            let mut tx = shop.db().write().await.unwrap();
            let done = put_product(&mut tx, wanted, &[]).await.unwrap();
            tx.commit().await.unwrap();
            let variants: Vec<_> = done.variants.into_iter().map(|outcome| outcome.ok()).collect();
            (done.product, variants)
        };
        use Outcome::*;
        assert_eq!(put(&wanted).await, (Created, vec![Some(Created); 2]));
        assert_eq!(put(&wanted).await, (Unchanged, vec![Some(Unchanged); 2]));
        let listed = find_listed(shop, &PriceContext::of_guest(shop), "guji").await.unwrap().unwrap();
        assert_eq!(get_product(shop, listed.id).await.unwrap().version, 1);
        wanted.variants[0].price = Some(1090);
        wanted.variants.push(variant_of("G-3", 100, 1));
        assert_eq!(put(&wanted).await, (Unchanged, vec![Some(Updated), Some(Unchanged), Some(Created)]));
        create_product(shop, &product("Other", vec![variant("O-1", 1, 1)])).await.unwrap();
        wanted.title = Some("Guji, washed".into());
        wanted.variants.push(variant_of("O-1", 2, 2));
        assert_eq!(put(&wanted).await.1[3], None, "a SKU of another product");
        assert_eq!(put(&wanted).await.0, Unchanged);
        archive_product(shop, listed.id, None).await.unwrap();
        wanted.title = Some("Guji again".into());
        assert_eq!(put(&wanted).await.0, Updated);
        assert_eq!(get_product(shop, listed.id).await.unwrap().status, Status::Archived);
    }
}
