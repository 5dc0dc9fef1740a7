//! Values by key, for many values and few keys.

use std::collections::HashMap;
use std::hash::Hash;

use foldhash::fast::RandomState;

/// Groups by key, in the order in which their keys first came: whoever shows them sorts them.
#[derive(Debug)]
pub(super) struct Groups<K, G> {
    places: HashMap<K, usize, RandomState>,
    groups: Vec<(K, G)>,
}

impl<K, G> Default for Groups<K, G> {
    fn default() -> Self {
        Self { places: HashMap::default(), groups: Vec::new() }
    }
}

impl<K: Eq + Hash + Copy, G: Default> Groups<K, G> {
    /// The group of a key, empty where the key is new.
    pub(super) fn at(&mut self, key: K) -> &mut G {
        let place = *self.places.entry(key).or_insert_with(|| {
            self.groups.push((key, G::default()));
            self.groups.len() - 1
        });
        &mut self.groups[place].1
    }
}

impl<K, G> IntoIterator for Groups<K, G> {
    type Item = (K, G);
    type IntoIter = std::vec::IntoIter<(K, G)>;

    fn into_iter(self) -> Self::IntoIter {
        self.groups.into_iter()
    }
}
