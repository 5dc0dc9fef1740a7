//! Texts that repeat, as small numbers.

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

/// The key that stands for no text.
pub(crate) const NONE: u32 = u32::MAX;

/// Distinct texts in order of their first appearance.
#[derive(Debug, Default)]
pub(crate) struct Dictionary {
    table: HashTable<u32>,
    hashes: Vec<u64>,
    bytes: String,
    ends: Vec<u32>,
    last: u32,
}

impl Dictionary {
    /// Key of a text and whether it is new. The text asked for last is found without hashing.
    pub(crate) fn intern(&mut self, text: &str) -> (u32, bool) {
        if (self.last as usize) < self.ends.len() && self.get(self.last) == text {
            return (self.last, false);
        }
        self.intern_hashed(text, xxh3_64(text.as_bytes()))
    }

    /// Keys here of the texts of another dictionary, in order of its keys.
    pub(crate) fn intern_all(&mut self, other: &Self) -> Vec<u32> {
        other.texts().zip(&other.hashes).map(|(text, &hash)| self.intern_hashed(text, hash).0).collect()
    }

    fn intern_hashed(&mut self, text: &str, hash: u64) -> (u32, bool) {
        let found = self.table.find(hash, |&key| self.hashes[key as usize] == hash && self.get(key) == text);
        let (key, new) = if let Some(&key) = found { (key, false) } else { (self.insert(hash, text), true) };
        self.last = key;
        (key, new)
    }

    /// Key of an optional text.
    pub(crate) fn intern_optional(&mut self, text: Option<&str>) -> u32 {
        text.map_or(NONE, |text| self.intern(text).0)
    }

    #[expect(clippy::cast_possible_truncation, reason = "a run has far fewer than 2^32 distinct labels")]
    fn insert(&mut self, hash: u64, text: &str) -> u32 {
        let key = self.ends.len() as u32;
        self.bytes.push_str(text);
        self.ends.push(self.bytes.len() as u32);
        self.hashes.push(hash);
        let hashes = &self.hashes;
        self.table.insert_unique(hash, key, |&key| hashes[key as usize]);
        key
    }

    /// Forgets all texts and keeps the memory.
    pub(crate) fn clear(&mut self) {
        let Self { table, hashes, bytes, ends, last } = self;
        table.clear();
        hashes.clear();
        bytes.clear();
        ends.clear();
        *last = 0;
    }

    /// The text of a key.
    pub(crate) fn get(&self, key: u32) -> &str {
        let key = key as usize;
        let start = if key == 0 { 0 } else { self.ends[key - 1] as usize };
        &self.bytes[start..self.ends[key] as usize]
    }

    /// XXH3 hash of the text of a key; 0 for [`NONE`].
    pub(crate) fn hash(&self, key: u32) -> u64 {
        if key == NONE { 0 } else { self.hashes[key as usize] }
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The texts in order of their keys.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len()).map(|key| {
            let start = if key == 0 { 0 } else { self.ends[key - 1] as usize };
            &self.bytes[start..self.ends[key] as usize]
        })
    }
}
