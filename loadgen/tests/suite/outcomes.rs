//! Every way in which a request can end has its own class.

use std::net::TcpListener;
use std::time::Duration;

use faaslens_loadgen::engine::Options;
use faaslens_loadgen::manners::Manners;
use serde_json::json;

use super::drive::{compile, drive, manners, untraced};
use super::server::Server;

/// The class and status of one request.
fn outcome(url: &str, http: &str) -> (String, Option<String>) {
    outcome_with(url, http, untraced(), manners())
}

fn outcome_with(url: &str, http: &str, options: Options, manners: Manners) -> (String, Option<String>) {
    let text = format!(
        "http: {{{http}}}\nphases: [{{users: 1, rounds: 1}}]\nscenarios: [{{flow: [{{get: {{url: '{url}', followRedirect: false}}}}]}}]\n"
    );
    let profile = compile("p.yml".as_ref(), &text, "", &[]);
    let driven = drive(profile, options, manners);
    assert_eq!(driven.rows.len(), 1, "{url}");
    let row = &driven.rows[0];
    assert_eq!(row.success, Some(matches!(row.class.as_deref(), Some("ok" | "status_3xx"))));
    let class = row.class.as_deref().unwrap_or_default().to_owned();
    (class, row.status.as_deref().map(str::to_owned))
}

#[test]
fn every_failure_has_its_own_class() {
    let server = Server::start();
    let url = |path: &str| format!("{}{path}", server.url());
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let cases = [
        (url("/"), "", "ok", Some("200")),
        (url("/redirect/x"), "", "status_3xx", Some("302")),
        (url("/status/404"), "", "status_4xx", Some("404")),
        (url("/status/503"), "", "status_5xx", Some("503")),
        (format!("http://127.0.0.1:{closed}/"), "", "connect_refused", None),
        ("http://no-such-host.invalid/".to_owned(), "", "dns", None),
        (url("/close"), "", "closed", None),
        (url("/garbage"), "", "protocol", None),
        (url("/silent"), "timeout: 200ms", "response_timeout", None),
        (url("/endless"), "totalTimeout: 300ms", "body_timeout", Some("200")),
        (url("/large/5000"), "maxBody: 4000", "body_too_large", Some("200")),
        (format!("https://127.0.0.1:{}/", server.port), "", "tls", None),
        ("ftp://127.0.0.1/".to_owned(), "", "invalid_url", None),
        ("http://example.org/".to_owned(), "", "host_not_allowed", None),
    ];
    let mut allowed = manners();
    allowed.hosts.insert("no-such-host.invalid".to_owned());
    for (url, http, class, status) in cases {
        let (found, answered) = outcome_with(&url, http, untraced(), allowed.clone());
        assert_eq!((found.as_str(), answered.as_deref()), (class, status), "{url}");
    }
}

#[test]
fn what_a_profile_asks_of_responses_fails_by_classes_of_its_own() {
    let server = Server::start();
    let cases = [
        ("get: {url: /circle}", "too_many_redirects", "302"),
        ("get: {url: /token, capture: {json: $.missing, as: x}}", "capture", "200"),
        ("get: {url: /token, expect: {json: $.token, equals: other}}", "assertion", "200"),
    ];
    for (step, class, status) in cases {
        let text = format!("phases: [{{users: 1, rounds: 1}}]\nscenarios: [{{flow: [{{{step}}}]}}]\n");
        let driven = drive(compile("p.yml".as_ref(), &text, &server.url(), &[]), untraced(), manners());
        let found: Vec<_> = driven.rows.iter().map(|row| (row.class.as_deref(), row.status.as_deref())).collect();
        assert_eq!(found, [(Some(class), Some(status))], "{step}");
    }
}

#[test]
fn a_reset_is_told_from_a_close() {
    // A listener that closes with unread bytes: the kernel then sends a reset.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        if let Ok((stream, _)) = listener.accept() {
            std::thread::sleep(Duration::from_millis(100));
            drop(stream);
        }
    });
    assert_eq!(outcome(&format!("http://127.0.0.1:{port}/"), "").0, "reset");
}

#[test]
fn a_connection_that_never_stands_times_out() {
    // A listener with a full backlog drops further attempts.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut held = Vec::new();
    while let Ok(stream) = std::net::TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
        held.push(stream);
        assert!(held.len() < 10_000, "the backlog never fills");
    }
    let url = format!("http://127.0.0.1:{}/", address.port());
    assert_eq!(outcome(&url, "connectTimeout: 200ms").0, "connect_timeout");
}

#[test]
fn redirections_are_followed_only_to_hosts_that_are_allowed() {
    let server = Server::start();
    let text = "phases: [{users: 1, rounds: 1}]\nscenarios: [{flow: [{post: {url: '/redirect/x', json: {a: 1}}}]}]\n";
    let driven = drive(compile("p.yml".as_ref(), text, &server.url(), &[]), untraced(), manners());
    assert_eq!(driven.rows[0].status.as_deref(), Some("200"));
    assert_eq!(driven.rows[0].redirects, Some(1));
    let seen: Vec<(String, String)> = server.seen().into_iter().map(|seen| (seen.method, seen.path)).collect();
    assert_eq!(seen, [("POST".to_owned(), "/redirect/x".to_owned()), ("GET".to_owned(), "/final".to_owned())]);
}

#[test]
fn cookies_captures_and_assertions_go_through_a_flow() {
    let server = Server::start();
    let text = "
phases: [{users: 1, rounds: 2}]
scenarios:
  - name: login
    flow:
      - get:
          url: /token
          capture:
            - {json: $.token, as: token}
            - {json: '$.list[*].id', as: id}
            - {header: x-served, as: served}
          expect: {status: 200, json: $.object.deep, equals: [1, 2]}
      - post: {url: '/use/{{ token }}', json: {id: '{{ id }}', served: '{{ served }}'}}
      - get: {url: /status/500, expect: {status: [200, 201]}}
      - get: {url: /never}
";
    let driven = drive(compile("p.yml".as_ref(), text, &server.url(), &[]), Options::default(), manners());
    let seen = server.seen();
    assert_eq!(seen.len(), 6, "the failed assertion ends each round");
    assert_eq!((seen[1].path.as_str(), seen[1].body.as_str()), ("/use/tok-1", r#"{"id":7,"served":"yes"}"#));
    assert_eq!(seen[1].header("cookie"), Some("session=s1"));
    assert_eq!(seen[3].header("cookie"), None, "a new round is a new user");
    assert_eq!(driven.rows[2].class.as_deref(), Some("assertion"));
    assert_eq!(driven.rows[2].error.as_deref(), Some("expected status [200, 201], found 500"));
    for (row, seen) in driven.rows.iter().zip(&seen) {
        assert_eq!(row.context_id.as_deref(), seen.header("x-context"));
        assert_eq!(row.pair_id.as_deref(), seen.header("x-pair"));
        assert!(
            row.pair_id.as_ref().is_some_and(|pair| pair.starts_with(row.context_id.as_deref().expect("a context")))
        );
    }
    let console = std::fs::read_to_string(driven.folder.path().join("artillery.log")).expect("console lines");
    assert_eq!(console.lines().count(), 12, "one line before and one after each request");
    let jtl = std::fs::read_to_string(driven.folder.path().join("run.csv")).expect("a JTL file");
    assert_eq!(jtl.lines().count(), 7);
}

#[test]
fn a_kept_connection_that_was_closed_is_opened_again() {
    let server = Server::start();
    let text = "phases: [{users: 1, rounds: 1}]\nscenarios: [{flow: [{get: {url: /a}}, {get: {url: /b}}]}]\n";
    let driven = drive(compile("p.yml".as_ref(), text, &server.url(), &[]), untraced(), manners());
    assert_eq!(driven.rows.iter().map(|row| row.reused).collect::<Vec<_>>(), [Some(false), Some(true)]);
    assert_eq!(server.connections(), 1);
    assert!(driven.rows[1].connect_ms.is_none() && driven.rows[0].connect_ms.is_some());
    let closing = "http: {keepAlive: false}\n".to_owned() + text;
    let driven = drive(compile("p.yml".as_ref(), &closing, &server.url(), &[]), untraced(), manners());
    assert_eq!(driven.rows.iter().filter(|row| row.reused == Some(false)).count(), 2);
    assert_eq!(server.connections(), 3);
    assert_eq!(driven.finished.sockets_opened, 2);
}

#[test]
fn mangled_templates_are_sent_as_artillery_sends_them_or_repaired() {
    let server = Server::start();
    let text = "
config: {target: '', phases: [{duration: 1, arrivalRate: 1}]}
scenarios: [{flow: [{post: {url: /setUser, form: {userName: { { username } }}}}]}]
";
    let user = [("username", json!("Ada"))];
    let profile = compile("p.yml".as_ref(), text, &server.url(), &user);
    assert!(profile.warnings[0].starts_with("p.yml:3: { { username } } is a map"), "{:?}", profile.warnings);
    drive(profile, untraced(), manners());
    assert_eq!(server.seen()[0].body, "userName=%5Bobject+Object%5D");
    let settings = faaslens_loadgen::profile::Settings {
        repair_templates: true,
        target: Some(server.url()),
        ..Default::default()
    };
    let mut repaired = faaslens_loadgen::profile::compile("p.yml".as_ref(), text, &settings).expect("a profile");
    repaired.constants.insert("username".to_owned(), json!("Ada"));
    drive(repaired, untraced(), manners());
    assert_eq!(server.seen()[1].body, "userName=Ada");
}
