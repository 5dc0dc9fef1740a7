//! Untrusted text on its way into SVG, HTML, LaTeX, Markdown and Typst.
//!
//! Function names, routes and labels come out of logs and may hold anything. [`visible`] comes first in every
//! escape: characters that are not seen, or that turn the reading direction of what follows, are written as
//! `\u{202E}` instead.

use std::borrow::Cow;
use std::fmt::Write;

/// Whether a character is invisible, ends a line or changes the direction of the text around it.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e007f}')
}

/// The text with control, zero-width and bidirectional characters written out as `\u{202E}`.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_hidden(character) {
            // Writing to a String cannot fail.
            write!(out, "\\u{{{:04X}}}", u32::from(character)).unwrap_or_default();
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

/// Replaces characters by what `replacement` gives for them.
fn replace(text: &str, replacement: impl Fn(char) -> Option<&'static str>) -> String {
    let mut out = String::with_capacity(text.len());
    for character in visible(text).chars() {
        match replacement(character) {
            Some(sequence) => out.push_str(sequence),
            None => out.push(character),
        }
    }
    out
}

/// Text for XML and HTML, between tags or within a quoted attribute.
pub fn xml(text: &str) -> String {
    replace(text, |character| match character {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '"' => Some("&quot;"),
        '\'' => Some("&#39;"),
        _ => None,
    })
}

/// Text for LaTeX outside of mathematics, with the packages of its standard distribution.
pub fn latex(text: &str) -> String {
    replace(text, |character| match character {
        '\\' => Some("\\textbackslash{}"),
        '{' => Some("\\{"),
        '}' => Some("\\}"),
        '$' => Some("\\$"),
        '&' => Some("\\&"),
        '#' => Some("\\#"),
        '%' => Some("\\%"),
        '_' => Some("\\_"),
        '^' => Some("\\textasciicircum{}"),
        '~' => Some("\\textasciitilde{}"),
        '<' => Some("\\textless{}"),
        '>' => Some("\\textgreater{}"),
        '|' => Some("\\textbar{}"),
        '"' => Some("\\textquotedbl{}"),
        '→' => Some("$\\rightarrow$"),
        // A cell must not be read as the optional argument of the line break before it.
        '[' => Some("{[}"),
        _ => None,
    })
}

/// Text for a cell of a Markdown table.
pub fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in visible(text).chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '!' => {
                out.push('\\');
                out.push(character);
            }
            _ => out.push(character),
        }
    }
    out
}

/// Text for Typst content: a backslash before every sign of ASCII.
pub fn typst(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in visible(text).chars() {
        if character.is_ascii_punctuation() {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

/// A file or folder name that is safe on every system; different texts give different names.
///
/// Letters, digits, `-`, `_` and `.` stay; every other byte becomes `%` and two hexadecimal digits, and so does
/// a dot in front.
pub fn file_name(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (i, byte) in text.bytes().enumerate() {
        let plain = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') || (byte == b'.' && i > 0);
        if plain {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").unwrap_or_default();
        }
    }
    if out.is_empty() { "%".to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn direction_and_control_characters_are_written_out() {
        assert_eq!(visible("a\u{202e}b\0c\u{200b}\u{7f}"), "a\\u{202E}b\\u{0000}c\\u{200B}\\u{007F}");
        assert_eq!(visible("größe/µs"), "größe/µs");
    }

    #[test]
    fn markup_is_escaped_for_each_target() {
        let hostile = "</script><img onerror=\"x\">&'";
        assert_eq!(xml(hostile), "&lt;/script&gt;&lt;img onerror=&quot;x&quot;&gt;&amp;&#39;");
        assert_eq!(latex("a_b%\\input{x}$#"), "a\\_b\\%\\textbackslash{}input\\{x\\}\\$\\#");
        assert_eq!(markdown("a|b*c<d>"), "a\\|b\\*c&lt;d&gt;");
        assert_eq!(typst("#eval(1)"), "\\#eval\\(1\\)");
    }

    #[test]
    fn file_names_cannot_leave_their_folder() {
        assert_eq!(file_name("../../etc/passwd"), "%2E.%2F..%2Fetc%2Fpasswd");
        assert_eq!(file_name("run-1_a.b"), "run-1_a.b");
        assert_eq!(file_name(""), "%");
    }

    proptest! {
        #[test]
        fn escaped_xml_holds_no_markup(text in ".*") {
            let escaped = xml(&text);
            prop_assert!(!escaped.contains(['<', '>', '"', '\'']));
            prop_assert!(!escaped.contains(is_hidden));
        }

        #[test]
        fn different_texts_give_different_file_names(a in ".{0,6}", b in ".{0,6}") {
            prop_assert_eq!(a == b, file_name(&a) == file_name(&b));
        }
    }
}
