//! What is looked at in a JPEG before it is decoded, because the decoder would not complain.

use super::Rejection;

/// Refuses a file that breaks off, and one whose colours would come out black.
///
/// The decoder paints what is missing grey, as browsers do: half a picture is not what the merchant wanted to sell with. And
/// of CMYK that is not YCCK it mistakes channels that are stored smaller than others (zune-jpeg 0.5.15).
pub(super) fn inspect(file: &[u8]) -> Result<(), Rejection> {
    // Behind the marker that every file begins with.
    let mut rest = file.get(2..).unwrap_or_default();
    let mut ycck = false;
    while let [0xff, marker, high, low, ..] = *rest {
        if marker == 0xff {
            // Padding before a marker.
            rest = &rest[1..];
            continue;
        }
        let end = 2 + usize::from(u16::from_be_bytes([high, low]));
        let segment = rest.get(4..end).ok_or(Rejection::Damaged)?;
        match marker {
            0xc4 | 0xc8 | 0xcc => {}
            0xc0..=0xcf if !ycck && has_uneven_cmyk(segment) => return Err(Rejection::Unsupported),
            // The pictures themselves, to the end of the file. Previews in the head have ended before.
            0xda if rest.windows(2).any(|pair| pair == [0xff, 0xd9]) => return Ok(()),
            0xda => return Err(Rejection::Damaged),
            0xee => ycck = segment.starts_with(b"Adobe") && segment.get(11) == Some(&2),
            _ => {}
        }
        rest = &rest[end..];
    }
    Err(Rejection::Damaged)
}

/// Whether a frame has four channels, not all of one size.
fn has_uneven_cmyk(frame: &[u8]) -> bool {
    let sampling = |channel: &[u8]| channel.get(1).copied();
    match frame.get(6..) {
        Some(channels) if frame[5] == 4 => {
            let mut sizes = channels.chunks(3).map(sampling);
            let first = sizes.next();
            sizes.any(|size| Some(size) != first)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVEN: &[u8] = include_bytes!("../../tests/data/cmyk.jpg");
    const UNEVEN: &[u8] = include_bytes!("../../tests/data/cmyk-uneven.jpg");

    #[test]
    fn a_file_that_breaks_off_or_turns_black_is_refused() {
        let empty_segment = [EVEN, UNEVEN].map(|file| [&file[..2], &[0xff, 0xff, 0xe1, 0, 2], &file[2..]].concat());
        let preview = [&EVEN[..2], &[0xff, 0xe1, 0, 6], &[0xff, 0xd9, 1, 2], &EVEN[2..EVEN.len() - 2]].concat();
        for (file, expected) in [
            (EVEN, Ok(())),
            (UNEVEN, Err(Rejection::Unsupported)),
            (&empty_segment[0], Ok(())),
            (&empty_segment[1], Err(Rejection::Unsupported)),
            (&EVEN[..EVEN.len() - 2], Err(Rejection::Damaged)),
            (&preview, Err(Rejection::Damaged)),
            (&EVEN[..30], Err(Rejection::Damaged)),
            (b"\xff\xd8\xff\xe1\x00\x00", Err(Rejection::Damaged)),
            (b"", Err(Rejection::Damaged)),
        ] {
            assert_eq!(inspect(file), expected, "{}", file.escape_ascii());
        }
    }
}
