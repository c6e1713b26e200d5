//! An upload becomes pixels, or is refused.
//!
//! What it is, is read from its bytes and not believed from its header, and how large it is before anything of that size is
//! made: a file of a kilobyte can declare a picture of ten gigabytes.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

use super::{Format, Rejection, jpeg};

/// Largest colour profile that is kept; those of cameras and screens have some kilobytes.
const MAX_PROFILE_BYTES: usize = 16 * 1024;
/// Beside the pixels, what a decoder may allocate.
const DECODER_BYTES: u64 = 64 * 1024 * 1024;
/// Of the deepest pixels: four channels of 16 bits.
const BYTES_PER_PIXEL: u64 = 8;

/// An upright picture without any metadata but what its colours mean.
pub(super) struct Picture {
    /// With an alpha channel only where something shows through.
    pub pixels: DynamicImage,
    pub profile: Option<Vec<u8>>,
}

/// The first picture of a file that was declared to be `declared`.
pub(super) fn decode(file: &[u8], declared: Format, max_pixels: u64) -> Result<Picture, Rejection> {
    match recognise(file) {
        None => return Err(Rejection::NotAnImage),
        Some(format) if format != declared => return Err(Rejection::OtherFormat),
        Some(Format::Jpeg) => jpeg::inspect(file)?,
        Some(_) => {}
    }
    let mut reader = ImageReader::with_format(Cursor::new(file), declared.into());
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(max_pixels.saturating_mul(BYTES_PER_PIXEL).saturating_add(DECODER_BYTES));
    reader.limits(limits);
    // This reads the head of the file only.
    let mut decoder = reader.into_decoder().map_err(refuse)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > max_pixels {
        return Err(Rejection::TooManyPixels);
    }
    if width == 0 || height == 0 {
        return Err(Rejection::Damaged);
    }
    let orientation = decoder.orientation().map_err(refuse)?;
    // A profile that cannot be read is worth no refusal: the colours are taken for sRGB.
    let profile = decoder.icc_profile().ok().flatten();
    let mut pixels = without_idle_alpha(DynamicImage::from_decoder(decoder).map_err(refuse)?);
    pixels.apply_orientation(orientation);
    Ok(Picture { pixels, profile: profile.filter(|profile| describes_rgb(profile)) })
}

/// By the first bytes.
fn recognise(file: &[u8]) -> Option<Format> {
    match image::guess_format(file).ok()? {
        ImageFormat::Jpeg => Some(Format::Jpeg),
        ImageFormat::Png => Some(Format::Png),
        ImageFormat::WebP => Some(Format::WebP),
        ImageFormat::Gif => Some(Format::Gif),
        _ => None,
    }
}

/// A profile of other colours (CMYK, grey) does not fit the pixels any more once they are RGB.
fn describes_rgb(profile: &[u8]) -> bool {
    profile.len() <= MAX_PROFILE_BYTES && profile.get(16..20) == Some(b"RGB ")
}

/// Eight bits a channel; the alpha channel is dropped where everything is opaque.
fn without_idle_alpha(pixels: DynamicImage) -> DynamicImage {
    if !pixels.color().has_alpha() {
        return DynamicImage::ImageRgb8(pixels.into_rgb8());
    }
    let pixels = pixels.into_rgba8();
    if pixels.pixels().all(|pixel| pixel.0[3] == u8::MAX) {
        return DynamicImage::ImageRgb8(DynamicImage::ImageRgba8(pixels).into_rgb8());
    }
    DynamicImage::ImageRgba8(pixels)
}

fn refuse(error: ImageError) -> Rejection {
    match error {
        ImageError::Limits(_) => Rejection::TooManyPixels,
        ImageError::Unsupported(_) => Rejection::Unsupported,
        _ => Rejection::Damaged,
    }
}

impl From<Format> for ImageFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Jpeg => Self::Jpeg,
            Format::Png => Self::Png,
            Format::WebP => Self::WebP,
            Format::Gif => Self::Gif,
        }
    }
}

#[cfg(test)]
mod tests {
    use image::RgbaImage;

    use super::*;

    const MAX: u64 = 1_000_000;

    fn encoded(pixels: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        pixels.into().write_to(&mut file, format).expect("encoded");
        file.into_inner()
    }

    /// Half of it transparent, or nothing.
    fn square(transparent: bool) -> RgbaImage {
        RgbaImage::from_fn(8, 8, |x, _| image::Rgba([200, 10, 10, if transparent && x < 4 { 0 } else { 255 }]))
    }

    fn jpeg() -> Vec<u8> {
        encoded(DynamicImage::ImageRgba8(square(false)).into_rgb8(), ImageFormat::Jpeg)
    }

    fn refused(file: &[u8], declared: Format) -> Rejection {
        decode(file, declared, MAX).err().expect("it is refused")
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        for (file, declared, expected) in [
            (b"".to_vec(), Format::Png, Rejection::NotAnImage),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec(), Format::Png, Rejection::NotAnImage),
            (b"BM\x9a\x00\x00\x00\x00\x00\x00\x00".to_vec(), Format::Png, Rejection::NotAnImage),
            (jpeg(), Format::Png, Rejection::OtherFormat),
            (b"\xff\xd8\xff\xe0".to_vec(), Format::Jpeg, Rejection::Damaged),
            (b"\x89PNG\r\n\x1a\n".to_vec(), Format::Png, Rejection::Damaged),
            (b"RIFF\x10\x00\x00\x00WEBPVP8 ".to_vec(), Format::WebP, Rejection::Damaged),
            (b"GIF89a\x00\x00\x00\x00\x00\x00\x00;".to_vec(), Format::Gif, Rejection::Damaged),
        ] {
            assert_eq!(refused(&file, declared), expected, "{}", file.escape_ascii());
        }
    }

    #[test]
    fn a_file_that_breaks_off_is_refused() {
        for (file, format) in [
            (jpeg(), Format::Jpeg),
            (encoded(square(true), ImageFormat::Png), Format::Png),
            (encoded(square(true), ImageFormat::WebP), Format::WebP),
        ] {
            assert!(decode(&file, format, MAX).is_ok(), "{format:?}");
            for cut in [file.len() / 2, file.len() - 20] {
                assert_eq!(refused(&file[..cut], format), Rejection::Damaged, "{format:?} {cut}");
            }
        }
    }

    /// The alpha channel decides on how it is stored.
    #[test]
    fn alpha_stays_only_where_something_shows_through() {
        for transparent in [false, true] {
            let file = encoded(square(transparent), ImageFormat::Png);
            let picture = decode(&file, Format::Png, MAX).expect("taken");
            assert_eq!(picture.pixels.color().has_alpha(), transparent);
        }
    }

    #[test]
    fn a_profile_of_other_colours_is_dropped() {
        let profile = |colours: &[u8; 4]| [&[0; 16], &colours[..], &[0; 200]].concat();
        assert!(describes_rgb(&profile(b"RGB ")));
        assert!(!describes_rgb(&profile(b"CMYK")));
        assert!(!describes_rgb(b"RGB "));
        assert!(!describes_rgb(&[profile(b"RGB "), vec![0; MAX_PROFILE_BYTES]].concat()));
    }
}
