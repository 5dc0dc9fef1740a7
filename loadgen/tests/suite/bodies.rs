//! What is sent from files, and what comes back without an end.

use std::collections::BTreeSet;
use std::path::Path;

use faaslens_loadgen::profile::{Settings, compile};

use super::drive::{Driven, drive, manners, untraced};
use super::server::Server;

/// Drives a profile that lies in `folder`.
fn driven(folder: &Path, text: &str, server: &Server) -> Driven {
    let settings = Settings { target: Some(server.url()), ..Settings::default() };
    let profile = compile(&folder.join("p.yml"), text, &settings).unwrap_or_else(|error| panic!("{error}"));
    drive(profile, untraced(), manners())
}

#[test]
fn rows_of_a_csv_file_become_variables() {
    let folder = tempfile::tempdir().expect("a folder");
    let rows = "name,city\nAda,London\n\"Alan, M.\",Wilmslow\nGrace,New York\n";
    std::fs::write(folder.path().join("people.csv"), rows).expect("a file");
    let server = Server::start();
    let flow = "scenarios: [{flow: [{post: {url: /person, json: {name: '{{ name }}', city: '{{ city }}'}}}]}]\n";
    let payload = "config:\n  target: ''\n  phases: [{duration: 6, arrivalCount: 6}]\n  payload:";
    let text =
        format!("{payload} {{path: people.csv, fields: [name, city], skipHeader: true, order: sequence}}\n{flow}");
    driven(folder.path(), &text.replace("duration: 6", "duration: 1"), &server);
    let bodies: Vec<String> = server.seen().into_iter().map(|seen| seen.body).collect();
    assert_eq!(bodies.len(), 6);
    for (i, body) in bodies.iter().enumerate() {
        let expected = [
            r#"{"name":"Ada","city":"London"}"#,
            r#"{"name":"Alan, M.","city":"Wilmslow"}"#,
            r#"{"name":"Grace","city":"New York"}"#,
        ][i % 3];
        assert_eq!(body, expected, "user {i} takes the next row");
    }
    // All rows at once, gone through by a loop.
    let server = Server::start();
    let text = format!(
        "{}\n    - {{path: people.csv, fields: [name, city], skipHeader: true, loadAll: true, name: people}}\nscenarios:\n  - flow:\n      - loop: [{{get: {{url: '/who/{{{{ $loopElement.city }}}}'}}}}]\n        over: people\n",
        payload.replace("duration: 6, arrivalCount: 6", "duration: 1, arrivalCount: 1")
    );
    driven(folder.path(), &text, &server);
    let paths: Vec<String> = server.seen().into_iter().map(|seen| seen.path).collect();
    assert_eq!(paths, ["/who/London", "/who/Wilmslow", "/who/New%20York"]);
}

#[test]
fn form_data_carries_files_byte_by_byte() {
    let folder = tempfile::tempdir().expect("a folder");
    let picture = "\u{1}PNG \r\n--not-the-boundary\r\n end";
    std::fs::write(folder.path().join("picture.png"), picture).expect("a file");
    let server = Server::start();
    let text = "
config: {target: '', phases: [{duration: 1, arrivalCount: 1}]}
scenarios:
  - flow:
      - post:
          url: /upload
          formData: {kind: photo, image: {fromFile: picture.png}}
";
    driven(folder.path(), text, &server);
    let seen = &server.seen()[0];
    let content = seen.header("content-type").expect("a content type");
    let boundary = content.strip_prefix("multipart/form-data; boundary=").expect("a boundary");
    let parts: Vec<&str> = seen.body.split(&format!("--{boundary}")).collect();
    let [start, kind, image, end] = parts[..] else { panic!("{:?}", seen.body) };
    assert_eq!((start, end), ("", "--\r\n"));
    assert_eq!(kind, "\r\nContent-Disposition: form-data; name=\"kind\"\r\n\r\nphoto\r\n");
    let (head, body) = image.split_once("\r\n\r\n").expect("a head");
    assert!(head.contains("name=\"image\"; filename=\"picture.png\"") && head.contains("image/png"), "{head}");
    assert_eq!(body.strip_suffix("\r\n"), Some(picture));
}

#[test]
fn a_body_without_an_end_takes_no_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start();
    let flood = |capture: &str, http: &str| {
        let text = format!(
            "http: {{{http}}}\nphases: [{{users: 4, rounds: 1}}]\nscenarios: [{{flow: [{{get: {{url: /flood{capture}}}}}]}}]\n"
        );
        let driven = driven(folder.path(), &text, &server);
        let classes: BTreeSet<_> =
            driven.rows.iter().filter_map(|row| row.class.as_deref().map(str::to_owned)).collect();
        let memory = driven.finished.seconds.iter().filter_map(|second| second.resident_mb).fold(0.0, f64::max);
        let bytes: i64 = driven.rows.iter().filter_map(|row| row.bytes_received).sum();
        (classes, memory, bytes)
    };
    // Thrown away as it comes, far more than the process may hold.
    let (classes, memory, bytes) = flood("", "totalTimeout: 3s, maxBody: 100000000000");
    assert_eq!(classes, BTreeSet::from(["body_timeout".to_owned()]));
    assert!(bytes > 300_000_000, "{bytes} bytes came");
    assert!(memory < 250.0, "{memory} MB with {bytes} bytes received");
    // Kept for a capture, it ends at its bound.
    let (classes, memory, bytes) = flood(", capture: {json: $.a, as: a}", "maxBody: 2000000");
    assert_eq!(classes, BTreeSet::from(["body_too_large".to_owned()]));
    assert!(memory < 250.0 && bytes < 40_000_000, "{memory} MB, {bytes} bytes");
}
