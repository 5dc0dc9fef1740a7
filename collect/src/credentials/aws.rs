//! AWS: credentials and the signature of requests (Signature Version 4).
//!
//! The chain: environment; the profile's static keys or its `credential_process` in the shared files; `aws configure
//! export-credentials` for all other kinds of profile (single sign-on, assumed roles, web identities); the container's
//! endpoint; the instance's metadata service (version 2).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use faaslens_schemas::time::Timestamp;
use ring::{digest, hmac};
use serde::Deserialize;

use super::{Kept, Secret, ask, home, is_installed, metadata, variable};
use crate::formats::stamp;
use crate::living::http::Request;
use crate::{Error, Result};

/// Keys of an identity.
#[derive(Debug, Clone)]
pub struct Keys {
    /// Id of the access key.
    id: String,
    secret: Secret,
    session: Option<Secret>,
}

/// Where an account's keys come from.
#[derive(Debug)]
pub struct Chain {
    profile: Option<String>,
    kept: Kept<Keys>,
}

impl Chain {
    /// The chain of a profile, or of the one that the environment names.
    pub fn new(profile: Option<&str>) -> Self {
        Self { profile: profile.map(str::to_owned), kept: Kept::default() }
    }

    /// The keys to sign with now.
    ///
    /// # Errors
    /// [`Error::Credentials`] when no link of the chain has any.
    pub fn keys(&self) -> Result<Keys> {
        self.kept.get(|| self.fetch())
    }

    /// Forgets keys that have expired.
    pub fn forget(&self) {
        self.kept.forget();
    }

    /// The region: of the environment, or of the profile.
    pub fn region(&self) -> Option<String> {
        variable("AWS_REGION")
            .or_else(|| variable("AWS_DEFAULT_REGION"))
            .or_else(|| self.settings().get("region").cloned())
    }

    fn profile_name(&self) -> String {
        self.profile.clone().or_else(|| variable("AWS_PROFILE")).unwrap_or_else(|| "default".to_owned())
    }

    /// The profile's settings of both shared files.
    fn settings(&self) -> BTreeMap<String, String> {
        let name = self.profile_name();
        let file = |variable_name: &str, path: &str| variable(variable_name).map(PathBuf::from).or_else(|| home(path));
        let mut settings = BTreeMap::new();
        for path in [file("AWS_CONFIG_FILE", ".aws/config"), file("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials")] {
            let text = path.and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
            settings.extend(section(&text, &name));
        }
        settings
    }

    fn fetch(&self) -> Result<(Keys, Option<i64>)> {
        if self.profile.is_none()
            && let (Some(id), Some(secret)) = (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"))
        {
            let session = variable("AWS_SESSION_TOKEN").map(Secret::new);
            return Ok((Keys { id, secret: Secret::new(secret), session }, None));
        }
        let settings = self.settings();
        if let (Some(id), Some(secret)) = (settings.get("aws_access_key_id"), settings.get("aws_secret_access_key")) {
            let session = settings.get("aws_session_token").map(Secret::new);
            return Ok((Keys { id: id.clone(), secret: Secret::new(secret), session }, None));
        }
        if let Some(command) = settings.get("credential_process") {
            return read_keys(&ask(Command::new("sh").args(["-c", command]))?);
        }
        let kinds = ["sso_session", "sso_start_url", "role_arn", "web_identity_token_file", "login_session"];
        if kinds.iter().any(|kind| settings.contains_key(*kind)) || variable("AWS_WEB_IDENTITY_TOKEN_FILE").is_some() {
            if !is_installed("aws") {
                let profile = self.profile_name();
                return Err(Error::Credentials(format!(
                    "aws: profile {profile:?} needs the AWS CLI (aws configure export-credentials), which is not installed"
                )));
            }
            let mut command = Command::new("aws");
            command.args(["configure", "export-credentials", "--format", "process"]);
            if let Some(profile) = &self.profile {
                command.args(["--profile", profile]);
            }
            return read_keys(&ask(&mut command)?);
        }
        container().or_else(instance).unwrap_or_else(|| {
            let looked = "environment, shared files, container, instance metadata";
            Err(Error::Credentials(format!("aws: no credentials found ({looked}): see docs/sources/aws.md")))
        })
    }
}

impl<T: Into<String>> From<T> for Secret {
    fn from(text: T) -> Self {
        Self::new(text)
    }
}

/// The container's endpoint (ECS, EKS Pod Identity).
fn container() -> Option<Result<(Keys, Option<i64>)>> {
    let relative = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").map(|uri| format!("http://169.254.170.2{uri}"));
    let url = relative.or_else(|| variable("AWS_CONTAINER_CREDENTIALS_FULL_URI"))?;
    if !gets_token(&url) {
        return Some(Err(Error::Credentials(
            "aws: AWS_CONTAINER_CREDENTIALS_FULL_URI: expected https, this machine, or a container's endpoint"
                .to_owned(),
        )));
    }
    let from_file =
        variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE").and_then(|path| std::fs::read_to_string(path).ok());
    let token = from_file.or_else(|| variable("AWS_CONTAINER_AUTHORIZATION_TOKEN")).unwrap_or_default();
    let headers = [("authorization", token.trim())];
    let headers = if token.is_empty() { &headers[..0] } else { &headers[..] };
    metadata(reqwest::Method::GET, &url, headers).map(|text| read_keys(&text))
}

/// Whether an endpoint may see a container's token: over TLS, or at one of the addresses that only the machine itself reaches.
fn gets_token(url: &str) -> bool {
    const ADDRESSES: [&str; 3] = ["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"];
    let host = reqwest::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    crate::living::http::check_url(url, false).is_ok() || host.is_some_and(|host| ADDRESSES.contains(&&*host))
}

/// The instance's metadata service, version 2.
fn instance() -> Option<Result<(Keys, Option<i64>)>> {
    if variable("AWS_EC2_METADATA_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return None;
    }
    let base = variable("AWS_EC2_METADATA_SERVICE_ENDPOINT").unwrap_or_else(|| "http://169.254.169.254".to_owned());
    let base = base.trim_end_matches('/');
    let lifetime = [("x-aws-ec2-metadata-token-ttl-seconds", "300")];
    let token = metadata(reqwest::Method::PUT, &format!("{base}/latest/api/token"), &lifetime)?;
    let token = String::from_utf8(token).ok()?;
    let headers = [("x-aws-ec2-metadata-token", token.as_str())];
    let place = format!("{base}/latest/meta-data/iam/security-credentials/");
    let role = String::from_utf8(metadata(reqwest::Method::GET, &place, &headers)?).ok()?;
    let role = role.lines().next()?.to_owned();
    metadata(reqwest::Method::GET, &format!("{place}{role}"), &headers).map(|text| read_keys(&text))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Printed {
    access_key_id: String,
    secret_access_key: String,
    #[serde(alias = "Token")]
    session_token: Option<String>,
    expiration: Option<String>,
}

/// Keys as `credential_process`, the CLI and the metadata services print them.
fn read_keys(text: &[u8]) -> Result<(Keys, Option<i64>)> {
    let Ok(printed) = serde_json::from_slice::<Printed>(text) else {
        return Err(Error::Credentials("aws: expected keys as JSON, found something else".to_owned()));
    };
    let Printed { access_key_id, secret_access_key, session_token, expiration } = printed;
    let expires = expiration.and_then(|text| stamp::read(text.as_bytes())).map(|(at, _)| at.micros());
    let session = session_token.map(Secret::new);
    Ok((Keys { id: access_key_id, secret: Secret::new(secret_access_key), session }, expires))
}

/// The settings of a profile in a shared file: `[name]` or `[profile name]`, then `key = value`.
fn section(text: &str, profile: &str) -> BTreeMap<String, String> {
    let mut settings = BTreeMap::new();
    let mut inside = false;
    for line in text.lines() {
        let line = line.trim_end();
        if let Some(header) = line.trim().strip_prefix('[').and_then(|header| header.strip_suffix(']')) {
            let header = header.trim();
            inside = header == profile || header.strip_prefix("profile ").is_some_and(|name| name.trim() == profile);
        } else if inside
            && !line.trim_start().starts_with(['#', ';'])
            && !line.starts_with([' ', '\t'])
            && let Some((key, value)) = line.split_once('=')
        {
            settings.insert(key.trim().to_owned(), value.trim().to_owned());
        }
    }
    settings
}

/// Signs a request of a service in a region, at a time; adds the headers that say so.
///
/// `host` is the value of the header `host`. The path must be in its canonical form, without a query.
pub fn sign(mut request: Request, host: &str, path: &str, keys: &Keys, place: (&str, &str), at: Timestamp) -> Request {
    let (region, service) = place;
    let stamp: String = at.to_string().chars().filter(|c| !"-:".contains(*c)).take(15).collect::<String>() + "Z";
    let date = &stamp[..8];
    request.headers.push(("x-amz-date".to_owned(), stamp.clone()));
    if let Some(session) = &keys.session {
        request.headers.push(("x-amz-security-token".to_owned(), session.reveal().to_owned()));
    }
    let mut signed: BTreeMap<String, String> =
        request.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    signed.insert("host".to_owned(), host.to_owned());
    let names = signed.keys().cloned().collect::<Vec<_>>().join(";");
    let mut canonical = format!("{}\n{path}\n\n", request.method);
    for (name, value) in &signed {
        canonical.extend([name, ":", value, "\n"]);
    }
    canonical.extend(["\n", &names, "\n", &hex(digest::digest(&digest::SHA256, &request.body).as_ref())]);
    let scope = format!("{date}/{region}/{service}/aws4_request");
    let hashed = hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
    let to_sign = format!("AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashed}");
    let mac = |key: &[u8], text: &str| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes());
    let first = format!("AWS4{}", keys.secret.reveal());
    let key = [date, region, service, "aws4_request"]
        .iter()
        .fold(first.into_bytes(), |key, text| mac(&key, text).as_ref().to_vec());
    let signature = hex(mac(&key, &to_sign).as_ref());
    let id = &keys.id;
    let value = format!("AWS4-HMAC-SHA256 Credential={id}/{scope}, SignedHeaders={names}, Signature={signature}");
    request.headers.push(("authorization".to_owned(), value));
    request
}

fn hex(bytes: &[u8]) -> String {
    let digit = |n: u8| char::from_digit(u32::from(n), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example `get-vanilla` of Amazon's published test suite for Signature Version 4.
    #[test]
    fn the_published_example_has_the_published_signature() {
        let keys = Keys {
            id: "AKIDEXAMPLE".to_owned(),
            secret: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            session: None,
        };
        let (at, _) = stamp::read(b"2015-08-30T12:36:00Z").expect("a stamp");
        let request = Request::get("https://example.amazonaws.com/");
        let request = sign(request, "example.amazonaws.com", "/", &keys, ("us-east-1", "service"), at);
        let (_, value) = request.headers.last().expect("a header");
        assert_eq!(
            value,
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=host;x-amz-date, \
             Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        );
    }

    #[test]
    fn a_profile_is_read_from_either_file() {
        let config =
            "[default]\nregion = eu-central-1\n[profile bench] # x\n[profile lab]\nregion=us-east-1\ns3 =\n  a = b\n";
        assert_eq!(section(config, "lab").get("region").map(String::as_str), Some("us-east-1"));
        assert_eq!(section(config, "default").get("region").map(String::as_str), Some("eu-central-1"));
        assert!(section(config, "missing").is_empty());
    }

    #[test]
    fn printed_keys_are_read_and_not_shown() {
        let text = br#"{"Version":1,"AccessKeyId":"AK","SecretAccessKey":"PLANTED","SessionToken":"PLANTED","Expiration":"2026-11-22T07:00:00Z"}"#;
        let (keys, expires) = read_keys(text).expect("keys");
        assert_eq!(expires, Some(1_795_330_800_000_000));
        assert!(!format!("{keys:?}").contains("PLANTED"));
        let error = read_keys(b"PLANTED").expect_err("no keys");
        assert!(!error.to_string().contains("PLANTED"));
    }
}
