//! Values taken out of responses, and what must hold for them.

use std::borrow::Cow;
use std::io::Read;
use std::time::Duration;

use serde_json::Value;

use super::exchange::Answer;
use super::failure::Failure;
use crate::measure::class::Class;
use crate::profile::{Assertion, Capture, Place, Variables};
use crate::random::Random;

/// Bytes of an unpacked body at most.
const MAX_UNPACKED: u64 = 256 << 20;

/// A response that values are looked for in; parsed at most once.
pub(crate) struct Found<'a> {
    answer: &'a Answer,
    body: Cow<'a, [u8]>,
    json: Option<Value>,
}

impl<'a> Found<'a> {
    pub(crate) fn new(answer: &'a Answer) -> Self {
        Self { answer, body: unpacked(answer), json: None }
    }

    /// The value at a place; one of them at random where there are several, as in Artillery.
    fn at(&mut self, place: &Place, random: &mut Random) -> Option<Value> {
        match place {
            Place::Status => Some(Value::from(self.answer.status)),
            Place::Header(name) => {
                let value = self.answer.headers.get(name)?;
                Some(Value::from(String::from_utf8_lossy(value.as_bytes()).into_owned()))
            }
            Place::Json(path) => {
                let body = &self.body;
                // What is no JSON counts as null, in which nothing is found.
                let json = self.json.get_or_insert_with(|| serde_json::from_slice(body).unwrap_or_default());
                if !(json.is_object() || json.is_array()) {
                    return None;
                }
                let found = path.find(json);
                found.get(random.below(found.len())).map(|value| Value::clone(value))
            }
        }
    }

    /// Sets the variables; nothing where one that must be there is missing.
    pub(crate) fn capture(
        &mut self,
        captures: &[Capture],
        variables: &mut Variables,
        random: &mut Random,
    ) -> Result<(), Failure> {
        let mut found = Vec::with_capacity(captures.len());
        for capture in captures {
            let value = self.at(&capture.from, random);
            let missing = value.as_ref().is_none_or(|value| value.as_str() == Some(""));
            if missing && capture.strict {
                let message = format!("no value to capture as {}", capture.variable);
                return Err(Failure::new(Class::Capture, message));
            }
            found.push((&capture.variable, value.unwrap_or_else(|| Value::from(""))));
        }
        for (name, value) in found {
            variables.set(name, value);
        }
        Ok(())
    }

    /// The first assertion that does not hold.
    pub(crate) fn check(
        &mut self,
        assertions: &[Assertion],
        elapsed: Duration,
        random: &mut Random,
    ) -> Result<(), Failure> {
        for assertion in assertions {
            let wrong = match assertion {
                Assertion::Status(codes) => (!codes.contains(&self.answer.status))
                    .then(|| format!("expected status {codes:?}, found {}", self.answer.status)),
                Assertion::BodyContains(text) => {
                    let holds = self.body.windows(text.len().max(1)).any(|window| window == text.as_bytes());
                    (!holds && !text.is_empty()).then(|| format!("expected a body with {text:?}"))
                }
                Assertion::Within(limit) => (elapsed > *limit)
                    .then(|| format!("expected at most {} ms, found {} ms", limit.as_millis(), elapsed.as_millis())),
                Assertion::Equals(place, wanted) => {
                    let found = self.at(place, random);
                    (found.as_ref() != Some(wanted)).then(|| {
                        let found = found.map_or_else(|| "nothing".to_owned(), |value| value.to_string());
                        format!("expected {wanted}, found {found}")
                    })
                }
            };
            if let Some(message) = wrong {
                return Err(Failure::new(Class::Assertion, message));
            }
        }
        Ok(())
    }
}

fn unpacked(answer: &Answer) -> Cow<'_, [u8]> {
    let encoding = answer.headers.get("content-encoding").map(http::HeaderValue::as_bytes);
    let reader: Box<dyn Read> = match encoding {
        Some(b"gzip" | b"x-gzip") => Box::new(flate2::read::MultiGzDecoder::new(&answer.body[..])),
        Some(b"deflate") => Box::new(flate2::read::ZlibDecoder::new(&answer.body[..])),
        _ => return Cow::Borrowed(&answer.body),
    };
    let mut body = Vec::new();
    match reader.take(MAX_UNPACKED).read_to_end(&mut body) {
        Ok(_) => Cow::Owned(body),
        // Not packed after all.
        Err(_) => Cow::Borrowed(&answer.body),
    }
}
