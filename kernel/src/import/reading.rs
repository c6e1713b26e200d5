//! Reading a file beside writing what it says: a thread parses, and hands on no more than a little ahead of the writer,
//! so that a file of any length takes the memory of a few batches.

use std::io::{Read, Seek};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::item::Item;
use super::{Error, Format, json_lines, online_retail, shopify};
use crate::money::{Amount, Currency};
use crate::{Shop, inventory};

/// Items that are read ahead.
const AHEAD: usize = 256;

/// A file. It is read twice: once to know how long it is.
pub trait Source: Read + Seek + Send + 'static {}

impl<T: Read + Seek + Send + 'static> Source for T {}

/// Takes the next item; an error ends the reading.
pub(super) type Emit<'a> = dyn FnMut(Item) -> Result<(), Error> + 'a;

/// What readers hold a file against.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub currency: Currency,
    pub max_rows: u64,
    pub max_line_bytes: usize,
    pub max_related: usize,
    /// What the addresses of the shop's own images begin with.
    pub images_at: String,
    locations: Vec<(Uuid, String)>,
}

/// What a reader tells.
pub(super) enum Told {
    /// Rows that the file has.
    Total(u64),
    Item(Item),
    /// What the rows that are taken sold for, in a file of sales.
    Sales(Amount),
}

/// A file that is being read.
pub(super) struct Reading {
    told: mpsc::Receiver<Told>,
    reader: JoinHandle<Result<(), Error>>,
}

impl Rules {
    pub async fn of(shop: &Shop) -> Result<Self, inventory::Error> {
        let config = shop.config();
        let locations = inventory::list_locations(shop).await?;
        Ok(Self {
            currency: config.shop.currency,
            max_rows: config.import.max_rows,
            max_line_bytes: config.import.max_line_bytes,
            max_related: config.catalog.max_related as usize,
            images_at: format!("{}/v1/images/", config.shop.url),
            locations: locations.into_iter().map(|location| (location.id, location.name)).collect(),
        })
    }

    /// The file that an address names, where it is an image of this shop.
    pub fn own_image<'a>(&self, url: &'a str) -> Option<&'a str> {
        url.strip_prefix(&self.images_at)
    }

    /// Whether any location is called so.
    pub fn is_location_name(&self, text: &str) -> bool {
        self.locations.iter().any(|(_, name)| name == text)
    }

    /// By its id, or its name where no two have it.
    pub fn location(&self, text: &str) -> Option<Uuid> {
        let id = Uuid::try_parse(text).ok().filter(|id| self.locations.iter().any(|(known, _)| known == id));
        let mut named = self.locations.iter().filter(|(_, name)| name == text);
        id.or_else(|| named.next().filter(|_| named.next().is_none()).map(|(id, _)| *id))
    }
}

impl Reading {
    pub fn begin(source: impl Source, format: Format, rules: Rules) -> Self {
        let (sender, told) = mpsc::channel(AHEAD);
        let reader = tokio::task::spawn_blocking(move || read(source, format, &rules, &sender));
        Self { told, reader }
    }

    /// What is told next; none at the end of the file.
    pub async fn next(&mut self) -> Result<Option<Told>, Error> {
        if let Some(told) = self.told.recv().await {
            return Ok(Some(told));
        }
        match (&mut self.reader).await {
            Ok(ended) => ended.map(|()| None),
            Err(error) => Err(Error::Read(std::io::Error::other(error))),
        }
    }
}

fn read(mut source: impl Source, format: Format, rules: &Rules, to: &mpsc::Sender<Told>) -> Result<(), Error> {
    let tell = |told| to.blocking_send(told).map_err(|_| Error::Stopped);
    let mut emit = |item| tell(Told::Item(item));
    match format {
        Format::JsonLines => {
            tell(Told::Total(within(json_lines::count(&mut source, rules)?, rules)?))?;
            source.rewind()?;
            json_lines::read(source, rules, &mut emit)
        }
        Format::ShopifyCsv => {
            let outline = shopify::outline(&mut source, rules)?;
            tell(Told::Total(within(outline.rows, rules)?))?;
            source.rewind()?;
            shopify::read(source, rules, outline, &mut emit)
        }
        Format::OnlineRetail { extra_stock } => {
            let (rows, sales) = online_retail::read(source, rules, extra_stock, &mut emit)?;
            tell(Told::Total(rows))?;
            sales.map_or(Ok(()), |sales| tell(Told::Sales(sales)))
        }
    }
}

fn within(rows: u64, rules: &Rules) -> Result<u64, Error> {
    if rows > rules.max_rows { Err(Error::TooManyRows { rows, max: rules.max_rows }) } else { Ok(rows) }
}
