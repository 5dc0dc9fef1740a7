//! The columns of a block's instrumentation records.

use faaslens_schemas::store::{NO_CONTEXT, part_of_hash};
use xxhash_rust::xxh3::xxh3_64;

use super::dictionary::Dictionary;
use crate::formats::befaas::Record;

/// Texts that rarely repeat, end to end; absent ones take no bytes and end where their neighbour ends.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    bytes: Vec<u8>,
    ends: Vec<u32>,
    present: Vec<bool>,
}

impl Texts {
    #[expect(clippy::cast_possible_truncation, reason = "the texts of a block are shorter than the block")]
    pub(crate) fn push(&mut self, text: Option<&str>) {
        if let Some(text) = text {
            self.bytes.extend_from_slice(text.as_bytes());
        }
        self.ends.push(self.bytes.len() as u32);
        self.present.push(text.is_some());
    }

    /// Makes room for so many texts, of no bytes yet.
    pub(crate) fn reserve(&mut self, texts: usize) {
        self.ends.reserve(texts);
        self.present.reserve(texts);
    }

    /// All texts end to end.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where each text ends.
    pub(crate) fn ends(&self) -> &[u32] {
        &self.ends
    }

    /// Whether each text is there.
    pub(crate) fn present(&self) -> &[bool] {
        &self.present
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.present.clear();
    }

    /// The bytes of a text; `None` for an absent one.
    #[inline]
    pub(crate) fn get(&self, row: usize) -> Option<&[u8]> {
        if !self.present[row] {
            return None;
        }
        let start = if row == 0 { 0 } else { self.ends[row - 1] as usize };
        Some(&self.bytes[start..self.ends[row] as usize])
    }
}

/// Dictionary-encoded columns that are gathered with run-wide keys, in this order.
pub(crate) const LABELS: usize = 6;
/// Places in [`EventColumns::labels`].
pub(crate) mod label {
    pub(crate) const FUNCTION: usize = 0;
    pub(crate) const EXECUTOR: usize = 1;
    pub(crate) const DEPLOYMENT: usize = 2;
    pub(crate) const TARGET: usize = 3;
    pub(crate) const METHOD: usize = 4;
    pub(crate) const USER_AGENT: usize = 5;
}

/// Whose record it is, as keys of the block's dictionaries.
#[derive(Debug, Clone, Copy)]
struct Speaker {
    function: u32,
    executor: u32,
    deployment: u32,
}

/// Records of one block: the columns of each part, with dictionaries that all parts share.
#[derive(Debug, Default)]
pub(crate) struct BlockColumns {
    /// Columns, by part.
    pub(crate) parts: Vec<Columns>,
    pub(crate) dictionaries: [Dictionary; LABELS],
    /// Whose records they are, by number of the introduction.
    speakers: Vec<Option<Speaker>>,
    parts_with_contexts: u32,
    len: usize,
}

/// Records of one block and one part, column by column.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    /// Identity of each record: two records of the same executor with the same content have the same.
    pub(crate) identity: Vec<u64>,
    pub(crate) kind: Vec<u8>,
    /// Number of the operation, or `u8::MAX`.
    pub(crate) op: Vec<u8>,
    pub(crate) logged_at_ms: Vec<i64>,
    pub(crate) now_ms: Vec<f64>,
    /// NaN where unknown.
    pub(crate) start_ms: Vec<f64>,
    /// NaN where unknown.
    pub(crate) duration_ms: Vec<f64>,
    pub(crate) offset: Vec<u64>,
    /// Keys into the block's dictionaries.
    pub(crate) labels: [Vec<u32>; LABELS],
    pub(crate) context_id: Texts,
    pub(crate) pair_id: Texts,
    pub(crate) callee_pair_id: Texts,
    pub(crate) url: Texts,
    pub(crate) headers: Texts,
}

/// What appending a record tells.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Appended {
    /// Key of its function in the block's dictionary.
    pub(crate) function: u32,
    /// Key of its executor.
    pub(crate) executor: u32,
    /// Whether the executor is new to the block.
    pub(crate) new_executor: bool,
}

impl BlockColumns {
    /// Forgets all records and keeps the memory; `parts` is the number of parts with contexts.
    pub(crate) fn reset(&mut self, parts: u32) {
        let Self { parts: columns, dictionaries, speakers, parts_with_contexts, len } = self;
        *parts_with_contexts = parts;
        columns.resize_with(parts as usize + 1, Columns::default);
        columns.iter_mut().for_each(Columns::clear);
        dictionaries.iter_mut().for_each(Dictionary::clear);
        speakers.clear();
        *len = 0;
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Appends a record to the columns of its part.
    pub(crate) fn push(&mut self, record: &Record<'_>, provider_hash: u64, offset: u64) -> Appended {
        let event = &record.event;
        let (Speaker { function, executor, deployment }, new_executor) = self.speaker(record);
        let keys = [
            function,
            executor,
            deployment,
            self.dictionaries[label::TARGET].intern_optional(event.target.as_deref()),
            self.dictionaries[label::METHOD].intern_optional(event.method.as_deref()),
            self.dictionaries[label::USER_AGENT].intern_optional(event.user_agent.as_deref()),
        ];
        let context_hash = event.context_id.as_deref().map_or(0, |id| xxh3_64(id.as_bytes()));
        let text_hash = |text: Option<&str>| text.map_or(0, |text| xxh3_64(text.as_bytes()));
        let number = |number: Option<f64>| number.unwrap_or(f64::NAN);
        let identity = [
            provider_hash,
            self.dictionaries[label::FUNCTION].hash(keys[label::FUNCTION]),
            self.dictionaries[label::EXECUTOR].hash(executor),
            self.dictionaries[label::TARGET].hash(keys[label::TARGET]),
            self.dictionaries[label::METHOD].hash(keys[label::METHOD]),
            u64::from(event.kind as u8) << 8 | u64::from(event.op.map_or(u8::MAX, |op| op as u8)),
            record.timestamp_ms.cast_unsigned(),
            record.now_ms.to_bits(),
            number(event.start_ms).to_bits(),
            number(event.duration_ms).to_bits(),
            context_hash,
            text_hash(event.pair_id.as_deref()),
            text_hash(event.callee_pair_id.as_deref()),
            text_hash(event.url.as_deref()),
        ];
        let part = match event.context_id {
            Some(_) => part_of_hash(context_hash, self.parts_with_contexts),
            None => NO_CONTEXT,
        };
        self.len += 1;
        self.parts[part as usize].push(record, hash_words(&identity), &keys, offset);
        Appended { function, executor, new_executor }
    }

    /// Whose record it is, and whether the executor is new to the block.
    fn speaker(&mut self, record: &Record<'_>) -> (Speaker, bool) {
        let number = record.introduction.map_or(usize::MAX, |number| number as usize);
        if let Some(Some(known)) = self.speakers.get(number) {
            return (*known, false);
        }
        let (executor, new) = self.dictionaries[label::EXECUTOR].intern(&record.executor);
        let speaker = Speaker {
            function: self.dictionaries[label::FUNCTION].intern(&record.function).0,
            executor,
            deployment: self.dictionaries[label::DEPLOYMENT].intern_optional(record.deployment_id.as_deref()),
        };
        if number != usize::MAX {
            self.speakers.resize(self.speakers.len().max(number + 1), None);
            self.speakers[number] = Some(speaker);
        }
        (speaker, new)
    }
}

impl Columns {
    pub(crate) fn len(&self) -> usize {
        self.kind.len()
    }

    fn push(&mut self, record: &Record<'_>, identity: u64, keys: &[u32; LABELS], offset: u64) {
        let event = &record.event;
        self.identity.push(identity);
        self.kind.push(event.kind as u8);
        self.op.push(event.op.map_or(u8::MAX, |op| op as u8));
        self.logged_at_ms.push(record.timestamp_ms);
        self.now_ms.push(record.now_ms);
        self.start_ms.push(event.start_ms.unwrap_or(f64::NAN));
        self.duration_ms.push(event.duration_ms.unwrap_or(f64::NAN));
        self.offset.push(offset);
        for (column, key) in self.labels.iter_mut().zip(keys) {
            column.push(*key);
        }
        self.context_id.push(event.context_id.as_deref());
        self.pair_id.push(event.pair_id.as_deref());
        self.callee_pair_id.push(event.callee_pair_id.as_deref());
        self.url.push(event.url.as_deref());
        self.headers.push(event.headers.as_deref());
    }

    fn clear(&mut self) {
        self.identity.clear();
        self.kind.clear();
        self.op.clear();
        self.logged_at_ms.clear();
        for column in [&mut self.now_ms, &mut self.start_ms, &mut self.duration_ms] {
            column.clear();
        }
        self.offset.clear();
        self.labels.iter_mut().for_each(Vec::clear);
        let Self { context_id, pair_id, callee_pair_id, url, headers, .. } = self;
        for column in [context_id, pair_id, callee_pair_id, url, headers] {
            column.clear();
        }
    }
}

/// Hash of a row of words.
pub(super) fn hash_words<const N: usize>(words: &[u64; N]) -> u64 {
    let mut bytes = [[0_u8; 8]; N];
    for (bytes, word) in bytes.iter_mut().zip(words) {
        *bytes = word.to_le_bytes();
    }
    xxh3_64(bytes.as_flattened())
}
