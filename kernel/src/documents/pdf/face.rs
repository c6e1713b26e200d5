//! A font: letters to glyphs, and how wide a text is. Glyph by glyph, without kerning, so that what is measured is what is drawn.

use krilla::text::{Font, GlyphId, KrillaGlyph};
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};

use crate::documents::Error;

const REGULAR: &[u8] = include_bytes!("../fonts/DejaVuSansCondensed.ttf");
const BOLD: &[u8] = include_bytes!("../fonts/DejaVuSansCondensed-Bold.ttf");

pub struct Face {
    font: Font,
    letters: FontRef<'static>,
    units_per_em: f32,
}

impl Face {
    pub fn regular() -> Result<Self, Error> {
        Self::of(REGULAR)
    }

    pub fn bold() -> Result<Self, Error> {
        Self::of(BOLD)
    }

    fn of(bytes: &'static [u8]) -> Result<Self, Error> {
        let unreadable = || Error::Drawing("the font".into());
        let font = Font::new(bytes.into(), 0).ok_or_else(unreadable)?;
        let letters = FontRef::new(bytes).map_err(|_| unreadable())?;
        let units_per_em = font.units_per_em();
        Ok(Self { font, letters, units_per_em })
    }

    pub fn font(&self) -> Font {
        self.font.clone()
    }

    /// The glyphs of a text, with their advance in parts of the size.
    pub fn glyphs(&self, text: &str) -> Vec<KrillaGlyph> {
        let letters = self.letters.charmap();
        let metrics = self.letters.glyph_metrics(Size::unscaled(), LocationRef::default());
        let glyph = |(start, c): (usize, char)| {
            let id = letters.map(c).unwrap_or(skrifa::GlyphId::NOTDEF);
            KrillaGlyph {
                glyph_id: GlyphId::new(id.to_u32()),
                text_range: start..start + c.len_utf8(),
                x_advance: metrics.advance_width(id).unwrap_or_default() / self.units_per_em,
                x_offset: 0.0,
                y_offset: 0.0,
                y_advance: 0.0,
                location: None,
            }
        };
        text.char_indices().map(glyph).collect()
    }

    pub fn width(&self, text: &str, size: f32) -> f32 {
        self.glyphs(text).iter().map(|glyph| glyph.x_advance * size).sum()
    }

    /// Lines no wider than `width`: broken between words, and within one only where it alone is too wide.
    pub fn wrap(&self, text: &str, size: f32, width: f32) -> Vec<String> {
        let mut lines = vec![String::new()];
        let mut used = 0.0;
        for word in text.split_inclusive(' ') {
            let whole = self.width(word.trim_end_matches(' '), size);
            if used > 0.0 && used + whole > width {
                lines.push(String::new());
                used = 0.0;
            }
            for glyph in self.glyphs(word) {
                let advance = glyph.x_advance * size;
                let letter = &word[glyph.text_range];
                if used > 0.0 && used + advance > width && letter != " " {
                    lines.push(String::new());
                    used = 0.0;
                }
                if let Some(line) = lines.last_mut() {
                    line.push_str(letter);
                }
                used += advance;
            }
        }
        lines.iter().map(|line| line.trim_end_matches(' ').to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_broken_between_words_where_they_can_be() {
        let face = Face::regular().unwrap();
        let width = face.width("Earl Grey", 10.0);
        assert_eq!(face.wrap("Earl Grey tea", 10.0, width), ["Earl Grey", "tea"]);
        assert_eq!(face.wrap("", 10.0, width), [""]);
        let long = "ш".repeat(40);
        let lines = face.wrap(&long, 10.0, width);
        assert_eq!(lines.concat(), long);
        assert!(lines.len() > 1 && lines.iter().all(|line| face.width(line, 10.0) <= width));
    }
}
