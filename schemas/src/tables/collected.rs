//! Tables written by `collect`.

use crate::table::{Label, table};
use crate::time::Timestamp;

table! {
    /// One instrumentation record, normalised.
    Event = "events", Collect, PerRun {
        /// Provider: `aws`, `google`, `azure`, `tinyfaas`, `openfaas`, `openwhisk`; `client` for the load generator.
        provider: Label,
        /// Canonical function name (`fn.name`).
        function: Label,
        /// Executor key (`fn.id`); empty for the load generator's own records.
        executor: Label,
        /// Deployment id of the record.
        deployment_id: Option<Label>,
        /// Wall clock when the line was logged, floored to whole milliseconds; not the time of the event.
        logged_at: Timestamp,
        /// Monotonic clock when the line was logged, since the executor's time origin.
        now_ms: f64,
        /// `cold_start`, `request`, `start`, `end`, `measure`, `mark`, `client_before`, `client_after`.
        kind: Label,
        /// `rpc_in`, `route`, `msg`, `rpc_out`, `db`, `custom`; null for kinds that are no performance entry.
        op: Option<Label>,
        /// Callee of `rpc_out`, route of `route`, action of `db`, text of a custom mark.
        target: Option<Label>,
        /// Function chain the record belongs to; null for a cold start.
        context_id: Option<String>,
        /// Pair ID under which the function runs: links it to its caller.
        pair_id: Option<String>,
        /// Pair ID of the callee (`rpc_out` only).
        callee_pair_id: Option<String>,
        /// Start of the entry, monotonic, since the executor's time origin.
        start_ms: Option<f64>,
        /// Duration of the entry; 0 for marks.
        duration_ms: Option<f64>,
        /// HTTP method of a request or a route, upper case.
        method: Option<Label>,
        /// URL of a request or of the load generator.
        url: Option<String>,
        /// `user-agent` header of a request.
        user_agent: Option<Label>,
        /// Headers of a request as a JSON object: the allowed ones, or all with `--keep-headers`.
        headers: Option<String>,
        /// Input file, relative to the folder collected.
        source: Label,
        /// Byte offset of the record in the uncompressed input file.
        offset: i64,
    }
}

table! {
    /// One request sent by a load generator.
    ClientRequest = "client_requests", Collect, PerRun {
        /// `jmeter`, `artillery`, `k6`, `oha`, `hey`, `faaslens`.
        generator: Label,
        /// Sampler label, scenario step or route.
        label: Option<Label>,
        /// When the request was due by the load profile.
        scheduled_at: Option<Timestamp>,
        /// When the request was sent.
        sent_at: Timestamp,
        /// From sending to the end of the response, or of a failure that was timed; null where neither is known.
        elapsed_ms: Option<f64>,
        /// From sending to the first byte of the response.
        latency_ms: Option<f64>,
        /// Time to connect.
        connect_ms: Option<f64>,
        /// Pauses and timers inside a transaction; its end is `sent_at + elapsed_ms + idle_ms`.
        idle_ms: Option<f64>,
        /// Status as written: an HTTP code or the generator's text for a transport failure.
        status: Option<Label>,
        /// Whether the generator took it as a success; null if it does not say.
        success: Option<bool>,
        /// Response size with headers.
        bytes_received: Option<i64>,
        /// Request size with headers.
        bytes_sent: Option<i64>,
        /// HTTP method.
        method: Option<Label>,
        /// URL without credentials.
        url: Option<String>,
        /// Name of the sending thread or virtual user.
        thread: Option<Label>,
        /// Threads active in the whole generator.
        threads: Option<i64>,
        /// Threads active in the request's group.
        group_threads: Option<i64>,
        /// Function chain the request started.
        context_id: Option<String>,
        /// Pair ID sent with the request.
        pair_id: Option<String>,
        /// Why it failed: transport error, assertion or status message.
        error: Option<String>,
        /// `request`, or `transaction` for a row that sums up other rows.
        kind: Label,
        /// Label of the enclosing sample, for nested samples.
        parent_label: Option<Label>,
        /// Further columns of the input as a JSON object: sample variables, hostname.
        variables: Option<String>,
        /// Scenario of the load profile.
        scenario: Option<Label>,
        /// Number of the request within its scenario, from 1.
        step: Option<i64>,
        /// Phase of the load profile.
        phase: Option<Label>,
        /// Number of the virtual user within the load.
        user: Option<i64>,
        /// From when the request was due to its end: the response time corrected for coordinated omission; null where no time
        /// was due.
        corrected_ms: Option<f64>,
        /// How late it was sent by the generator's own fault; waiting for a free virtual user is not counted.
        late_ms: Option<f64>,
        /// From sending until the host's name was resolved; null on a connection that stood.
        resolved_ms: Option<f64>,
        /// From sending until the TLS session stood; null without TLS or on a connection that stood.
        secured_ms: Option<f64>,
        /// Whether a connection of an earlier request carried it.
        reused: Option<bool>,
        /// How often it was sent again on a new connection because the old one had been closed.
        retries: Option<i64>,
        /// Redirections followed; times and bytes hold them all.
        redirects: Option<i64>,
        /// Class of the outcome: `ok`, `status_3xx`, `status_4xx`, `status_5xx`, `dns`, `connect_refused`, `connect_timeout`,
        /// `connect`, `tls`, `reset`, `closed`, `response_timeout`, `body_timeout`, `body_too_large`, `protocol`,
        /// `host_not_allowed`, `too_many_redirects`, `invalid_url`, `capture`, `assertion`, `no_socket`, `interrupted`.
        class: Option<Label>,
        /// Input file, relative to the folder collected.
        source: Label,
        /// Byte offset of the record in the uncompressed input file.
        offset: i64,
    }
}

/// Classes of requests that no function can have seen, for want of a connection.
const UNSENT: &[&str] = &["dns", "connect_refused", "connect_timeout", "connect", "tls", "invalid_url", "no_socket"];

impl ClientRequest {
    /// Whether a response came. faaslens's own generator measures failures too, so there the status tells.
    pub fn answered(&self) -> bool {
        self.elapsed_ms.is_some() && (self.class.is_none() || self.status.is_some())
    }

    /// Whether the request can have reached the target, as far as its generator says.
    pub fn left(&self) -> bool {
        self.class.as_deref().is_none_or(|class| {
            !UNSENT.contains(&class) && (class != "host_not_allowed" || self.redirects.is_some_and(|n| n > 0))
        })
    }
}

table! {
    /// One statement of a platform about its own work, or a log line that is no instrumentation record.
    PlatformRecord = "platform_records", Collect, PerRun {
        /// Provider whose log it stands in; `client` for the load generator's console.
        provider: Label,
        /// Function, where the line or its surroundings name it.
        function: Option<Label>,
        /// Executor, where the line names it.
        executor: Option<Label>,
        /// `init_start`, `start`, `end`, `report`, `init_report`, `restore_start`, `restore_report`, `executing`, `executed`,
        /// `execution_started`, `execution_finished`, `pod_created`, `pod_scheduled`, `pod_initialized`, `pod_ready`,
        /// `container_started`, `container_ended`, `event`, `request`, `watchdog`, `period`, `text` (any other line).
        kind: Label,
        /// When the platform says it happened.
        at: Option<Timestamp>,
        /// The platform's id of the execution.
        request_id: Option<String>,
        /// Duration of the execution; of a pod since its creation; of an ended container, of its life.
        duration_ms: Option<f64>,
        /// Billed duration.
        billed_ms: Option<f64>,
        /// Initialisation of the executor (a cold start).
        init_ms: Option<f64>,
        /// Restoring of a snapshot (a cold start).
        restore_ms: Option<f64>,
        /// Billed restoring.
        billed_restore_ms: Option<f64>,
        /// Memory configured.
        memory_mb: Option<f64>,
        /// Memory used at most.
        memory_used_mb: Option<f64>,
        /// Machine, instance, pod or container.
        host: Option<Label>,
        /// Outcome as written: `Succeeded`, `timeout`, `ok`, `200 OK`.
        status: Option<Label>,
        /// Kind of error as written.
        error_type: Option<Label>,
        /// X-Ray or W3C trace id.
        trace_id: Option<String>,
        /// X-Ray segment id.
        segment_id: Option<String>,
        /// The line, secrets masked, at most 500 bytes; only where no column holds its content.
        text: Option<String>,
        /// Input file, relative to the folder collected.
        source: Label,
        /// Byte offset of the record in the uncompressed input file.
        offset: i64,
    }
}

table! {
    /// One executor: a started instance of a function.
    Executor = "executors", Collect, PerRun {
        /// Provider.
        provider: Label,
        /// Function.
        function: Label,
        /// Executor key (`fn.id`).
        executor: String,
        /// Machine, instance, pod or container it ran in.
        host: Option<Label>,
        /// Time origin of its monotonic clock: the greatest lower bound `timestamp - now`. Where the clock was not steady, that
        /// of its first segment (`clock_segments`).
        origin: Timestamp,
        /// The origin lies in `[origin, origin + this]` with 99.9 % confidence: `ln(1/0.001)/n` with n distinct milliseconds of
        /// logging, at most 1 ms, and 2 us for the resolution; the greatest of its segments.
        origin_uncertainty_ms: f64,
        /// `steady`; `slewed` (ran faster or slower, without a jump); `suspended` (jumped ahead by 10 ms or more: the machine
        /// stood still, or its wall clock was set forward, which looks the same); `stepped` (jumped otherwise); `unknown` (too
        /// few lines).
        clock: Label,
        /// Whether its wall clock jumped, or its monotonic clock stood still, while it ran; null with too few lines to notice.
        clock_stepped: Option<bool>,
        /// Lines left out of the origin because their wall clock stands apart from all others of their time by more than 2 ms.
        clock_strays: i64,
        /// First line logged.
        first_logged_at: Timestamp,
        /// Last line logged.
        last_logged_at: Timestamp,
        /// Distinct instrumentation records.
        lines: i64,
        /// Whether it logged a cold start.
        cold_start_logged: bool,
        /// When it logged its cold start.
        cold_start_at: Option<Timestamp>,
        /// Earliest start of a handler (`rpc_in`, `route`, `msg`) on its monotonic clock: its first invocation.
        first_start_ms: Option<f64>,
    }
}

table! {
    /// One segment of an executor's clock, for executors whose wall clock did not run evenly with the monotonic one: an event
    /// at monotonic `t` happened at `origin + t + drift_ppm * (t - from_ms) / 1e6`.
    ClockSegment = "clock_segments", Collect, PerRun {
        /// Provider.
        provider: Label,
        /// Function.
        function: Label,
        /// Executor key (`fn.id`).
        executor: String,
        /// Number, from 1, in order of time.
        segment: i64,
        /// Begin on the monotonic clock; the first segment also holds before it.
        from_ms: f64,
        /// End on the monotonic clock; the last segment also holds after it.
        until_ms: f64,
        /// Time origin of the monotonic clock at `from_ms`: a lower bound.
        origin: Timestamp,
        /// The origin lies in `[origin, origin + this]` with 99.9 % confidence, over the whole segment.
        uncertainty_ms: f64,
        /// How much faster the wall clock ran than the monotonic one; 0 where the lines show no difference.
        drift_ppm: f64,
        /// Half the width of the interval of drifts that the lines allow; null where no drift was fitted.
        drift_uncertainty_ppm: Option<f64>,
        /// Lines under it.
        lines: i64,
        /// What sets it apart from the one before: `first`, `rate` (no jump), `ahead` (suspended, or set forward), `back` (set
        /// back), `between` (the jump happened somewhere in here: both neighbours' origins are possible).
        change: Label,
    }
}

table! {
    /// One input piece that could not be read or was refused.
    Reject = "rejects", Collect, PerRun {
        /// Input file, relative to the folder collected.
        source: Label,
        /// Byte offset in the uncompressed input file.
        offset: i64,
        /// Line number in the uncompressed input file, from 1; null where the format has no lines.
        line: Option<i64>,
        /// Length of the piece in bytes.
        length: i64,
        /// Reason, from the closed list in the documentation of `collect`: `truncated json`, `deployment mismatch`…
        reason: Label,
        /// What was expected and what was found.
        detail: String,
        /// The first bytes, secrets masked, control characters escaped.
        excerpt: String,
    }
}
