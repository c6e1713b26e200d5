//! A CSV file as rows of named columns.

use std::io::Read;

use csv::{ByteRecord, ErrorKind, ReaderBuilder};

use super::{Error, Report};

/// Reads `input` and hands each row to `take`: its line, and its fields in the order of `columns`; an empty text
/// stands for a column that the file does not have, which those of `required` must not be. A row that `take` refuses
/// is rejected with the reason, as is one with too few or too many fields or with bytes that are no UTF-8.
pub(super) fn read<const N: usize>(
    mut input: impl Read,
    columns: [&'static str; N],
    required: &[&'static str],
    report: &mut Report,
    mut take: impl FnMut(&mut Report, u64, [&str; N]) -> Result<(), String>,
) -> Result<(), Error> {
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes)?;
    // Flexible: a short row is the row's fault, not the end of the file.
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(&bytes[..]);
    let headers = reader.byte_headers().map_err(io_error)?.clone();
    let position = |name: &str| headers.iter().position(|header| header.trim_ascii() == name.as_bytes());
    if let Some(missing) = required.iter().find(|name| position(name).is_none()) {
        return Err(Error::MissingColumn(missing));
    }
    let positions = columns.map(position);
    let mut lines = Lines { bytes: &bytes, at: 0, line: 1 };
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(io_error)? {
        let line = lines.of(record.position().map_or(0, csv::Position::byte));
        report.rows += 1;
        let taken = fields(&record, headers.len(), positions).and_then(|fields| take(report, line, fields));
        if let Err(reason) = taken {
            report.reject(line, reason);
        }
    }
    Ok(())
}

/// Counts lines. The reader's own count is that of the record before, where a file has line breaks of two bytes or
/// empty lines.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of the record at or after `byte`, which never goes back.
    fn of(&mut self, byte: u64) -> u64 {
        let mut end = usize::try_from(byte).unwrap_or(usize::MAX).clamp(self.at, self.bytes.len());
        end += self.bytes[end..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        self.line += self.bytes[self.at..end].iter().filter(|byte| **byte == b'\n').count() as u64;
        self.at = end;
        self.line
    }
}

fn fields<const N: usize>(
    record: &ByteRecord,
    expected: usize,
    positions: [Option<usize>; N],
) -> Result<[&str; N], String> {
    if record.len() != expected {
        return Err(format!("it has {} fields and the header has {expected}", record.len()));
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
        _ => Error::Read(std::io::Error::other(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_of_an_editor() {
        let file = b"\xef\xbb\xbfA, B ,C\r\n1,2,3\r\n\"x\ny\",2,3\r\n\r\n4,5\r\n\xff,2,3\r\n\n6,,7";
        let mut report = Report::default();
        let mut seen = Vec::new();
        read(&file[..], ["B", "A", "Z"], &["A"], &mut report, |_, line, [b, a, z]| {
            assert_eq!(z, "", "a column that the file does not have");
            seen.push((line, a.to_owned(), b.to_owned()));
            if a == "6" { Err("six".into()) } else { Ok(()) }
        })
        .unwrap();
        let row = |line, a: &str, b: &str| (line, a.to_owned(), b.to_owned());
        assert_eq!(seen, [row(2, "1", "2"), row(3, "x\ny", "2"), row(9, "6", "")]);
        let rejected: Vec<_> = report.rejected.iter().map(|remark| (remark.line, remark.text.as_str())).collect();
        assert_eq!(rejected, [(6, "it has 2 fields and the header has 3"), (7, "it is not UTF-8"), (9, "six")]);
        assert_eq!(report.rows, 5);
    }

    #[test]
    fn a_file_of_another_format_is_refused() {
        let refused = read(&b"A,B\n1,2\n"[..], ["A"], &["A", "C"], &mut Report::default(), |_, _, _| Ok(()));
        assert!(matches!(refused, Err(Error::MissingColumn("C"))));
    }
}
