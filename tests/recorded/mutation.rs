//! Damage as it happens to logs, and worse.

use crate::random::Random;

/// Pieces of syntax that end up in the wrong place.
const PIECES: [&[u8]; 10] =
    [b"\"", b"}", b"{", b"\n", b"\\", b"BEFAAS{", b"\\u0000", b"\xff\xfe", b"99999999999999999999999999999e999", b"\0"];

/// Up to `most` times: a bit flipped, some bytes cut out, doubled, cut off at the end, or a piece of syntax put in.
pub(crate) fn mutate(mut bytes: Vec<u8>, most: usize, random: &mut Random) -> Vec<u8> {
    for _ in 0..=random.below(most) {
        let at = random.below(bytes.len().max(1)).min(bytes.len());
        let to = (at + random.below(200)).min(bytes.len());
        match random.below(5) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 => drop(bytes.drain(at..to)),
            2 => {
                let piece = bytes[at..to].to_vec();
                drop(bytes.splice(to..to, piece));
            }
            3 => bytes.truncate(bytes.len() - random.below(bytes.len() / 20 + 1)),
            _ => drop(bytes.splice(at..at, PIECES[random.below(PIECES.len())].iter().copied())),
        }
    }
    bytes
}
