//! Small numbers as runs and packed bits: Parquet's hybrid (Apache Parquet format, "Encodings", RLE = 3).

/// Appends numbers below `2^width` as runs of one number and, between them, packed groups of eight.
pub(super) fn encode(numbers: &[u32], width: u32, out: &mut Vec<u8>) {
    let (mut packed, mut at) = (0, 0);
    while at < numbers.len() {
        let run = run_length(&numbers[at..]);
        if run < 8 {
            at = (at + 8).min(numbers.len());
            continue;
        }
        pack(&numbers[packed..at], width, out);
        repeat(numbers[at], run, width, out);
        at += run;
        packed = at;
    }
    pack(&numbers[packed..], width, out);
}

/// How often the first number stands in a row.
#[inline]
fn run_length(numbers: &[u32]) -> usize {
    numbers.iter().take_while(|number| **number == numbers[0]).count()
}

/// Appends a run of one number below `2^width`.
pub(super) fn repeat(number: u32, run: usize, width: u32, out: &mut Vec<u8>) {
    varint((run as u64) << 1, out);
    out.extend(&number.to_le_bytes()[..width.div_ceil(8) as usize]);
}

/// Appends numbers as groups of eight, the lowest bits first, the last group filled up with zeros.
fn pack(numbers: &[u32], width: u32, out: &mut Vec<u8>) {
    let groups = numbers.len().div_ceil(8);
    if groups == 0 {
        return;
    }
    varint((groups as u64) << 1 | 1, out);
    let end = out.len() + groups * width as usize;
    out.reserve(end + 4 - out.len());
    let (mut bits, mut filled) = (0_u64, 0);
    for number in numbers {
        bits |= u64::from(*number) << filled;
        filled += width;
        if filled >= 32 {
            let [a, b, c, d, ..] = bits.to_le_bytes();
            out.extend([a, b, c, d]);
            bits >>= 32;
            filled -= 32;
        }
    }
    let rest = (end - out.len()).min(4);
    out.extend(&bits.to_le_bytes()[..rest]);
    out.resize(end, 0);
}

/// Appends an unsigned number, seven bits a byte, the lowest first.
fn varint(mut number: u64, out: &mut Vec<u8>) {
    while number > 127 {
        out.push(number.to_le_bytes()[0] | 128);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads the hybrid back, as the format describes it.
    fn decode(bytes: &[u8], width: u32, count: usize) -> Vec<u32> {
        let (mut numbers, mut at) = (Vec::new(), 0);
        while numbers.len() < count {
            let (mut header, mut shift) = (0_u64, 0);
            loop {
                let byte = bytes[at];
                at += 1;
                header |= u64::from(byte & 127) << shift;
                shift += 7;
                if byte < 128 {
                    break;
                }
            }
            let length = usize::try_from(header >> 1).expect("short");
            if header & 1 == 0 {
                let size = width.div_ceil(8) as usize;
                let mut number = [0; 4];
                number[..size].copy_from_slice(&bytes[at..at + size]);
                at += size;
                numbers.extend(std::iter::repeat_n(u32::from_le_bytes(number), length));
            } else {
                for index in 0..length * 8 {
                    let bit = |place: usize| u32::from(bytes[at + place / 8] >> (place % 8) & 1);
                    let first = index * width as usize;
                    numbers.push((0..width as usize).map(|n| bit(first + n) << n).sum());
                }
                at += length * width as usize;
            }
        }
        assert_eq!(at, bytes.len());
        numbers.truncate(count);
        numbers
    }

    proptest! {
        #[test]
        fn what_is_encoded_can_be_read_back(
            width in 1_u32..=20,
            runs in prop::collection::vec((any::<u32>(), prop_oneof![1_usize..4, 1_usize..40]), 0..60),
        ) {
            let numbers: Vec<u32> = runs.iter().flat_map(|&(number, run)| std::iter::repeat_n(number & ((1 << width) - 1), run)).collect();
            let mut bytes = Vec::new();
            encode(&numbers, width, &mut bytes);
            prop_assert_eq!(decode(&bytes, width, numbers.len()), numbers);
        }
    }
}
