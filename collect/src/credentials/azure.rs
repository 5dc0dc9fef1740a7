//! Azure: access tokens of an Entra identity.
//!
//! The chain: a service principal's secret in the environment (`AZURE_TENANT_ID`, `AZURE_CLIENT_ID`, `AZURE_CLIENT_SECRET`);
//! a workload's federated token file (`AZURE_FEDERATED_TOKEN_FILE`); the identity of an App Service (`IDENTITY_ENDPOINT`);
//! `az account get-access-token`; the identity of a virtual machine.

use std::process::Command;

use serde_json::Value;

use super::{Kept, Secret, ask, exchange, is_installed, metadata, token_of, variable};
use crate::living::http::query;
use crate::living::window::now_us;
use crate::{Error, Result};

/// Where tokens come from.
#[derive(Debug)]
pub struct Chain {
    /// The API that the tokens are for.
    resource: String,
    kept: Kept<Secret>,
}

impl Chain {
    /// Tokens for an API, such as `https://api.loganalytics.io`.
    pub fn new(resource: impl Into<String>) -> Self {
        Self { resource: resource.into(), kept: Kept::default() }
    }

    /// The token to ask with now.
    ///
    /// # Errors
    /// [`Error::Credentials`] when no link of the chain has one.
    pub fn token(&self) -> Result<Secret> {
        self.kept.get(|| self.fetch())
    }

    /// Forgets a token that has expired.
    pub fn forget(&self) {
        self.kept.forget();
    }

    fn fetch(&self) -> Result<(Secret, Option<i64>)> {
        if let Some(form) = self.principal()? {
            let authority = variable("AZURE_AUTHORITY_HOST");
            let authority = authority.as_deref().unwrap_or("https://login.microsoftonline.com").trim_end_matches('/');
            let authority =
                if authority.contains("://") { authority.to_owned() } else { format!("https://{authority}") };
            let tenant = variable("AZURE_TENANT_ID").unwrap_or_default();
            return exchange("azure", &format!("{authority}/{tenant}/oauth2/v2.0/token"), &form);
        }
        if let (Some(url), Some(secret)) = (variable("IDENTITY_ENDPOINT"), variable("IDENTITY_HEADER")) {
            let url = format!("{url}{}", self.identity("2019-08-01"));
            if let Some(text) = metadata(reqwest::Method::GET, &url, &[("x-identity-header", &secret)]) {
                return token_of("azure", &text);
            }
        }
        if is_installed("az") {
            return self.printed();
        }
        let host = variable("AZURE_POD_IDENTITY_AUTHORITY_HOST").unwrap_or_else(|| "http://169.254.169.254".to_owned());
        let url =
            format!("{}/metadata/identity/oauth2/token{}", host.trim_end_matches('/'), self.identity("2018-02-01"));
        match metadata(reqwest::Method::GET, &url, &[("metadata", "true")]) {
            Some(text) => token_of("azure", &text),
            None => Err(Error::Credentials(
                "azure: no credentials found (environment, workload identity, managed identity, az): see \
                 docs/sources/azure.md"
                    .to_owned(),
            )),
        }
    }

    /// What a service principal or a workload asks its token with; `None` where the environment names neither.
    fn principal(&self) -> Result<Option<Vec<(&'static str, String)>>> {
        let (Some(_), Some(client)) = (variable("AZURE_TENANT_ID"), variable("AZURE_CLIENT_ID")) else {
            return Ok(None);
        };
        let mut form = vec![
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", client),
            ("scope", format!("{}/.default", self.resource)),
        ];
        if let Some(secret) = variable("AZURE_CLIENT_SECRET") {
            form.push(("client_secret", secret));
            return Ok(Some(form));
        }
        let Some(path) = variable("AZURE_FEDERATED_TOKEN_FILE") else { return Ok(None) };
        let token = std::fs::read_to_string(&path)
            .map_err(|error| Error::Credentials(format!("azure: AZURE_FEDERATED_TOKEN_FILE: {error}")))?;
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        form.push(("client_assertion_type", kind.to_owned()));
        form.push(("client_assertion", token.trim().to_owned()));
        Ok(Some(form))
    }

    /// The query that a machine's own identity is asked with: that of the user's choice where `AZURE_CLIENT_ID` names one.
    fn identity(&self, version: &str) -> String {
        let client = variable("AZURE_CLIENT_ID");
        let mut parameters = vec![("api-version", version), ("resource", &self.resource)];
        parameters.extend(client.as_deref().map(|client| ("client_id", client)));
        query(&parameters)
    }

    fn printed(&self) -> Result<(Secret, Option<i64>)> {
        let arguments = ["account", "get-access-token", "--output", "json", "--resource", &self.resource];
        let text = ask(Command::new("az").args(arguments))?;
        let printed: Value = serde_json::from_slice(&text).unwrap_or_default();
        let Some(token) = printed["accessToken"].as_str() else {
            return Err(Error::Credentials(
                "azure: az printed no access token: is it logged in (az login)?".to_owned(),
            ));
        };
        // Older versions of az give no `expires_on`: they are asked again long before the hour is over.
        let expires = printed["expires_on"].as_i64().map(|seconds| seconds.saturating_mul(1_000_000));
        Ok((Secret::new(token), expires.or_else(|| Some(now_us() + 30 * 60 * 1_000_000))))
    }
}
