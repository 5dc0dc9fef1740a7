//! Searching a log sixteen bytes at a time.

use wide::u8x16;

use super::MARKER;

/// Bytes compared at a time.
const CHUNK: usize = 16;

/// Where the first quote, backslash or control character stands.
#[inline]
pub(super) fn end_of_text(bytes: &[u8]) -> Option<usize> {
    let (chunks, rest) = bytes.as_chunks();
    for (n, chunk) in chunks.iter().enumerate() {
        if let Some(at) = first_end(chunk) {
            return Some(n * CHUNK + at);
        }
    }
    rest.iter().position(|&b| ends_text(b)).map(|at| chunks.len() * CHUNK + at)
}

/// Where the first marker stands.
pub fn find_marker(bytes: &[u8]) -> Option<usize> {
    let ends = bytes.get(MARKER.len() - 1..)?.as_chunks().0;
    for (n, (first, last)) in bytes.as_chunks().0.iter().zip(ends).enumerate() {
        let mut places = places_of_marker(first, last);
        while places != 0 {
            let at = n * CHUNK + places.trailing_zeros() as usize;
            if bytes[at..].starts_with(MARKER) {
                return Some(at);
            }
            places &= places - 1;
        }
    }
    let seen = ends.len() * CHUNK;
    bytes[seen..].windows(MARKER.len()).position(|window| window == MARKER).map(|at| seen + at)
}

/// How many line feeds there are.
pub fn count_lines(bytes: &[u8]) -> usize {
    /// Chunks whose line feeds, sixteen each, can be counted in a byte.
    const RUN: usize = 15;
    let (chunks, rest) = bytes.as_chunks::<CHUNK>();
    let in_run = |run: &[[u8; CHUNK]]| {
        // A comparison says -1 where it holds.
        let negative = run.iter().fold(u8x16::ZERO, |n, chunk| n + u8x16::new(*chunk).simd_eq(u8x16::splat(b'\n')));
        usize::from((u8x16::ZERO - negative).reduce_add())
    };
    chunks.chunks(RUN).map(in_run).sum::<usize>() + rest.iter().map(|b| usize::from(*b == b'\n')).sum::<usize>()
}

/// Place of the first byte that ends a text.
///
/// Turning over the second bit makes the quote (0x22) the next above the control characters (up to 0x1f), so that one
/// comparison finds them all.
#[inline]
fn first_end(chunk: &[u8; CHUNK]) -> Option<usize> {
    let bytes = u8x16::new(*chunk);
    let turned = bytes ^ u8x16::splat(2);
    let low = turned.min(u8x16::splat(b'"' ^ 2)).simd_eq(turned);
    let ends = (low | bytes.simd_eq(u8x16::splat(b'\\'))).to_bitmask();
    (ends != 0).then(|| ends.trailing_zeros() as usize)
}

/// A bit for each place where the first byte of the marker stands in `first` and its last one in `last`, which begins that
/// much later.
#[inline]
fn places_of_marker(first: &[u8; CHUNK], last: &[u8; CHUNK]) -> u32 {
    const BEGIN: u8 = MARKER[0];
    const END: u8 = MARKER[MARKER.len() - 1];
    let begins = u8x16::new(*first).simd_eq(u8x16::splat(BEGIN));
    let ends = u8x16::new(*last).simd_eq(u8x16::splat(END));
    (begins & ends).to_bitmask()
}

/// Whether a text without escapes ends at this byte.
fn ends_text(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Bytes, many of them at the limits of what ends a text.
    fn text_bytes() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(prop_oneof![any::<u8>(), 0x1e_u8..0x24, 0x5a_u8..0x5e], 0..80)
    }

    /// Markers, pieces of them and other bytes.
    fn pieces_of_markers() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just(MARKER.to_vec()),
            (0..MARKER.len(), 0..MARKER.len()).prop_map(|(a, b)| MARKER[a.min(b)..a.max(b)].to_vec()),
            prop::collection::vec(any::<u8>(), 0..9),
            prop::collection::vec(Just(b' '), 0..40),
        ];
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn the_end_of_a_text_is_its_first_quote_backslash_or_control_character(bytes in text_bytes()) {
            prop_assert_eq!(end_of_text(&bytes), bytes.iter().position(|&b| ends_text(b)));
        }

        #[test]
        fn the_first_marker_is_found_wherever_it_stands(bytes in pieces_of_markers()) {
            prop_assert_eq!(find_marker(&bytes), memchr::memmem::find(&bytes, MARKER));
        }

        #[test]
        fn every_line_feed_is_counted(bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(b'\n')], 0..600)) {
            prop_assert_eq!(count_lines(&bytes), memchr::memchr_iter(b'\n', &bytes).count());
        }
    }

    #[test]
    fn as_many_line_feeds_are_counted_as_there_are_bytes() {
        assert_eq!(count_lines(&[b'\n'; 1000]), 1000);
    }
}
