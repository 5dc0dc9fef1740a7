//! The columns of a block's instrumentation records.

use faaslens_schemas::dictionary::Dictionary;
use faaslens_schemas::store::{NO_CONTEXT, Texts, part_of_hash};
use faaslens_schemas::time::Timestamp;
use xxhash_rust::xxh3::xxh3_64;

use crate::formats::befaas::Record;

/// Columns of texts that repeat, as keys of the block's dictionaries.
pub(crate) const LABELS: usize = 10;
/// Places of these columns.
pub(crate) mod label {
    pub(crate) const FUNCTION: usize = 0;
    pub(crate) const EXECUTOR: usize = 1;
    pub(crate) const DEPLOYMENT: usize = 2;
    pub(crate) const TARGET: usize = 3;
    pub(crate) const METHOD: usize = 4;
    pub(crate) const USER_AGENT: usize = 5;
    pub(crate) const CONTEXT: usize = 6;
    pub(crate) const PAIR: usize = 7;
    pub(crate) const CALLEE_PAIR: usize = 8;
    pub(crate) const URL: usize = 9;
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
    /// Microseconds since the Unix epoch, whole milliseconds.
    pub(crate) logged_at: Vec<i64>,
    pub(crate) now_ms: Vec<f64>,
    /// NaN where unknown.
    pub(crate) start_ms: Vec<f64>,
    /// NaN where unknown.
    pub(crate) duration_ms: Vec<f64>,
    pub(crate) offset: Vec<i64>,
    /// Keys into the block's dictionaries.
    pub(crate) labels: [Vec<u32>; LABELS],
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
    pub(crate) fn push(&mut self, record: &Record<&str>, provider_hash: u64, offset: u64) -> Appended {
        let event = &record.event;
        let (Speaker { function, executor, deployment }, new_executor) = self.speaker(record);
        let dictionaries = &mut self.dictionaries;
        let mut key = |column: usize, text: Option<&str>| dictionaries[column].intern_optional(text);
        let keys = [
            function,
            executor,
            deployment,
            key(label::TARGET, event.target),
            key(label::METHOD, event.method),
            key(label::USER_AGENT, event.user_agent),
            key(label::CONTEXT, event.context_id),
            key(label::PAIR, event.pair_id),
            key(label::CALLEE_PAIR, event.callee_pair_id),
            key(label::URL, event.url),
        ];
        let hash = |column: usize| self.dictionaries[column].hash(keys[column]);
        let context_hash = hash(label::CONTEXT);
        let number = |number: Option<f64>| number.unwrap_or(f64::NAN);
        let identity = [
            provider_hash,
            hash(label::FUNCTION),
            hash(label::EXECUTOR),
            hash(label::TARGET),
            hash(label::METHOD),
            u64::from(event.kind as u8) << 8 | u64::from(event.op.map_or(u8::MAX, |op| op as u8)),
            record.timestamp_ms.cast_unsigned(),
            record.now_ms.to_bits(),
            number(event.start_ms).to_bits(),
            number(event.duration_ms).to_bits(),
            context_hash,
            hash(label::PAIR),
            hash(label::CALLEE_PAIR),
            hash(label::URL),
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
    fn speaker(&mut self, record: &Record<&str>) -> (Speaker, bool) {
        let number = record.introduction.map_or(usize::MAX, |number| number as usize);
        if let Some(Some(known)) = self.speakers.get(number) {
            return (*known, false);
        }
        let (executor, new) = self.dictionaries[label::EXECUTOR].intern(record.executor);
        let speaker = Speaker {
            function: self.dictionaries[label::FUNCTION].intern(record.function).0,
            executor,
            deployment: self.dictionaries[label::DEPLOYMENT].intern_optional(record.deployment_id),
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

    fn push(&mut self, record: &Record<&str>, identity: u64, keys: &[u32; LABELS], offset: u64) {
        let event = &record.event;
        self.identity.push(identity);
        self.kind.push(event.kind as u8);
        self.op.push(event.op.map_or(u8::MAX, |op| op as u8));
        self.logged_at.push(Timestamp::from_millis(record.timestamp_ms).micros());
        self.now_ms.push(record.now_ms);
        self.start_ms.push(event.start_ms.unwrap_or(f64::NAN));
        self.duration_ms.push(event.duration_ms.unwrap_or(f64::NAN));
        self.offset.push(offset.cast_signed());
        for (column, key) in self.labels.iter_mut().zip(keys) {
            column.push(*key);
        }
        self.headers.push(event.headers);
    }

    /// Replaces its rows by some of others.
    pub(crate) fn select(&mut self, others: &Self, rows: &[u32]) {
        fn pick<T: Copy>(target: &mut Vec<T>, source: &[T], rows: &[u32]) {
            target.extend(rows.iter().map(|row| source[*row as usize]));
        }
        self.clear();
        pick(&mut self.identity, &others.identity, rows);
        pick(&mut self.kind, &others.kind, rows);
        pick(&mut self.op, &others.op, rows);
        pick(&mut self.logged_at, &others.logged_at, rows);
        pick(&mut self.now_ms, &others.now_ms, rows);
        pick(&mut self.start_ms, &others.start_ms, rows);
        pick(&mut self.duration_ms, &others.duration_ms, rows);
        pick(&mut self.offset, &others.offset, rows);
        for (target, source) in self.labels.iter_mut().zip(&others.labels) {
            pick(target, source, rows);
        }
        self.headers.extend_from(&others.headers, rows);
    }

    fn clear(&mut self) {
        let Self { identity, kind, op, logged_at, now_ms, start_ms, duration_ms, offset, labels, headers } = self;
        identity.clear();
        kind.clear();
        op.clear();
        logged_at.clear();
        now_ms.clear();
        start_ms.clear();
        duration_ms.clear();
        offset.clear();
        labels.iter_mut().for_each(Vec::clear);
        headers.clear();
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
