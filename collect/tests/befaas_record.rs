//! The record parser against `serde_json`, which reads the same bytes the slow and certain way.

use faaslens_collect::formats::befaas::{Kind, Op, Record, parse, parse_bytes};
use proptest::prelude::*;
use serde_json::{Value, json};

/// A record at a depth of quoting: 0 plain, 1 inside a JSON string, 2 inside a JSON string inside a JSON string.
fn quoted(record: &str, depth: usize) -> String {
    (0..depth).fold(record.to_owned(), |text, _| {
        let quoted = Value::from(text).to_string();
        quoted[1..quoted.len() - 1].to_owned()
    })
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z0-9]{1,8}",
        1 => r#"[a-zA-Z0-9äß€😀 /:\\"<>\n\t{}]{0,24}"#,
    ]
}

/// Events of every kind, with surplus members that a parser must step over.
fn event() -> impl Strategy<Value = Value> {
    let milliseconds = (0_u64..1_000_000_000).prop_map(|n| n as f64 / 1000.0);
    let perf = (
        text(),
        text(),
        prop::sample::select(vec!["start", "end", "measure"]),
        0..7_usize,
        milliseconds.clone(),
        milliseconds,
    )
        .prop_map(|(context, pair, kind, op, start, duration)| {
            let op = ["rpcIn", "msg", "get:/cart/:id", "del:/x", "rpcOut:cart:a-b", "dbOut:get", "my own: mark"][op];
            json!({"contextId": context, "xPair": pair, "perf": {"mark": format!("{kind}:{op}"), "name": "n:{}",
                "entryType": "mark", "startTime": start, "duration": duration, "detail": null}})
        });
    let request = (text(), text(), text()).prop_map(|(context, url, cookie)| {
        json!({"contextId": context, "xPair": "p", "request": {"method": "GET", "originalUrl": url,
            "headers": {"cookie": cookie, "Host": "h", "user-agent": "u", "via": ["a", {"b": [1, true, null]}]}}})
    });
    let client = (text(), text(), any::<bool>()).prop_map(|(context, url, before)| {
        json!({"url": url, "contextId": context, "xPair": "p", "type": if before { "before" } else { "after" }})
    });
    prop_oneof![perf, request, client, Just(json!({"coldstart": true}))]
}

fn string(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn check(record: &Record<&str>, expected: &Value) {
    let event = &expected["event"];
    assert_eq!(Some(record.timestamp_ms), expected["timestamp"].as_i64());
    assert_eq!(Some(record.now_ms), expected["now"].as_f64());
    assert_eq!(Some(record.executor.to_string()), string(&expected["fn"]["id"]));
    assert_eq!(Some(record.function.to_string()), string(&expected["fn"]["name"]));
    assert_eq!(record.deployment_id.map(str::to_owned), string(&expected["deploymentId"]));
    assert_eq!(record.event.context_id.map(str::to_owned), string(&event["contextId"]));
    assert_eq!(record.event.pair_id.map(str::to_owned), string(&event["xPair"]));
    assert_eq!(record.event.start_ms, event["perf"]["startTime"].as_f64());
    assert_eq!(record.event.duration_ms, event["perf"]["duration"].as_f64());
    let url = if event["request"].is_object() { &event["request"]["originalUrl"] } else { &event["url"] };
    assert_eq!(record.event.url.map(str::to_owned), string(url));
    let has_request = event["request"].is_object();
    let headers = r#"{"Host":"h","user-agent":"u"}"#;
    assert_eq!(record.event.headers, has_request.then_some(headers), "only the allowed headers are kept");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_record_reads_as_serde_json_reads_it(
        event in event(), id in text(), name in text(), now in 0_f64..1e9, depth in 0..3_usize, tail in "[ -~]{0,20}",
    ) {
        let expected = json!({"timestamp": 1_795_330_947_309_i64, "now": now, "version": "8.24.3", "extra": [{"a": "}"}],
            "deploymentId": "JXOQ8OcdmOGdtQMF", "fn": {"id": id, "name": name}, "event": event});
        let line = quoted(&expected.to_string(), depth);
        let whole = format!("{line}{}", if depth == 0 { tail } else { format!("{}\"{tail}", r"\n") });
        let (record, length) = parse(&whole, false).expect("a record");
        prop_assert_eq!(length, line.len());
        check(&record.as_deref(), &expected);
    }

    #[test]
    fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut line = br#"{"timestamp":1,"now":2,"fn":{"id":"#.to_vec();
        line.extend_from_slice(&bytes);
        // What matters is that both return.
        let _outcomes = (parse_bytes(&bytes, false).is_ok(), parse_bytes(&line, true).is_ok());
    }

    #[test]
    fn a_damaged_record_is_refused_or_still_valid_json(at in 0..600_usize, byte in any::<u8>(), depth in 0..2_usize) {
        let record = json!({"timestamp": 1_795_330_947_309_i64, "now": 12.5, "deploymentId": "d", "fn": {"id": "e", "name": "f"},
            "event": {"contextId": "c", "xPair": "c-p", "perf": {"mark": "measure:rpcOut:cart:c-q", "name": "x",
            "entryType": "measure", "startTime": 1.25, "duration": 0.5}}});
        let mut line = quoted(&record.to_string(), depth).into_bytes();
        let at = at % line.len();
        line[at] = byte;
        if let Ok((record, length)) = parse_bytes(&line, false) {
            let piece = std::str::from_utf8(&line[..length]);
            if let Ok(piece) = piece && piece.chars().all(|c| !c.is_control()) {
                let plain: String = if depth == 0 {
                    piece.to_owned()
                } else {
                    serde_json::from_str(&format!("\"{piece}\"")).expect("a JSON string")
                };
                let value: Value = serde_json::from_str(&plain).expect("valid JSON");
                prop_assert_eq!(value["now"].as_f64(), Some(record.now_ms));
            }
        }
    }
}

fn entry(mark: &str) -> String {
    json!({"timestamp": 1, "now": 2, "fn": {"id": "e", "name": "f"}, "event": {"contextId": "c", "xPair": "c-p",
        "perf": {"mark": mark, "entryType": "mark", "startTime": 1.5, "duration": 0}}})
    .to_string()
}

#[test]
fn marks_are_taken_apart() {
    for (mark, kind, op, method, target, pair) in [
        ("start:rpcIn", Kind::Start, Op::RpcIn, None, None, None),
        ("end:msg", Kind::End, Op::Msg, None, None, None),
        ("measure:get:/product/:productId", Kind::Measure, Op::Route, Some("GET"), Some("/product/:productId"), None),
        ("start:del:/cart", Kind::Start, Op::Route, Some("DELETE"), Some("/cart"), None),
        (
            "measure:rpcOut:cartkvstorage:ts7v-3idm",
            Kind::Measure,
            Op::RpcOut,
            None,
            Some("cartkvstorage"),
            Some("ts7v-3idm"),
        ),
        ("start:dbOut:get", Kind::Start, Op::Db, None, Some("get"), None),
        ("x", Kind::Mark, Op::Custom, None, Some("x"), None),
        ("start:own:thing", Kind::Start, Op::Custom, None, Some("own:thing"), None),
    ] {
        let line = entry(mark);
        let (record, _) = parse(&line, false).expect("a record");
        let event = record.event;
        assert_eq!((event.kind, event.op), (kind, Some(op)), "{mark}");
        assert_eq!(event.method.as_deref(), method, "{mark}");
        assert_eq!(event.target.as_deref(), target, "{mark}");
        assert_eq!(event.callee_pair_id.as_deref(), pair, "{mark}");
    }
}

#[test]
fn refusals_say_where_and_why() {
    for (line, reason, expected) in [
        (r#"{"timestamp":1,"now":2"#, "truncated json", "a comma or the end of the object"),
        (r#"{\"timestamp\":1,\"now\":2","ingestionTime":1}"#, "truncated json", "a comma or the end of the object"),
        (r#"{"timestamp":1,"now":x}"#, "invalid json", "a number of milliseconds"),
        (
            r#"{"timestamp":1,"now":2,"fn":{"id":"e","name":"f"},"event":{}}"#,
            "unknown event",
            "coldstart, request, perf or type in the event",
        ),
        (r#"{"timestamp":1,"now":2,"event":{"coldstart":true},"fn":{"id":"e"}}"#, "missing field", "fn.name"),
        (r#"{"now":2,"event":{"coldstart":true},"fn":{"id":"e","name":"f"}}"#, "missing field", "timestamp"),
        (
            r#"{"timestamp":-5,"now":2,"event":{"coldstart":true},"fn":{"id":"e","name":"f"}}"#,
            "bad field",
            "timestamp between the years 1970 and 9999",
        ),
    ] {
        let refusal = parse(line, false).expect_err(line);
        assert_eq!(refusal.reason, reason, "{line}: {refusal:?}");
        if reason != "unknown event" {
            assert_eq!(refusal.expected, expected, "{line}");
        }
    }
}

#[test]
fn deep_nesting_is_refused() {
    let line = format!(r#"{{"x":{}"#, "[".repeat(100_000));
    assert_eq!(parse(&line, false).expect_err("too deep").expected, "less nesting");
}
