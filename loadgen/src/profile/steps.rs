//! Flows: the steps that Artillery profiles and faaslens's own share.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use super::file::read_file;
use super::keys::{self, Keys};
use super::node::{Kind, Node, Source};
use super::template::{JsonTemplate, Template};
use super::{Assertion, Body, Capture, Hook, Http, Loop, Over, Part, Place, Request, Settings, Site, Step, Think};
use crate::error::{Error, Result};
use crate::json_path::JsonPath;

/// Methods that a step may have.
const METHODS: [&str; 7] = ["get", "post", "put", "patch", "delete", "head", "options"];

/// What may stand in a step.
const STEPS: &str = "one of get, post, put, patch, delete, head, options, log, think, loop, transaction";

/// Compiles flows, and gathers the places of requests.
#[derive(Debug)]
pub(super) struct Compiler<'a> {
    pub(super) source: &'a Source,
    pub(super) settings: &'a Settings,
    pub(super) folder: PathBuf,
    pub(super) sites: Vec<Site>,
    pub(super) warnings: Vec<String>,
    /// The scenario being compiled.
    pub(super) scenario: String,
    /// Hooks of the scenario.
    pub(super) before: Vec<Hook>,
    pub(super) after: Vec<Hook>,
    /// Whether faaslens's own additions may stand in steps.
    pub(super) own: bool,
    /// What requests start from.
    pub(super) http: Http,
    step: u32,
}

impl<'a> Compiler<'a> {
    pub(super) fn new(source: &'a Source, settings: &'a Settings, folder: PathBuf, own: bool) -> Self {
        Self {
            source,
            settings,
            folder,
            sites: Vec::new(),
            warnings: Vec::new(),
            scenario: String::new(),
            before: Vec::new(),
            after: Vec::new(),
            own,
            http: Http::default(),
            step: 0,
        }
    }

    /// Compiles the flow of a scenario.
    pub(super) fn scenario(&mut self, name: &str, flow: &'a Node) -> Result<Vec<Step>> {
        name.clone_into(&mut self.scenario);
        self.step = 0;
        self.flow(flow)
    }

    fn flow(&mut self, node: &'a Node) -> Result<Vec<Step>> {
        let mut steps = Vec::new();
        for item in keys::list(self.source, "flow", node)? {
            // Artillery flattens lists that YAML references put into a flow.
            match &item.kind {
                Kind::List(inner) => {
                    for item in inner {
                        steps.push(self.step(item)?);
                    }
                }
                _ => steps.push(self.step(item)?),
            }
        }
        Ok(steps)
    }

    fn step(&mut self, node: &'a Node) -> Result<Step> {
        let source = self.source;
        let mut keys = Keys::open(source, "step", node)?;
        if let Some((method, node)) = keys.take_any(&METHODS) {
            keys.finish("only the method")?;
            return self.request(method, node);
        }
        if let Some(node) = keys.take_even_null("log") {
            let log = keys::template(source, "log", node)?;
            keys.finish("only log")?;
            return Ok(Step::Log(log));
        }
        if let Some(node) = keys.take("think") {
            keys.finish("only think")?;
            return self.think(node);
        }
        if let Some(node) = keys.take("loop") {
            return self.repeat(keys, node);
        }
        if let (true, Some(node)) = (self.own, keys.take("transaction")) {
            return self.transaction(keys, node);
        }
        Err(keys.error("step", format!("expected {STEPS}, found {}", Self::name_of(node))))
    }

    fn name_of(node: &Node) -> String {
        match &node.kind {
            Kind::Map(entries) => match entries.first().and_then(|(key, _)| key.text()) {
                Some(key) => format!("{key:?}"),
                None => "an empty map".to_owned(),
            },
            _ => node.found(),
        }
    }

    fn transaction(&mut self, mut keys: Keys<'a>, node: &'a Node) -> Result<Step> {
        let label = keys::text(self.source, "transaction", node)?;
        let flow = keys.need("flow")?;
        keys.finish("transaction, flow")?;
        let site = self.site(label, "", true, node.line)?;
        Ok(Step::Transaction { site, flow: self.flow(flow)? })
    }

    fn think(&mut self, node: &'a Node) -> Result<Step> {
        if let (true, Kind::Map(_)) = (self.own, &node.kind) {
            let mut keys = Keys::open(self.source, "think", node)?;
            let exponential = keys.read("exponential", keys::duration)?;
            let (from, to) = (keys.read("from", keys::duration)?, keys.read("to", keys::duration)?);
            keys.finish("exponential, or from and to")?;
            return match (exponential, from, to) {
                (Some(mean), None, None) => Ok(Step::Think(Think::Exponential(mean))),
                (None, Some(from), Some(to)) => Ok(Step::Think(Think::Between(from, to))),
                _ => Err(self.source.error(node.line, "think", "expected exponential, or from and to")),
            };
        }
        let text = keys::text(self.source, "think", node)?;
        if text.contains("{{") {
            return Ok(Step::Think(Think::Variable(keys::template(self.source, "think", node)?)));
        }
        let wait = keys::duration(self.source, "think", node)?;
        Ok(Step::Think(Think::Between(wait, wait)))
    }

    fn repeat(&mut self, mut keys: Keys<'a>, node: &'a Node) -> Result<Step> {
        let source = self.source;
        let over = keys.take("over").map(|node| match (&node.kind, node.text()) {
            (Kind::List(_), _) => match node.to_json() {
                Value::Array(values) => Ok(Over::Values(Arc::new(values))),
                _ => Err(source.error(node.line, "over", "expected a list")),
            },
            (_, Some(name)) => Ok(Over::Variable(name.to_owned())),
            _ => Err(source.error(node.line, "over", "expected a variable or a list, found a map")),
        });
        let count = keys.take("count").map(|node| count(source, node));
        let element = keys.read("loopElement", keys::text)?.unwrap_or_else(|| "$loopElement".to_owned());
        let counter = keys.read("loopValue", keys::text)?.unwrap_or_else(|| "$loopCount".to_owned());
        keys.finish("loop, over, count, loopElement, loopValue")?;
        let over = match (over, count) {
            (Some(over), _) => over?,
            (None, Some(count)) => count?,
            (None, None) => return Err(source.error(node.line, "loop", "expected over or count beside it")),
        };
        Ok(Step::Loop(Loop { over, element, counter, flow: self.flow(node)? }))
    }

    fn site(&mut self, label: String, method: &str, transaction: bool, line: usize) -> Result<u16> {
        let number = u16::try_from(self.sites.len())
            .map_err(|_many| self.source.error(line, "flow", "expected at most 65536 requests in a profile"))?;
        self.step += u32::from(!transaction);
        self.sites.push(Site {
            scenario: self.scenario.clone(),
            step: self.step,
            label,
            method: method.to_owned(),
            transaction,
        });
        Ok(number)
    }

    fn request(&mut self, method: &str, node: &'a Node) -> Result<Step> {
        let source = self.source;
        let mut keys = Keys::open(source, method, node)?;
        let Some((_, url_node)) = keys.take_any(&["url", "uri"]) else {
            return Err(keys.error("url", format!("missing in {method}")));
        };
        let url = keys::template(source, "url", url_node)?;
        let upper = method.to_ascii_uppercase();
        let name = keys.read("name", keys::text)?;
        let label = name.unwrap_or_else(|| format!("{upper} {}", url_node.text().unwrap_or_default()));
        let site = self.site(label, &upper, false, node.line)?;
        let method = http::Method::from_bytes(upper.as_bytes())
            .map_err(|error| source.error(node.line, "method", error.to_string()))?;
        let body = self.body(&mut keys)?;
        let headers = self.headers(&mut keys)?;
        let query = self.query(&mut keys)?;
        let follow_redirects = keys.read("followRedirect", keys::truth)?.unwrap_or(true);
        let captures = self.captures(&mut keys)?;
        let mut before = self.before.clone();
        before.extend(self.hooks(&mut keys, "beforeRequest")?);
        let mut after = self.after.clone();
        after.extend(self.hooks(&mut keys, "afterResponse")?);
        let assertions = if self.own { self.assertions(&mut keys)? } else { Vec::new() };
        let http = self.request_http(&mut keys)?;
        keys.read("gzip", keys::truth)?;
        keys.finish(
            "url, name, json, body, form, formData, headers, qs, followRedirect, capture, beforeRequest, afterResponse, gzip",
        )?;
        let pause = Duration::ZERO;
        let request = Request {
            site,
            method,
            url,
            query,
            headers,
            body,
            follow_redirects,
            captures,
            assertions,
            before,
            after,
            pause,
            http,
        };
        Ok(Step::Request(Box::new(request)))
    }

    fn request_http(&self, keys: &mut Keys<'a>) -> Result<Option<Box<Http>>> {
        if !self.own {
            return Ok(None);
        }
        let timeout = keys.read("timeout", keys::duration)?;
        let keep_alive = keys.read("keepAlive", keys::truth)?;
        if timeout.is_none() && keep_alive.is_none() {
            return Ok(None);
        }
        let mut http = self.http.clone();
        http.total_timeout = timeout.or(http.total_timeout);
        http.response_timeout = timeout.or(http.response_timeout);
        http.keep_alive = keep_alive.unwrap_or(http.keep_alive);
        Ok(Some(Box::new(http)))
    }

    /// The value of a field, with a template that was pulled apart repaired or reported.
    fn value(&mut self, key: &str, node: &Node) -> Result<JsonTemplate> {
        let node = self.repaired(node);
        JsonTemplate::from_node(&node).map_err(|message| self.source.error(node.line, key, message))
    }

    fn repaired(&mut self, node: &Node) -> Node {
        let line = node.line;
        if let Some(name) = node.mangled() {
            let path = self.source.path.display();
            if self.settings.repair_templates {
                let text = format!("{{{{ {name} }}}}");
                return Node { line, kind: Kind::Scalar { text, plain: false } };
            }
            self.warnings.push(format!(
                "{path}:{line}: {{ {{ {name} }} }} is a map, not a template: sent as Artillery sends it, [object Object]; \
                 --repair-templates sends the variable"
            ));
        }
        let kind = match &node.kind {
            Kind::List(items) => Kind::List(items.iter().map(|item| self.repaired(item)).collect()),
            Kind::Map(entries) => {
                Kind::Map(entries.iter().map(|(key, value)| (key.clone(), self.repaired(value))).collect())
            }
            scalar @ Kind::Scalar { .. } => scalar.clone(),
        };
        Node { line, kind }
    }

    fn body(&mut self, keys: &mut Keys<'a>) -> Result<Body> {
        let source = self.source;
        let given: Vec<(&'static str, &'a Node)> = ["json", "body", "form", "formData"]
            .into_iter()
            .filter_map(|key| keys.take_even_null(key).map(|node| (key, node)))
            .collect();
        if let [_, (second, node), ..] = given[..] {
            return Err(source.error(node.line, second, "expected one of json, body, form, formData, found several"));
        }
        let Some((key, node)) = given.first().copied() else { return Ok(Body::None) };
        match key {
            "json" => Ok(Body::Json(self.value("json", node)?)),
            "body" if node.is_null() => Ok(Body::None),
            "body" => Ok(Body::Text(keys::template(source, "body", node)?)),
            "form" => {
                let fields = keys::entries(source, "form", node)?;
                let field = |(name, node): (&str, &'a Node)| Ok((name.to_owned(), self.value(name, node)?));
                Ok(Body::Form(fields.into_iter().map(field).collect::<Result<_>>()?))
            }
            _ => {
                let fields = keys::entries(source, "formData", node)?;
                let field = |(name, node): (&str, &'a Node)| Ok((name.to_owned(), self.part(name, node)?));
                Ok(Body::Multipart(fields.into_iter().map(field).collect::<Result<_>>()?))
            }
        }
    }

    fn part(&mut self, name: &str, node: &'a Node) -> Result<Part> {
        if !matches!(node.kind, Kind::Map(_)) || node.mangled().is_some() {
            return Ok(Part::Value(self.value(name, node)?, None));
        }
        let mut keys = Keys::open(self.source, name, node)?;
        let content_type = keys.read("contentType", keys::text)?;
        let part = if let Some(file) = keys.take("fromFile") {
            let path = self.folder.join(keys::text(self.source, "fromFile", file)?);
            let refuse = |error: std::io::Error| {
                self.source.error(file.line, "fromFile", format!("{}: {error}", path.display()))
            };
            let content = Bytes::from(read_file(&path).map_err(refuse)?);
            let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            let content_type = content_type.unwrap_or_else(|| type_of(&name).to_owned());
            Part::File { name, content_type, content }
        } else {
            let value = keys.need("value")?;
            Part::Value(self.value(name, value)?, content_type)
        };
        keys.finish("value or fromFile, contentType")?;
        Ok(part)
    }

    fn headers(&mut self, keys: &mut Keys<'a>) -> Result<Vec<(String, Template)>> {
        let source = self.source;
        let Some(node) = keys.take("headers") else { return Ok(Vec::new()) };
        headers(source, node)
    }

    fn query(&mut self, keys: &mut Keys<'a>) -> Result<Vec<(Template, JsonTemplate)>> {
        let source = self.source;
        let Some(node) = keys.take("qs") else { return Ok(Vec::new()) };
        let entry = |(name, node): (&str, &'a Node)| {
            let key = Template::parse(name).map_err(|message| source.error(node.line, name, message))?;
            Ok((key, self.value(name, node)?))
        };
        keys::entries(source, "qs", node)?.into_iter().map(entry).collect()
    }

    fn captures(&mut self, keys: &mut Keys<'a>) -> Result<Vec<Capture>> {
        let Some(node) = keys.take("capture") else { return Ok(Vec::new()) };
        keys::items(node).into_iter().map(|node| self.capture(node)).collect()
    }

    fn capture(&mut self, node: &'a Node) -> Result<Capture> {
        let mut keys = Keys::open(self.source, "capture", node)?;
        let from = self.place(&mut keys)?;
        let Some(from) = from else { return Err(keys.error("capture", "expected json or header")) };
        let variable = keys::text(self.source, "as", keys.need("as")?)?;
        let strict = keys.read("strict", keys::truth)?.unwrap_or(true);
        keys.finish("json or header, as, strict")?;
        Ok(Capture { from, variable, strict })
    }

    fn place(&self, keys: &mut Keys<'a>) -> Result<Option<Place>> {
        let source = self.source;
        let json = keys.read("json", |source, key, node| {
            let text = keys::text(source, key, node)?;
            JsonPath::parse(&text).map_err(|message| source.error(node.line, key, message))
        })?;
        let header = keys.read("header", keys::text)?;
        match (json, header) {
            (Some(json), None) => Ok(Some(Place::Json(json))),
            (None, Some(header)) => Ok(Some(Place::Header(header.to_ascii_lowercase()))),
            (None, None) => Ok(None),
            _ => Err(source.error(keys.line, &keys.name, "expected one of json, header, found both")),
        }
    }

    fn hooks(&mut self, keys: &mut Keys<'a>, key: &str) -> Result<Vec<Hook>> {
        let Some(node) = keys.take(key) else { return Ok(Vec::new()) };
        hooks(self.source, key, node)
    }

    fn assertions(&mut self, keys: &mut Keys<'a>) -> Result<Vec<Assertion>> {
        let Some(node) = keys.take("expect") else { return Ok(Vec::new()) };
        let mut assertions = Vec::new();
        for node in keys::items(node) {
            self.assertion(node, &mut assertions)?;
        }
        Ok(assertions)
    }

    fn assertion(&mut self, node: &'a Node, assertions: &mut Vec<Assertion>) -> Result<()> {
        let source = self.source;
        let mut keys = Keys::open(source, "expect", node)?;
        if let Some(node) = keys.take("status") {
            let status = |node: &'a Node| {
                let code = keys::whole(source, "status", node)?;
                u16::try_from(code)
                    .ok()
                    .filter(|code| (100..1000).contains(code))
                    .ok_or_else(|| source.error(node.line, "status", format!("expected 100 to 999, found {code}")))
            };
            assertions.push(Assertion::Status(keys::items(node).into_iter().map(status).collect::<Result<_>>()?));
        }
        if let Some(text) = keys.read("contains", keys::text)? {
            assertions.push(Assertion::BodyContains(text));
        }
        if let Some(limit) = keys.read("within", keys::duration)? {
            assertions.push(Assertion::Within(limit));
        }
        if let Some(place) = self.place(&mut keys)? {
            let value = keys.take_even_null("equals");
            let value = value.ok_or_else(|| source.error(node.line, "equals", "missing beside json or header"))?;
            assertions.push(Assertion::Equals(place, value.to_json()));
        }
        keys.finish("status, contains, within, json or header with equals")
    }
}

/// Headers of a request, names in lower case.
pub(super) fn headers(source: &Source, node: &Node) -> Result<Vec<(String, Template)>> {
    let mut headers = Vec::new();
    for (name, node) in keys::entries(source, "headers", node)? {
        let lower = name.to_ascii_lowercase();
        http::HeaderName::from_bytes(lower.as_bytes())
            .map_err(|_invalid| source.error(node.line, name, "expected the name of a header"))?;
        headers.push((lower, keys::template(source, name, node)?));
    }
    Ok(headers)
}

/// The hooks that a key names.
pub(super) fn hooks(source: &Source, key: &str, node: &Node) -> Result<Vec<Hook>> {
    let hook = |node: &Node| {
        let name = keys::text(source, key, node)?;
        let found = Hook::ALL.iter().find(|(known, _)| *known == name);
        found.map(|(_, hook)| *hook).ok_or_else(|| {
            let known: Vec<&str> = Hook::ALL.iter().map(|(name, _)| *name).collect();
            source.error(node.line, key, format!("expected a known hook ({}), found {name:?}", known.join(", ")))
        })
    };
    keys::items(node).into_iter().map(hook).collect()
}

/// How often a loop goes round: a number, `-1` for ever, or `first-last`.
fn count(source: &Source, node: &Node) -> Result<Over> {
    let text = keys::text(source, "count", node)?;
    let error = || source.error(node.line, "count", format!("expected a number or first-last, found {text:?}"));
    if let Ok(count) = text.trim().parse::<i64>() {
        return Ok(Over::Count(0, (count >= 0).then_some(count)));
    }
    let (from, to) = text.split_once('-').ok_or_else(error)?;
    match (from.trim().parse(), to.trim().parse()) {
        (Ok(from), Ok(to)) => Ok(Over::Count(from, Some(to))),
        _ => Err(error()),
    }
}

/// Content type by a file's ending.
pub(super) fn type_of(name: &str) -> &'static str {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    match ending.to_ascii_lowercase().as_str() {
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "json" => "application/json",
        "txt" => "text/plain",
        "csv" => "text/csv",
        "html" => "text/html",
        "xml" => "application/xml",
        "pdf" => "application/pdf",
        _ => "application/octet-stream",
    }
}

/// Refuses a profile in which a scenario could never be drawn.
pub(super) fn check_weights(source: &Source, line: usize, weights: &[f64]) -> Result<(), Error> {
    if weights.is_empty() || weights.iter().sum::<f64>() <= 0.0 {
        return Err(source.error(line, "scenarios", "expected at least one scenario with a weight above 0"));
    }
    Ok(())
}
