//! A picture becomes files: one for each size, encoded here, so that nothing of the upload itself is ever served.
//!
//! What shows something through is a PNG, everything else a JPEG: the two that every browser and mail program shows. WebP would be
//! smaller, but the encoders in Rust only write it lossless.

use std::borrow::Cow;

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType as PngFilter, PngEncoder};
use image::imageops::FilterType;
use image::{DynamicImage, ImageEncoder, ImageError, ImageResult, RgbaImage};

use super::decode::Picture;
use super::{Encoding, ImagesConfig};

/// A picture in every size.
pub(super) struct Rendered {
    pub encoding: Encoding,
    /// Of the largest size.
    pub width: u32,
    pub height: u32,
    pub list: File,
    pub detail: File,
    pub full: File,
}

/// A file under its name.
#[derive(Clone)]
pub(super) struct File {
    /// SHA-256, in hexadecimal.
    pub digest: String,
    pub bytes: Bytes,
}

/// Renders all sizes, each from the next larger one. A picture is never made larger than it is.
pub(super) fn render(picture: &Picture, config: &ImagesConfig) -> ImageResult<Rendered> {
    let encoding = if picture.pixels.color().has_alpha() { Encoding::Png } else { Encoding::Jpeg };
    let file = |pixels: &DynamicImage| encode(pixels, picture.profile.as_deref(), encoding, config.jpeg_quality);
    let full = shrink(&picture.pixels, config.full_px);
    let detail = shrink(&full, config.detail_px);
    let list = shrink(&detail, config.list_px);
    Ok(Rendered {
        encoding,
        width: full.width(),
        height: full.height(),
        list: file(&list)?,
        detail: file(&detail)?,
        full: file(&full)?,
    })
}

/// No side longer than `side`. What is far larger is averaged down to twice of that first: the better filter would take seconds and
/// gigabytes for a photo.
fn shrink(pixels: &DynamicImage, side: u32) -> Cow<'_, DynamicImage> {
    let side = side.clamp(16, 8_192);
    if pixels.width().max(pixels.height()) <= side {
        return Cow::Borrowed(pixels);
    }
    let mut pixels = Cow::Borrowed(pixels);
    if let Some(rgba) = pixels.as_rgba8() {
        pixels = Cow::Owned(multiplied(rgba.clone()).into());
    }
    if pixels.width().max(pixels.height()) > 2 * side {
        pixels = Cow::Owned(pixels.thumbnail(2 * side, 2 * side));
    }
    Cow::Owned(divided(pixels.resize(side, side, FilterType::Lanczos3)))
}

/// Colours times alpha: averaged like that, the colour that lies hidden under full transparency does not seep into the edges.
fn multiplied(mut pixels: RgbaImage) -> RgbaImage {
    for image::Rgba([red, green, blue, alpha]) in pixels.pixels_mut() {
        for channel in [red, green, blue] {
            *channel = ((u16::from(*channel) * u16::from(*alpha) + 127) / 255) as u8;
        }
    }
    pixels
}

/// The other way round.
fn divided(mut pixels: DynamicImage) -> DynamicImage {
    for image::Rgba([red, green, blue, alpha]) in pixels.as_mut_rgba8().into_iter().flat_map(|rgba| rgba.pixels_mut()) {
        for channel in [red, green, blue] {
            let whole = (u16::from(*channel) * 255 + u16::from(*alpha) / 2).checked_div(u16::from(*alpha));
            *channel = whole.unwrap_or_default().min(255) as u8;
        }
    }
    pixels
}

fn encode(pixels: &DynamicImage, profile: Option<&[u8]>, encoding: Encoding, quality: u8) -> ImageResult<File> {
    let mut bytes = Vec::new();
    match encoding {
        Encoding::Jpeg => {
            let encoder = JpegEncoder::new_with_quality(&mut bytes, quality.clamp(1, 100));
            write(encoder, pixels, profile)?;
        }
        Encoding::Png => {
            let encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Default, PngFilter::Adaptive);
            write(encoder, pixels, profile)?;
        }
    }
    let digest = digest(&SHA256, &bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(File { digest, bytes: bytes.into() })
}

fn write(mut encoder: impl ImageEncoder, pixels: &DynamicImage, profile: Option<&[u8]>) -> ImageResult<()> {
    if let Some(profile) = profile {
        encoder.set_icc_profile(profile.to_vec()).map_err(ImageError::Unsupported)?;
    }
    pixels.write_with_encoder(encoder)
}

#[cfg(test)]
mod tests {
    use image::Rgba;

    use super::*;

    fn rendered(pixels: RgbaImage) -> Rendered {
        let pixels = DynamicImage::ImageRgba8(pixels);
        let opaque = pixels.as_rgba8().is_some_and(|rgba| rgba.pixels().all(|pixel| pixel.0[3] == 255));
        let pixels = if opaque { pixels.into_rgb8().into() } else { pixels };
        let config = ImagesConfig { list_px: 20, detail_px: 50, full_px: 100, ..ImagesConfig::default() };
        render(&Picture { pixels, profile: None }, &config).expect("rendered")
    }

    fn size(file: &File) -> (u32, u32) {
        let pixels = image::load_from_memory(&file.bytes).expect("it can be read again");
        (pixels.width(), pixels.height())
    }

    #[test]
    fn sizes_keep_the_shape_and_never_grow() {
        for ((width, height), list, detail, full) in [
            ((400, 200), (20, 10), (50, 25), (100, 50)),
            ((30, 60), (10, 20), (25, 50), (30, 60)),
            ((5, 3), (5, 3), (5, 3), (5, 3)),
            // A line stays one.
            ((1_000, 1), (20, 1), (50, 1), (100, 1)),
        ] {
            let made = rendered(RgbaImage::from_pixel(width, height, Rgba([1, 2, 3, 255])));
            assert_eq!((size(&made.list), size(&made.detail), size(&made.full)), (list, detail, full));
            assert_eq!((made.width, made.height), full);
            assert_eq!(made.encoding, Encoding::Jpeg);
        }
    }

    /// White on transparent black: the edge is white, not grey.
    #[test]
    fn what_is_hidden_does_not_seep_in() {
        let pixels = RgbaImage::from_fn(90, 90, |x, y| match (30..60).contains(&x) && (30..60).contains(&y) {
            true => Rgba([255, 255, 255, 255]),
            false => Rgba([0, 0, 0, 0]),
        });
        let made = rendered(pixels);
        assert_eq!(made.encoding, Encoding::Png);
        let list = image::load_from_memory(&made.list.bytes).expect("it can be read again").into_rgba8();
        assert!(list.pixels().any(|pixel| (1..255).contains(&pixel.0[3])), "there is an edge");
        for pixel in list.pixels().filter(|pixel| pixel.0[3] > 40) {
            assert!(pixel.0[0] > 240, "{pixel:?}");
        }
    }

    #[test]
    fn the_same_picture_has_the_same_names() {
        let of = |shade| rendered(RgbaImage::from_pixel(60, 60, Rgba([shade, 0, 0, 255]))).full.digest;
        assert_eq!(of(9), of(9));
        assert_ne!(of(9), of(200));
    }
}
