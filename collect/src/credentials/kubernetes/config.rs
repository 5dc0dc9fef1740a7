//! Kubeconfig files: several are merged, the first that names something wins, paths are relative to their file.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::plugin::Plugin;
use super::{Cluster, Kept, User};
use crate::credentials::{Secret, home};
use crate::{Error, Result, yaml};

/// A list of named things in a kubeconfig, and what each holds.
const LISTS: [(&str, &str); 3] = [("clusters", "cluster"), ("contexts", "context"), ("users", "user")];

/// Kubeconfig files, merged.
#[derive(Default)]
pub struct Config {
    current: Option<String>,
    /// For each of [`LISTS`]: name, content, folder of its file.
    named: [Vec<(String, Value, PathBuf)>; 3],
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config").field("current", &self.current).finish_non_exhaustive()
    }
}

fn failed(reason: impl std::fmt::Display) -> Error {
    Error::Credentials(format!("kubernetes: {reason}"))
}

impl Config {
    /// The files that the environment names, without those that are not there, or the user's own.
    pub fn files() -> Vec<PathBuf> {
        let named: Vec<PathBuf> = match std::env::var_os("KUBECONFIG").filter(|paths| !paths.is_empty()) {
            Some(paths) => std::env::split_paths(&paths).filter(|path| !path.as_os_str().is_empty()).collect(),
            None => home(".kube/config").into_iter().collect(),
        };
        named.into_iter().filter(|path| path.is_file()).collect()
    }

    /// Reads and merges files.
    ///
    /// # Errors
    /// [`Error::Credentials`] when one cannot be read or is no YAML.
    pub fn read(files: &[PathBuf]) -> Result<Self> {
        let mut config = Self::default();
        for path in files {
            let text = super::read(path)?;
            let text = String::from_utf8(text).map_err(|_no_text| failed(format!("{}: no text", path.display())))?;
            let tree = yaml::parse(&text).map_err(|reason| failed(format!("{}: {reason}", path.display())))?;
            config.merge(&tree, path.parent().unwrap_or(Path::new(".")));
        }
        Ok(config)
    }

    fn merge(&mut self, tree: &Value, folder: &Path) {
        let current = tree["current-context"].as_str().filter(|name| !name.is_empty());
        self.current = self.current.take().or_else(|| current.map(str::to_owned));
        for ((list, content), named) in LISTS.iter().zip(&mut self.named) {
            for entry in tree[list].as_array().into_iter().flatten() {
                let name = entry["name"].as_str().unwrap_or_default();
                if !named.iter().any(|(known, ..)| known == name) {
                    named.push((name.to_owned(), entry[content].clone(), folder.to_owned()));
                }
            }
        }
    }

    fn named(&self, list: usize, name: &str) -> Result<Entry<'_>> {
        let found = self.named[list].iter().find(|(known, ..)| known == name);
        let known: Vec<&str> = self.named[list].iter().map(|(name, ..)| name.as_str()).collect();
        let (kind, expected) = (LISTS[list].1, known.join(", "));
        let found =
            found.ok_or_else(|| failed(format!("kubeconfig: {kind} {name:?} is not there; there are: {expected}")))?;
        Ok(Entry { kind, name: &found.0, content: &found.1, folder: &found.2 })
    }

    /// The cluster and user of a context, or of the current one.
    ///
    /// # Errors
    /// [`Error::Credentials`] when one of them is missing, cannot be read, or asks for something that is not supported.
    pub fn cluster(&self, context: Option<&str>) -> Result<Cluster> {
        let name = context.or(self.current.as_deref());
        let name = name.ok_or_else(|| failed("kubeconfig: no current-context: give --context"))?;
        let context = self.named(1, name)?;
        let cluster = self.named(0, context.text("cluster").unwrap_or_default())?;
        cluster.refuse("proxy-url", "set HTTPS_PROXY instead")?;
        cluster.refuse("tls-server-name", "use a server URL that the certificate names")?;
        cluster.refuse(
            "insecure-skip-tls-verify",
            "certificates are always verified: give the cluster's certificate-authority",
        )?;
        let server = cluster.text("server").ok_or_else(|| failed("kubeconfig: the cluster has no server"))?;
        let user = match context.text("user") {
            Some(user) => self.named(2, user)?.user()?,
            None => User::default(),
        };
        Ok(Cluster {
            server: server.trim_end_matches('/').to_owned(),
            namespace: context.text("namespace").map(str::to_owned),
            authorities: cluster.pem("certificate-authority")?,
            user,
            kept: Kept::default(),
        })
    }
}

/// A named part of a kubeconfig.
struct Entry<'a> {
    kind: &'static str,
    name: &'a str,
    content: &'a Value,
    folder: &'a Path,
}

impl Entry<'_> {
    fn text(&self, key: &str) -> Option<&str> {
        self.content[key].as_str().filter(|text| !text.is_empty())
    }

    fn failed(&self, key: &str, reason: &str) -> Error {
        failed(format!("kubeconfig: {} {:?}: {key}: {reason}", self.kind, self.name))
    }

    fn refuse(&self, key: &str, remedy: &str) -> Result<()> {
        match &self.content[key] {
            Value::Null | Value::Bool(false) => Ok(()),
            Value::String(text) if text.is_empty() => Ok(()),
            _ => Err(self.failed(key, &format!("is not supported; {remedy}"))),
        }
    }

    /// A PEM text: in the file (`<key>-data`, base64), or in a file of its own.
    fn pem(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let inside = format!("{key}-data");
        if let Some(text) = self.text(&inside) {
            let plain: String = text.split_ascii_whitespace().collect();
            return STANDARD.decode(plain).map(Some).map_err(|_secret| self.failed(&inside, "expected base64"));
        }
        self.text(key).map(|path| super::read(&self.folder.join(path))).transpose()
    }

    fn user(&self) -> Result<User> {
        self.refuse("auth-provider", "use an exec plugin (client.authentication.k8s.io/v1)")?;
        self.refuse("as", "impersonation is not needed to read logs")?;
        let mut certificate = None;
        if let Some(pem) = self.pem("client-certificate")? {
            let key = self.pem("client-key")?.ok_or_else(|| self.failed("client-key", "is missing"))?;
            let key = String::from_utf8(key).map_err(|_secret| self.failed("client-key", "expected PEM"))?;
            certificate = Some((pem, Secret::new(key)));
        }
        let password = self.text("username").zip(self.text("password"));
        let plugin = match &self.content["exec"] {
            Value::Null => None,
            exec => Some(Plugin::new(exec, self.folder).map_err(|reason| self.failed("exec", &reason))?),
        };
        Ok(User {
            certificate,
            token: self.text("token").map(Secret::new),
            token_file: self.text("tokenFile").map(|path| self.folder.join(path)),
            password: password.map(|(name, password)| (name.to_owned(), Secret::new(password))),
            plugin,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(texts: &[&str]) -> (tempfile::TempDir, Result<Config>) {
        let folder = tempfile::tempdir().expect("a folder");
        let paths: Vec<PathBuf> = (0..texts.len()).map(|n| folder.path().join(format!("config-{n}"))).collect();
        for (path, text) in paths.iter().zip(texts) {
            std::fs::write(path, text).expect("written");
        }
        std::fs::write(folder.path().join("own.crt"), "CERT").expect("written");
        let config = Config::read(&paths);
        (folder, config)
    }

    const FIRST: &str = "
apiVersion: v1
kind: Config
current-context: shop
clusters:
- name: edge
  cluster: {server: 'https://10.0.0.1:6443/', certificate-authority-data: UExBTlRFRA==}
contexts:
- {name: shop, context: {cluster: edge, user: admin, namespace: openfaas-fn}}
users:
- name: admin
  user: {token: PLANTED, client-certificate: own.crt, client-key-data: UExBTlRFRA==}
";

    #[test]
    fn a_context_names_cluster_user_and_namespace() {
        let (_folder, config) = config(&[FIRST]);
        let cluster = config.expect("read").cluster(None).expect("a cluster");
        assert_eq!((&*cluster.server, cluster.namespace.as_deref()), ("https://10.0.0.1:6443", Some("openfaas-fn")));
        assert_eq!(cluster.authorities.as_deref(), Some(&b"PLANTED"[..]));
        let (certificate, key) = cluster.user.certificate.clone().expect("a certificate");
        assert_eq!((&certificate[..], key.reveal()), (&b"CERT"[..], "PLANTED"));
        assert_eq!(cluster.user.token.as_ref().map(Secret::reveal), Some("PLANTED"));
        assert!(!format!("{:?}", cluster.user).contains("PLANTED"));
    }

    #[test]
    fn of_several_files_the_first_that_names_something_wins() {
        let second = FIRST.replace("10.0.0.1", "10.0.0.2").replace("current-context: shop", "current-context: other")
            + "- {name: second, user: {username: u, password: PLANTED}}\n";
        let (_folder, config) = config(&["current-context: ''\n", FIRST, &second]);
        let config = config.expect("read");
        assert_eq!(config.current.as_deref(), Some("shop"));
        assert!(config.named[2].iter().any(|(name, ..)| name == "second"));
        assert_eq!(config.named[0][0].1["server"], "https://10.0.0.1:6443/");
    }

    #[test]
    fn what_is_missing_or_unsafe_is_refused_by_name_without_a_secret() {
        for (from, to, said) in [
            ("current-context: shop", "x: y", "current-context"),
            ("cluster: edge", "cluster: gone", "there are: edge"),
            ("user: admin,", "user: gone,", "there are: admin"),
            ("client-certificate: own.crt", "client-certificate: none.crt", "none.crt"),
            ("client-certificate: own.crt", "client-certificate-data: PLANTED!", "expected base64"),
            ("token: PLANTED,", "auth-provider: {name: gcp, config: {t: PLANTED}},", "exec plugin"),
            ("token: PLANTED,", "exec: {apiVersion: v9, command: PLANTED},", "apiVersion"),
            ("certificate-authority-data: UExBTlRFRA==", "insecure-skip-tls-verify: true", "always verified"),
            ("user: {token: PLANTED,", "user: {{token: PLANTED,", "line "),
        ] {
            let (_folder, config) = config(&[&FIRST.replace(from, to)]);
            let error = config.and_then(|config| config.cluster(None)).expect_err(said).to_string();
            assert!(error.contains(said) && !error.contains("PLANTED"), "{said}: {error}");
        }
    }
}
