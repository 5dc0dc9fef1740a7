//! What of headers and free text may enter a store.
//!
//! Headers: an allow-list. Free text (rejects, platform lines): cut to a few hundred bytes, control characters
//! escaped, the values of names that hold secrets masked.

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
/// escaped as `\xNN`, the headers of a request record cut off, values after secret words masked.
pub fn excerpt(piece: &[u8], limit: usize) -> String {
    let cut = memchr::memmem::find(piece, b"\"headers").map_or(piece.len(), |at| at + b"\"headers".len());
    let shown = &piece[..cut.min(limit)];
    if let Some(text) = std::str::from_utf8(shown).ok().filter(|text| text.bytes().all(|b| (b' '..=b'~').contains(&b)))
    {
        return mask(text);
    }
    let mut text = String::with_capacity(shown.len());
    for c in String::from_utf8_lossy(shown).chars() {
        if c.is_control() && c != '\t' || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') {
            text.extend(c.escape_default());
        } else {
            text.push(c);
        }
    }
    mask(&text)
}

/// Where the first secret word ends.
fn secret_word_end(lower: &[u8]) -> Option<usize> {
    static FINDERS: LazyLock<Vec<(usize, Finder<'static>)>> =
        LazyLock::new(|| SECRET_WORDS.iter().map(|word| (word.len(), Finder::new(*word))).collect());
    FINDERS.iter().filter_map(|(length, finder)| finder.find(lower).map(|at| at + length)).min()
}

/// Replaces what follows a secret word, up to a quote, a comma or the end, by `[masked]`.
fn mask(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let mut masked = String::with_capacity(text.len());
    let mut done = 0;
    while let Some(end_of_word) = secret_word_end(&lower.as_bytes()[done..]).map(|end| done + end) {
        let separator = |c: char| matches!(c, '"' | '\'' | ':' | '=' | ' ' | '\\');
        let rest = &text[end_of_word..];
        let skipped = rest.find(|c: char| !separator(c)).unwrap_or(rest.len());
        if skipped == 0 {
            // The word goes on ("tokens"): nothing to mask here.
            masked.push_str(&text[done..end_of_word]);
            done = end_of_word;
            continue;
        }
        let start = end_of_word + skipped;
        let end = text[start..].find(['"', '\'', ',', '&', ';', '\\', '}']).map_or(text.len(), |at| start + at);
        masked.push_str(&text[done..start]);
        if end > start {
            masked.push_str("[masked]");
        }
        done = end.max(start);
    }
    masked.push_str(&text[done..]);
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_secret_words_are_masked() {
        assert_eq!(
            excerpt(br#"{"Authorization":"Bearer abc.def","a":1}"#, 500),
            r#"{"Authorization":"[masked]","a":1}"#
        );
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
