//! Every link of the providers' credential chains, and what must hold for all secrets.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::binary::{SESSION, faaslens, text};
use crate::fakes::{CloudLogging, CloudWatch, events};
use crate::log_analytics::{LogAnalytics, TOKEN};
use crate::python::{Server as Script, interpreter};
use crate::server::{Answered, Asked, Fake, Faults, Server};

/// A part of every secret: it must be nowhere but in the requests that it is meant for.
const PLANTED: &str = "PLANTED-5ecret";

/// An API with endpoints beside it that give out credentials; it keeps every request.
struct Vault {
    api: Box<dyn Fake>,
    /// Path and answer of each endpoint.
    endpoints: Vec<(&'static str, String)>,
    asked: Mutex<Vec<Asked>>,
}

impl Vault {
    /// Requests of a path.
    fn asked(&self, path: &str) -> Vec<Asked> {
        self.asked.lock().expect("the requests").iter().filter(|asked| asked.path == path).cloned().collect()
    }

    /// What every request of the API had in a header.
    fn shown(&self, header: &str) -> Vec<String> {
        let asked = self.asked.lock().expect("the requests");
        let api = asked.iter().filter(|asked| self.endpoints.iter().all(|(path, _)| asked.path != *path));
        api.map(|asked| asked.header(header).to_owned()).collect()
    }
}

impl Fake for Vault {
    fn answer(&self, asked: &Asked) -> Answered {
        self.asked.lock().expect("the requests").push(asked.clone());
        let endpoint = self.endpoints.iter().find(|(path, _)| asked.path == *path);
        endpoint.map_or_else(|| self.api.answer(asked), |(_, answer)| (200, answer.clone().into_bytes()))
    }
}

/// Collects from an API with credentials that the environment leads to; gives what the API and its endpoints saw.
fn collected(
    source: &[&str],
    api: Box<dyn Fake>,
    endpoints: Vec<(&'static str, String)>,
    variables: &[(&str, &str)],
) -> Arc<Vault> {
    let vault = Arc::new(Vault { api, endpoints, asked: Mutex::default() });
    let server = Server::start(Arc::clone(&vault) as Arc<dyn Fake>, Faults::default());
    let store = tempfile::tempdir_in(SESSION.path()).expect("a folder");
    let url = server.url();
    let args: Vec<String> = source.iter().map(|word| word.replace("{url}", &url)).collect();
    let mut args: Vec<&str> = args.iter().map(String::as_str).collect();
    let fixed = ["--run", "r", "--rate", "1000", "--since", "2026-11-22T07:00:00Z", "--until", "2026-11-22T08:00:00Z"];
    args.extend(["--store", text(store.path())].iter().chain(&fixed));
    let host = url.trim_start_matches("http://").to_owned();
    let filled: Vec<(&str, String)> =
        variables.iter().map(|(name, value)| (*name, value.replace("{url}", &url).replace("{host}", &host))).collect();
    // Whoever debugs must not see them either.
    let mut variables = vec![("RUST_LOG", "trace"), ("RUST_BACKTRACE", "full")];
    variables.extend(filled.iter().map(|(name, value)| (*name, value.as_str())));
    let output = faaslens(&args, &variables, 0);
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(!said.contains(PLANTED), "{said}");
    vault
}

fn file(name: &str, content: &str) -> PathBuf {
    let path = SESSION.path().join(name);
    std::fs::write(&path, content).expect("written");
    path
}

/// A folder with a program that prints something, and the path to search programs in with it.
fn program(name: &str, prints: &str) -> String {
    let folder = SESSION.path().join(format!("bin-{name}"));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join(name);
    std::fs::write(&path, format!("#!/bin/sh\ncat <<'END'\n{prints}\nEND\n")).expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("set");
    format!("{}:/usr/bin:/bin", folder.display())
}

fn aws(variables: &[(&str, &str)], endpoints: Vec<(&'static str, String)>) -> Arc<Vault> {
    let api = [("AWS_ENDPOINT_URL", "{url}"), ("AWS_REGION", "eu-central-1")];
    collected(&["collect", "aws"], Box::new(CloudWatch(events(20))), endpoints, &[&api, variables].concat())
}

fn keys(id: &str) -> String {
    json!({"Version": 1, "AccessKeyId": id, "SecretAccessKey": PLANTED, "SessionToken": format!("{PLANTED}-session"),
        "Token": format!("{PLANTED}-session"), "Expiration": "2099-01-01T00:00:00Z"})
    .to_string()
}

/// Metadata services give `Token`, programs `SessionToken`.
fn without(keys: &str, name: &str) -> String {
    let mut keys: Value = serde_json::from_str(keys).expect("JSON");
    keys.as_object_mut().expect("an object").remove(name);
    keys.to_string()
}

#[track_caller]
fn assert_signed_as(vault: &Vault, id: &str) {
    let signatures = vault.shown("authorization");
    assert!(signatures.len() > 3 && signatures.iter().all(|text| text.contains(&format!("Credential={id}/"))), "{id}");
    assert!(vault.shown("x-amz-security-token").iter().all(|token| *token == format!("{PLANTED}-session")), "{id}");
    assert!(signatures.iter().all(|text| !text.contains(PLANTED)));
}

#[test]
fn aws_signs_with_the_keys_of_a_container() {
    let variables = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "{url}/container"),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "PLANTED-5ecret-container"),
    ];
    let vault = aws(&variables, vec![("/container", without(&keys("CONTAINER"), "SessionToken"))]);
    assert_signed_as(&vault, "CONTAINER");
    assert_eq!(vault.asked("/container")[0].header("authorization"), "PLANTED-5ecret-container");
}

#[test]
fn aws_signs_with_the_keys_of_an_instance() {
    let variables = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", "{url}"), ("AWS_EC2_METADATA_DISABLED", "false")];
    let endpoints = vec![
        ("/latest/api/token", format!("{PLANTED}-imds")),
        ("/latest/meta-data/iam/security-credentials/", "bench-role".to_owned()),
        ("/latest/meta-data/iam/security-credentials/bench-role", without(&keys("INSTANCE"), "SessionToken")),
    ];
    let vault = aws(&variables, endpoints);
    assert_signed_as(&vault, "INSTANCE");
    let role = &vault.asked("/latest/meta-data/iam/security-credentials/bench-role")[0];
    assert_eq!(role.header("x-aws-ec2-metadata-token"), format!("{PLANTED}-imds"));
    assert_eq!(vault.asked("/latest/api/token")[0].method, "PUT");
}

#[test]
fn aws_asks_a_program_for_keys_where_the_profile_says_so_and_its_command_line_for_single_sign_on() {
    let program_keys = without(&keys("PROCESS"), "Token");
    let keys_file = file("aws-process.json", &program_keys);
    let config = file(
        "aws-config",
        &format!("[profile lab]\ncredential_process = cat {}\n[profile sso]\nsso_session = x\n", keys_file.display()),
    );
    let vault = aws(&[("AWS_CONFIG_FILE", text(&config)), ("AWS_PROFILE", "lab")], Vec::new());
    assert_signed_as(&vault, "PROCESS");
    let path = program("aws", &without(&keys("CLI"), "Token"));
    let vault = aws(&[("AWS_CONFIG_FILE", text(&config)), ("AWS_PROFILE", "sso"), ("PATH", &path)], Vec::new());
    assert_signed_as(&vault, "CLI");
}

#[test]
fn aws_shows_a_containers_token_to_nobody_else() {
    let variables = [
        ("AWS_REGION", "eu-central-1"),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://203.0.113.7/keys"),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "PLANTED-5ecret-container"),
    ];
    let store = SESSION.path().join("aws-elsewhere");
    let output = faaslens(&["collect", "aws", "--since", "1h", "--store", text(&store)], &variables, 3);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("AWS_CONTAINER_CREDENTIALS_FULL_URI") && !said.contains(PLANTED), "{said}");
}

fn google(variables: &[(&str, &str)], endpoints: Vec<(&'static str, String)>) -> Arc<Vault> {
    let api = [("CLOUDSDK_API_ENDPOINT_OVERRIDES_LOGGING", "{url}")];
    let source = ["collect", "google", "--project", "p"];
    collected(&source, Box::new(CloudLogging(events(20))), endpoints, &[&api, variables].concat())
}

fn token() -> String {
    json!({"access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer"}).to_string()
}

#[track_caller]
fn assert_bears(vault: &Vault, token: &str) {
    let shown = vault.shown("authorization");
    assert!(!shown.is_empty() && shown.iter().all(|text| *text == format!("Bearer {token}")), "{shown:?}");
}

/// The value of a form's field.
fn field(asked: &Asked, name: &str) -> String {
    let form = Asked { query: crate::server::pairs(&String::from_utf8_lossy(&asked.body)), ..Asked::default() };
    form.parameter(name).unwrap_or_default().to_owned()
}

#[test]
fn google_exchanges_a_service_accounts_assertion_that_googles_own_library_verifies() {
    let vault = Arc::new(Vault {
        api: Box::new(CloudLogging(events(20))),
        endpoints: vec![("/token", token())],
        asked: Mutex::default(),
    });
    let server = Server::start(Arc::clone(&vault) as Arc<dyn Fake>, Faults::default());
    let account = SESSION.path().join("account.json");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/living/keys.py");
    let token_uri = format!("{}/token", server.url());
    let run = |words: &[&str]| {
        let output = Command::new(interpreter("google")).arg(&script).args(words).output().expect("python starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    run(&["account", text(&account), &token_uri]);
    let url = server.url();
    let variables =
        [("GOOGLE_APPLICATION_CREDENTIALS", text(&account)), ("CLOUDSDK_API_ENDPOINT_OVERRIDES_LOGGING", &url)];
    let store = SESSION.path().join("google-account");
    let window = ["--since", "2026-11-22T07:00:00Z", "--until", "2026-11-22T08:00:00Z", "--rate", "1000"];
    let args = ["collect", "google", "--project", "p", "--store", text(&store), "--run", "r"];
    let output = faaslens(&[&args[..], &window].concat(), &variables, 0);
    assert!(!String::from_utf8_lossy(&output.stderr).contains("PRIVATE"));
    assert_bears(&vault, TOKEN);
    let asked = &vault.asked("/token")[0];
    assert_eq!(field(asked, "grant_type"), "urn:ietf:params:oauth:grant-type:jwt-bearer");
    let verified: Value =
        serde_json::from_str(&run(&["check", text(&account), &field(asked, "assertion")])).expect("verified");
    let claims = &verified["claims"];
    assert_eq!(
        (claims["iss"].as_str(), claims["aud"].as_str()),
        (Some("bench@p.iam.gserviceaccount.com"), Some(&*token_uri))
    );
    assert_eq!(claims["scope"], "https://www.googleapis.com/auth/logging.read");
    assert_eq!((&verified["header"]["alg"], &verified["header"]["kid"]), (&"RS256".into(), &"k1".into()));
    let lifetime = claims["exp"].as_i64().zip(claims["iat"].as_i64()).map(|(end, begin)| end - begin);
    assert_eq!(lifetime, Some(3600));
}

#[test]
fn google_takes_a_users_refresh_token_the_machines_identity_and_what_gcloud_prints() {
    let user = json!({"type": "authorized_user", "client_id": "c", "client_secret": format!("{PLANTED}-client"),
        "refresh_token": format!("{PLANTED}-refresh"), "token_uri": "{url}/token"});
    // The endpoint is only known when the server runs: a second server gives the tokens.
    let tokens = Arc::new(Vault {
        api: Box::new(CloudLogging(Vec::new())),
        endpoints: vec![("/token", token())],
        asked: Mutex::default(),
    });
    let server = Server::start(Arc::clone(&tokens) as Arc<dyn Fake>, Faults::default());
    let path = file("user.json", &user.to_string().replace("{url}", &server.url()));
    assert_bears(&google(&[("GOOGLE_APPLICATION_CREDENTIALS", text(&path))], Vec::new()), TOKEN);
    let asked = &tokens.asked("/token")[0];
    assert_eq!(
        (field(asked, "grant_type"), field(asked, "refresh_token")),
        ("refresh_token".to_owned(), format!("{PLANTED}-refresh"))
    );

    let metadata = "/computeMetadata/v1/instance/service-accounts/default/token";
    let vault = google(&[("GCE_METADATA_HOST", "{host}")], vec![(metadata, token())]);
    assert_bears(&vault, TOKEN);
    assert_eq!(vault.asked(metadata)[0].header("metadata-flavor"), "Google");

    let other = file("federation.json", r#"{"type": "external_account"}"#);
    let path = program("gcloud", TOKEN);
    assert_bears(&google(&[("GOOGLE_APPLICATION_CREDENTIALS", text(&other)), ("PATH", &path)], Vec::new()), TOKEN);
}

fn azure(variables: &[(&str, &str)], endpoints: Vec<(&'static str, String)>) -> Arc<Vault> {
    let source = ["collect", "azure", "--workspace", "w", "--table", "AppTraces", "--endpoint", "{url}"];
    collected(&source, Box::new(LogAnalytics::of(&events(20))), endpoints, variables)
}

#[test]
fn azure_takes_a_workloads_federated_token() {
    let federated = file("federated-token", "PLANTED-5ecret-assertion\n");
    let variables = [
        ("AZURE_AUTHORITY_HOST", "{url}/"),
        ("AZURE_TENANT_ID", "t"),
        ("AZURE_CLIENT_ID", "c"),
        ("AZURE_FEDERATED_TOKEN_FILE", text(&federated)),
    ];
    let vault = azure(&variables, vec![("/t/oauth2/v2.0/token", token())]);
    assert_bears(&vault, TOKEN);
    let asked = &vault.asked("/t/oauth2/v2.0/token")[0];
    assert_eq!(field(asked, "client_assertion"), "PLANTED-5ecret-assertion");
    assert_eq!(field(asked, "scope"), "https://api.loganalytics.io/.default");
}

#[test]
fn azure_takes_the_identities_of_an_app_and_of_a_machine_and_what_az_prints() {
    let variables =
        [("IDENTITY_ENDPOINT", "{url}/msi"), ("IDENTITY_HEADER", "PLANTED-5ecret-header"), ("AZURE_CLIENT_ID", "mine")];
    let vault = azure(&variables, vec![("/msi", token())]);
    assert_bears(&vault, TOKEN);
    let asked = &vault.asked("/msi")[0];
    assert_eq!(asked.header("x-identity-header"), "PLANTED-5ecret-header");
    assert_eq!(asked.parameter("resource"), Some("https://api.loganalytics.io"));
    assert_eq!(asked.parameter("client_id"), Some("mine"));

    let metadata = "/metadata/identity/oauth2/token";
    let variables = [("AZURE_POD_IDENTITY_AUTHORITY_HOST", "{url}"), ("PATH", "/nowhere")];
    let vault = azure(&variables, vec![(metadata, token())]);
    assert_bears(&vault, TOKEN);
    assert_eq!(vault.asked(metadata)[0].header("metadata"), "true");

    let path = program("az", &json!({"accessToken": TOKEN, "expires_on": 4_000_000_000_i64}).to_string());
    assert_bears(&azure(&[("PATH", &path)], Vec::new()), TOKEN);
}

#[test]
fn a_server_whose_certificate_nobody_vouches_for_is_refused_at_once() {
    let folder = tempfile::tempdir_in(SESSION.path()).expect("a folder");
    let server = Script::start("google", "keys.py", &["serve", text(folder.path())]);
    let authority = folder.path().join("ca.pem");
    let store = folder.path().join("store");
    let args = ["collect", "aws", "--since", "1h", "--store", text(&store)];
    let variables = [
        ("AWS_ENDPOINT_URL", server.url()),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", PLANTED),
    ];
    let began = std::time::Instant::now();
    let said = String::from_utf8_lossy(&faaslens(&args, &variables, 3).stderr).into_owned();
    assert!(said.contains("certificate") && said.contains("SSL_CERT_FILE"), "{said}");
    assert!(began.elapsed() < std::time::Duration::from_secs(10));
    // Vouched for, it is asked, and has nothing.
    let trusting = [&variables[..], &[("SSL_CERT_FILE", text(&authority))]].concat();
    let said = String::from_utf8_lossy(&faaslens(&args, &trusting, 2).stderr).into_owned();
    assert!(said.contains("no log event"), "{said}");
}

#[test]
fn plain_http_to_other_machines_is_refused() {
    let store = SESSION.path().join("plain");
    let keys = [("AWS_REGION", "r"), ("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", PLANTED)];
    let endpoint = [("AWS_ENDPOINT_URL", "http://203.0.113.7/")];
    let args = ["collect", "aws", "--since", "1h", "--store", text(&store)];
    let said = String::from_utf8_lossy(&faaslens(&args, &[&keys[..], &endpoint].concat(), 2).stderr).into_owned();
    assert!(said.contains("plain http") && !said.contains(PLANTED), "{said}");
    let args = [
        "collect",
        "azure",
        "--workspace",
        "w",
        "--endpoint",
        "http://203.0.113.7",
        "--since",
        "1h",
        "--store",
        text(&store),
    ];
    faaslens(&args, &[], 2);
}
