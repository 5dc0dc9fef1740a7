//! Load profiles: what is sent, by whom and when. Every way of writing one is compiled to the model of this module.
//!
//! A profile has phases, which say when virtual users arrive or how many go round, and scenarios, which say what a
//! virtual user does. [`load`] reads Artillery YAML, `JMeter` plans and the own format ([`FORMATS`]).

mod artillery;
mod file;
mod jmx;
mod jmx_tree;
mod keys;
mod node;
mod own;
mod payload;
mod scenarios;
mod steps;
mod template;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::error::{Error, Result};

pub(crate) use keys::seconds;
pub use payload::Payload;
pub use template::{JsonTemplate, Template, Variables};

/// A load profile.
#[derive(Debug, Default)]
pub struct Profile {
    /// Name: the file's stem, or what the profile calls itself.
    pub name: String,
    /// The format it was written in: `artillery`, `jmeter`, `faaslens`.
    pub format: &'static str,
    /// What a URL that begins with `/` is appended to.
    pub target: Option<String>,
    /// Variables with the values that each virtual user draws one of.
    pub pools: Vec<(String, Vec<Value>)>,
    /// Variables that all virtual users share.
    pub constants: HashMap<String, Value>,
    /// CSV files.
    pub payloads: Vec<Payload>,
    /// What is done once, before the load.
    pub before: Vec<Step>,
    /// When users come. Phases may overlap.
    pub phases: Vec<Phase>,
    /// What users do.
    pub scenarios: Vec<Scenario>,
    /// How requests are sent.
    pub http: Http,
    /// Places of requests in the profile; a request refers to its place by number.
    pub sites: Vec<Site>,
    /// What was understood otherwise than it may have been meant.
    pub warnings: Vec<String>,
    /// The folder that files are relative to.
    pub folder: PathBuf,
}

/// A place of a request in a profile.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Site {
    /// Scenario's name; `before` for the flow before the load.
    pub scenario: String,
    /// Number of the request within its scenario, from 1.
    pub step: u32,
    /// Name of the request: its own, or method and URL as written.
    pub label: String,
    /// HTTP method.
    pub method: String,
    /// Whether it is the row of a transaction, not a request.
    pub transaction: bool,
}

/// How requests are sent.
#[derive(Debug, Clone)]
pub struct Http {
    /// Until the response has begun; `None` waits for ever.
    pub response_timeout: Option<Duration>,
    /// Until connected; `None` leaves it to the operating system.
    pub connect_timeout: Option<Duration>,
    /// From the start to the end of a request.
    pub total_timeout: Option<Duration>,
    /// Whether connections are kept for the next request.
    pub keep_alive: bool,
    /// Whether virtual users share connections instead of each having its own.
    pub pooled: bool,
    /// HTTP/2 only: with prior knowledge on `http`, by ALPN on `https`.
    pub http2: bool,
    /// Headers of every request that does not set them.
    pub headers: Vec<(String, Template)>,
    /// Bytes of a response body at most; a longer one is an error of its own.
    pub max_body: u64,
    /// Whether headers are written as `JMeter`'s client writes them.
    pub style: Style,
}

/// Whose habits a request follows where the profile leaves them open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Style {
    /// As Artillery's client.
    Artillery,
    /// As `JMeter`'s client.
    JMeter,
    /// No more headers than needed.
    #[default]
    Plain,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            response_timeout: Some(Duration::from_secs(10)),
            connect_timeout: Some(Duration::from_secs(10)),
            total_timeout: Some(Duration::from_mins(2)),
            keep_alive: true,
            pooled: false,
            http2: false,
            headers: Vec::new(),
            max_body: 256 << 20,
            style: Style::default(),
        }
    }
}

/// A stretch of a load.
#[derive(Debug, Clone)]
pub struct Phase {
    /// Name, or its number.
    pub name: String,
    /// From the start of the load.
    pub from: Duration,
    /// How long; `None` for threads that go round a given number of times.
    pub length: Option<Duration>,
    /// How users come.
    pub load: Load,
    /// Virtual users at a time at most.
    pub limit: Option<Limit>,
    /// Scenarios that take part, with their weights.
    pub mix: Vec<(usize, f64)>,
}

/// What happens to an arrival when as many users as allowed are busy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Virtual users at a time.
    pub users: usize,
    /// Whether the arrival waits for one of them (it counts as overdue) or is dropped.
    pub wait: bool,
}

/// How users come.
#[derive(Debug, Clone)]
pub enum Load {
    /// Nobody.
    Pause,
    /// One every `interval`, the first after one interval, as Artillery does.
    Every(Duration),
    /// At times given, from the phase's start; ascending.
    At(Arc<Vec<Duration>>),
    /// A rate that changes evenly, users evenly spread under it.
    Ramp {
        /// Users per second at the start.
        from: f64,
        /// Users per second at the end.
        to: f64,
        /// Whether the gaps are exponential (a Poisson stream) instead of even.
        random: bool,
    },
    /// A fixed number of users that go round and round.
    Threads {
        /// How many.
        threads: u32,
        /// Over which they start, evenly.
        ramp: Duration,
        /// Rounds of each; `None` until the phase ends.
        rounds: Option<u64>,
        /// From the start of a round to the start of the next at least.
        pacing: Option<Duration>,
    },
}

/// What a virtual user does.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Name, or its number.
    pub name: String,
    /// Share of the arrivals, relative to the others.
    pub weight: f64,
    /// Steps in order.
    pub flow: Vec<Step>,
}

/// One thing that a virtual user does.
#[derive(Debug, Clone)]
pub enum Step {
    /// Sends a request.
    Request(Box<Request>),
    /// Writes a line to the console log.
    Log(Template),
    /// Waits.
    Think(Think),
    /// Repeats steps.
    Loop(Loop),
    /// Sums up the requests of its steps in one more row.
    Transaction {
        /// Place of its row.
        site: u16,
        /// Steps in order.
        flow: Vec<Step>,
    },
}

/// A wait.
#[derive(Debug, Clone)]
pub enum Think {
    /// Uniform between two times; the same for an even wait.
    Between(Duration, Duration),
    /// Exponential with this mean.
    Exponential(Duration),
    /// Seconds from a variable.
    Variable(Template),
}

/// Steps that are repeated.
#[derive(Debug, Clone)]
pub struct Loop {
    /// How often.
    pub over: Over,
    /// Variable of the element.
    pub element: String,
    /// Variable of the number of the round.
    pub counter: String,
    /// Steps in order.
    pub flow: Vec<Step>,
}

/// What a loop goes over.
#[derive(Debug, Clone)]
pub enum Over {
    /// A list that is a variable; nothing where it is none.
    Variable(String),
    /// Values.
    Values(Arc<Vec<Value>>),
    /// Numbers from the first up to, not including, the second; without end for `None`.
    Count(i64, Option<i64>),
}

/// A request.
#[derive(Debug, Clone)]
pub struct Request {
    /// Its place in the profile.
    pub site: u16,
    /// HTTP method.
    pub method: http::Method,
    /// URL; a path is appended to the target.
    pub url: Template,
    /// Query parameters added to the URL.
    pub query: Vec<(Template, JsonTemplate)>,
    /// Headers, names in lower case.
    pub headers: Vec<(String, Template)>,
    /// Body.
    pub body: Body,
    /// Whether redirects are followed.
    pub follow_redirects: bool,
    /// What is taken out of the response.
    pub captures: Vec<Capture>,
    /// What must hold for the response.
    pub assertions: Vec<Assertion>,
    /// Hooks before the request.
    pub before: Vec<Hook>,
    /// Hooks after the response.
    pub after: Vec<Hook>,
    /// Wait before the request, that counts as a transaction's idle time.
    pub pause: Duration,
    /// Timeouts and keep-alive of this request where they differ from the profile's.
    pub http: Option<Box<Http>>,
}

/// What a request carries.
#[derive(Debug, Clone)]
pub enum Body {
    /// Nothing.
    None,
    /// JSON.
    Json(JsonTemplate),
    /// Text as it is.
    Text(Template),
    /// `application/x-www-form-urlencoded`.
    Form(Vec<(String, JsonTemplate)>),
    /// `multipart/form-data`.
    Multipart(Vec<(String, Part)>),
    /// Bytes, such as those of a file read once, and their content type.
    Bytes(bytes::Bytes, Option<String>),
}

/// A field of a multipart body.
#[derive(Debug, Clone)]
pub enum Part {
    /// A value, with its content type where given.
    Value(JsonTemplate, Option<String>),
    /// A file, read once.
    File {
        /// Name sent.
        name: String,
        /// Content type sent.
        content_type: String,
        /// Content.
        content: bytes::Bytes,
    },
}

/// A value taken out of a response.
#[derive(Debug, Clone)]
pub struct Capture {
    /// Where it is.
    pub from: Place,
    /// The variable that gets it.
    pub variable: String,
    /// Whether the user stops where it is missing.
    pub strict: bool,
}

/// Where a value is in a response.
#[derive(Debug, Clone)]
pub enum Place {
    /// In a JSON body.
    Json(crate::json_path::JsonPath),
    /// A header.
    Header(String),
    /// The status.
    Status,
}

/// What must hold for a response.
#[derive(Debug, Clone)]
pub enum Assertion {
    /// The status is one of these.
    Status(Vec<u16>),
    /// The body contains a text.
    BodyContains(String),
    /// A value equals another.
    Equals(Place, Value),
    /// The response is complete within a time.
    Within(Duration),
}

/// A hook of `BeFaaS`'s processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook {
    /// Adds the ids and logs the request.
    BeforeRequest,
    /// Logs the response.
    AfterResponse,
    /// As [`Hook::BeforeRequest`], with the picture without an ambulance.
    EmergencyNever,
    /// With the ambulance after five minutes.
    SingleEmergency,
    /// With the ambulance for five seconds after each of the first seven times two minutes.
    EmergencyScaling,
    /// With the ambulance for the first five seconds of every two minutes.
    EmergencyEveryTwoMinutesFiveSecondsEach,
}

impl Hook {
    /// Every hook by its name.
    pub const ALL: [(&'static str, Self); 6] = [
        ("beforeRequest", Self::BeforeRequest),
        ("afterResponse", Self::AfterResponse),
        ("emergencyNever", Self::EmergencyNever),
        ("singleEmergency", Self::SingleEmergency),
        ("emergencyScaling", Self::EmergencyScaling),
        ("emergencyEveryTwoMinutesFiveSecondsEach", Self::EmergencyEveryTwoMinutesFiveSecondsEach),
    ];

    /// Whether a picture with an ambulance is sent `seconds` after the generator's start; `None` for hooks that send none.
    pub fn ambulance(self, seconds: i64) -> Option<bool> {
        match self {
            Self::BeforeRequest | Self::AfterResponse => None,
            Self::EmergencyNever => Some(false),
            Self::SingleEmergency => Some(seconds > 300),
            Self::EmergencyScaling => {
                Some((1..=7).map(|n| n * 120).any(|phase| seconds > phase && seconds < phase + 5))
            }
            Self::EmergencyEveryTwoMinutesFiveSecondsEach => Some(seconds % 120 < 5),
        }
    }
}

/// What the command line adds to a profile.
#[derive(Debug, Default, Clone)]
pub struct Settings {
    /// Variables, each with the values to draw one of (`-v`, endpoint files).
    pub variables: BTreeMap<String, Value>,
    /// `JMeter` properties (`-J name=value`).
    pub properties: BTreeMap<String, String>,
    /// Whether templates that a formatter pulled apart are repaired.
    pub repair_templates: bool,
    /// The target, instead of the profile's.
    pub target: Option<String>,
    /// The environment that profiles may read.
    pub environment: BTreeMap<String, String>,
}

/// A way of writing a profile.
#[derive(Debug)]
pub struct Format {
    /// Name.
    pub name: &'static str,
    /// How a file of it is told.
    pub told_by: &'static str,
    /// Whether a file is of it.
    pub matches: fn(&Path, &str) -> bool,
    /// Compiles a file.
    pub compile: fn(&Path, &str, &Settings) -> Result<Profile>,
}

/// Every way of writing a profile; the first that a file matches counts.
pub static FORMATS: &[Format] = &[
    Format { name: "jmeter", told_by: "XML", matches: jmx::matches, compile: jmx::compile },
    Format { name: "artillery", told_by: "a key config", matches: artillery::matches, compile: artillery::compile },
    Format { name: "faaslens", told_by: "a key phases", matches: own::matches, compile: own::compile },
];

/// Ready profiles by name.
pub static READY: &[(&str, &str)] = &[
    ("befaas-streaming", include_str!("../../profiles/befaas-streaming.yml")),
    ("benchfaas-overhead", include_str!("../../profiles/benchfaas-overhead.yml")),
    ("benchfaas-payload", include_str!("../../profiles/benchfaas-payload.yml")),
    ("benchfaas-intensive", include_str!("../../profiles/benchfaas-intensive.yml")),
    ("benchfaas-scalability", include_str!("../../profiles/benchfaas-scalability.yml")),
    ("benchfaas-chains", include_str!("../../profiles/benchfaas-chains.yml")),
];

/// A YAML file as JSON, by YAML's core schema; for other files than profiles that are written the same way.
///
/// # Errors
/// When the text is no YAML, says a key twice, or is nested too deep; the error names file and line.
pub fn read_yaml(path: &Path, text: &str) -> Result<Value> {
    Ok(node::open(path, text)?.1.to_json())
}

/// Bytes of a profile at most.
const MAX_PROFILE_BYTES: u64 = 64 << 20;

/// Loads a profile from a file, or a ready one by its name.
///
/// # Errors
/// When the file cannot be read, is of no known format, or says something that is not supported; the error names
/// file, line and key.
pub fn load(path: &Path, settings: &Settings) -> Result<Profile> {
    if let Some((_, text)) = READY.iter().find(|(name, _)| path.as_os_str() == *name)
        && !path.exists()
    {
        return compile(path, text, settings);
    }
    let size = std::fs::metadata(path).map_err(Error::io("read", path))?.len();
    if size > MAX_PROFILE_BYTES {
        return Err(Error::Usage(format!("{}: expected at most 64 MiB, found {size} bytes", path.display())));
    }
    let bytes = std::fs::read(path).map_err(Error::io("read", path))?;
    let text = String::from_utf8(bytes).map_err(|error| Error::Profile {
        path: path.to_owned(),
        line: 1 + memchr::memchr_iter(b'\n', &error.as_bytes()[..error.utf8_error().valid_up_to()]).count(),
        key: "text".to_owned(),
        message: "expected UTF-8, found other bytes".to_owned(),
    })?;
    compile(path, &text, settings)
}

/// Compiles the text of a profile; `path` names it in errors, and files in it are relative to its folder.
///
/// # Errors
/// As [`load`].
pub fn compile(path: &Path, text: &str, settings: &Settings) -> Result<Profile> {
    let Some(format) = FORMATS.iter().find(|format| (format.matches)(path, text)) else {
        let known: Vec<String> = FORMATS.iter().map(|format| format!("{} ({})", format.name, format.told_by)).collect();
        return Err(Error::Profile {
            path: path.to_owned(),
            line: 1,
            key: "format".to_owned(),
            message: format!("expected one of {}, found none of them", known.join(", ")),
        });
    };
    let mut profile = (format.compile)(path, text, settings)?;
    if let Some(target) = &settings.target {
        profile.target = Some(target.clone());
    }
    if profile.name.is_empty() {
        profile.name = path.file_stem().map_or_else(|| "profile".to_owned(), |s| s.to_string_lossy().into_owned());
    }
    Ok(profile)
}

/// The folder that a profile's files are relative to.
fn folder_of(path: &Path) -> PathBuf {
    path.parent().map_or_else(PathBuf::new, Path::to_owned)
}
