//! A CSV file as rows of named columns.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Cursor, Read};
use std::rc::Rc;

use csv::{ByteRecord, ErrorKind, ReaderBuilder};

use super::Error;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One row, as it is read.
pub(super) struct Row<'a, const N: usize> {
    /// From 0, without the header.
    pub index: u64,
    /// As an editor counts it.
    pub line: u64,
    /// In the order of the columns asked for, an empty text for one that the file does not have; or why the row cannot
    /// be read: it has too few or too many fields, or bytes that are no UTF-8, or is too long.
    pub fields: Result<[&'a str; N], String>,
}

/// Reads `input` and hands each row to `take`. Answers the names of all columns, of which `required` must be there.
pub(super) fn read<const N: usize>(
    mut input: impl Read,
    columns: [&'static str; N],
    required: &[&'static str],
    max_bytes: usize,
    mut take: impl FnMut(Row<'_, N>) -> Result<(), Error>,
) -> Result<Vec<String>, Error> {
    let starts = Rc::new(RefCell::new(VecDeque::new()));
    let mut start = Vec::new();
    input.by_ref().take(BYTE_ORDER_MARK.len() as u64).read_to_end(&mut start).map_err(Error::Read)?;
    // The CSV reader takes the mark away by itself only where its first read brings all of it.
    if start == BYTE_ORDER_MARK {
        start.clear();
    }
    let input = Cursor::new(start).chain(input);
    let input = Numbered { input, starts: starts.clone(), at: 0, line: 1, begun: false };
    // Flexible: a short row is the row's fault, not the end of the file.
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(input);
    let headers = reader.byte_headers().map_err(io_error)?.clone();
    let position = |name: &str| headers.iter().position(|header| header.trim_ascii() == name.as_bytes());
    if let Some(missing) = required.iter().find(|name| position(name).is_none()) {
        return Err(Error::MissingColumn(missing));
    }
    let positions = columns.map(position);
    let mut record = ByteRecord::new();
    let mut index = 0;
    while reader.read_byte_record(&mut record).map_err(io_error)? {
        let line = line_of(&starts, record.position().map_or(0, csv::Position::byte));
        let fields = fields(&record, headers.len(), positions, max_bytes);
        take(Row { index, line, fields })?;
        index += 1;
    }
    Ok(headers.iter().map(|name| String::from_utf8_lossy(name.trim_ascii()).into_owned()).collect())
}

/// Where lines begin that are not empty, and their numbers.
type LineStarts = Rc<RefCell<VecDeque<(u64, u64)>>>;

/// Counts lines as they are read. The CSV reader's own count is that of the record before, where a file has line breaks of
/// two bytes or empty lines.
struct Numbered<R> {
    input: R,
    starts: LineStarts,
    at: u64,
    line: u64,
    /// Something of the line was read.
    begun: bool,
}

impl<R: Read> Read for Numbered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        let mut starts = self.starts.borrow_mut();
        for byte in &buffer[..count] {
            match byte {
                b'\n' => (self.line, self.begun) = (self.line + 1, false),
                b'\r' => {}
                _ if !self.begun => {
                    starts.push_back((self.at, self.line));
                    self.begun = true;
                }
                _ => {}
            }
            self.at += 1;
        }
        Ok(count)
    }
}

/// The line of the record at or after `byte`, which never goes back. What stands before it is forgotten.
fn line_of(starts: &LineStarts, byte: u64) -> u64 {
    let mut starts = starts.borrow_mut();
    while starts.len() > 1 && starts.front().is_some_and(|(at, _)| *at < byte) {
        starts.pop_front();
    }
    starts.front().map_or(1, |(_, line)| *line)
}

fn fields<const N: usize>(
    record: &ByteRecord,
    expected: usize,
    positions: [Option<usize>; N],
    max_bytes: usize,
) -> Result<[&str; N], String> {
    if record.len() != expected {
        return Err(format!("it has {} fields and the header has {expected}", record.len()));
    }
    if record.as_slice().len() > max_bytes {
        return Err(format!("it is longer than {max_bytes} bytes"));
    }
    let mut fields = [""; N];
    for (field, position) in fields.iter_mut().zip(positions) {
        let bytes = position.and_then(|position| record.get(position)).unwrap_or_default();
        *field = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?.trim();
    }
    Ok(fields)
}

/// Flexible byte records leave nothing to fail but the reading itself.
fn io_error(error: csv::Error) -> Error {
    let text = error.to_string();
    match error.into_kind() {
        ErrorKind::Io(error) => Error::Read(error),
        _ => Error::Read(io::Error::other(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A byte at a time, so that nothing rests on how much is read at once.
    struct Trickle<'a>(&'a [u8]);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(buffer.len()).min(1);
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    #[test]
    fn lines_are_those_of_an_editor() {
        let file = b"\xef\xbb\xbfA, B ,C\r\n1,2,3\r\n\"x\ny\",2,3\r\n\r\n4,5\r\n\xff,2,3\r\n\n6,,7\n123456,,";
        for input in [Box::new(&file[..]) as Box<dyn Read>, Box::new(Trickle(file))] {
            let mut seen = Vec::new();
            let columns = read(input, ["B", "A", "Z"], &["A"], 6, |row| {
                let fields = row.fields.map(|fields| fields.map(str::to_owned));
                seen.push((row.index, row.line, fields));
                Ok(())
            });
            assert_eq!(columns.unwrap(), ["A", "B", "C"]);
            let taken = |a: &str, b: &str| Ok([b.to_owned(), a.to_owned(), String::new()]);
            let expected = [
                (0, 2, taken("1", "2")),
                (1, 3, taken("x\ny", "2")),
                (2, 6, Err("it has 2 fields and the header has 3".to_owned())),
                (3, 7, Err("it is not UTF-8".to_owned())),
                (4, 9, taken("6", "")),
                (5, 10, taken("123456", "")),
            ];
            assert_eq!(seen, expected);
        }
    }

    #[test]
    fn a_long_row_is_refused() {
        let mut seen = Vec::new();
        read(&b"A,B\n123,456\n1,2\n"[..], ["A"], &[], 5, |row| {
            seen.push(row.fields.is_ok());
            Ok(())
        })
        .unwrap();
        assert_eq!(seen, [false, true]);
    }

    #[test]
    fn a_file_of_another_format_is_refused() {
        let refused = read(&b"A,B\n1,2\n"[..], ["A"], &["A", "C"], 10, |_| Ok(()));
        assert!(matches!(refused, Err(Error::MissingColumn("C"))));
    }
}
