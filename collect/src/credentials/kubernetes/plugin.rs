//! Exec plugins: programs that print an `ExecCredential` (`client.authentication.k8s.io/v1` and `v1beta1`).

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::credentials::{Secret, ask};
use crate::formats::stamp;
use crate::{Error, Result};

const VERSIONS: [&str; 2] = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"];

/// A program that knows who the user is.
#[derive(Debug, Clone)]
pub(crate) struct Plugin {
    version: &'static str,
    command: PathBuf,
    /// Never shown: they may hold secrets.
    arguments: Vec<Secret>,
    variables: Vec<(String, Secret)>,
    wants_cluster: bool,
    hint: Option<String>,
}

/// What a plugin gave.
#[derive(Debug, Default)]
pub(crate) struct Given {
    pub(crate) token: Option<Secret>,
    pub(crate) certificate: Option<(Vec<u8>, Secret)>,
    /// When it expires, in microseconds.
    pub(crate) expires: Option<i64>,
}

impl Plugin {
    /// The plugin that the `exec` of a kubeconfig in a folder names. A command that is a relative path is relative to the folder.
    ///
    /// # Errors
    /// What is missing or unknown, without values.
    pub(crate) fn new(exec: &Value, folder: &Path) -> Result<Self, String> {
        let version = exec["apiVersion"].as_str().unwrap_or_default();
        let version = VERSIONS.into_iter().find(|known| *known == version);
        let version = version.ok_or_else(|| format!("apiVersion: expected {} or {}", VERSIONS[0], VERSIONS[1]))?;
        let command = exec["command"].as_str().filter(|text| !text.is_empty()).ok_or("command: is missing")?;
        let command = if command.contains('/') { folder.join(command) } else { PathBuf::from(command) };
        let texts = |key: &str| exec[key].as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Ok(Self {
            version,
            command,
            arguments: texts("args").iter().map(|value| Secret::new(text(value))).collect(),
            variables: texts("env")
                .iter()
                .map(|pair| (text(&pair["name"]), Secret::new(text(&pair["value"]))))
                .collect(),
            wants_cluster: exec["provideClusterInfo"] == true,
            hint: exec["installHint"].as_str().map(|hint| crate::redact::excerpt(hint.as_bytes(), 300).into_owned()),
        })
    }

    /// Asks it.
    ///
    /// # Errors
    /// [`Error::Credentials`] when it cannot be started, fails, or prints something else. What it printed is not repeated.
    pub(crate) fn ask(&self, server: &str, authorities: Option<&[u8]>) -> Result<Given> {
        let mut spec = json!({ "interactive": false });
        if self.wants_cluster {
            spec["cluster"] = json!({ "server": server });
            if let Some(pem) = authorities {
                spec["cluster"]["certificate-authority-data"] = STANDARD.encode(pem).into();
            }
        }
        let info = json!({ "kind": "ExecCredential", "apiVersion": self.version, "spec": spec });
        let mut command = Command::new(&self.command);
        command.args(self.arguments.iter().map(Secret::reveal)).env("KUBERNETES_EXEC_INFO", info.to_string());
        command.envs(self.variables.iter().map(|(name, value)| (name, value.reveal())));
        let printed = ask(&mut command).map_err(|error| match (&self.hint, error) {
            (Some(hint), Error::Credentials(text)) => Error::Credentials(format!("{text}; {hint}")),
            (_, error) => error,
        })?;
        let failed = |expected: &str| {
            let name = self.command.file_name().unwrap_or_default().to_string_lossy();
            Error::Credentials(format!("{name}: expected an ExecCredential with {expected}"))
        };
        let printed: Value = serde_json::from_slice(&printed).unwrap_or_default();
        if printed["kind"] != "ExecCredential" || printed["apiVersion"] != self.version {
            return Err(failed(&format!("apiVersion {}", self.version)));
        }
        let status = &printed["status"];
        let text = |key: &str| status[key].as_str().filter(|text| !text.is_empty());
        let certificate = text("clientCertificateData").zip(text("clientKeyData"));
        let given = Given {
            token: text("token").map(Secret::new),
            certificate: certificate.map(|(pem, key)| (pem.as_bytes().to_vec(), Secret::new(key))),
            expires: text("expirationTimestamp").and_then(|at| stamp::read(at.as_bytes())).map(|(at, _)| at.micros()),
        };
        if given.token.is_none() && given.certificate.is_none() {
            return Err(failed("a token or a certificate with its key"));
        }
        Ok(given)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// A plugin that is a script for the shell; `$1` is its argument.
    fn plugin(script: &str) -> Plugin {
        let exec = json!({
            "apiVersion": VERSIONS[0], "command": "/bin/sh", "args": ["-c", script, "plugin", "PLANTED"],
            "provideClusterInfo": true, "env": [{"name": "TOKEN", "value": "PLANTED"}], "installHint": "install it",
        });
        Plugin::new(&exec, Path::new("/nowhere")).expect("a plugin")
    }

    #[test]
    fn a_plugin_is_told_the_cluster_and_gives_a_token_that_expires() {
        let plugin = plugin(
            r#"case "$KUBERNETES_EXEC_INFO" in *'"server":"https://s"'*) ;; *) exit 3;; esac
printf '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"%s-%s","expirationTimestamp":"2026-11-22T08:00:00Z"}}' "$TOKEN" "$1""#,
        );
        let given = plugin.ask("https://s", Some(b"x")).expect("a token");
        assert_eq!(given.token.as_ref().map(Secret::reveal), Some("PLANTED-PLANTED"));
        assert_eq!(given.expires, Some(1_795_334_400_000_000));
        assert!(!format!("{plugin:?} {given:?}").contains("PLANTED"));
    }

    #[test]
    fn what_a_plugin_prints_is_never_repeated() {
        for (script, said) in [
            ("echo PLANTED; exit 1", "failed with"),
            ("echo PLANTED", "expected an ExecCredential"),
            (
                r#"echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"x":"PLANTED"}}'"#,
                "a token or",
            ),
        ] {
            let error = plugin(script).ask("https://s", None).expect_err(said).to_string();
            assert!(error.contains(said) && !error.contains("PLANTED"), "{error}");
        }
    }

    #[test]
    fn a_relative_command_is_relative_to_its_file_and_a_missing_one_has_its_hint() {
        let exec = json!({ "apiVersion": VERSIONS[1], "command": "bin/login", "installHint": "install it" });
        let plugin = Plugin::new(&exec, Path::new("/nowhere")).expect("a plugin");
        assert_eq!(plugin.command, Path::new("/nowhere/bin/login"));
        assert!(plugin.ask("https://s", None).expect_err("missing").to_string().ends_with("; install it"));
        let exec = json!({ "apiVersion": VERSIONS[1], "command": "login" });
        assert_eq!(Plugin::new(&exec, Path::new("/nowhere")).expect("a plugin").command, Path::new("login"));
    }
}
