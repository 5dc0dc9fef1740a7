//! Google Cloud: access tokens from application default credentials.
//!
//! The chain: `CLOUDSDK_AUTH_ACCESS_TOKEN`; the file of `GOOGLE_APPLICATION_CREDENTIALS` or gcloud's own (a service
//! account's key or a user's refresh token); the machine's metadata service; `gcloud auth application-default
//! print-access-token` for every other kind of file (federations, impersonation).

use std::path::PathBuf;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};

use super::{Kept, Secret, ask, home, metadata, token_of, variable};
use crate::living::window::now_us;
use crate::{Error, Result};

/// What tokens are asked for: reading logs.
const SCOPE: &str = "https://www.googleapis.com/auth/logging.read";

/// Where tokens come from.
#[derive(Debug, Default)]
pub struct Chain {
    kept: Kept<Secret>,
}

impl Chain {
    /// The token to ask with now.
    ///
    /// # Errors
    /// [`Error::Credentials`] when no link of the chain has one.
    pub fn token(&self) -> Result<Secret> {
        self.kept.get(fetch)
    }

    /// Forgets a token that has expired.
    pub fn forget(&self) {
        self.kept.forget();
    }
}

fn fetch() -> Result<(Secret, Option<i64>)> {
    if let Some(token) = variable("CLOUDSDK_AUTH_ACCESS_TOKEN") {
        return Ok((Secret::new(token), None));
    }
    let path = variable("GOOGLE_APPLICATION_CREDENTIALS")
        .map(PathBuf::from)
        .or_else(|| home(".config/gcloud/application_default_credentials.json").filter(|path| path.is_file()));
    if let Some(path) = path {
        let failed = |reason: &str| Error::Credentials(format!("google: {}: {reason}", path.display()));
        let text = std::fs::read(&path).map_err(|error| failed(&error.to_string()))?;
        let Ok(file) = serde_json::from_slice::<Value>(&text) else { return Err(failed("expected JSON")) };
        return match file["type"].as_str() {
            Some("service_account") => service_account(&file),
            Some("authorized_user") => refreshed(&file),
            _ => printed(),
        };
    }
    let place = variable("GCE_METADATA_HOST").unwrap_or_else(|| "metadata.google.internal".to_owned());
    let url = format!("http://{place}/computeMetadata/v1/instance/service-accounts/default/token?scopes={SCOPE}");
    match metadata(reqwest::Method::GET, &url, &[("metadata-flavor", "Google")]) {
        Some(text) => token_of("google", &text),
        None if super::is_installed("gcloud") => printed(),
        None => Err(Error::Credentials(
            "google: no credentials found (environment, application default credentials, metadata, gcloud): see \
             docs/sources/google.md"
                .to_owned(),
        )),
    }
}

fn printed() -> Result<(Secret, Option<i64>)> {
    let text = ask(Command::new("gcloud").args(["auth", "application-default", "print-access-token"]))?;
    let text = String::from_utf8_lossy(&text).trim().to_owned();
    // gcloud gives tokens that hold for a while; it is asked again long before the hour is over.
    Ok((Secret::new(text), Some(now_us() + 30 * 60 * 1_000_000)))
}

fn refreshed(file: &Value) -> Result<(Secret, Option<i64>)> {
    let text = |name: &str| file[name].as_str().unwrap_or_default().to_owned();
    let form = [
        ("grant_type", "refresh_token".to_owned()),
        ("client_id", text("client_id")),
        ("client_secret", text("client_secret")),
        ("refresh_token", text("refresh_token")),
    ];
    let url = file["token_uri"].as_str().unwrap_or("https://oauth2.googleapis.com/token");
    super::exchange("google", url, &form)
}

fn service_account(file: &Value) -> Result<(Secret, Option<i64>)> {
    let url = file["token_uri"].as_str().unwrap_or("https://oauth2.googleapis.com/token");
    let now = now_us() / 1_000_000;
    let header = json!({ "alg": "RS256", "typ": "JWT", "kid": file["private_key_id"] });
    let claims = json!({ "iss": file["client_email"], "scope": SCOPE, "aud": url, "iat": now, "exp": now + 3600 });
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let unsigned = format!("{}.{}", encode(&header), encode(&claims));
    let signature = sign(file["private_key"].as_str().unwrap_or_default(), unsigned.as_bytes())?;
    let assertion = format!("{unsigned}.{}", URL_SAFE_NO_PAD.encode(signature));
    let form = [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer".to_owned()), ("assertion", assertion)];
    super::exchange("google", url, &form)
}

fn sign(pem: &str, text: &[u8]) -> Result<Vec<u8>> {
    signed(pem, text)
        .ok_or_else(|| Error::Credentials("google: the service account's private key is not fit".to_owned()))
}

fn signed(pem: &str, text: &[u8]) -> Option<Vec<u8>> {
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).map(str::trim).collect();
    let key = RsaKeyPair::from_pkcs8(&STANDARD.decode(body).ok()?).ok()?;
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &ring::rand::SystemRandom::new(), text, &mut signature).ok()?;
    Some(signature)
}
