//! The columnar encoding of what the page explores: written here, read by `assets/page/frame.js`.
//!
//! ```text
//! bytes 0..4    length of the header, u32, little endian
//! header        JSON: [{"name", "rows", "columns": [{"name", "kind", "bytes", "values"?}]}]
//! columns       their bytes, one after another, in the order of the header
//! ```
//!
//! A column is of one kind; every kind has its null:
//!
//! | kind | a value is |
//! |---|---|
//! | `text` | LEB128 of its place in the header's `values` plus one; 0 is null |
//! | `int` | LEB128 of its zigzag plus one; 0 is null |
//! | `delta` | as `int`, of the difference to the last value that was not null (0 before the first) |
//! | `real` | 8 bytes, IEEE 754, little endian; NaN is null |
//! | `flag` | one byte: 0 no, 1 yes, 2 null |
//!
//! Times and durations are whole microseconds, so that most of them take two or three bytes. A text longer than
//! [`TEXT_MAX`] characters is cut and says how long it was; texts that differ stay different values.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::escape::visible;

/// Characters of a text that the page keeps.
pub(crate) const TEXT_MAX: usize = 400;

/// A table of named columns of one length.
#[derive(Debug, Default)]
pub(crate) struct Frame {
    name: &'static str,
    rows: usize,
    columns: Vec<Column>,
}

#[derive(Debug)]
struct Column {
    name: &'static str,
    kind: &'static str,
    values: Option<Vec<String>>,
    bytes: Vec<u8>,
}

impl Frame {
    /// A table without columns.
    pub(crate) fn new(name: &'static str, rows: usize) -> Self {
        Self { name, rows, columns: Vec::new() }
    }

    fn push(mut self, name: &'static str, kind: &'static str, values: Option<Vec<String>>, bytes: Vec<u8>) -> Self {
        self.columns.push(Column { name, kind, values, bytes });
        self
    }

    /// Texts that may repeat. Control and direction characters are written out.
    #[must_use]
    pub(crate) fn text<'a>(self, name: &'static str, cells: impl Iterator<Item = Option<&'a str>>) -> Self {
        let mut places: HashMap<&str, u64> = HashMap::new();
        let (mut values, mut bytes) = (Vec::new(), Vec::new());
        for cell in cells {
            let code = cell.map_or(0, |text| {
                *places.entry(text).or_insert_with(|| {
                    values.push(shown(text));
                    values.len() as u64
                })
            });
            varint(&mut bytes, code);
        }
        self.push(name, "text", Some(values), bytes)
    }

    /// Whole numbers.
    #[must_use]
    pub(crate) fn int(self, name: &'static str, cells: impl Iterator<Item = Option<i64>>) -> Self {
        let mut bytes = Vec::new();
        cells.for_each(|cell| varint(&mut bytes, cell.map_or(0, |value| zigzag(value).saturating_add(1))));
        self.push(name, "int", None, bytes)
    }

    /// Whole numbers that lie close to the one before.
    #[must_use]
    pub(crate) fn delta(self, name: &'static str, cells: impl Iterator<Item = Option<i64>>) -> Self {
        let mut last = 0_i64;
        let steps = cells.map(|cell| {
            cell.map(|value| {
                let step = value.wrapping_sub(last);
                last = value;
                step
            })
        });
        let steps: Vec<Option<i64>> = steps.collect();
        let mut column = self.int(name, steps.into_iter());
        if let Some(last) = column.columns.last_mut() {
            last.kind = "delta";
        }
        column
    }

    /// Milliseconds, kept as whole microseconds; what is not finite is null.
    #[must_use]
    pub(crate) fn millis(self, name: &'static str, cells: impl Iterator<Item = Option<f64>>) -> Self {
        self.int(name, cells.map(|cell| cell.and_then(micros)))
    }

    /// Numbers in full precision.
    #[must_use]
    pub(crate) fn real(self, name: &'static str, cells: impl Iterator<Item = f64>) -> Self {
        let bytes = cells.flat_map(f64::to_le_bytes).collect();
        self.push(name, "real", None, bytes)
    }

    /// Yes, no or unknown.
    #[must_use]
    pub(crate) fn flag(self, name: &'static str, cells: impl Iterator<Item = Option<bool>>) -> Self {
        let bytes = cells.map(|cell| cell.map_or(2, u8::from)).collect();
        self.push(name, "flag", None, bytes)
    }
}

/// Frames as bytes.
pub(crate) fn encode(frames: &[Frame]) -> Vec<u8> {
    let column = |column: &Column| {
        let mut entry = json!({"name": column.name, "kind": column.kind, "bytes": column.bytes.len()});
        if let Some(values) = &column.values {
            entry["values"] = Value::from(values.as_slice());
        }
        entry
    };
    let frame = |frame: &Frame| {
        let columns: Vec<Value> = frame.columns.iter().map(column).collect();
        json!({"name": frame.name, "rows": frame.rows, "columns": columns})
    };
    let header = Value::from(frames.iter().map(frame).collect::<Vec<_>>()).to_string();
    let mut out = u32::try_from(header.len()).unwrap_or(u32::MAX).to_le_bytes().to_vec();
    out.extend(header.as_bytes());
    out.extend(frames.iter().flat_map(|frame| &frame.columns).flat_map(|column| &column.bytes));
    out
}

/// A text as the page shows it.
fn shown(text: &str) -> String {
    let cut: String = text.chars().take(TEXT_MAX).collect();
    if cut.len() == text.len() {
        return visible(text).into_owned();
    }
    format!("{}… ({} characters)", visible(&cut), text.chars().count())
}

#[expect(clippy::cast_possible_truncation, reason = "within ±2^52 after the check")]
fn micros(ms: f64) -> Option<i64> {
    let micros = (ms * 1000.0).round();
    (micros.abs() < 4_503_599_627_370_496.0).then_some(micros as i64)
}

#[expect(clippy::cast_sign_loss, reason = "the zigzag of any i64 is a u64 bit for bit")]
fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

#[expect(clippy::cast_possible_truncation, reason = "seven bits are taken at a time")]
fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
