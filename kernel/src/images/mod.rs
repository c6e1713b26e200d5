//! Images of products: uploaded, made anew in a few sizes, kept by digest, shown in an order.
//!
//! - Nothing of an upload is served. [`decode`] reads it under limits, [`render`] writes other files from its pixels.
//! - A file is named by the digest of what is in it. Products that show the same picture share its files, which never change, so
//!   that whoever has one keeps it for good.
//! - [`files`] holds how files and rows of the database stay together, and removes what nothing shows any more.
//! - A change of images is a change of its product: the next version, and `product.updated`.

mod decode;
mod files;
pub mod http;
mod jpeg;
mod order;
mod render;
mod store;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::blobs::Blobs;
use crate::catalog::OwnImages;
use crate::clock::Moment;
use crate::db::{Conn, Tx};
use crate::{Shop, catalog, clock, db, id};
use render::Rendered;

pub use files::{read_file, run, sweep};

/// Longest alternative text, in characters.
pub const MAX_ALT: usize = 500;

/// `[images]` of shop.toml.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ImagesConfig {
    /// Largest upload, in bytes.
    pub max_bytes: usize,
    /// Most pixels of an upload, judged before it is decoded.
    pub max_pixels: u64,
    /// Longest side in lists, on the product's page, and of what is kept at all.
    pub list_px: u32,
    pub detail_px: u32,
    pub full_px: u32,
    /// 1 to 100.
    pub jpeg_quality: u8,
    /// Images of one product.
    pub max_per_product: usize,
    /// Uploads that are worked on at the same time.
    pub at_once: usize,
    /// How long an upload waits for its turn before it is answered with `unavailable`, in milliseconds.
    pub wait_ms: u64,
    /// How long a file stays that nothing shows any more, in minutes.
    pub keep_unused_minutes: u32,
}

impl Default for ImagesConfig {
    fn default() -> Self {
        Self {
            max_bytes: 10 * 1024 * 1024,
            max_pixels: 40_000_000,
            list_px: 400,
            detail_px: 1_200,
            full_px: 2_400,
            jpeg_quality: 85,
            max_per_product: 50,
            at_once: 2,
            wait_ms: 10_000,
            keep_unused_minutes: 60,
        }
    }
}

/// What an upload may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Jpeg,
    Png,
    WebP,
    Gif,
}

/// What is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Jpeg,
    Png,
}

impl Encoding {
    /// As it stands in the database.
    fn as_str(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
        }
    }

    /// Of the files.
    fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
        }
    }

    /// The database holds one of the two.
    fn parse(text: &str) -> Self {
        if text == "png" { Self::Png } else { Self::Jpeg }
    }
}

/// Why an upload is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("the first bytes are of no image that is taken: send JPEG, PNG, WebP or GIF")]
    NotAnImage,
    #[error("the file is of another type than Content-Type says")]
    OtherFormat,
    #[error("the image has more pixels than the shop takes")]
    TooManyPixels,
    #[error("the file is damaged, or breaks off")]
    Damaged,
    #[error("the file is of a kind that is rarely written: save it as an ordinary RGB image")]
    Unsupported,
}

impl Rejection {
    /// For clients that branch on it.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotAnImage => "not-an-image",
            Self::OtherFormat => "other-format",
            Self::TooManyPixels => "too-many-pixels",
            Self::Damaged => "damaged",
            Self::Unsupported => "unsupported",
        }
    }
}

/// An image of a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    pub id: Uuid,
    pub product_id: Uuid,
    /// What is seen on it, for those who do not see it.
    pub alt: String,
    /// From 0, without gaps.
    pub position: i64,
    pub encoding: Encoding,
    /// Of the largest size.
    pub width: i64,
    pub height: i64,
    pub digests: Digests,
    /// The variants that it is of.
    pub variant_ids: Vec<Uuid>,
    pub created_at: Moment,
    pub updated_at: Moment,
}

impl Image {
    /// Of its largest size.
    pub fn file_name(&self) -> String {
        format!("{}.{}", self.digests.full, self.encoding.extension())
    }
}

/// The file of each size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digests {
    pub list: String,
    pub detail: String,
    pub full: String,
}

impl Digests {
    fn all(&self) -> [&str; 3] {
        [&self.list, &self.detail, &self.full]
    }
}

/// What is said of an image that is uploaded.
#[derive(Debug, Clone, Default)]
pub struct NewImage {
    pub alt: String,
    /// At the end where it is none, or beyond it.
    pub position: Option<usize>,
}

/// What is to change of an image.
#[derive(Debug, Clone, Default)]
pub struct ImagePatch {
    pub alt: Option<String>,
    pub position: Option<usize>,
}

/// Why it cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no such product, variant or image")]
    NotFound,
    #[error(transparent)]
    Rejected(#[from] Rejection),
    #[error("a product has at most {0} images")]
    TooMany(usize),
    #[error("must name each image of the product once")]
    OrderIncomplete,
    #[error("must name images of the variant's product")]
    ImageOfAnother,
    #[error("too many images are being worked on")]
    Busy,
    #[error("the image cannot be written: {0}")]
    Encoding(#[from] image::ImageError),
    #[error("the file cannot be kept: {0}")]
    Blob(#[from] io::Error),
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Where the files of a shop are, and how many uploads it works on at a time.
pub struct Images {
    blobs: Blobs,
    /// Decoding takes a core, and some bytes for each pixel.
    turns: Arc<Semaphore>,
}

impl Images {
    pub fn open(dir: &Path, config: &ImagesConfig) -> io::Result<Self> {
        Ok(Self { blobs: Blobs::open(dir)?, turns: Arc::new(Semaphore::new(config.at_once.max(1))) })
    }
}

/// The images of a product, in their order.
pub async fn list(shop: &Shop, product_id: Uuid) -> Result<Vec<Image>, Error> {
    catalog::get_product(shop, product_id).await?;
    Ok(store::of_products(&mut shop.db().read().await?, &[product_id]).await?)
}

/// The images of some products, in their order: one statement, however many products.
pub async fn of_products(shop: &Shop, product_ids: &[Uuid]) -> Result<HashMap<Uuid, Vec<Image>>, Error> {
    let mut by_product: HashMap<Uuid, Vec<Image>> = HashMap::new();
    if !product_ids.is_empty() {
        for image in store::of_products(&mut shop.db().read().await?, product_ids).await? {
            by_product.entry(image.product_id).or_default().push(image);
        }
    }
    Ok(by_product)
}

/// The images of a product, as whoever translates their texts knows them.
pub async fn ids_of(conn: &mut Conn, product_id: Uuid) -> db::Result<Vec<Uuid>> {
    store::ids(conn, product_id).await
}

/// Takes an upload that was declared to be `format` as another image of the product.
pub async fn create(shop: &Shop, product_id: Uuid, file: Bytes, format: Format, new: NewImage) -> Result<Image, Error> {
    // Before the work: a stranger's id must not cost a second of a core.
    let max = shop.config().images.max_per_product;
    if list(shop, product_id).await?.len() >= max {
        return Err(Error::TooMany(max));
    }
    let rendered = render_upload(shop, file, format).await?;
    let now = clock::now();
    let digest = |file: &render::File| file.digest.clone();
    let image = Image {
        id: id::sequential(),
        product_id,
        alt: new.alt,
        position: 0,
        encoding: rendered.encoding,
        width: i64::from(rendered.width),
        height: i64::from(rendered.height),
        digests: Digests {
            list: digest(&rendered.list),
            detail: digest(&rendered.detail),
            full: digest(&rendered.full),
        },
        variant_ids: Vec::new(),
        created_at: now,
        updated_at: now,
    };
    files::keep(shop, [rendered.list, rendered.detail, rendered.full]).await?;
    let mut tx = shop.db().write().await?;
    catalog::touch_product(&mut tx, product_id).await?;
    let mut ids = store::ids(&mut tx, product_id).await?;
    if ids.len() >= max {
        return Err(Error::TooMany(max));
    }
    let position = new.position.unwrap_or(ids.len()).min(ids.len());
    files::begin_use(&mut tx, &image.digests).await?;
    store::insert(&mut tx, &image).await?;
    ids.insert(position, image.id);
    store::set_order(&mut tx, &ids).await?;
    tx.commit().await?;
    catalog::announce(shop);
    Ok(Image { position: position as i64, ..image })
}

/// Changes what is said of an image, or where it stands.
pub async fn patch(shop: &Shop, product_id: Uuid, image_id: Uuid, patch: ImagePatch) -> Result<Image, Error> {
    let mut tx = shop.db().write().await?;
    catalog::touch_product(&mut tx, product_id).await?;
    let mut ids = store::ids(&mut tx, product_id).await?;
    let place = ids.iter().position(|id| *id == image_id).ok_or(Error::NotFound)?;
    if let Some(alt) = &patch.alt {
        store::set_alt(&mut tx, image_id, alt, clock::now()).await?;
    }
    if let Some(position) = patch.position {
        ids.remove(place);
        ids.insert(position.min(ids.len()), image_id);
        store::set_order(&mut tx, &ids).await?;
    }
    let images = store::of_products(&mut tx, &[product_id]).await?;
    tx.commit().await?;
    catalog::announce(shop);
    images.into_iter().find(|image| image.id == image_id).ok_or(Error::NotFound)
}

/// Puts the images of a product into this order, which names each of them once.
pub async fn reorder(shop: &Shop, product_id: Uuid, wanted: &[Uuid]) -> Result<Vec<Image>, Error> {
    let mut tx = shop.db().write().await?;
    catalog::touch_product(&mut tx, product_id).await?;
    if !order::is_permutation(&store::ids(&mut tx, product_id).await?, wanted) {
        return Err(Error::OrderIncomplete);
    }
    store::set_order(&mut tx, wanted).await?;
    let images = store::of_products(&mut tx, &[product_id]).await?;
    tx.commit().await?;
    catalog::announce(shop);
    Ok(images)
}

/// Takes an image away. Its files go a while later, where nothing else shows them.
pub async fn delete(shop: &Shop, product_id: Uuid, image_id: Uuid) -> Result<(), Error> {
    let mut tx = shop.db().write().await?;
    catalog::touch_product(&mut tx, product_id).await?;
    let mut ids = store::ids(&mut tx, product_id).await?;
    ids.retain(|id| *id != image_id);
    let digests = store::delete(&mut tx, product_id, image_id).await?.ok_or(Error::NotFound)?;
    files::end_use(&mut tx, &digests).await?;
    store::set_order(&mut tx, &ids).await?;
    catalog::forget_image_text(&mut tx, product_id, image_id).await?;
    tx.commit().await?;
    catalog::announce(shop);
    Ok(())
}

/// Gives a variant those of its product's images that are its own. They keep the product's order.
pub async fn set_variant_images(shop: &Shop, variant_id: Uuid, image_ids: &[Uuid]) -> Result<(), Error> {
    let mut tx = shop.db().write().await?;
    let product_id = catalog::touch_product_of_variant(&mut tx, variant_id).await?;
    let of_product = store::ids(&mut tx, product_id).await?;
    if !image_ids.iter().all(|id| of_product.contains(id)) {
        return Err(Error::ImageOfAnother);
    }
    store::set_variant(&mut tx, variant_id, &image_ids.iter().copied().collect()).await?;
    tx.commit().await?;
    catalog::announce(shop);
    Ok(())
}

/// Which images variants are to have instead of their own, by the id of the variant.
pub type OwnImagesChanges = BTreeMap<Uuid, BTreeSet<Uuid>>;

/// What has to change for variants of a product to have their own images as files name them. What the product does not show is passed
/// over.
pub async fn own_images_changes(
    conn: &mut Conn,
    product_id: Uuid,
    wanted: &[(Uuid, &OwnImages)],
) -> db::Result<OwnImagesChanges> {
    let images = store::of_products(conn, &[product_id]).await?;
    let change = |(id, wanted): &(Uuid, &OwnImages)| Some((*id, change_of(*id, wanted, &images)?));
    Ok(wanted.iter().filter_map(change).collect())
}

/// Makes these changes of a product that the caller has locked, and tells of.
pub async fn change_own_images(tx: &mut Tx, changes: &OwnImagesChanges) -> db::Result<()> {
    for (variant_id, image_ids) in changes {
        store::set_variant(tx, *variant_id, image_ids).await?;
    }
    Ok(())
}

/// None where a variant has what a file says. Of several images that show the same file, one is enough.
fn change_of(variant_id: Uuid, wanted: &OwnImages, images: &[Image]) -> Option<BTreeSet<Uuid>> {
    let (own, others): (Vec<&Image>, Vec<&Image>) =
        images.iter().partition(|image| image.variant_ids.contains(&variant_id));
    let has = |file: &str| own.iter().any(|image| image.file_name() == file);
    let files = match wanted {
        OwnImages::Have(file) if has(file) => return None,
        OwnImages::Have(file) => std::slice::from_ref(file),
        OwnImages::Are(files) => files.as_slice(),
    };
    let named = own.iter().filter(|image| files.contains(&image.file_name())).map(|image| image.id);
    let mut next: BTreeSet<Uuid> = named.collect();
    for file in files.iter().filter(|file| !has(file)) {
        next.extend(others.iter().find(|image| image.file_name() == **file).map(|image| image.id));
    }
    let nothing_shown = next.is_empty() && !files.is_empty();
    let as_it_was = next == own.iter().map(|image| image.id).collect();
    (!nothing_shown && !as_it_was).then_some(next)
}

/// All sizes of an upload, made on a thread for such work when it is this one's turn.
async fn render_upload(shop: &Shop, file: Bytes, format: Format) -> Result<Rendered, Error> {
    let config = shop.config().images.clone();
    let turn = tokio::time::timeout(Duration::from_millis(config.wait_ms), shop.images().turns.clone().acquire_owned());
    // The semaphore is never closed.
    let Ok(Ok(turn)) = turn.await else { return Err(Error::Busy) };
    let work = tokio::task::spawn_blocking(move || {
        // Held by the work itself, which goes on when nobody waits for it any more.
        let _turn = turn;
        let picture = decode::decode(&file, format, config.max_pixels)?;
        Ok(render::render(&picture, &config)?)
    });
    // A decoder that panics has met a file that nobody thought of.
    work.await.unwrap_or_else(|error| {
        tracing::error!(%error, "an upload broke the decoder");
        Err(Rejection::Damaged.into())
    })
}
