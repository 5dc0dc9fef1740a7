//! Kubernetes: a cluster, and whom it takes us for, from kubeconfig files or the service account of a pod.
//!
//! The chain: the file that is named; the files of `KUBECONFIG`, merged as kubectl merges them; `~/.kube/config`; the service
//! account that a pod has at hand. A user is known by a client certificate, a token, a file with a token, a name with a password,
//! or by what an exec plugin prints.

mod config;
mod plugin;

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::blocking::Client;

pub use config::Config;

use super::{Kept, Secret, variable};
use crate::living::http::{Request, Trust, client};
use crate::living::window::now_us;
use crate::{Error, Result};
use plugin::Plugin;

/// Where a pod finds its service account.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// Time after which a file with a token is read again: kubelets renew them.
const TOKEN_FILE_US: i64 = 60 * 1_000_000;

/// What a user is known by.
#[derive(Debug, Clone, Default)]
pub(super) struct User {
    /// Certificate and key (PEM).
    pub(super) certificate: Option<(Vec<u8>, Secret)>,
    pub(super) token: Option<Secret>,
    pub(super) token_file: Option<PathBuf>,
    pub(super) password: Option<(String, Secret)>,
    pub(super) plugin: Option<Plugin>,
}

/// A cluster as one of its users.
#[derive(Debug)]
pub struct Cluster {
    /// URL of the API server, without a slash at its end.
    pub server: String,
    /// Namespace that the context names.
    pub namespace: Option<String>,
    pub(super) authorities: Option<Vec<u8>>,
    pub(super) user: User,
    pub(super) kept: Kept<Access>,
}

/// How the API server is spoken to for now.
#[derive(Debug, Clone)]
pub struct Access {
    /// Trusts the cluster's authorities and shows the user's certificate.
    pub client: Client,
    authorization: Option<Secret>,
}

impl Access {
    /// A request with what the user is known by.
    #[must_use]
    pub fn sign(&self, request: Request) -> Request {
        match &self.authorization {
            Some(value) => request.header("authorization", value.reveal()),
            None => request,
        }
    }
}

impl Cluster {
    /// The cluster of a `context`, or the current one, of a kubeconfig `file`, or of the chain.
    ///
    /// # Errors
    /// [`Error::Credentials`] when a file cannot be read, or names something that is missing or is not supported; nothing of its
    /// content is repeated but names.
    pub fn find(file: Option<&Path>, context: Option<&str>) -> Result<Self> {
        let files = match file {
            Some(file) => vec![file.to_owned()],
            None => Config::files(),
        };
        if files.is_empty() {
            return match Self::of_pod(Path::new(SERVICE_ACCOUNT)) {
                Some(cluster) if context.is_none() => cluster,
                _ => Err(Error::Credentials(
                    "kubernetes: no kubeconfig (--kubeconfig, KUBECONFIG, ~/.kube/config) and no service account of a pod: \
                     see docs/sources/k8s.md"
                        .to_owned(),
                )),
            };
        }
        Config::read(&files)?.cluster(context)
    }

    /// The cluster that a pod runs in, where it does.
    fn of_pod(folder: &Path) -> Option<Result<Self>> {
        let host = variable("KUBERNETES_SERVICE_HOST")?;
        let port = variable("KUBERNETES_SERVICE_PORT")?;
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        Some(Self::of_service_account(&format!("https://{host}:{port}"), folder))
    }

    fn of_service_account(server: &str, folder: &Path) -> Result<Self> {
        let authorities = Some(read(&folder.join("ca.crt"))?);
        let namespace = std::fs::read_to_string(folder.join("namespace")).ok().map(|text| text.trim().to_owned());
        let user = User { token_file: Some(folder.join("token")), ..User::default() };
        let server = server.to_owned();
        Ok(Self { server, namespace, authorities, user, kept: Kept::default() })
    }

    /// How to speak to it now.
    ///
    /// # Errors
    /// [`Error::Credentials`] when the user's plugin or file fails, or a certificate is not fit.
    pub fn access(&self) -> Result<Access> {
        self.kept.get(|| self.fetch())
    }

    /// Forgets what the user was known by: the cluster says that it does not hold any more.
    pub fn forget(&self) {
        self.kept.forget();
    }

    fn fetch(&self) -> Result<(Access, Option<i64>)> {
        let user = &self.user;
        let (mut certificate, mut token, mut expires) = (user.certificate.clone(), user.token.clone(), None);
        if let Some(plugin) = &user.plugin {
            let given = plugin.ask(&self.server, self.authorities.as_deref())?;
            certificate = given.certificate.or(certificate);
            token = given.token.or(token);
            expires = given.expires;
        }
        if token.is_none()
            && let Some(path) = &user.token_file
        {
            let text = String::from_utf8_lossy(&read(path)?).trim().to_owned();
            token = Some(Secret::new(text));
            expires = Some(now_us() + super::MARGIN_US + TOKEN_FILE_US);
        }
        let basic = |(name, password): &(String, Secret)| {
            Secret::new(format!("Basic {}", STANDARD.encode(format!("{name}:{}", password.reveal()))))
        };
        let authorization = token
            .map(|token| Secret::new(format!("Bearer {}", token.reveal())))
            .or_else(|| user.password.as_ref().map(basic));
        let identity = certificate.map(|(pem, key)| [&pem[..], b"\n", key.reveal().as_bytes()].concat());
        let trust = Trust { authorities: self.authorities.clone(), identity };
        let failed = |_| {
            Error::Credentials("kubernetes: a certificate or key of the kubeconfig is not fit: expected PEM".to_owned())
        };
        Ok((Access { client: client(&trust).map_err(failed)?, authorization }, expires))
    }
}

/// Reads a file that a kubeconfig names.
fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path)
        .map_err(|error| Error::Credentials(format!("kubernetes: {}: cannot be read: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CERTIFICATE: &[u8] = include_bytes!("../../../../tests/data/kubernetes/ca.crt");

    #[test]
    fn a_pods_service_account_gives_cluster_namespace_and_a_token_that_is_read_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in [("ca.crt", CERTIFICATE), ("token", b"PLANTED\n"), ("namespace", b"shop\n")] {
            std::fs::write(folder.path().join(name), text).expect("written");
        }
        let cluster = Cluster::of_service_account("https://10.0.0.1:443", folder.path()).expect("a cluster");
        assert_eq!(cluster.namespace.as_deref(), Some("shop"));
        let signed = |cluster: &Cluster| cluster.access().expect("access").sign(Request::get("https://x/")).headers;
        assert_eq!(signed(&cluster), [("authorization".to_owned(), "Bearer PLANTED".to_owned())]);
        std::fs::write(folder.path().join("token"), "LATER").expect("written");
        cluster.forget();
        assert_eq!(signed(&cluster), [("authorization".to_owned(), "Bearer LATER".to_owned())]);
        assert!(!format!("{cluster:?} {:?}", cluster.access()).contains("LATER"));
    }
}
