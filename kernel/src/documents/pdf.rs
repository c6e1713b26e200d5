//! A document as PDF, on A4: the words of [`Printed`], laid out by hand.
//!
//! By krilla, on which typst stands: it subsets and embeds the font, so that the file can be read anywhere and its text copied. A typesetter
//! (typst itself, a browser) would be fifty times the code for one table. The font is DejaVu Sans Condensed, for its Cyrillic
//! and Greek; what it has no letter for is a box.

mod face;

use krilla::Document;
use krilla::geom::{PathBuilder, Point};
use krilla::metadata::Metadata;
use krilla::page::PageSettings;
use krilla::paint::Stroke;
use krilla::surface::Surface;

use super::{Error, Printed};
use face::Face;

const WIDTH: f32 = 595.3;
const HEIGHT: f32 = 841.9;
const LEFT: f32 = 56.0;
const RIGHT: f32 = WIDTH - 56.0;
const TOP: f32 = 60.0;
/// Below it stands the footer.
const BOTTOM: f32 = HEIGHT - 104.0;
const SIZE: f32 = 9.5;
const LEADING: f32 = 13.5;
/// Right edges of quantity, price and amount.
const COLUMNS: [f32; 3] = [350.0, 442.0, RIGHT];
/// Where the text of an article ends.
const ARTICLE_END: f32 = 298.0;
const FOOTER_LINES: usize = 4;

/// The file.
pub fn file(printed: &Printed) -> Result<Vec<u8>, Error> {
    let (regular, bold) = (Face::regular()?, Face::bold()?);
    let mut layout = Layout::new(&regular, &bold);
    layout.head(printed);
    layout.table(printed);
    layout.sums(printed);
    let pages = layout.pages;
    let mut document = Document::new();
    document.set_metadata(
        Metadata::new()
            .title(printed.title.clone())
            .language(printed.language.tag().to_owned())
            .creator("Kassa".into()),
    );
    let count = pages.len();
    for (index, page) in pages.into_iter().enumerate() {
        let settings = PageSettings::from_wh(WIDTH, HEIGHT).ok_or_else(|| Error::Drawing("the page".into()))?;
        let mut sheet = document.start_page_with(settings);
        let mut surface = sheet.surface();
        page.draw(&mut surface, [&regular, &bold]);
        footer(printed, index + 1, count, &regular).draw(&mut surface, [&regular, &bold]);
        surface.finish();
        sheet.finish();
    }
    document.finish().map_err(|error| Error::Drawing(format!("{error:?}")))
}

/// What stands on a page.
#[derive(Default)]
struct Page {
    texts: Vec<Text>,
    /// Lines from side to side: height and thickness.
    rules: Vec<(f32, f32)>,
}

struct Text {
    x: f32,
    y: f32,
    size: f32,
    bold: bool,
    text: String,
}

impl Page {
    fn draw(&self, surface: &mut Surface<'_>, [regular, bold]: [&Face; 2]) {
        for text in &self.texts {
            let face = if text.bold { bold } else { regular };
            let glyphs = face.glyphs(&text.text);
            let at = Point::from_xy(text.x, text.y);
            surface.draw_glyphs(at, &glyphs, face.font(), &text.text, text.size, false);
        }
        for (y, width) in &self.rules {
            let mut path = PathBuilder::new();
            path.move_to(LEFT, *y);
            path.line_to(RIGHT, *y);
            if let Some(path) = path.finish() {
                surface.set_fill(None);
                surface.set_stroke(Some(Stroke { width: *width, ..Stroke::default() }));
                surface.draw_path(&path);
                surface.set_stroke(None);
            }
        }
    }

    fn write(&mut self, x: f32, y: f32, size: f32, bold: bool, text: impl Into<String>) {
        self.texts.push(Text { x, y, size, bold, text: text.into() });
    }
}

/// Fills pages from top to bottom.
struct Layout<'a> {
    regular: &'a Face,
    bold: &'a Face,
    pages: Vec<Page>,
    y: f32,
}

impl<'a> Layout<'a> {
    fn new(regular: &'a Face, bold: &'a Face) -> Self {
        Self { regular, bold, pages: vec![Page::default()], y: TOP }
    }

    fn page(&mut self) -> &mut Page {
        if self.pages.is_empty() {
            self.pages.push(Page::default());
        }
        let last = self.pages.len() - 1;
        &mut self.pages[last]
    }

    fn left(&mut self, x: f32, bold: bool, text: &str) {
        let y = self.y;
        self.page().write(x, y, SIZE, bold, text);
    }

    fn right(&mut self, x: f32, bold: bool, text: &str) {
        let width = if bold { self.bold } else { self.regular }.width(text, SIZE);
        let y = self.y;
        self.page().write(x - width, y, SIZE, bold, text);
    }

    fn rule(&mut self, y: f32, width: f32) {
        self.page().rules.push((y, width));
    }

    fn new_page(&mut self) {
        self.pages.push(Page::default());
        self.y = TOP;
    }

    /// Both addresses, the title, the facts.
    fn head(&mut self, printed: &Printed) {
        let top = self.y;
        for (index, line) in printed.recipient.iter().enumerate() {
            for part in self.regular.wrap(line, SIZE, 230.0) {
                self.left(LEFT, index == 0, &part);
                self.y += LEADING;
            }
        }
        let below_recipient = self.y;
        self.y = top;
        for (index, line) in printed.seller.iter().enumerate() {
            let face = if index == 0 { self.bold } else { self.regular };
            for part in face.wrap(line, SIZE, 220.0) {
                self.right(RIGHT, index == 0, &part);
                self.y += LEADING;
            }
        }
        self.y = self.y.max(below_recipient) + 28.0;
        let y = self.y;
        self.page().write(LEFT, y, 17.0, true, printed.title.as_str());
        self.y += 24.0;
        for (label, text) in &printed.facts {
            self.left(LEFT, false, label);
            for part in self.regular.wrap(text, SIZE, RIGHT - LEFT - 130.0) {
                self.left(LEFT + 130.0, false, &part);
                self.y += LEADING;
            }
        }
        self.y += 20.0;
    }

    fn table(&mut self, printed: &Printed) {
        self.columns(printed);
        for [article, rest @ ..] in &printed.rows {
            let lines = self.regular.wrap(article, SIZE, ARTICLE_END - LEFT);
            if self.y + LEADING * lines.len() as f32 > BOTTOM {
                self.new_page();
                self.columns(printed);
            }
            for (right, text) in COLUMNS.into_iter().zip(rest) {
                self.right(right, false, text);
            }
            for line in lines {
                self.left(LEFT, false, &line);
                self.y += LEADING;
            }
            self.rule(self.y - 8.5, 0.3);
            self.y += 4.5;
        }
    }

    fn columns(&mut self, printed: &Printed) {
        let [article, rest @ ..] = &printed.columns;
        self.left(LEFT, true, article);
        for (right, text) in COLUMNS.into_iter().zip(rest) {
            self.right(right, true, text);
        }
        self.rule(self.y + 5.0, 0.9);
        self.y += LEADING + 5.5;
    }

    fn sums(&mut self, printed: &Printed) {
        self.y += 3.0;
        for (label, amount) in &printed.sums {
            self.sum(label, amount, false);
        }
        // The total never stands alone at the top of a page behind its rule.
        if self.y + 2.0 * LEADING > BOTTOM {
            self.new_page();
        }
        self.rule(self.y - 6.0, 0.9);
        self.y += 7.0;
        self.sum(&printed.total.0, &printed.total.1, true);
        for (label, amount) in &printed.included {
            self.sum(label, amount, false);
        }
    }

    fn sum(&mut self, label: &str, amount: &str, bold: bool) {
        let face = if bold { self.bold } else { self.regular };
        let lines = face.wrap(label, SIZE, COLUMNS[1] - LEFT);
        if self.y + LEADING * lines.len() as f32 > BOTTOM {
            self.new_page();
        }
        self.right(RIGHT, bold, amount);
        for line in lines {
            self.right(COLUMNS[1], bold, &line);
            self.y += LEADING;
        }
    }
}

/// The seller's last lines, and which page it is.
fn footer(printed: &Printed, number: usize, count: usize, face: &Face) -> Page {
    let mut page = Page::default();
    let (size, leading) = (7.5, 10.0);
    page.rules.push((HEIGHT - 84.0, 0.3));
    let lines = printed.footer.iter().flat_map(|line| face.wrap(line, size, RIGHT - LEFT - 80.0)).take(FOOTER_LINES);
    for (index, line) in lines.enumerate() {
        page.write(LEFT, HEIGHT - 71.0 + leading * index as f32, size, false, line);
    }
    let text = printed.language.page(number, count);
    page.write(RIGHT - face.width(&text, size), HEIGHT - 71.0, size, false, text);
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::texts::Language;

    fn printed(rows: usize) -> Printed {
        let row = ["Чай с мёдом (TEA-1)", "2", "1 234,50 EUR", "2 469,00 EUR"].map(str::to_owned);
        Printed {
            language: Language::Russian,
            title: "Счёт-фактура 2026-000001".into(),
            seller: vec!["Kassa".into()],
            facts: vec![("Дата".into(), "1 января 2026 г.".into())],
            recipient: vec!["Покупатель".into(), "Ада Лавлейс".into()],
            columns: ["Товар", "Кол-во", "Цена", "Сумма"].map(str::to_owned),
            rows: vec![row; rows],
            sums: vec![("Доставка".into(), "4,90 EUR".into())],
            total: ("Итого".into(), "2 473,90 EUR".into()),
            included: Vec::new(),
            footer: vec!["x".repeat(3_000)],
            file_name: "invoice".into(),
        }
    }

    #[test]
    fn a_long_document_goes_on_on_another_page() {
        let count = |rows| {
            let (regular, bold) = (Face::regular().unwrap(), Face::bold().unwrap());
            let mut layout = Layout::new(&regular, &bold);
            let printed = printed(rows);
            layout.head(&printed);
            layout.table(&printed);
            layout.sums(&printed);
            for page in &layout.pages {
                assert!(page.texts.iter().all(|text| text.y <= BOTTOM + LEADING && text.x >= LEFT - 1.0));
            }
            let written = layout.pages.iter().flat_map(|page| &page.texts).filter(|text| text.text.starts_with("Чай"));
            assert_eq!(written.count(), rows);
            layout.pages.len()
        };
        assert_eq!((count(1), count(100)), (1, 3));
        assert!(file(&printed(100)).unwrap().starts_with(b"%PDF-"));
    }
}
