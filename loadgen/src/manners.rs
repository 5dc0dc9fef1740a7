//! Manners: whom to send to, how much, and when to stop.

use std::collections::BTreeSet;

use crate::error::{Error, Result};
use crate::profile::{Body, JsonTemplate, Part, Profile, Step, Template};
use crate::schedule::Plan;

/// What a load may do.
#[derive(Debug, Clone)]
pub struct Manners {
    /// Hosts that requests may go to, as `host` (any port) or `host:port`.
    pub hosts: BTreeSet<String>,
    /// Arrivals in any second at most.
    pub max_rate: u64,
    /// Requests at most.
    pub max_requests: u64,
    /// Share of failed requests, of 0 to 1, at which the run stops; looked at once 20 have ended.
    pub stop_on_failures: Option<f64>,
    /// Whether redirections to hosts that are not allowed are followed.
    pub redirect_anywhere: bool,
}

/// Arrivals a second that need no option.
pub const DEFAULT_MAX_RATE: u64 = 10_000;
/// Requests that need no option.
pub const DEFAULT_MAX_REQUESTS: u64 = 100_000_000;

impl Default for Manners {
    fn default() -> Self {
        Self {
            hosts: BTreeSet::new(),
            max_rate: DEFAULT_MAX_RATE,
            max_requests: DEFAULT_MAX_REQUESTS,
            stop_on_failures: None,
            redirect_anywhere: false,
        }
    }
}

impl Manners {
    /// Whether requests may go to a host.
    pub fn allows(&self, host: &str, port: u16) -> bool {
        if self.hosts.contains(host) {
            return true;
        }
        let bracketed = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        self.hosts.contains(&bracketed) || self.hosts.contains(&format!("{bracketed}:{port}"))
    }

    /// Those of the hosts that a profile names ([`hosts_of`]) that requests may not go to.
    pub fn refused<'a>(&self, named: &'a BTreeSet<String>) -> Vec<&'a str> {
        let allowed = |authority: &http::uri::Authority| match authority.port_u16() {
            Some(port) => self.allows(authority.host(), port),
            // The scheme's port: with either, some of its requests may go there.
            None => [80, 443].iter().any(|port| self.allows(authority.host(), *port)),
        };
        named.iter().map(String::as_str).filter(|host| host.parse().is_ok_and(|host| !allowed(&host))).collect()
    }

    /// Refuses a plan that goes beyond the bounds.
    ///
    /// # Errors
    /// [`Error::Usage`] that names the bound and its option.
    pub fn check(&self, plan: &Plan) -> Result<()> {
        let most = plan.by_second.iter().copied().max().unwrap_or(0);
        if most > self.max_rate {
            let max = self.max_rate;
            return Err(Error::Usage(format!(
                "expected at most {max} arrivals in a second (--max-rate), found {most} planned"
            )));
        }
        match plan.requests {
            Some(requests) if requests > self.max_requests => Err(Error::Usage(format!(
                "expected at most {} requests (--max-requests), found {requests} planned",
                self.max_requests
            ))),
            _ => Ok(()),
        }
    }
}

/// Hosts that a profile names: in URLs, in its target, in variables that URLs use. Others may come out of responses.
pub fn hosts_of(profile: &Profile) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut take = |text: &str| {
        if let Ok(uri) = text.trim().parse::<http::Uri>()
            && let (Some("http" | "https"), Some(authority)) = (uri.scheme_str(), uri.authority())
        {
            let port = authority.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
            found.insert(format!("{}{port}", authority.host()));
        }
    };
    take(profile.target.as_deref().unwrap_or_default());
    for url in urls(profile) {
        let variables = super::profile::Variables::default();
        take(&url.render(&variables, &mut crate::random::Random::new(0)));
        for name in url.names() {
            let pools = profile.pools.iter().filter(|(pool, _)| pool == name).flat_map(|(_, values)| values);
            for value in pools.chain(profile.constants.get(name)).filter_map(serde_json::Value::as_str) {
                take(value);
            }
        }
    }
    // A URL with a variable in front has no host of its own.
    found.retain(|host| !host.starts_with("undefined"));
    found
}

fn urls(profile: &Profile) -> Vec<&Template> {
    let flows = profile.scenarios.iter().map(|scenario| &scenario.flow[..]).chain([&profile.before[..]]);
    let mut urls = Vec::new();
    flows.for_each(|flow| each_request(flow, &mut |request| urls.push(&request.url)));
    urls
}

fn each_request<'a>(flow: &'a [Step], take: &mut dyn FnMut(&'a super::profile::Request)) {
    for step in flow {
        match step {
            Step::Request(request) => take(request),
            Step::Loop(inner) => each_request(&inner.flow, take),
            Step::Transaction { flow, .. } => each_request(flow, take),
            Step::Log(_) | Step::Think(_) => {}
        }
    }
}

/// Variables that requests use and nothing in the profile gives a value: endpoints that were not passed with `-v`.
pub fn missing_variables(profile: &Profile) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    let flows = profile.scenarios.iter().map(|scenario| &scenario.flow[..]).chain([&profile.before[..]]);
    let mut given: BTreeSet<String> = profile.pools.iter().map(|(name, _)| name.clone()).collect();
    given.extend(profile.constants.keys().cloned());
    given.extend(profile.payloads.iter().flat_map(super::profile::Payload::names).map(str::to_owned));
    for flow in flows {
        each_request(flow, &mut |request| {
            used.extend(request.url.names().map(str::to_owned));
            given.extend(request.captures.iter().map(|capture| capture.variable.clone()));
            used.extend(body_names(&request.body));
        });
        loop_variables(flow, &mut given);
    }
    used.retain(|name| !given.contains(name) && !name.starts_with('$') && name != "target");
    used
}

fn loop_variables(flow: &[Step], given: &mut BTreeSet<String>) {
    for step in flow {
        match step {
            Step::Loop(inner) => {
                given.extend([inner.element.clone(), inner.counter.clone()]);
                loop_variables(&inner.flow, given);
            }
            Step::Transaction { flow, .. } => loop_variables(flow, given),
            _ => {}
        }
    }
}

fn body_names(body: &Body) -> Vec<String> {
    let of = |value: &JsonTemplate| value.names().into_iter().map(str::to_owned).collect::<Vec<_>>();
    match body {
        Body::None | Body::Bytes(..) => Vec::new(),
        Body::Json(value) => of(value),
        Body::Text(template) => template.names().map(str::to_owned).collect(),
        Body::Form(fields) => fields.iter().flat_map(|(_, value)| of(value)).collect(),
        Body::Multipart(fields) => fields
            .iter()
            .flat_map(|(_, part)| match part {
                Part::Value(value, _) => of(value),
                Part::File { .. } => Vec::new(),
            })
            .collect(),
    }
}
