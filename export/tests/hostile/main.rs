//! Whatever the rows hold, exports end, and what they write can be read.

use faaslens_export::{FORMATS, Format, Scene, TraceRows, by_name};
use faaslens_schemas::tables::{Call, DbCall, Invocation, PathSegment, Trace};
use faaslens_schemas::time::Timestamp;
use proptest::prelude::*;

const CONTEXT: &str = "c\n\u{202e};\"";

/// Everything that a format writes of some traces.
fn export(format: &Format, traces: &[TraceRows]) -> Vec<u8> {
    let mut exporter = (format.exporter)();
    let scenes: Vec<Scene<'_>> = traces.iter().map(|rows| Scene { run: "run", rows }).collect();
    if format.surveys {
        for scene in &scenes {
            exporter.survey(scene);
        }
    }
    let mut bytes = Vec::new();
    exporter.begin(&mut bytes).expect("written to memory");
    for scene in &scenes {
        exporter.write(scene, &mut bytes).expect("written to memory");
    }
    exporter.finish(&mut bytes).expect("written to memory");
    bytes
}

fn named(format: &str) -> &'static Format {
    by_name(format).expect("a format")
}

/// Names as logs may hold them.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("</script>;\n\r\0 1".to_owned()),
        Just("\u{202e}x".to_owned()),
        "[a-c]",
        ".{0,8}",
        Just("é ".repeat(300))
    ]
}

fn number() -> impl Strategy<Value = Option<f64>> {
    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 0.0, 1e300, f64::MIN_POSITIVE];
    prop_oneof![Just(None), (0.0..1e4).prop_map(Some), prop::sample::select(odd.to_vec()).prop_map(Some)]
}

fn instant() -> impl Strategy<Value = Timestamp> {
    prop_oneof![any::<i64>(), 0i64..10_000, 1_795_330_900_000_000i64..1_795_330_900_100_000]
        .prop_map(Timestamp::from_micros)
}

/// An id among a few, so that rows point at each other, at themselves and at nothing.
fn id() -> impl Strategy<Value = Option<String>> {
    prop_oneof![Just(None), (0..6).prop_map(|i| Some(format!("i{i}")))]
}

prop_compose! {
    fn invocation()(function in name(), id in 0..6, parent_id in id(), start in instant(), duration_ms in number(),
                    compute_ms in number(), trigger in prop::sample::select(vec!["rpc", "http", "msg", "?"]),
                    route in prop::option::of(name()), cold in any::<Option<bool>>(), executor in name()) -> Invocation {
        Invocation {
            invocation_id: format!("i{id}"), parent_id, context_id: CONTEXT.to_owned(), provider: "aws".into(),
            function: function.into(), executor: executor.into(), trigger: trigger.into(), route: route.map(Into::into),
            start, duration_ms, compute_ms, network_ms: compute_ms, db_ms: compute_ms, cold, ..Invocation::default()
        }
    }
}

prop_compose! {
    fn call()(caller_id in id(), callee_id in id(), start in prop::option::of(instant()), duration_ms in number(),
              network_ms in number(), sync in any::<bool>(), from_client in any::<bool>(), callee in name()) -> Call {
        Call {
            context_id: CONTEXT.to_owned(), caller_id, callee_id, start, duration_ms, network_ms, from_client,
            trigger_delay_ms: network_ms, kind: if sync { "sync".into() } else { "async".into() },
            callee_function: callee.into(), ..Call::default()
        }
    }
}

prop_compose! {
    fn rows()(invocations in prop::collection::vec(invocation(), 0..6), calls in prop::collection::vec(call(), 0..8),
              operations in prop::collection::vec((id(), instant(), number()), 0..4),
              segments in prop::collection::vec((id(), number(), name()), 0..4)) -> TraceRows {
        TraceRows {
            trace: Trace { context_id: CONTEXT.to_owned(), ..Trace::default() },
            invocations,
            calls,
            db_calls: operations.into_iter().map(|(invocation_id, start, duration_ms)| DbCall {
                context_id: CONTEXT.to_owned(), invocation_id, start, duration_ms, ..DbCall::default()
            }).collect(),
            critical_path: segments.into_iter().map(|(id, ms, category)| PathSegment {
                scope: "root".into(), invocation_id: id.map(Into::into), category: category.into(),
                duration_ms: ms.unwrap_or(0.0), ..PathSegment::default()
            }).collect(),
        }
    }
}

/// Messages of a file of length-delimited fields 1: what every reader of Perfetto's traces does first.
fn packets(mut bytes: &[u8]) -> Option<usize> {
    let mut count = 0;
    while let Some((&tag, rest)) = bytes.split_first() {
        let (mut length, mut shift, mut rest) = (0_usize, 0, rest);
        loop {
            let (&byte, after) = rest.split_first()?;
            length |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            rest = after;
            if byte < 0x80 {
                break;
            }
        }
        bytes = rest.get(length..).filter(|_| tag == 0x0a)?;
        count += 1;
    }
    Some(count)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_rows_hold_what_is_written_can_be_read(traces in prop::collection::vec(rows(), 0..4)) {
        for format in FORMATS {
            prop_assert_eq!(export(format, &traces), export(format, &traces), "{}: the same bytes again", format.name);
        }
        let jaeger: serde_json::Value = serde_json::from_slice(&export(named("jaeger"), &traces)).expect("JSON");
        let of_trace = |trace: &serde_json::Value| trace["spans"].as_array().map_or(0, Vec::len);
        let spans: usize = jaeger["data"].as_array().expect("traces").iter().map(of_trace).sum();
        let dated = |rows: &TraceRows| rows.calls.iter().filter(|call| &*call.kind == "sync" && call.start.is_some()).count();
        let rows: usize = traces.iter().map(|rows| rows.invocations.len() + rows.db_calls.len() + dated(rows)).sum();
        prop_assert_eq!(spans, rows, "a span a row");

        for line in String::from_utf8(export(named("otlp"), &traces)).expect("UTF-8").lines() {
            serde_json::from_str::<serde_json::Value>(line).expect("a line is JSON");
        }
        for format in ["folded", "folded-all"] {
            for line in String::from_utf8(export(named(format), &traces)).expect("UTF-8").lines() {
                let (_, count) = line.rsplit_once(' ').expect("a stack and its time");
                prop_assert!(count.parse::<u64>().is_ok_and(|count| count > 0), "{line:?}");
            }
        }
        prop_assert!(packets(&export(named("perfetto"), &traces)).is_some());
    }
}

#[test]
fn formats_have_distinct_names_and_say_what_they_are() {
    for (i, format) in FORMATS.iter().enumerate() {
        assert!(FORMATS.iter().skip(i + 1).all(|other| other.name != format.name));
        assert!(!format.description.is_empty() && !format.extension.is_empty());
    }
}

#[test]
fn a_name_cannot_end_its_frame_or_its_line() {
    let trace = TraceRows {
        invocations: vec![Invocation {
            invocation_id: "i".to_owned(),
            function: "a;b\nc 7".into(),
            compute_ms: Some(1.0),
            ..Invocation::default()
        }],
        ..TraceRows::default()
    };
    assert_eq!(export(named("folded-all"), &[trace]), b"a\\u{003B}b\\u{000A}c 7;compute 1000\n");
}
