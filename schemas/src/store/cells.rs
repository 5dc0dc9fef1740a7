//! Values of a column as a collector holds them, for [`super::TableFile::append`].

use std::ops::Range;

use crate::dictionary::Dictionary;

/// Values of one column for some rows.
#[derive(Debug, Clone, Copy)]
pub enum Cells<'a> {
    /// One text for all rows.
    Same(&'a str),
    /// Texts by their keys; [`crate::dictionary::NONE`] for an absent one.
    Keyed(&'a [u32], &'a Dictionary),
    /// Texts by small keys; `u8::MAX` for an absent one.
    Named(&'a [u8], &'a Dictionary),
    /// 64-bit floats, NaN for an absent one.
    Numbers(&'a [f64]),
    /// Whole numbers, or microseconds since the Unix epoch; [`i64::MIN`] for an absent one.
    Integers(&'a [i64]),
    /// Texts that rarely repeat.
    Texts(TextRows<'a>),
}

/// Some rows of texts.
#[derive(Debug, Clone, Copy)]
pub struct TextRows<'a> {
    texts: &'a Texts,
    from: usize,
    until: usize,
}

impl Cells<'_> {
    /// The values of some of the rows.
    pub(super) fn slice(self, rows: &Range<usize>) -> Self {
        let rows = rows.clone();
        match self {
            Self::Same(text) => Self::Same(text),
            Self::Keyed(keys, texts) => Self::Keyed(&keys[rows], texts),
            Self::Named(keys, texts) => Self::Named(&keys[rows], texts),
            Self::Numbers(numbers) => Self::Numbers(&numbers[rows]),
            Self::Integers(numbers) => Self::Integers(&numbers[rows]),
            Self::Texts(texts) => Self::Texts(texts.slice(&rows)),
        }
    }
}

/// Texts end to end, each with its length before it, as Parquet's plain encoding has them; absent ones take no bytes.
#[derive(Debug, Default)]
pub struct Texts {
    bytes: Vec<u8>,
    /// Where each text ends.
    ends: Vec<u32>,
}

/// Bytes of a length.
const LENGTH: usize = 4;

impl Texts {
    /// Appends a text, or an absent one.
    pub fn push(&mut self, text: Option<&str>) {
        if let Some(text) = text {
            Self::push_plain(text, &mut self.bytes);
        }
        self.ends.push(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
    }

    /// Appends the texts of some rows of others.
    pub fn extend_from(&mut self, others: &Self, rows: &[u32]) {
        for &row in rows {
            let row = row as usize;
            self.bytes.extend_from_slice(others.plain(row, row + 1));
            self.ends.push(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
        }
    }

    /// Makes room for so many texts, of no bytes yet.
    pub fn reserve(&mut self, texts: usize) {
        self.ends.reserve(texts);
    }

    /// The bytes of a text; `None` for an absent one.
    ///
    /// # Panics
    /// When there is no such row.
    #[inline]
    pub fn get(&self, row: usize) -> Option<&[u8]> {
        self.plain(row, row + 1).get(LENGTH..)
    }

    /// Some rows.
    ///
    /// # Panics
    /// When there are not all of these rows.
    pub fn rows(&self, rows: Range<usize>) -> TextRows<'_> {
        assert!(rows.start <= rows.end && rows.end <= self.len(), "rows {rows:?} of {}", self.len());
        TextRows { texts: self, from: rows.start, until: rows.end }
    }

    /// Forgets all texts and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Number of texts, absent ones included.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no text, nor an absent one.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub(super) fn push_plain(text: &str, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }

    /// Some rows in plain encoding.
    fn plain(&self, from: usize, until: usize) -> &[u8] {
        if from == until { &[] } else { &self.bytes[self.start(from)..self.start(until)] }
    }

    /// Where a row begins.
    fn start(&self, row: usize) -> usize {
        if row == 0 { 0 } else { self.ends[row - 1] as usize }
    }
}

impl<'a> TextRows<'a> {
    /// Number of rows.
    pub(super) fn len(self) -> usize {
        self.until - self.from
    }

    /// So many of the first of these rows, and the others.
    pub(super) fn split_at(self, rows: usize) -> (Self, Self) {
        let middle = self.until.min(self.from + rows);
        (Self { until: middle, ..self }, Self { from: middle, ..self })
    }

    fn slice(self, rows: &Range<usize>) -> Self {
        Self { from: self.from + rows.start, until: self.from + rows.end, ..self }
    }

    /// Whether each row has a text.
    pub(super) fn present(self) -> impl ExactSizeIterator<Item = bool> + Clone + use<'a> {
        let mut before = self.texts.start(self.from);
        self.texts.ends[self.from..self.until].iter().map(move |&end| {
            let present = end as usize >= before + LENGTH;
            before = end as usize;
            present
        })
    }

    /// The texts in plain encoding.
    pub(super) fn plain(self) -> &'a [u8] {
        self.texts.plain(self.from, self.until)
    }
}
