//! Texts that repeat, as small numbers.

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

/// The key that stands for no text.
pub const NONE: u32 = u32::MAX;

/// Distinct texts in order of their first appearance; their keys count from 0.
#[derive(Debug, Default)]
pub struct Dictionary {
    table: HashTable<u32>,
    hashes: Vec<u64>,
    bytes: String,
    ends: Vec<u32>,
    last: u32,
}

impl Dictionary {
    /// Key of a text and whether it is new. The text asked for last is found without hashing.
    #[inline]
    pub fn intern(&mut self, text: &str) -> (u32, bool) {
        if (self.last as usize) < self.ends.len() && self.is(self.last, text) {
            return (self.last, false);
        }
        self.intern_hashed(text, xxh3_64(text.as_bytes()))
    }

    /// As [`Dictionary::intern`], for a text whose XXH3 hash is known.
    pub fn intern_hashed(&mut self, text: &str, hash: u64) -> (u32, bool) {
        let found = self.table.find(hash, |&key| self.hashes[key as usize] == hash && self.is(key, text));
        let (key, new) = if let Some(&key) = found { (key, false) } else { (self.insert(hash, text), true) };
        self.last = key;
        (key, new)
    }

    /// Key of an optional text; [`NONE`] for an absent one.
    #[inline]
    pub fn intern_optional(&mut self, text: Option<&str>) -> u32 {
        text.map_or(NONE, |text| self.intern(text).0)
    }

    /// Keys here of the texts of another dictionary, in order of its keys.
    pub fn intern_all(&mut self, other: &Self) -> Vec<u32> {
        other.texts().zip(&other.hashes).map(|(text, &hash)| self.intern_hashed(text, hash).0).collect()
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
    pub fn clear(&mut self) {
        let Self { table, hashes, bytes, ends, last } = self;
        table.clear();
        hashes.clear();
        bytes.clear();
        ends.clear();
        *last = 0;
    }

    /// The text of a key.
    ///
    /// # Panics
    /// When the key is none of this dictionary.
    #[inline]
    pub fn get(&self, key: u32) -> &str {
        &self.bytes[self.place(key)]
    }

    #[inline]
    fn place(&self, key: u32) -> std::ops::Range<usize> {
        let key = key as usize;
        let start = if key == 0 { 0 } else { self.ends[key - 1] as usize };
        start..self.ends[key] as usize
    }

    /// Whether a key is that of a text.
    #[inline]
    fn is(&self, key: u32, text: &str) -> bool {
        self.bytes.as_bytes()[self.place(key)] == *text.as_bytes()
    }

    /// XXH3 hash of the text of a key; 0 for [`NONE`].
    ///
    /// # Panics
    /// When the key is none of this dictionary.
    #[inline]
    pub fn hash(&self, key: u32) -> u64 {
        if key == NONE { 0 } else { self.hashes[key as usize] }
    }

    /// Number of texts.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes of all texts.
    pub fn text_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The texts in order of their keys.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let text = &self.bytes[start..end as usize];
            start = end as usize;
            text
        })
    }
}

impl<'a> FromIterator<&'a str> for Dictionary {
    fn from_iter<I: IntoIterator<Item = &'a str>>(texts: I) -> Self {
        let mut dictionary = Self::default();
        for text in texts {
            dictionary.intern(text);
        }
        dictionary
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_the_key_of_its_first_appearance() {
        let mut dictionary = Dictionary::default();
        let keys: Vec<u32> = ["a", "b", "b", "", "a"].iter().map(|text| dictionary.intern(text).0).collect();
        assert_eq!(keys, [0, 1, 1, 2, 0]);
        assert_eq!(dictionary.intern_optional(None), NONE);
        assert_eq!(dictionary.texts().collect::<Vec<_>>(), ["a", "b", ""]);
        assert_eq!((dictionary.len(), dictionary.text_bytes()), (3, 2));
    }

    #[test]
    fn texts_of_another_dictionary_get_keys_in_its_order() {
        let (mut run, mut block) = (Dictionary::default(), Dictionary::default());
        run.intern("x");
        for text in ["y", "x"] {
            block.intern(text);
        }
        assert_eq!(run.intern_all(&block), [1, 0]);
        run.clear();
        assert_eq!(run.intern("x"), (0, true));
    }
}
