//! Events of a namespace: what schedulers, kubelets and controllers did. The API server forgets them after an hour.

use serde::Deserialize;

use super::K8s;
use super::pods::instant;
use crate::formats::envelope::Line;
use crate::living::Api;
use crate::living::http::CallError;

/// An event of `v1`; written by old and new reporters with different members.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Event {
    involved_object: Involved,
    reason: Option<String>,
    message: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    count: Option<u64>,
    first_timestamp: Option<String>,
    last_timestamp: Option<String>,
    #[serde(rename = "eventTime")]
    time: Option<String>,
    series: Option<Series>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Involved {
    kind: String,
    name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Series {
    count: Option<u64>,
    last_observed_time: Option<String>,
}

impl Event {
    /// When it happened, last where it happened several times.
    fn at(&self) -> Option<&String> {
        let series = self.series.as_ref().and_then(|series| series.last_observed_time.as_ref());
        let times = [series, self.last_timestamp.as_ref(), self.time.as_ref(), self.first_timestamp.as_ref()];
        times.into_iter().flatten().find(|at| instant(Some(at)).is_some())
    }

    fn line(&self) -> Option<Line<'static>> {
        let count = self.series.as_ref().and_then(|series| series.count).or(self.count).filter(|count| *count > 1);
        let times = count.map_or_else(String::new, |count| format!(" ({count} times)"));
        let object = &self.involved_object;
        let message = self.message.as_deref().unwrap_or_default();
        let kind =
            self.kind.as_deref().filter(|kind| *kind != "Normal").map_or_else(String::new, |kind| format!("{kind}: "));
        Some(Line {
            at: self.at()?.clone().into(),
            host: Some(object.name.clone().into()),
            kind: Some("event".into()),
            status: self.reason.clone().map(Into::into),
            message: format!("{kind}{} {}: {message}{times}", object.kind, object.name).into(),
            ..Line::default()
        })
    }
}

impl K8s {
    /// The events of a namespace, as statements.
    pub(super) fn events(&self, namespace: &str, api: &Api<'_>) -> Result<Vec<Line<'static>>, CallError> {
        let events: Vec<Event> = self.list("events", Some(namespace), "", api)?;
        Ok(events.iter().filter_map(Event::line).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_old_and_new_reporters_have_their_last_time() {
        let line = |text: &str| serde_json::from_str::<Event>(text).expect("an event").line();
        let old = line(
            r#"{"involvedObject":{"kind":"Pod","name":"p"},"reason":"BackOff","message":"m","type":"Warning","count":3,
                "firstTimestamp":"2026-11-22T07:00:00Z","lastTimestamp":"2026-11-22T07:01:00Z","eventTime":null}"#,
        )
        .expect("a line");
        assert_eq!((&*old.at, old.status.as_deref()), ("2026-11-22T07:01:00Z", Some("BackOff")));
        assert_eq!((old.host.as_deref(), &*old.message), (Some("p"), "Warning: Pod p: m (3 times)"));
        let new = line(
            r#"{"involvedObject":{"kind":"Pod","name":"p"},"reason":"Scheduled","type":"Normal","message":"m",
                "firstTimestamp":null,"lastTimestamp":null,"eventTime":"2026-11-22T07:00:00.123456Z"}"#,
        )
        .expect("a line");
        assert_eq!((&*new.at, &*new.message), ("2026-11-22T07:00:00.123456Z", "Pod p: m"));
        assert_eq!(line(r#"{"reason":"x"}"#), None);
    }
}
