//! `JMeter` plans, as far as `BenchFaaS` uses them.
//!
//! Plans are trees in which each element is followed by a `hashTree` of what belongs to it. Elements that are not known
//! here are refused by name and line: a plan is driven as it was meant, or not at all. What `JMeter` does was compared
//! with its version 5.5 in `tests/suite/jmeter.rs`.

use std::path::Path;
use std::time::Duration;

use http::Method;

use super::file::read_file;
use super::jmx_tree::{Element, Tree};
use super::template::{JsonTemplate, Template};
use super::{Body, Http, Load, Loop, Over, Phase, Profile, Request, Scenario, Settings, Site, Step, Style, folder_of};
use crate::error::Result;
use crate::percent::{escape, unescaped};

pub(super) fn matches(_: &Path, text: &str) -> bool {
    text.trim_start_matches('\u{feff}').trim_start().starts_with('<')
}

pub(super) fn compile(path: &Path, text: &str, settings: &Settings) -> Result<Profile> {
    let tree = Tree::parse(path, text, settings)?;
    let mut profile = Profile { format: "jmeter", folder: folder_of(path), ..Profile::default() };
    profile.http = Http {
        style: Style::JMeter,
        response_timeout: None,
        connect_timeout: None,
        total_timeout: None,
        ..Http::default()
    };
    let mut compiler = Compiler { tree: &tree, profile: &mut profile, scenario: String::new(), step: 0 };
    compiler.plan()?;
    profile.warnings.extend(tree.warnings.into_inner());
    Ok(profile)
}

struct Compiler<'a> {
    tree: &'a Tree,
    profile: &'a mut Profile,
    scenario: String,
    step: u32,
}

/// An argument of a sampler.
struct Argument {
    name: String,
    value: String,
    /// Whether it is escaped when it is sent; otherwise it is already.
    encode: bool,
}

impl Argument {
    /// Appends `name=value` as it stands in a URL.
    fn write(&self, url: &mut String) {
        if self.encode {
            escape(&self.name, url);
            url.push('=');
            escape(&self.value, url);
        } else {
            url.extend([&self.name, "=", &self.value]);
        }
    }

    /// Name and value without escapes.
    fn plain(self) -> (String, String) {
        if self.encode {
            return (self.name, self.value);
        }
        (unescaped(&self.name).into_owned(), unescaped(&self.value).into_owned())
    }
}

/// An element and what belongs to it.
type Entry<'a> = (&'a Element, &'a [Element]);

impl<'a> Compiler<'a> {
    fn plan(&mut self) -> Result<()> {
        let root = &self.tree.root;
        if root.name != "jmeterTestPlan" {
            return Err(self.tree.error(root, "expected jmeterTestPlan as the root element"));
        }
        let Some(outer) = root.children.iter().find(|child| child.name == "hashTree") else {
            return Err(self.tree.error(root, "expected a hashTree, found none"));
        };
        for (element, below) in self.entries(&outer.children)? {
            if element.name != "TestPlan" {
                return Err(self.tree.error(element, "not supported here; expected TestPlan"));
            }
            self.test_plan(element)?;
            let groups = self.entries(below)?;
            for (element, below) in groups {
                match element.name.as_str() {
                    "ThreadGroup" => self.thread_group(element, below)?,
                    _ => return Err(self.tree.error(element, "not supported in a TestPlan; expected ThreadGroup")),
                }
            }
        }
        if self.profile.phases.is_empty() {
            return Err(self.tree.error(root, "expected a ThreadGroup, found none"));
        }
        Ok(())
    }

    fn test_plan(&self, element: &Element) -> Result<()> {
        if let Some(variables) = element.property_element("TestPlan.user_defined_variables")
            && variables.descendant("collectionProp").is_some_and(|list| !list.children.is_empty())
        {
            return Err(self.tree.error(variables, "user defined variables are not supported"));
        }
        if element.property("TestPlan.serialize_threadgroups").is_some_and(|(text, _)| text == "true") {
            return Err(self.tree.error(element, "thread groups one after another are not supported"));
        }
        Ok(())
    }

    /// Elements with what belongs to them; disabled ones are left out with all below.
    fn entries(&self, children: &'a [Element]) -> Result<Vec<Entry<'a>>> {
        let mut entries: Vec<Entry<'a>> = Vec::new();
        let mut waiting: Option<&'a Element> = None;
        for child in children {
            if child.name == "hashTree" {
                let Some(owner) = waiting.take() else {
                    return Err(self.tree.error(child, "expected an element before it, found none"));
                };
                entries.push((owner, &child.children));
            } else if let Some(owner) = waiting.replace(child) {
                entries.push((owner, &[]));
            }
        }
        entries.extend(waiting.map(|owner| (owner, &[][..])));
        entries.retain(|(element, _)| element.enabled());
        Ok(entries)
    }

    fn thread_group(&mut self, element: &'a Element, below: &'a [Element]) -> Result<()> {
        let tree = self.tree;
        match tree.text(element, "ThreadGroup.on_sample_error")?.as_deref() {
            None | Some("" | "continue") => {}
            Some(other) => {
                let message = format!("on_sample_error: expected continue, found {other:?}");
                return Err(tree.error(element, message));
            }
        }
        let threads = tree.number(element, "ThreadGroup.num_threads")?.unwrap_or(1);
        let threads = u32::try_from(threads).ok().filter(|threads| *threads <= 1_000_000).ok_or_else(|| {
            tree.error(element, format!("ThreadGroup.num_threads: expected 0 to 1000000, found {threads}"))
        })?;
        let ramp = tree.seconds(element, "ThreadGroup.ramp_time")?;
        let scheduler = tree.truth(element, "ThreadGroup.scheduler")?;
        let mut from = Duration::ZERO;
        let mut length = None;
        if scheduler {
            from = tree.seconds(element, "ThreadGroup.delay")?;
            length = Some(tree.seconds(element, "ThreadGroup.duration")?).filter(|length| !length.is_zero());
        }
        let rounds = self.rounds(element)?;
        if rounds.is_none() && length.is_none() {
            return Err(tree.error(element, "expected a number of loops or a duration, found neither"));
        }
        let name = element.attribute("testname").unwrap_or("Thread Group").to_owned();
        name.clone_into(&mut self.scenario);
        self.step = 0;
        let flow = self.flow(below, &[])?;
        let scenario = self.profile.scenarios.len();
        self.profile.scenarios.push(Scenario { name: name.clone(), weight: 1.0, flow });
        let load = Load::Threads { threads, ramp, rounds, pacing: None };
        self.profile.phases.push(Phase { name, from, length, load, limit: None, mix: vec![(scenario, 1.0)] });
        Ok(())
    }

    fn rounds(&self, group: &'a Element) -> Result<Option<u64>> {
        let Some(controller) = group.property_element("ThreadGroup.main_controller") else { return Ok(Some(1)) };
        let loops = self.tree.number(controller, "LoopController.loops")?.unwrap_or(1);
        Ok(u64::try_from(loops).ok())
    }

    /// The steps of a controller. Timers wait before each request that stands beside or below them.
    fn flow(&mut self, children: &'a [Element], outer: &[Duration]) -> Result<Vec<Step>> {
        let entries = self.entries(children)?;
        let mut pauses = outer.to_vec();
        for (element, _) in entries.iter().filter(|(element, _)| element.name == "ConstantTimer") {
            pauses.push(self.pause(element)?);
        }
        let mut steps = Vec::new();
        for (element, below) in entries {
            match element.name.as_str() {
                "ConstantTimer" => {}
                "LoopController" => steps.push(self.repeat(element, below, &pauses)?),
                "TransactionController" => steps.push(self.transaction(element, below, &pauses)?),
                "HTTPSamplerProxy" => steps.push(self.sampler(element, below, &pauses)?),
                _ => {
                    let known = "LoopController, TransactionController, ConstantTimer, HTTPSamplerProxy";
                    return Err(self.tree.error(element, format!("not supported; expected {known}")));
                }
            }
        }
        Ok(steps)
    }

    fn pause(&self, element: &Element) -> Result<Duration> {
        let ms = self.tree.number(element, "ConstantTimer.delay")?.unwrap_or(0);
        Ok(Duration::from_millis(u64::try_from(ms).unwrap_or(0)))
    }

    fn repeat(&mut self, element: &'a Element, below: &'a [Element], pauses: &[Duration]) -> Result<Step> {
        let loops = self.tree.number(element, "LoopController.loops")?.unwrap_or(1);
        let to = (loops >= 0).then_some(loops);
        Ok(Step::Loop(Loop {
            over: Over::Count(0, to),
            element: "$loopElement".to_owned(),
            counter: "$loopCount".to_owned(),
            flow: self.flow(below, pauses)?,
        }))
    }

    fn transaction(&mut self, element: &'a Element, below: &'a [Element], pauses: &[Duration]) -> Result<Step> {
        for (property, what) in [
            ("TransactionController.parent", "parent samples"),
            ("TransactionController.includeTimers", "timers in the time"),
        ] {
            if self.tree.truth(element, property)? {
                return Err(self.tree.error(element, format!("{property}: {what} are not supported; expected false")));
            }
        }
        let label = element.attribute("testname").unwrap_or("Transaction Controller").to_owned();
        let site = self.site(element, label, "", true)?;
        Ok(Step::Transaction { site, flow: self.flow(below, pauses)? })
    }

    fn site(&mut self, element: &Element, label: String, method: &str, transaction: bool) -> Result<u16> {
        let Ok(number) = u16::try_from(self.profile.sites.len()) else {
            return Err(self.tree.error(element, "expected at most 65536 samplers in a plan"));
        };
        self.step += u32::from(!transaction);
        let (scenario, step) = (self.scenario.clone(), self.step);
        self.profile.sites.push(Site { scenario, step, label, method: method.to_owned(), transaction });
        Ok(number)
    }

    fn sampler(&mut self, element: &'a Element, below: &'a [Element], pauses: &[Duration]) -> Result<Step> {
        let tree = self.tree;
        let mut pauses = pauses.to_vec();
        for (child, _) in self.entries(below)? {
            match child.name.as_str() {
                "ConstantTimer" => pauses.push(self.pause(child)?),
                _ => return Err(tree.error(child, "not supported below a sampler; expected ConstantTimer")),
            }
        }
        self.refuse_unsupported(element)?;
        let method = tree.text(element, "HTTPSampler.method")?.filter(|text| !text.is_empty());
        let method = method.unwrap_or_else(|| "GET".to_owned());
        let label = element.attribute("testname").unwrap_or("HTTP Request").to_owned();
        let site = self.site(element, label, &method, false)?;
        let method = Method::from_bytes(method.as_bytes()).map_err(|_invalid| {
            tree.error(element, format!("HTTPSampler.method: expected a method, found {method:?}"))
        })?;
        let (url, query) = self.url(element, &method)?;
        let follow_redirects = tree.truth(element, "HTTPSampler.follow_redirects")?
            || tree.truth(element, "HTTPSampler.auto_redirects")?;
        let body = self.body(element, &method)?;
        let mut http = self.profile.http.clone();
        http.keep_alive = tree.truth(element, "HTTPSampler.use_keepalive")?;
        http.connect_timeout = self.timeout(element, "HTTPSampler.connect_timeout")?;
        http.response_timeout = self.timeout(element, "HTTPSampler.response_timeout")?;
        Ok(Step::Request(Box::new(Request {
            site,
            method,
            url: Template::literal(url),
            query,
            headers: Vec::new(),
            body,
            follow_redirects,
            captures: Vec::new(),
            assertions: Vec::new(),
            before: Vec::new(),
            after: Vec::new(),
            pause: pauses.iter().sum(),
            http: Some(Box::new(http)),
        })))
    }

    fn refuse_unsupported(&self, element: &Element) -> Result<()> {
        for property in ["HTTPSampler.DO_MULTIPART_POST", "HTTPSampler.image_parser", "HTTPSampler.md5"] {
            if self.tree.truth(element, property)? {
                return Err(self.tree.error(element, format!("{property}: expected false, found true")));
            }
        }
        for property in ["HTTPSampler.proxyHost", "HTTPSampler.ipSource", "HTTPSampler.embedded_url_re"] {
            if self.tree.text(element, property)?.is_some_and(|text| !text.is_empty()) {
                return Err(self.tree.error(element, format!("{property}: not supported")));
            }
        }
        Ok(())
    }

    fn timeout(&self, element: &Element, property: &str) -> Result<Option<Duration>> {
        let ms = self.tree.number(element, property)?.unwrap_or(0);
        Ok(u64::try_from(ms).ok().filter(|ms| *ms > 0).map(Duration::from_millis))
    }

    fn url(&self, element: &'a Element, method: &Method) -> Result<(String, Vec<(Template, JsonTemplate)>)> {
        let tree = self.tree;
        let text = |property: &str| tree.text(element, property).map(|text| text.unwrap_or_default().trim().to_owned());
        let protocol = text("HTTPSampler.protocol")?;
        let protocol = if protocol.is_empty() { "http" } else { &protocol };
        let (domain, port, path) = (text("HTTPSampler.domain")?, text("HTTPSampler.port")?, text("HTTPSampler.path")?);
        let mut url = if path.starts_with("http://") || path.starts_with("https://") {
            path
        } else {
            let default_port = if protocol == "https" { "443" } else { "80" };
            let port = if port.is_empty() || port == default_port { String::new() } else { format!(":{port}") };
            let slash = if path.starts_with('/') { "" } else { "/" };
            format!("{protocol}://{domain}{port}{slash}{path}")
        };
        let raw = tree.truth(element, "HTTPSampler.postBodyRaw")?;
        let in_url = !raw && matches!(*method, Method::GET | Method::DELETE | Method::OPTIONS);
        if in_url {
            for argument in self.arguments(element)? {
                url.push(if url.contains('?') { '&' } else { '?' });
                argument.write(&mut url);
            }
        }
        Ok((url, Vec::new()))
    }

    fn arguments(&self, element: &'a Element) -> Result<Vec<Argument>> {
        let Some(list) =
            element.property_element("HTTPsampler.Arguments").and_then(|list| list.descendant("collectionProp"))
        else {
            return Ok(Vec::new());
        };
        let argument = |argument: &'a Element| {
            Ok(Argument {
                name: self.tree.text(argument, "Argument.name")?.unwrap_or_default(),
                value: self.tree.text(argument, "Argument.value")?.unwrap_or_default(),
                encode: self.tree.truth(argument, "HTTPArgument.always_encode")?,
            })
        };
        list.children.iter().map(argument).collect()
    }

    fn body(&self, element: &'a Element, method: &Method) -> Result<Body> {
        if let Some(files) =
            element.property_element("HTTPsampler.Files").and_then(|files| files.descendant("collectionProp"))
            && let Some(first) = files.children.first()
        {
            return self.file_body(files, first);
        }
        let arguments = self.arguments(element)?;
        if self.tree.truth(element, "HTTPSampler.postBodyRaw")? {
            let text: String = arguments.into_iter().map(|argument| argument.value).collect();
            return self.raw_body(element, text);
        }
        // Of DELETE they stand in the URL and in the body.
        let fields = matches!(*method, Method::POST | Method::PUT | Method::PATCH | Method::DELETE);
        if arguments.is_empty() || !fields {
            return Ok(Body::None);
        }
        let field = |argument: Argument| {
            let (name, value) = argument.plain();
            (name, JsonTemplate::Fixed(serde_json::Value::String(value)))
        };
        Ok(Body::Form(arguments.into_iter().map(field).collect()))
    }

    /// As `JMeter`, in ISO 8859-1 where the sampler names no encoding.
    fn raw_body(&self, element: &Element, text: String) -> Result<Body> {
        let encoding = self.tree.text(element, "HTTPSampler.contentEncoding")?.unwrap_or_default();
        let one = |letter: char| u8::try_from(u32::from(letter)).unwrap_or(b'?');
        let bytes = match encoding.trim() {
            "" | "ISO-8859-1" => text.chars().map(one).collect(),
            "UTF-8" => text.into_bytes(),
            other => {
                let message = format!("HTTPSampler.contentEncoding: expected UTF-8 or ISO-8859-1, found {other:?}");
                return Err(self.tree.error(element, message));
            }
        };
        let kind = match encoding.trim() {
            "" => "text/plain".to_owned(),
            named => format!("text/plain; charset={named}"),
        };
        Ok(if bytes.is_empty() { Body::None } else { Body::Bytes(bytes.into(), Some(kind)) })
    }

    fn file_body(&self, files: &Element, first: &Element) -> Result<Body> {
        let tree = self.tree;
        if files.children.len() > 1 || tree.text(first, "File.paramname")?.is_some_and(|name| !name.is_empty()) {
            return Err(tree.error(first, "expected one file without a parameter name: it is the body"));
        }
        let name = tree.text(first, "File.path")?.unwrap_or_default();
        let path = self.profile.folder.join(&name);
        let content =
            read_file(&path).map_err(|error| tree.error(first, format!("File.path: {}: {error}", path.display())))?;
        let kind = tree.text(first, "File.mimetype")?.filter(|kind| !kind.is_empty());
        Ok(Body::Bytes(content.into(), kind))
    }
}
