//! Escapes in URLs and forms.

use std::borrow::Cow;

/// Digits of escapes.
const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];

/// What may not stand in a URL as it is, escaped: blanks, quotes, letters outside of ASCII.
pub(crate) fn encoded(text: &str) -> Cow<'_, str> {
    let refused = |b: u8| b <= b' ' || b >= 0x7f || b"\"<>`{}|\\^".contains(&b);
    if !text.bytes().any(refused) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        if refused(byte) {
            out.extend(['%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        } else {
            out.push(char::from(byte));
        }
    }
    out.into()
}

/// Appends a text as forms and Artillery's client escape it (`URLSearchParams`).
pub(crate) fn escape(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"*-._".contains(&byte) {
            out.push(char::from(byte));
        } else if byte == b' ' {
            out.push('+');
        } else {
            out.extend(['%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
    }
}

/// A text with the escapes of forms undone; as it is where one of them is none.
pub(crate) fn unescaped(text: &str) -> Cow<'_, str> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || bytes.next().and_then(|digit| char::from(digit).to_digit(16));
                match digit().zip(digit()).and_then(|(high, low)| u8::try_from(high * 16 + low).ok()) {
                    Some(byte) => byte,
                    None => return text.into(),
                }
            }
            byte => byte,
        });
    }
    String::from_utf8(out).map_or_else(|_| text.into(), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_where_they_are_escapes() {
        let mut escaped = String::new();
        escape("a b&c=ü+/*", &mut escaped);
        assert_eq!(escaped, "a+b%26c%3D%C3%BC%2B%2F*");
        assert_eq!(unescaped(&escaped), "a b&c=ü+/*");
        for broken in ["%", "%4", "%zz", "50%", "%ff"] {
            assert_eq!(unescaped(broken), broken);
        }
    }
}
