//! What of headers and free text may enter a store.
//!
//! Headers: an allow-list. Free text (rejects, platform lines): cut to a few hundred bytes, control characters
//! escaped, the values of names that hold secrets masked.

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem::Finder;

/// Headers kept without `--keep-headers`, lower case. Anything else may be a secret.
pub const ALLOWED_HEADERS: &[&str] = &[
    "user-agent",
    "content-type",
    "content-length",
    "host",
    "x-context",
    "x-pair",
    "x-request-id",
    "x-amzn-requestid",
    "x-amzn-trace-id",
    "x-cloud-trace-context",
    "function-execution-id",
    "traceparent",
    "x-b3-traceid",
    "x-correlation-id",
    "x-call-id",
    "x-openwhisk-activation-id",
];

/// Whether a header is kept by default; the case of its name does not matter.
#[inline]
pub fn is_allowed_header(name: &str) -> bool {
    /// The allowed headers, each in its place.
    const PLACES: [&str; HEADER_PLACES] = {
        let mut places = [""; HEADER_PLACES];
        let mut n = 0;
        while n < ALLOWED_HEADERS.len() {
            let place = header_place(ALLOWED_HEADERS[n].as_bytes());
            assert!(places[place].is_empty(), "two allowed headers in one place");
            places[place] = ALLOWED_HEADERS[n];
            n += 1;
        }
        places
    };
    let allowed = PLACES[header_place(name.as_bytes())];
    allowed.len() == name.len() && !name.is_empty() && (allowed == name || allowed.eq_ignore_ascii_case(name))
}

/// Places that a header's name may fall in.
const HEADER_PLACES: usize = 32;

/// The place of a header's name, by its length and its fourth letter, which tell allowed headers apart.
#[inline]
const fn header_place(name: &[u8]) -> usize {
    let letter = if name.len() > 3 { name[3].to_ascii_lowercase() } else { 0 };
    (name.len() * 3 + letter as usize) % HEADER_PLACES
}

/// Words whose value is masked in free text.
const SECRET_WORDS: &[&str] = &[
    "authorization",
    "cookie",
    "password",
    "passwd",
    "secret",
    "token",
    "api-key",
    "apikey",
    "api_key",
    "x-functions-key",
    "signature",
    "credential",
    "bearer",
];

/// The first `limit` bytes of a piece of log as text fit for a table: invalid UTF-8 replaced, control characters
/// escaped as `\xNN`, the headers of a request record cut off, values after secret words masked. Where nothing of that is
/// needed, it is the piece itself.
pub fn excerpt(piece: &[u8], limit: usize) -> Cow<'_, str> {
    static HEADERS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"headers"));
    let cut = HEADERS.find(piece).map_or(piece.len(), |at| at + HEADERS.needle().len());
    let shown = &piece[..cut.min(limit)];
    // Printable ASCII is nearly all there is: no branch a byte.
    let printable = shown.iter().fold(true, |all, b| all & (b' '..=b'~').contains(b));
    let text = match std::str::from_utf8(shown) {
        Ok(text) if printable => Cow::Borrowed(text),
        _ => Cow::Owned(made_visible(shown)),
    };
    match mask(&text) {
        Some(masked) => Cow::Owned(masked),
        None => text,
    }
}

/// Text with what is no UTF-8 replaced and with control characters escaped.
fn made_visible(shown: &[u8]) -> String {
    let mut text = String::with_capacity(shown.len());
    for c in String::from_utf8_lossy(shown).chars() {
        if c.is_control() && c != '\t' || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') {
            text.extend(c.escape_default());
        } else {
            text.push(c);
        }
    }
    text
}

/// The second letters of secret words, by their first: one bit for each value of the lower five bits of a byte.
const BEGINNINGS: [u32; 256] = {
    let mut beginnings = [0; 256];
    let mut n = 0;
    while n < SECRET_WORDS.len() {
        let word = SECRET_WORDS[n].as_bytes();
        let second = 1 << (word[1] & 31);
        beginnings[word[0].to_ascii_lowercase() as usize] |= second;
        beginnings[word[0].to_ascii_uppercase() as usize] |= second;
        n += 1;
    }
    beginnings
};

/// Where the first secret word ends. No word is within another: the first that begins is the first that ends.
fn secret_word_end(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let begins = |pair: &[u8]| BEGINNINGS[pair[0] as usize] >> (pair[1] & 31) & 1 == 1;
        at += text.get(at..)?.windows(2).position(begins)?;
        let rest = &text[at..];
        let is_here = |word: &&&str| rest.get(..word.len()).is_some_and(|r| r.eq_ignore_ascii_case(word.as_bytes()));
        if let Some(word) = SECRET_WORDS.iter().find(is_here) {
            return Some(at + word.len());
        }
        at += 1;
    }
}

/// A text with `[masked]` for what follows a secret word, up to a quote, a comma or the end; `None` where it has no such
/// word.
fn mask(text: &str) -> Option<String> {
    let mut next = secret_word_end(text.as_bytes());
    next?;
    let mut masked = String::with_capacity(text.len());
    let mut done = 0;
    while let Some(end_of_word) = next {
        let separator = |c: char| matches!(c, '"' | '\'' | ':' | '=' | ' ' | '\\');
        let rest = &text[end_of_word..];
        let skipped = rest.find(|c: char| !separator(c)).unwrap_or(rest.len());
        if skipped == 0 {
            // The word goes on ("tokens"): nothing to mask here.
            masked.push_str(&text[done..end_of_word]);
            done = end_of_word;
        } else {
            let start = end_of_word + skipped;
            let end = text[start..].find(['"', '\'', ',', '&', ';', '\\', '}']).map_or(text.len(), |at| start + at);
            masked.push_str(&text[done..start]);
            if end > start {
                masked.push_str("[masked]");
            }
            done = end.max(start);
        }
        next = secret_word_end(&text.as_bytes()[done..]).map(|end| done + end);
    }
    masked.push_str(&text[done..]);
    Some(masked)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_secret_word_is_found_wherever_a_search_for_each_finds_one(pieces in prop::collection::vec(
            prop_oneof![prop::sample::select(SECRET_WORDS).prop_map(str::to_owned), "[A-Za-z_ -]{0,3}", any::<String>()], 0..6,
        ), from in 0..9_usize, upper in any::<bool>()) {
            let text = pieces.concat();
            let text = if upper { text.to_ascii_uppercase() } else { text };
            let text = &text.as_bytes()[from.min(text.len())..];
            let lower = text.to_ascii_lowercase();
            let search = |word: &&str| memchr::memmem::find(&lower, word.as_bytes()).map(|at| at + word.len());
            prop_assert_eq!(secret_word_end(text), SECRET_WORDS.iter().filter_map(search).min());
        }
    }

    #[test]
    fn values_of_secret_words_are_masked() {
        assert_eq!(
            excerpt(br#"{"Authorization":"Bearer abc.def","a":1}"#, 500),
            r#"{"Authorization":"[masked]","a":1}"#
        );
        assert_eq!(excerpt(b"TOKEN: t0p", 500), "TOKEN: [masked]");
        assert_eq!(excerpt(b"password=hunter2&user=x", 500), "password=[masked]&user=x");
        assert_eq!(excerpt(b"GET /?token=t0p HTTP/1.1", 500), "GET /?token=[masked]");
        assert_eq!(excerpt(b"counted 5 tokens", 500), "counted 5 tokens");
    }

    #[test]
    fn headers_of_a_record_are_cut_off() {
        let line = br#"BEFAAS{"request":{"method":"GET","headers":{"cookie":"storageObj=1"}}}"#;
        assert_eq!(excerpt(line, 500), r#"BEFAAS{"request":{"method":"GET","headers"#);
    }

    #[test]
    fn control_characters_and_bad_utf8_become_visible() {
        assert_eq!(excerpt(b"a\x1b[31mb\xff\x00", 500), "a\\u{1b}[31mb\u{fffd}\\u{0}");
        assert_eq!(excerpt(&[b'x'; 600], 500).len(), 500);
    }

    #[test]
    fn header_names_are_compared_without_case() {
        assert!(is_allowed_header("User-Agent"));
        assert!(!is_allowed_header("Cookie"));
        for header in ALLOWED_HEADERS {
            assert!(is_allowed_header(header) && is_allowed_header(&header.to_ascii_uppercase()), "{header}");
        }
        for header in ["", "hos", "hoste", "hosu", "x-pairs", "cookie", "x-api-key", "authorization"] {
            assert!(!is_allowed_header(header), "{header}");
        }
    }
}
