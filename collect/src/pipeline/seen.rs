//! The identities of the records of a part, to know repetitions.

/// A set of 64-bit hashes: linear probing over one array, so that asking costs one cache miss; 9 to 18 bytes for each.
///
/// Two different records share an identity with a probability of `n^2 / 2^65`: one in a million for 6 million records.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// A power of two of places, or none yet.
    places: Vec<u64>,
    taken: usize,
    /// Places made for the first identity.
    room: usize,
}

/// Marks a free place. Not 0: memory that the system hands out as zeros is first shared, when it is looked at, and taken
/// when it is written, and that second step stops all threads.
const FREE: u64 = u64::MAX;
/// Stands for an identity that is [`FREE`].
const INSTEAD_OF_FREE: u64 = 0x9e37_79b9_7f4a_7c15;

/// Room is made beforehand for at most so many identities: 32 MiB.
const ROOM_MAX: u64 = 3 << 20;

impl Seen {
    /// An empty set. Room for about so many identities is made with the first of them, by the thread that brings it.
    pub(super) fn with_room(identities: u64) -> Self {
        let places = usize::try_from(identities.min(ROOM_MAX) * 8 / 7).unwrap_or(0);
        Self { places: Vec::new(), taken: 0, room: places.next_power_of_two() }
    }

    /// Looks at the places of identities that will be added soon: these cache misses wait for each other no longer.
    pub(super) fn approach(&self, identities: &[u64]) {
        let mask = self.places.len().wrapping_sub(1);
        let near = |identity: &u64| self.places.get(home(*identity, mask)).copied().unwrap_or(FREE);
        std::hint::black_box(identities.iter().map(near).fold(0, u64::wrapping_add));
    }

    /// Adds an identity; false when it is there already.
    #[inline]
    pub(super) fn insert(&mut self, identity: u64) -> bool {
        // Kept at most 7/8 full: 32 places are looked at for a new identity on average when it grows, 1.5 when half full.
        if self.taken * 8 >= self.places.len() * 7 {
            self.grow();
        }
        let new = place(&mut self.places, if identity == FREE { INSTEAD_OF_FREE } else { identity });
        self.taken += usize::from(new);
        new
    }

    #[cold]
    fn grow(&mut self) {
        let places = if self.places.is_empty() { self.room } else { self.places.len() * 2 };
        let mut larger = vec![FREE; places.max(1024)];
        for identity in std::mem::take(&mut self.places) {
            if identity != FREE {
                place(&mut larger, identity);
            }
        }
        self.places = larger;
    }
}

/// Where an identity stands unless another one does.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "only the lower bits are wanted")]
fn home(identity: u64, mask: usize) -> usize {
    identity as usize & mask
}

/// Puts an identity in its place; false when it is there already. The array must have a free place.
#[inline]
fn place(places: &mut [u64], identity: u64) -> bool {
    let mask = places.len() - 1;
    let mut at = home(identity, mask);
    loop {
        match places[at] {
            FREE => {
                places[at] = identity;
                return true;
            }
            found if found == identity => return false,
            _ => at = (at + 1) & mask,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::Seen;

    proptest! {
        #[test]
        fn it_answers_as_a_hash_set_does(identities in prop::collection::vec(prop_oneof![0_u64..50, u64::MAX - 5..=u64::MAX, any::<u64>()], 0..5000)) {
            let (mut seen, mut known) = (Seen::default(), HashSet::new());
            for identity in identities {
                prop_assert_eq!(seen.insert(identity), known.insert(identity));
            }
        }
    }
}
