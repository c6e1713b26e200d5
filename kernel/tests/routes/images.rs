//! Images of products.

use std::io::Cursor;

use image::codecs::gif::GifEncoder;
use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};
use kassa::clock;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::App;
use crate::support::app::Answer;
use crate::support::merchant::{Merchant, pointers};

/// A red picture of this size.
fn red(width: u32, height: u32) -> DynamicImage {
    DynamicImage::ImageRgba8(RgbaImage::from_pixel(width, height, Rgba([220, 20, 20, 255])))
}

fn encoded(pixels: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    let pixels = if format == ImageFormat::Jpeg { &pixels.to_rgb8().into() } else { pixels };
    pixels.write_to(&mut file, format).expect("encoded");
    file.into_inner()
}

/// A JPEG as a camera writes it: what it is called, and that it was turned.
fn photo(width: u32, height: u32) -> Vec<u8> {
    // Left half red, right half blue; orientation 6: to be turned by 90 degrees clockwise.
    let pixels = RgbaImage::from_fn(width, height, |x, _| match x < width / 2 {
        true => Rgba([220, 20, 20, 255]),
        false => Rgba([20, 20, 220, 255]),
    });
    let file = encoded(&pixels.into(), ImageFormat::Jpeg);
    let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x02".to_vec();
    exif.extend(b"\x01\x0f\0\x02\0\0\0\x10\0\0\0\x26");
    exif.extend(b"\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0");
    exif.extend(b"TelltaleCamera1\0");
    let length = u16::try_from(exif.len() + 2).expect("short").to_be_bytes();
    [&file[..2], &[0xff, 0xe1], &length, &exif, &file[2..]].concat()
}

async fn product(merchant: &Merchant<'_>, title: &str) -> Value {
    let variants =
        json!([{ "sku": format!("{title}-1"), "price": 100 }, { "sku": format!("{title}-2"), "price": 200 }]);
    let variants = variants.as_array().expect("variants").clone();
    let body = json!({ "title": title, "status": "active", "variants": [variants[0]] });
    let made = merchant.post("/v1/admin/products", body).await.expect(201);
    let path = format!("/v1/admin/products/{}/variants", id(&made));
    let mut second = variants[1].clone();
    second["title"] = json!("Two");
    merchant.post(&path, second).await.expect(201);
    merchant.get(&format!("/v1/admin/products/{}", id(&made))).await.expect(200)
}

fn id(value: &Value) -> &str {
    value["id"].as_str().expect("an id")
}

async fn upload(merchant: &Merchant<'_>, product: &Value, query: &str, media_type: &str, file: Vec<u8>) -> Answer {
    let url = format!("{}/v1/admin/products/{}/images{query}", merchant.app.url, id(product));
    let request = merchant.app.client.post(url).bearer_auth(&merchant.token).header("content-type", media_type);
    Answer::of(request.body(file)).await
}

/// What is at an address: its headers and its pixels.
async fn fetch(app: &App, url: &Value) -> (reqwest::header::HeaderMap, Vec<u8>) {
    let response =
        app.client.get(format!("{}{}", app.url, url.as_str().expect("a URL"))).send().await.expect("answered");
    assert_eq!(response.status(), 200, "{url}");
    (response.headers().clone(), response.bytes().await.expect("whole").to_vec())
}

async fn pixels(app: &App, url: &Value) -> RgbaImage {
    image::load_from_memory(&fetch(app, url).await.1).expect("a picture").to_rgba8()
}

fn is_red(pixel: &Rgba<u8>) -> bool {
    pixel.0[0] > 180 && pixel.0[1] < 80 && pixel.0[2] < 80
}

fn stored(app: &App) -> usize {
    std::fs::read_dir(app.data().join("images")).expect("the folder").count()
}

api_test! {
    async fn an_upload_is_made_anew_in_three_sizes_and_shown_with_its_product(app: App) {
        let merchant = Merchant::of(&app).await;
        let tin = product(&merchant, "tin").await;
        let file = photo(3_000, 1_500);
        assert!(file.windows(14).any(|bytes| bytes == b"TelltaleCamera"));
        let answer = upload(&merchant, &tin, "?alt=A%20tin", "image/jpeg", file).await;
        let location = answer.headers["location"].to_str().expect("a path").to_owned();
        let made = answer.expect(201);
        assert_eq!(merchant.get(&location).await.expect(200), made);
        assert_eq!((&made["alt"], &made["position"]), (&json!("A tin"), &json!(0)));
        assert_eq!((&made["width"], &made["height"]), (&json!(1_200), &json!(2_400)));
        let list = app.get("/v1/products?limit=1").await.expect(200);
        for shown in [app.get("/v1/products/tin").await.expect(200), list["items"][0].clone()] {
            let expected = json!({ "id": made["id"], "alt": "A tin", "width": 1_200, "height": 2_400, "urls": made["urls"] });
            assert_eq!(shown["images"], json!([expected]));
        }
        // Turned upright: red was left, and is above now.
        for (size, width, height) in [("list", 200, 400), ("detail", 600, 1_200), ("full", 1_200, 2_400)] {
            let (headers, bytes) = fetch(&app, &made["urls"][size]).await;
            assert_eq!(headers["content-type"], "image/jpeg");
            assert_eq!(headers["cache-control"], "public, max-age=31536000, immutable");
            assert_eq!(headers["x-content-type-options"], "nosniff");
            assert!(!bytes.windows(14).any(|bytes| bytes == b"TelltaleCamera"), "what the camera wrote is gone");
            let pixels = image::load_from_memory(&bytes).expect("a picture").to_rgba8();
            assert_eq!(pixels.dimensions(), (width, height));
            assert!(is_red(pixels.get_pixel(width / 2, height / 4)) && !is_red(pixels.get_pixel(width / 2, height * 3 / 4)));
        }
        let path = made["urls"]["list"].as_str().expect("a path");
        let (headers, _) = fetch(&app, &made["urls"]["list"]).await;
        let again = app.client.get(format!("{}{path}", app.url)).header("if-none-match", &headers["etag"]);
        assert_eq!(Answer::of(again).await.status, 304);
        for wrong in [path.replace(".jpg", ".png"), path.replace(".jpg", ""), "/v1/images/..%2F..%2Fshop.jpg".into()] {
            app.get(&wrong).await.problem("not-found");
        }
    }
}

api_test! {
    async fn what_is_no_harmless_picture_is_refused_and_changes_nothing(app: App) {
        let merchant = Merchant::of(&app).await;
        let tin = product(&merchant, "tin").await;
        let png = encoded(&red(64, 64), ImageFormat::Png);
        // Some dozen bytes that declare ten gigabytes.
        let bomb = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\xc3\x50\0\0\xc3\x50\x08\x06\0\0\0\x4b\xaf\x3d\xca\0\0\0\0IDAT\x35\xaf\x06\x1e";
        let gif_bomb = b"GIF89a\x50\xc3\x50\xc3\0\0\0\x2c\0\0\0\0\x50\xc3\x50\xc3\0\x08\x01\0\0;";
        let jpeg = encoded(&red(64, 64), ImageFormat::Jpeg);
        for (name, media_type, file, reason) in [
            ("a bomb", "image/png", bomb.to_vec(), "too-many-pixels"),
            ("a GIF bomb", "image/gif", gif_bomb.to_vec(), "too-many-pixels"),
            ("a text", "image/png", b"hello".to_vec(), "not-an-image"),
            ("nothing", "image/png", Vec::new(), "not-an-image"),
            ("SVG", "image/png", b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec(), "not-an-image"),
            ("another type", "image/jpeg", png.clone(), "other-format"),
            ("half a PNG", "image/png", png[..png.len() / 2].to_vec(), "damaged"),
            ("half a JPEG", "image/jpeg", jpeg[..jpeg.len() / 2].to_vec(), "damaged"),
            ("a JPEG without its end", "image/jpeg", jpeg[..jpeg.len() - 2].to_vec(), "damaged"),
            ("black CMYK", "image/jpeg", include_bytes!("../data/cmyk-uneven.jpg").to_vec(), "unsupported"),
        ] {
            let refused = upload(&merchant, &tin, "", media_type, file).await.problem("image-rejected");
            assert_eq!(refused["reason"], reason, "{name}: {refused}");
        }
        let svg = b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec();
        upload(&merchant, &tin, "", "image/svg+xml", svg).await.problem("unsupported-media-type");
        upload(&merchant, &tin, "", "image/png", vec![0; 11 << 20]).await.problem("payload-too-large");
        let far = upload(&merchant, &tin, "?position=1001", "image/png", png.clone()).await.problem("invalid-request");
        assert_eq!(pointers(&far), ["position"]);
        let long = format!("?alt={}", "a".repeat(501));
        assert_eq!(pointers(&upload(&merchant, &tin, &long, "image/png", png.clone()).await.problem("invalid-request")), ["alt"]);
        let path = format!("/v1/admin/products/{}", id(&tin));
        assert_eq!(merchant.get(&format!("{path}/images")).await.expect(200), json!([]));
        assert_eq!(merchant.get(&path).await.expect(200)["version"], tin["version"]);
        assert_eq!(stored(&app), 0);
        let nowhere = json!({ "id": kassa::id::sequential() });
        upload(&merchant, &nowhere, "", "image/png", png).await.problem("not-found");
    }
}

api_test! {
    async fn every_kind_of_picture_is_taken(app: App) {
        let merchant = Merchant::of(&app).await;
        let tin = product(&merchant, "tin").await;
        let mut animation = Vec::new();
        {
            let mut encoder = GifEncoder::new(&mut animation);
            let blue = RgbaImage::from_pixel(60, 40, Rgba([20, 20, 220, 255]));
            let frames = [red(60, 40).to_rgba8(), blue].map(image::Frame::new);
            encoder.encode_frames(frames).expect("encoded");
        }
        let mut seen_through = red(60, 40).to_rgba8();
        seen_through.put_pixel(0, 0, Rgba([0, 0, 0, 0]));
        let cmyk = include_bytes!("../data/cmyk.jpg").to_vec();
        for (media_type, file, extension) in [
            ("image/gif", animation, "jpg"),
            ("image/jpeg", cmyk, "jpg"),
            ("image/jpeg; charset=binary", encoded(&red(60, 40), ImageFormat::Jpeg), "jpg"),
            ("image/webp", encoded(&red(60, 40), ImageFormat::WebP), "jpg"),
            ("image/png", encoded(&red(60, 40), ImageFormat::Png), "jpg"),
            ("image/png", encoded(&seen_through.into(), ImageFormat::Png), "png"),
        ] {
            let made = upload(&merchant, &tin, "", media_type, file).await.expect(201);
            let url = &made["urls"]["detail"];
            assert!(url.as_str().expect("a path").ends_with(extension), "{media_type}: {url}");
            let pixels = pixels(&app, url).await;
            assert!(is_red(pixels.get_pixel(8, 8)), "{media_type}: {:?}", pixels.get_pixel(8, 8));
        }
    }
}

api_test! {
    async fn images_have_an_order_texts_and_variants(app: App) {
        let merchant = Merchant::of(&app).await;
        let (tin, box_) = (product(&merchant, "tin").await, product(&merchant, "box").await);
        let base = format!("/v1/admin/products/{}/images", id(&tin));
        let mut ids = Vec::new();
        for side in [20, 30, 40] {
            let file = encoded(&red(side, side), ImageFormat::Png);
            ids.push(id(&upload(&merchant, &tin, "", "image/png", file).await.expect(201)).to_owned());
        }
        let first = encoded(&red(50, 50), ImageFormat::Png);
        ids.insert(0, id(&upload(&merchant, &tin, "?position=0", "image/png", first).await.expect(201)).to_owned());
        let shown = async || -> Vec<String> {
            let images = merchant.get(&base).await.expect(200);
            let images = images.as_array().expect("images").clone();
            for (position, image) in images.iter().enumerate() {
                assert_eq!(image["position"], position);
            }
            images.iter().map(|image| id(image).to_owned()).collect()
        };
        assert_eq!(shown().await, ids);
        merchant.patch(&format!("{base}/{}", ids[0]), json!({ "position": 2, "alt": " Open " })).await.expect(200);
        ids.swap(0, 1);
        ids.swap(1, 2);
        assert_eq!(shown().await, ids);
        ids.reverse();
        merchant.put(&format!("{base}/order"), json!({ "image_ids": ids })).await.expect(200);
        assert_eq!(shown().await, ids);
        for wrong in [json!(ids[1..]), json!([ids[0], ids[0], ids[1], ids[2]]), json!([])] {
            let refused = merchant.put(&format!("{base}/order"), json!({ "image_ids": wrong })).await;
            assert_eq!(pointers(&refused.problem("invalid-request")), ["/image_ids"]);
        }
        let elsewhere = format!("/v1/admin/products/{}/images/{}", id(&box_), ids[0]);
        merchant.patch(&elsewhere, json!({ "alt": "x" })).await.problem("not-found");
        merchant.delete(&elsewhere).await.problem("not-found");

        let variant = tin["variants"][1]["id"].as_str().expect("an id");
        let own = format!("/v1/admin/variants/{variant}/images");
        // In any order, and one of them twice: they are shown in the product's order.
        assert_eq!(merchant.put(&own, json!({ "image_ids": [ids[2], ids[1], ids[2]] })).await.status, 204);
        let page = app.get("/v1/products/tin").await.expect(200);
        let shown_of = |page: &Value| page["variants"].as_array().unwrap().iter().map(|v| v["image_ids"].clone()).collect::<Vec<_>>();
        assert_eq!(shown_of(&page), [json!([]), json!([ids[1], ids[2]])]);
        assert_eq!(page["images"][1]["alt"], "Open");
        let other = format!("/v1/admin/variants/{}/images", id(&box_["variants"][0]));
        let refused = merchant.put(&other, json!({ "image_ids": [ids[1]] })).await.problem("invalid-request");
        assert_eq!(pointers(&refused), ["/image_ids"]);
        merchant.put(&own, json!({})).await.problem("invalid-request");
        assert_eq!(merchant.put(&own, json!({ "image_ids": [] })).await.status, 204);
        assert_eq!(shown_of(&app.get("/v1/products/tin").await.expect(200)), [json!([]), json!([])]);

        assert_eq!(merchant.put(&own, json!({ "image_ids": [ids[1], ids[2]] })).await.status, 204);
        assert_eq!(merchant.delete(&format!("{base}/{}", ids[1])).await.status, 204);
        ids.remove(1);
        assert_eq!(shown().await, ids);
        let page = app.get("/v1/products/tin").await.expect(200);
        assert_eq!(shown_of(&page), [json!([]), json!([ids[1]])]);
        // 1 when it was made, one for the second variant, four uploads, a patch, an order, four for the variant, a deletion.
        let now = merchant.get(&format!("/v1/admin/products/{}", id(&tin))).await.expect(200);
        assert_eq!(now["version"], 12);
    }
}

api_test! {
    async fn alternative_texts_are_translated_with_the_product(app: App) {
        let app = app.another(|config| config.catalog.locales = vec!["de".into()]).await;
        let merchant = Merchant::of(&app).await;
        let tin = product(&merchant, "tin").await;
        let file = encoded(&red(20, 20), ImageFormat::Png);
        let made = upload(&merchant, &tin, "?alt=A%20tin", "image/png", file).await.expect(201);
        let path = format!("/v1/admin/translations/product/{}", id(&tin));
        let texts = |image: &str| json!({ "texts": { format!("images.{image}"): "Eine Dose" } });
        let stranger = kassa::id::sequential().to_string();
        merchant.put(&format!("{path}/de"), texts(&stranger)).await.problem("invalid-request");
        assert_eq!(merchant.put(&format!("{path}/de"), texts(id(&made))).await.status, 204);
        for (locale, alt) in [("de", "Eine Dose"), ("en", "A tin")] {
            let page = app.get(&format!("/v1/products/tin?locale={locale}")).await.expect(200);
            assert_eq!(page["images"][0]["alt"], alt);
        }
        merchant.delete(&format!("/v1/admin/products/{}/images/{}", id(&tin), id(&made))).await;
        assert_eq!(merchant.get(&path).await.expect(200)["translations"], json!({}));
        app.stopper().stop().await;
    }
}

api_test! {
    async fn files_stay_as_long_as_an_image_shows_them(app: App) {
        let merchant = Merchant::of(&app).await;
        let (tin, box_) = (product(&merchant, "tin").await, product(&merchant, "box").await);
        let file = encoded(&red(500, 500), ImageFormat::Png);
        let one = upload(&merchant, &tin, "", "image/png", file.clone()).await.expect(201);
        let two = upload(&merchant, &box_, "", "image/png", file.clone()).await.expect(201);
        assert_eq!(one["urls"], two["urls"], "the same picture is the same files");
        // The detail is as large as it is kept.
        assert_eq!(stored(&app), 2);
        let sweep = async |minutes: i64| {
            let before = clock::now() + chrono::TimeDelta::minutes(minutes);
            kassa::images::sweep(&app.shop, before).await.expect("swept")
        };
        let url = one["urls"]["list"].as_str().expect("a path");
        let delete = async |product: &Value, image: &Value| {
            let path = format!("/v1/admin/products/{}/images/{}", id(product), id(image));
            assert_eq!(merchant.delete(&path).await.status, 204);
        };
        delete(&tin, &one).await;
        assert_eq!(sweep(1).await, 0);
        assert_eq!(app.send(Method::GET, url, None, None).await.status, 200);
        delete(&box_, &two).await;
        assert_eq!(sweep(-5).await, 0, "not yet");
        assert_eq!(app.send(Method::GET, url, None, None).await.status, 200);
        assert_eq!(sweep(1).await, 2);
        assert_eq!(stored(&app), 0);
        app.get(url).await.problem("not-found");
        let again = upload(&merchant, &tin, "", "image/png", file).await.expect(201);
        assert_eq!(again["urls"], one["urls"]);
        assert_eq!(sweep(1).await, 0);
        assert_eq!(app.send(Method::GET, url, None, None).await.status, 200);
    }
}

api_test! {
    async fn a_file_that_cannot_be_removed_keeps_no_other(app: App) {
        let merchant = Merchant::of(&app).await;
        let tin = product(&merchant, "tin").await;
        let file = encoded(&red(500, 500), ImageFormat::Png);
        let image = upload(&merchant, &tin, "", "image/png", file).await.expect(201);
        let path = format!("/v1/admin/products/{}/images/{}", id(&tin), id(&image));
        assert_eq!(merchant.delete(&path).await.status, 204);
        let files = std::fs::read_dir(app.data().join("images")).expect("the folder");
        let files: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
        assert_eq!(files.len(), 2);
        // No file any more, and nothing that can be removed as one.
        std::fs::remove_file(&files[0]).expect("removed");
        std::fs::create_dir(&files[0]).expect("a folder");
        let before = clock::now() + chrono::TimeDelta::minutes(1);
        assert_eq!(kassa::images::sweep(&app.shop, before).await.expect("swept"), 1);
        assert_eq!(stored(&app), 1);
    }
}

api_test! {
    async fn a_product_has_a_bounded_number_of_images(app: App) {
        let app = app.another(|config| config.images.max_per_product = 2).await;
        let merchant = Merchant::of(&app).await;
        let tin = product(&merchant, "tin").await;
        let file = |side| encoded(&red(side, side), ImageFormat::Png);
        // At once: what was counted before the work is counted again with it.
        let uploads = [20, 21, 22, 23].map(|side| upload(&merchant, &tin, "", "image/png", file(side)));
        let mut taken = 0;
        for answer in futures_util::future::join_all(uploads).await {
            match answer.status {
                201 => taken += 1,
                _ => drop(answer.problem("too-many-images")),
            }
        }
        assert_eq!(taken, 2);
        // Nobody looks into one more.
        upload(&merchant, &tin, "", "image/png", b"no picture".to_vec()).await.problem("too-many-images");
        app.stopper().stop().await;
    }
}
