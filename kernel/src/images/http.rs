//! Images over HTTP: the merchant's, and their files for whoever sees a product.

use axum::Json as Answer;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{Encoding, Error, Format, Image, ImagePatch, MAX_ALT, NewImage};
use crate::Shop;
use crate::clock::Moment;
use crate::http::auth::{Staff, may};
use crate::http::extract::{Checks, Json, Path, Query, read_body};
use crate::images;
use crate::problem::{Kind, Problem, ProblemSchema};

/// Where the files of an image are, below the address of the shop. What is at such an address never changes.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImageUrls {
    /// For lists: no side longer than 400 pixels, unless the shop says otherwise.
    #[schema(example = "/v1/images/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08.jpg")]
    list: String,
    /// For the product's page: 1,200 pixels.
    #[schema(example = "/v1/images/60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752.jpg")]
    detail: String,
    /// As large as it is kept: 2,400 pixels.
    #[schema(example = "/v1/images/fd61a03af4f77d870fc21e05e7e80678095c92d808cfb3b5c279ee04c74aca13.jpg")]
    full: String,
}

/// An image of a product.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImageOut {
    pub id: Uuid,
    /// What is seen on it, for those who do not see it; plain text, empty where nobody wrote it.
    #[schema(example = "A tin of Earl Grey, open")]
    pub alt: String,
    /// Of the largest size, in pixels. The others have the same shape.
    #[schema(example = 2400)]
    width: i64,
    #[schema(example = 1600)]
    height: i64,
    urls: ImageUrls,
}

/// An image as the merchant sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminImageOut {
    #[serde(flatten)]
    image: ImageOut,
    /// From 0. The first is what lists show.
    position: i64,
    /// The variants that it is of: those that have it as their own.
    variant_ids: Vec<Uuid>,
    #[schema(value_type = DateTime<Utc>)]
    created_at: Moment,
    #[schema(value_type = DateTime<Utc>)]
    updated_at: Moment,
}

/// What is said of an upload.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UploadParams {
    /// What is seen on it.
    #[param(max_length = 500, example = "A tin of Earl Grey, open")]
    alt: Option<String>,
    /// Where among the product's images, from 0; at the end where none is given.
    #[param(minimum = 0, maximum = 1000)]
    position: Option<usize>,
}

/// Changes of an image: a field that is missing stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImagePatchIn {
    #[schema(max_length = 500, example = "A tin of Earl Grey, open")]
    alt: Option<String>,
    /// Where among the product's images, from 0; beyond the end is the end.
    #[schema(minimum = 0, maximum = 1000)]
    position: Option<usize>,
}

/// The images of a product in their new order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "image_ids": ["0198a1b2-5d4e-7f60-9b8c-1d2e3f4a5b6c", "0198a1b2-4c3d-7e5f-8a9b-0c1d2e3f4a5b"] }))]
pub struct ImageOrderIn {
    /// Each of them once.
    #[schema(max_items = 1000)]
    image_ids: Vec<Uuid>,
}

/// The images that are a variant's own.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "image_ids": ["0198a1b2-4c3d-7e5f-8a9b-0c1d2e3f4a5b"] }))]
pub struct VariantImagesIn {
    /// Of the product's images, in any order: they are shown in the product's. Empty for none.
    #[schema(max_items = 1000)]
    image_ids: Vec<Uuid>,
}

/// Images that a request may name.
const MAX_NAMED: usize = 1_000;

/// The highest position that may be asked for.
const MAX_POSITION: usize = 1_000;

/// Upload an image of a product
///
/// The body is the file: JPEG, PNG, WebP or GIF (of an animation, the first picture). It is turned upright, made anew in
/// three sizes as JPEG, or as PNG where something shows through, and without what a camera wrote into it. The first
/// bytes must be of the type that `Content-Type` names.
#[utoipa::path(
    post, path = "/v1/admin/products/{id}/images", tag = "images", security(("bearer" = [])),
    params(("id" = Uuid, Path), UploadParams),
    request_body(description = "The file; 10 MiB at most, unless the shop says otherwise", content(
        (Vec<u8> = "image/jpeg"), (Vec<u8> = "image/png"), (Vec<u8> = "image/webp"), (Vec<u8> = "image/gif")
    )),
    responses(
        (status = 201, description = "The image, with `Location`", body = AdminImageOut),
        (status = 404, description = "`not-found`", body = ProblemSchema),
        (status = 409, description = "`too-many-images`", body = ProblemSchema),
        (status = 422, description = "`image-rejected` with `reason`: `not-an-image`, `other-format`, `too-many-pixels`, \
                                      `damaged`, `unsupported`; `invalid-request`", body = ProblemSchema),
        (status = 415, description = "`unsupported-media-type`", body = ProblemSchema)
    )
)]
pub async fn upload_image(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Path(id): Path<Uuid>,
    Query(params): Query<UploadParams>,
    request: Request,
) -> Result<Response, Problem> {
    let format = declared_format(request.headers())?;
    check(params.alt.as_deref(), params.position, "")?;
    let new = NewImage { alt: params.alt.unwrap_or_default().trim().to_owned(), position: params.position };
    let image = images::create(&shop, id, read_body(request).await?, format, new).await?;
    let location = HeaderValue::from_str(&format!("/v1/admin/products/{id}/images/{}", image.id));
    let location = [(header::LOCATION, location.map_err(Problem::internal)?)];
    Ok((StatusCode::CREATED, location, Answer(AdminImageOut::from(image))).into_response())
}

/// The images of a product, in their order
#[utoipa::path(
    get, path = "/v1/admin/products/{id}/images", tag = "images", params(("id" = Uuid, Path)), security(("bearer" = [])),
    responses(
        (status = 200, description = "All of them: they are few", body = [AdminImageOut]),
        (status = 404, description = "`not-found`", body = ProblemSchema)
    )
)]
pub async fn list_images(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Path(id): Path<Uuid>,
) -> Result<Answer<Vec<AdminImageOut>>, Problem> {
    Ok(all(images::list(&shop, id).await?))
}

/// One image of a product
#[utoipa::path(
    get, path = "/v1/admin/products/{id}/images/{image_id}", tag = "images", security(("bearer" = [])),
    params(("id" = Uuid, Path), ("image_id" = Uuid, Path)),
    responses(
        (status = 200, body = AdminImageOut),
        (status = 404, description = "`not-found`", body = ProblemSchema)
    )
)]
pub async fn get_image(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Path((id, image_id)): Path<(Uuid, Uuid)>,
) -> Result<Answer<AdminImageOut>, Problem> {
    let image = images::list(&shop, id).await?.into_iter().find(|image| image.id == image_id);
    Ok(Answer(image.ok_or_else(Problem::not_found)?.into()))
}

/// Change the alternative text of an image, or its place
#[utoipa::path(
    patch, path = "/v1/admin/products/{id}/images/{image_id}", tag = "images", security(("bearer" = [])),
    params(("id" = Uuid, Path), ("image_id" = Uuid, Path)), request_body = ImagePatchIn,
    responses(
        (status = 200, description = "The image; those behind its place have moved", body = AdminImageOut),
        (status = 404, description = "`not-found`", body = ProblemSchema)
    )
)]
pub async fn patch_image(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Path((id, image_id)): Path<(Uuid, Uuid)>,
    Json(body): Json<ImagePatchIn>,
) -> Result<Answer<AdminImageOut>, Problem> {
    check(body.alt.as_deref(), body.position, "/")?;
    let patch = ImagePatch { alt: body.alt.map(|alt| alt.trim().to_owned()), position: body.position };
    Ok(Answer(images::patch(&shop, id, image_id, patch).await?.into()))
}

/// Put the images of a product into another order
#[utoipa::path(
    put, path = "/v1/admin/products/{id}/images/order", tag = "images", security(("bearer" = [])),
    params(("id" = Uuid, Path)), request_body = ImageOrderIn,
    responses(
        (status = 200, description = "The images in that order", body = [AdminImageOut]),
        (status = 404, description = "`not-found`", body = ProblemSchema)
    )
)]
pub async fn put_image_order(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Path(id): Path<Uuid>,
    Json(body): Json<ImageOrderIn>,
) -> Result<Answer<Vec<AdminImageOut>>, Problem> {
    Ok(all(images::reorder(&shop, id, &body.image_ids).await?))
}

/// Take an image away
///
/// Its files are removed a while later, unless another image shows the same.
#[utoipa::path(
    delete, path = "/v1/admin/products/{id}/images/{image_id}", tag = "images", security(("bearer" = [])),
    params(("id" = Uuid, Path), ("image_id" = Uuid, Path)),
    responses(
        (status = 204, description = "It is gone, for variants whose own it was too"),
        (status = 404, description = "`not-found`", body = ProblemSchema)
    )
)]
pub async fn delete_image(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Path((id, image_id)): Path<(Uuid, Uuid)>,
) -> Result<StatusCode, Problem> {
    images::delete(&shop, id, image_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Choose a variant's own images
#[utoipa::path(
    put, path = "/v1/admin/variants/{id}/images", tag = "images", security(("bearer" = [])),
    params(("id" = Uuid, Path)), request_body = VariantImagesIn,
    responses(
        (status = 204, description = "They are the variant's own"),
        (status = 404, description = "`not-found`", body = ProblemSchema)
    )
)]
pub async fn put_variant_images(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Path(id): Path<Uuid>,
    Json(body): Json<VariantImagesIn>,
) -> Result<StatusCode, Problem> {
    let mut checks = Checks::default();
    let few = body.image_ids.len() <= MAX_NAMED;
    checks.require(few, "/image_ids", &format!("must be at most {MAX_NAMED}"));
    checks.done()?;
    images::set_variant_images(&shop, id, &body.image_ids).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The file of an image
///
/// Named by its own digest: it never changes, and may be kept for good.
#[utoipa::path(
    get, path = "/v1/images/{file}", tag = "images",
    params(("file" = String, Path, description = "As `urls` of an image has it",
        example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08.jpg")),
    responses(
        (status = 200, description = "The file, to be kept for a year; it bears an ETag",
            content((Vec<u8> = "image/jpeg"), (Vec<u8> = "image/png"))),
        (status = 304, description = "What `If-None-Match` names is still right"),
        (status = 404, description = "`not-found`", body = ProblemSchema)
    )
)]
pub async fn get_image_file(
    State(shop): State<Shop>,
    headers: HeaderMap,
    Path(file): Path<String>,
) -> Result<Response, Problem> {
    let (digest, encoding) = match file.rsplit_once('.') {
        Some((digest, "jpg")) => (digest, Encoding::Jpeg),
        Some((digest, "png")) => (digest, Encoding::Png),
        _ => return Err(Problem::not_found()),
    };
    let bytes = images::read_file(&shop, digest, encoding).await?.ok_or_else(Problem::not_found)?;
    let etag = HeaderValue::from_str(&format!("\"{digest}\"")).map_err(Problem::internal)?;
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known == etag);
    let media_type = match encoding {
        Encoding::Jpeg => "image/jpeg",
        Encoding::Png => "image/png",
    };
    let mut response = match known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => ([(header::CONTENT_TYPE, media_type)], bytes).into_response(),
    };
    let for_good = HeaderValue::from_static("public, max-age=31536000, immutable");
    response.headers_mut().insert(header::CACHE_CONTROL, for_good);
    response.headers_mut().insert(header::ETAG, etag);
    Ok(response)
}

fn declared_format(headers: &HeaderMap) -> Result<Format, Problem> {
    let text = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "image/jpeg" => Ok(Format::Jpeg),
        "image/png" => Ok(Format::Png),
        "image/webp" => Ok(Format::WebP),
        "image/gif" => Ok(Format::Gif),
        _ => Err(Problem::new(Kind::UnsupportedMediaType)
            .detail("send image/jpeg, image/png, image/webp or image/gif: SVG is a program, not a picture")),
    }
}

/// `at` is a slash for fields of a body, and nothing for parameters.
fn check(alt: Option<&str>, position: Option<usize>, at: &str) -> Result<(), Problem> {
    let mut checks = Checks::default();
    if let Some(alt) = alt {
        checks.line(alt, 0, MAX_ALT, &format!("{at}alt"));
    }
    let near = position.is_none_or(|position| position <= MAX_POSITION);
    checks.require(near, &format!("{at}position"), &format!("must be 0 to {MAX_POSITION}"));
    checks.done()
}

fn all(images: Vec<Image>) -> Answer<Vec<AdminImageOut>> {
    Answer(images.into_iter().map(AdminImageOut::from).collect())
}

impl From<Image> for ImageOut {
    fn from(image: Image) -> Self {
        let extension = image.encoding.extension();
        let url = |digest: String| format!("/v1/images/{digest}.{extension}");
        Self {
            id: image.id,
            alt: image.alt,
            width: image.width,
            height: image.height,
            urls: ImageUrls {
                list: url(image.digests.list),
                detail: url(image.digests.detail),
                full: url(image.digests.full),
            },
        }
    }
}

impl From<Image> for AdminImageOut {
    fn from(mut image: Image) -> Self {
        Self {
            position: image.position,
            variant_ids: std::mem::take(&mut image.variant_ids),
            created_at: image.created_at,
            updated_at: image.updated_at,
            image: image.into(),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::NotFound => Problem::not_found(),
            Error::Rejected(rejection) => {
                Problem::new(Kind::ImageRejected).detail(detail).with("reason", rejection.code())
            }
            Error::TooMany(_) => Problem::new(Kind::TooManyImages).detail(detail),
            Error::OrderIncomplete => Problem::invalid_field("/image_ids", detail),
            Error::ImageOfAnother => Problem::invalid_field("/image_ids", detail),
            Error::Busy => Problem::new(Kind::Unavailable).detail(detail).retry_after(2),
            Error::Encoding(error) => Problem::internal(error),
            Error::Blob(error) => Problem::internal(error),
            Error::Catalog(error) => error.into(),
            Error::Database(error) => error.into(),
        }
    }
}
