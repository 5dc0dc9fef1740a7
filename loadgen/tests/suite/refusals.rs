//! Profiles that are refused, each by file, line and key.

use faaslens_loadgen::profile::{Settings, compile};

/// A profile, and where its error must be: line, key, and how the message begins.
type Case = (&'static str, usize, &'static str, &'static str);

const OWN: &[Case] = &[
    (
        "phases: [{duration: 1, rate: x}]\nscenarios: [{flow: []}]\n",
        1,
        "rate",
        "expected a number of 0 to 1e12, found \"x\"",
    ),
    ("phases:\n  - duration: 1\n    rate: -3\nscenarios: [{flow: []}]\n", 3, "rate", "expected a number of 0"),
    ("phases:\n  - {rate: 3}\nscenarios: [{flow: []}]\n", 2, "duration", "missing in phase"),
    (
        "phases:\n  - {duration: 5 parsecs, rate: 3}\nscenarios: [{flow: []}]\n",
        2,
        "duration",
        "expected seconds or a time",
    ),
    ("phases:\n  - {duration: 5}\nscenarios: [{flow: []}]\n", 2, "phase", "expected one of rate, steps, burst"),
    ("phases:\n  - {users: 3}\nscenarios: [{flow: []}]\n", 2, "phase", "expected rounds or a duration"),
    (
        "phases:\n  - {users: 3, rounds: 1}\n  - {pause: 1}\nscenarios: [{flow: []}]\n",
        3,
        "phase",
        "the phase before has no duration",
    ),
    (
        "phases:\n  - {duration: 1, rate: 1, whenFull: shout}\nscenarios: [{flow: []}]\n",
        2,
        "whenFull",
        "expected one of wait, drop",
    ),
    (
        "phases:\n  - {duration: 1, rate: 1, arrivals: odd}\nscenarios: [{flow: []}]\n",
        2,
        "arrivals",
        "expected one of even, poisson",
    ),
    (
        "phases:\n  - {duration: 1, rate: 1, mix: {b: 1}}\nscenarios: [{name: a, flow: []}]\n",
        2,
        "mix",
        "expected a scenario (a), found \"b\"",
    ),
    (
        "phases:\n  - duration: 1\n    rate: 1\n    mix: {a: 0}\nscenarios: [{name: a, flow: []}]\n",
        4,
        "scenarios",
        "expected at least one scenario with a weight above 0",
    ),
    (
        "phases:\n  - {duration: 1, burst: {users: 1, every: 0}}\nscenarios: [{flow: []}]\n",
        2,
        "burst",
        "expected at most 10,000,000 users",
    ),
    (
        "phases:\n  - {duration: 1, burst: {users: 0, every: 0}}\nscenarios: [{flow: []}]\n",
        2,
        "burst",
        "expected at most 10,000,000 users",
    ),
    (
        "phases:\n  - {steps: {from: 1, to: 9, by: 0, each: 1s}}\nscenarios: [{flow: []}]\n",
        2,
        "by",
        "expected a step above 0",
    ),
    ("phases:\n  - {steps: {from: 1, to: 9, each: 1s}}\nscenarios: [{flow: []}]\n", 2, "by", "missing in steps"),
    (
        "phases:\n  - replay:\n      file: no-such.csv\nscenarios: [{flow: []}]\n",
        3,
        "file",
        "no-such.csv: No such file",
    ),
    (
        "phases:\n  - replay:\n      file: /dev/zero\nscenarios: [{flow: []}]\n",
        3,
        "file",
        "/dev/zero: expected an ordinary file",
    ),
    ("phases: []\nscenarios:\n  - flow:\n      - fetch: {url: /}\n", 4, "step", "expected one of get, post"),
    ("phases: []\nscenarios:\n  - flow:\n      - get: {}\n", 4, "url", "missing in get"),
    ("phases: []\nscenarios:\n  - flow:\n      - get: {url: /, sauce: 1}\n", 4, "sauce", "not supported in get"),
    (
        "phases: []\nscenarios:\n  - flow:\n      - get:\n          url: /\n          json: {}\n          form: {}\n",
        7,
        "form",
        "expected one of json, body",
    ),
    (
        "phases: []\nscenarios:\n  - flow:\n      - get: {url: '{{ $randomDate() }}'}\n",
        4,
        "url",
        "expected $randomString(n)",
    ),
    ("phases: []\nscenarios:\n  - flow:\n      - get: {url: /, expect: {status: fine}}\n", 4, "status", "expected"),
    ("phases: []\nscenarios:\n  - flow:\n      - get: {url: /, capture: {json: '$[', as: x}}\n", 4, "json", "expected"),
    ("phases: []\nscenarios:\n  - flow:\n      - loop: []\n", 4, "loop", "expected over or count"),
    ("phases: []\nscenarios:\n  - flow:\n      - think: soon\n", 4, "think", "expected seconds or a time"),
    ("phases: []\nscenarios:\n  - flow: {}\n", 3, "flow", "expected a list, found a map"),
    ("phases: []\nscenarios:\n  - {flow: [], flow: []}\n", 3, "flow", "the key stands twice"),
    ("phases: []\nhttp: {version: 3}\nscenarios: [{flow: []}]\n", 2, "version", "expected one of 1.1, 2"),
    ("phases: []\nspeed: 3\nscenarios: [{flow: []}]\n", 2, "speed", "not supported in profile"),
    ("phases: []\n", 1, "scenarios", "missing in profile"),
    ("phases: [\n", 2, "YAML", ""),
    ("phases: []\nscenarios: *nobody\n", 2, "YAML", ""),
    ("phases: []\n---\nphases: []\n", 3, "YAML", "expected one document"),
    ("what: ever\n", 1, "format", "expected one of jmeter"),
];

const ARTILLERY: &[Case] = &[
    ("config:\n  phases: []\n  plugins: {x: {}}\nscenarios: []\n", 3, "plugins", "plugins are not supported"),
    ("config:\n  phases: []\n  engines: {}\nscenarios: []\n", 3, "engines", "not supported in config"),
    ("config:\n  phases:\n    - {duration: 1}\nscenarios: []\n", 3, "phase", "expected one of arrivalRate"),
    ("config:\n  phases:\n    - {arrivalRate: 1}\nscenarios: []\n", 3, "duration", "missing in phase"),
    (
        "config:\n  phases:\n    - {duration: 1, arrivalRate: 1, mode: odd}\nscenarios: []\n",
        3,
        "mode",
        "expected uniform or poisson",
    ),
    (
        "config:\n  phases: []\n  payload:\n    path: no-such.csv\nscenarios: []\n",
        4,
        "path",
        "no-such.csv: No such file",
    ),
    (
        "config:\n  phases: []\n  payload:\n    path: /dev/zero\nscenarios: []\n",
        4,
        "path",
        "/dev/zero: expected an ordinary file",
    ),
    ("config:\n  phases: []\nscenarios:\n  - engine: ws\n    flow: []\n", 4, "engine", "expected http, found \"ws\""),
    (
        "config:\n  phases: []\nscenarios:\n  - flow:\n      - get:\n          url: /\n          beforeRequest: shout\n",
        7,
        "beforeRequest",
        "expected",
    ),
    (
        "config:\n  phases: []\nscenarios:\n  - flow:\n      - post:\n          url: /\n          formData: {a: {fromFile: no-such.png}}\n",
        7,
        "fromFile",
        "no-such.png: No such file",
    ),
    (
        "config:\n  phases: []\nscenarios:\n  - flow:\n      - get: {url: /, ifTrue: x}\n",
        5,
        "ifTrue",
        "not supported in get",
    ),
    ("config: 7\nscenarios: []\n", 1, "config", "expected a map, found \"7\""),
];

const JMETER: &[Case] = &[
    (
        "<jmeterTestPlan>\n<hashTree>\n<Nonsense/>\n</hashTree></jmeterTestPlan>\n",
        3,
        "Nonsense",
        "not supported here; expected TestPlan",
    ),
    (
        "<jmeterTestPlan>\n<hashTree>\n<TestPlan/>\n<hashTree>\n<SetupThreadGroup testname=\"x\"/>\n</hashTree></hashTree></jmeterTestPlan>\n",
        5,
        "SetupThreadGroup \"x\"",
        "not supported in a TestPlan",
    ),
    (
        "<jmeterTestPlan>\n<hashTree>\n<TestPlan/></hashTree></jmeterTestPlan>\n",
        1,
        "jmeterTestPlan",
        "expected a ThreadGroup, found none",
    ),
    ("<jmeterTestPlan>\n<hashTree>\n", 3, "XML", "expected the end of hashTree"),
    ("<jmeterTestPlan>\n&nope;</jmeterTestPlan>\n", 2, "XML", ""),
    (
        "<jmeterTestPlan>\n<hashTree>\n<TestPlan/>\n<hashTree>\n<ThreadGroup>\n<stringProp name=\"ThreadGroup.num_threads\">${__time()}</stringProp>\n</ThreadGroup></hashTree></hashTree></jmeterTestPlan>\n",
        6,
        "ThreadGroup.num_threads",
        "expected ${__P(name,default)}",
    ),
    (
        "<jmeterTestPlan>\n<hashTree>\n<TestPlan/>\n<hashTree>\n<ThreadGroup>\n<stringProp name=\"ThreadGroup.num_threads\">some</stringProp>\n</ThreadGroup></hashTree></hashTree></jmeterTestPlan>\n",
        6,
        "ThreadGroup.num_threads",
        "expected a whole number, found \"some\"",
    ),
];

#[test]
fn every_rejected_profile_names_file_line_and_key() {
    let mut wrong = Vec::new();
    let all = [("p.yml", OWN), ("a.yml", ARTILLERY), ("plan.jmx", JMETER)];
    for (name, cases) in all {
        for (text, line, key, message) in cases {
            let wanted = format!("{name}:{line}: {key}: {message}");
            match compile(name.as_ref(), text, &Settings::default()) {
                Ok(_) => wrong.push(format!("wanted {wanted}\nfound a profile in {text:?}")),
                Err(error) if !error.to_string().starts_with(&wanted) => {
                    wrong.push(format!("wanted {wanted}\nfound  {error}"));
                }
                Err(_) => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n\n"));
}
