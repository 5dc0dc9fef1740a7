//! Credentials, from each provider's own chain: environment, files, machine, and the provider's own command line tool for
//! whatever else the chain knows (single sign-on, assumed roles, federations).
//!
//! A secret is never shown, compared in messages, or passed to another program.

#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "azure")]
pub mod azure;
#[cfg(feature = "google")]
pub mod google;
#[cfg(feature = "k8s")]
pub mod kubernetes;

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use crate::living::window::now_us;
use crate::{Error, Result};

/// Time before its end at which a credential counts as expired.
const MARGIN_US: i64 = 5 * 60 * 1_000_000;

/// Times that a token endpoint is asked before it is given up.
#[cfg(any(feature = "azure", feature = "google"))]
const TRIES: u32 = 4;

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the header it is meant for.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A credential that is fetched when it is first needed, and again before it expires.
#[derive(Debug)]
pub struct Kept<T> {
    kept: Mutex<Option<(T, Option<i64>)>>,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { kept: Mutex::new(None) }
    }
}

impl<T: Clone> Kept<T> {
    /// The credential at hand, or what `fetch` gives with the time it expires, in microseconds.
    ///
    /// # Errors
    /// What `fetch` fails with.
    pub fn get(&self, fetch: impl FnOnce() -> Result<(T, Option<i64>)>) -> Result<T> {
        let mut kept = self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((value, expires)) = &*kept
            && expires.is_none_or(|expires| now_us() < expires - MARGIN_US)
        {
            return Ok(value.clone());
        }
        let (value, expires) = fetch()?;
        *kept = Some((value.clone(), expires));
        Ok(value)
    }

    /// Forgets it: the provider says that it has expired.
    pub fn forget(&self) {
        *self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = None;
    }
}

/// A variable of the environment; `None` where it is not set or empty.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A file below the user's home folder.
pub fn home(path: &str) -> Option<PathBuf> {
    variable("HOME").map(|home| PathBuf::from(home).join(path))
}

/// Standard output of a provider's own tool. Its standard error goes to the terminal, as it may ask the user something.
///
/// # Errors
/// [`Error::Credentials`] when it cannot be started or fails. What it printed is not repeated.
pub fn ask(command: &mut Command) -> Result<Vec<u8>> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| Error::Credentials(format!("{name}: cannot be started: {error}")))?;
    if !output.status.success() {
        return Err(Error::Credentials(format!("{name}: failed with {}", output.status)));
    }
    Ok(output.stdout)
}

/// Whether a program is on the path.
pub fn is_installed(name: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|paths| std::env::split_paths(&paths).any(|path| path.join(name).is_file()))
}

/// What a machine's own metadata service answers, `None` where there is none within a second.
pub(crate) fn metadata(method: reqwest::Method, url: &str, headers: &[(&str, &str)]) -> Option<Vec<u8>> {
    let client = reqwest::blocking::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(1))
        .timeout(Duration::from_secs(5))
        .build()
        .ok()?;
    let request =
        headers.iter().fold(client.request(method, url), |request, (name, value)| request.header(*name, *value));
    let answer = request.send().ok().filter(|answer| answer.status().is_success())?;
    answer.bytes().ok().map(|bytes| bytes.to_vec())
}

/// Asks a token endpoint with a form; the endpoint must be HTTPS or on this machine.
#[cfg(any(feature = "azure", feature = "google"))]
pub(crate) fn exchange(provider: &str, url: &str, form: &[(&str, String)]) -> Result<(Secret, Option<i64>)> {
    crate::living::http::check_url(url, false)?;
    let body =
        crate::living::http::query(&form.iter().map(|(name, value)| (*name, value.as_str())).collect::<Vec<_>>());
    let client = crate::living::http::client(&crate::living::http::Trust::default())?;
    let failed = |reason: String| Error::Credentials(format!("{provider}: no token: {reason}"));
    let ask = || {
        let request = client.post(url).header("content-type", "application/x-www-form-urlencoded");
        let answer = request.body(body.trim_start_matches('?').to_owned()).send()?;
        let status = answer.status();
        Ok((status, answer.bytes()?))
    };
    let patience = crate::living::pace::Patience::default();
    let mut failures = 0;
    loop {
        let answer: reqwest::Result<_> = ask();
        failures += 1;
        let reason = match answer {
            Ok((status, text)) if status.is_success() => return token_of(provider, &text),
            Ok((status, text)) => {
                let said: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
                let code = said["error"].as_str().unwrap_or_default();
                let reason = format!("{status} {}", crate::redact::excerpt(code.as_bytes(), 100));
                if !crate::living::http::passing(status.as_u16()) {
                    return Err(failed(reason));
                }
                reason
            }
            Err(error) => error.without_url().to_string(),
        };
        if failures == TRIES {
            return Err(failed(reason));
        }
        std::thread::sleep(patience.wait(failures));
    }
}

/// The token in a token endpoint's answer, and when it expires.
#[cfg(any(feature = "azure", feature = "google"))]
pub(crate) fn token_of(provider: &str, text: &[u8]) -> Result<(Secret, Option<i64>)> {
    let answer: serde_json::Value = serde_json::from_slice(text).unwrap_or_default();
    let Some(token) = answer["access_token"].as_str() else {
        return Err(Error::Credentials(format!("{provider}: the token endpoint gave no token")));
    };
    // A number, or a number as text.
    let seconds = |value: &serde_json::Value| value.as_i64().or_else(|| value.as_str()?.parse().ok());
    let expires = seconds(&answer["expires_in"]).map(|seconds| now_us() + seconds.saturating_mul(1_000_000));
    Ok((Secret::new(token), expires))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_shown() {
        assert!(!format!("{:?}", Secret::new("PLANTED")).contains("PLANTED"));
    }

    #[test]
    fn a_credential_is_fetched_again_when_it_is_about_to_expire() {
        let kept = Kept::default();
        let soon = Some(now_us() + MARGIN_US / 2);
        assert_eq!(kept.get(|| Ok((1, soon))).expect("fetched"), 1);
        assert_eq!(kept.get(|| Ok((2, None))).expect("fetched"), 2);
        assert_eq!(kept.get(|| Ok((3, None))).expect("kept"), 2);
        kept.forget();
        assert_eq!(kept.get(|| Ok((4, None))).expect("fetched"), 4);
    }
}
