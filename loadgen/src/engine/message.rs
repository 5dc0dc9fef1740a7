//! Building a request: URL, headers, body.

use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue,
    USER_AGENT,
};
use http_body_util::Full;

use super::connect::RequestBody;
use super::failure::Failure;
use super::target::{Target, Targets};
use crate::measure::class::Class;
use crate::percent::escape;
use crate::profile::{Body, Hook, Http, Part, Profile, Request, Style, Variables};
use crate::random::Random;

/// A request as it will be sent.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) method: http::Method,
    pub(crate) target: Rc<Target>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What a message is built from.
pub(crate) struct Builder<'a> {
    pub(crate) profile: &'a Profile,
    pub(crate) http: &'a Http,
    pub(crate) targets: &'a Targets,
    pub(crate) variables: &'a Variables,
    pub(crate) random: &'a mut Random,
    /// When the load began: the emergency hooks go by it.
    pub(crate) start: Instant,
    pub(crate) pictures: &'a [(bool, String, Bytes); 2],
}

impl Builder<'_> {
    /// Builds the message of a request.
    pub(crate) fn build(&mut self, request: &Request) -> Result<Message, Failure> {
        let target = self.target(request)?;
        let mut headers = HeaderMap::with_capacity(8);
        let (body, content_type) = self.body(request);
        for (name, value) in self.http.headers.iter().chain(&request.headers) {
            let value = value.render(self.variables, self.random);
            insert(&mut headers, name, &value)?;
        }
        self.own_headers(request, &mut headers, content_type.as_deref(), body.len())?;
        Ok(Message { method: request.method.clone(), target, headers, body })
    }

    fn target(&mut self, request: &Request) -> Result<Rc<Target>, Failure> {
        let url = request.url.render(self.variables, self.random);
        let mut text = match &self.profile.target {
            Some(target) if url.starts_with('/') => format!("{}{url}", target.trim().trim_end_matches('/')),
            _ => url.trim().to_owned(),
        };
        if !request.query.is_empty() {
            // As in Artillery, the parameters take the place of those in the URL.
            text.truncate(text.find('?').unwrap_or(text.len()));
            let mut separator = '?';
            for (name, value) in &request.query {
                let name = name.render(self.variables, self.random);
                let value = value.field_text(self.variables, self.random).unwrap_or_default();
                text.push(separator);
                separator = '&';
                escape(&name, &mut text);
                text.push('=');
                escape(&value, &mut text);
            }
        }
        self.targets.at(request.site, text)
    }

    /// The body and its content type.
    fn body(&mut self, request: &Request) -> (Bytes, Option<String>) {
        match &request.body {
            Body::None => (Bytes::new(), None),
            Body::Bytes(bytes, kind) => (bytes.clone(), kind.clone()),
            Body::Text(template) => (Bytes::from(template.render(self.variables, self.random).into_owned()), None),
            Body::Json(json) => {
                let mut text = String::new();
                json.write(self.variables, self.random, &mut text);
                (Bytes::from(text), Some("application/json".to_owned()))
            }
            Body::Form(fields) => {
                let mut text = String::new();
                for (name, value) in fields {
                    let Some(value) = value.field_text(self.variables, self.random) else { continue };
                    if !text.is_empty() {
                        text.push('&');
                    }
                    escape(name, &mut text);
                    text.push('=');
                    escape(&value, &mut text);
                }
                let charset = if self.http.style == Style::JMeter { "; charset=UTF-8" } else { "" };
                (Bytes::from(text), Some(format!("application/x-www-form-urlencoded{charset}")))
            }
            Body::Multipart(fields) => self.multipart(request, fields),
        }
    }

    fn multipart(&mut self, request: &Request, fields: &[(String, Part)]) -> (Bytes, Option<String>) {
        let boundary = format!("--------------------------{}", self.random.hexadecimal(24));
        let seconds = i64::try_from((self.start.elapsed() + Duration::from_millis(500)).as_secs()).unwrap_or(0);
        let ambulance = request.before.iter().find_map(|hook: &Hook| hook.ambulance(seconds));
        let mut body = Vec::new();
        let mut pictured = false;
        for (name, part) in fields {
            if let (Some(ambulance), "image") = (ambulance, name.as_str()) {
                self.picture(&boundary, ambulance, &mut body);
                pictured = true;
                continue;
            }
            let name = name.replace('"', "%22");
            match part {
                Part::Value(value, content_type) => {
                    let value = value.field_text(self.variables, self.random).unwrap_or_default();
                    let kind =
                        content_type.as_ref().map(|kind| format!("\r\nContent-Type: {kind}")).unwrap_or_default();
                    let head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"{kind}\r\n\r\n");
                    body.extend_from_slice(head.as_bytes());
                    body.extend_from_slice(value.as_bytes());
                    body.extend_from_slice(b"\r\n");
                }
                Part::File { name: file, content_type, content } => {
                    add_file(&boundary, &name, file, content_type, content, &mut body);
                }
            }
        }
        if let (Some(ambulance), false) = (ambulance, pictured) {
            self.picture(&boundary, ambulance, &mut body);
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        (Bytes::from(body), Some(format!("multipart/form-data; boundary={boundary}")))
    }

    fn picture(&self, boundary: &str, ambulance: bool, body: &mut Vec<u8>) {
        for (_, name, content) in self.pictures.iter().filter(|(with, ..)| *with == ambulance) {
            add_file(boundary, "image", name, "image/jpeg", content, body);
        }
    }

    /// Headers that the client adds, as the profile's origin would.
    fn own_headers(
        &self,
        request: &Request,
        headers: &mut HeaderMap,
        content_type: Option<&str>,
        length: usize,
    ) -> Result<(), Failure> {
        let mut default = |name: HeaderName, value: HeaderValue| {
            headers.entry(name).or_insert(value);
        };
        let fixed = HeaderValue::from_static;
        if let Some(content_type) = content_type {
            default(CONTENT_TYPE, value("content-type", content_type)?);
        }
        let bodiless = matches!(request.body, Body::None);
        match self.http.style {
            Style::Artillery => {
                default(USER_AGENT, fixed("Artillery (https://artillery.io)"));
                default(ACCEPT_ENCODING, fixed("gzip, deflate"));
                default(CONNECTION, fixed(if self.http.keep_alive { "keep-alive" } else { "close" }));
            }
            Style::JMeter => {
                default(CONNECTION, fixed(if self.http.keep_alive { "keep-alive" } else { "close" }));
                // Its client takes what has no body but may have one for a form without fields.
                if bodiless && matches!(request.method, Method::POST | Method::PUT | Method::PATCH | Method::DELETE) {
                    default(CONTENT_TYPE, fixed("application/x-www-form-urlencoded; charset=UTF-8"));
                    default(CONTENT_LENGTH, fixed("0"));
                }
                default(USER_AGENT, fixed("Apache-HttpClient/4.5.13 (Java/17.0.15)"));
            }
            Style::Plain => {
                default(USER_AGENT, fixed(concat!("faaslens/", env!("CARGO_PKG_VERSION"))));
                default(ACCEPT, fixed("*/*"));
                if !self.http.keep_alive && !self.http.http2 {
                    default(CONNECTION, fixed("close"));
                }
            }
        }
        let has_length = !bodiless || matches!(request.method, Method::POST | Method::PUT | Method::PATCH);
        if has_length && !(self.http.style == Style::JMeter && length == 0) {
            default(CONTENT_LENGTH, HeaderValue::from(length));
        }
        if self.http.http2 {
            headers.remove(CONNECTION);
        }
        Ok(())
    }
}

impl Message {
    /// As the HTTP library wants it; the host is named as the protocol does.
    pub(crate) fn to_request(&self, http2: bool) -> http::Request<RequestBody> {
        let mut request = http::Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        request.headers_mut().clone_from(&self.headers);
        if http2 {
            *request.version_mut() = http::Version::HTTP_2;
            request.uri_mut().clone_from(&self.target.uri);
            return request;
        }
        if let (false, Some(host)) = (self.headers.contains_key(HOST), &self.target.host) {
            request.headers_mut().insert(HOST, host.clone());
        }
        request.uri_mut().clone_from(&self.target.relative);
        request
    }
}

fn add_file(boundary: &str, name: &str, file: &str, content_type: &str, content: &[u8], body: &mut Vec<u8>) {
    let file = file.replace('"', "%22");
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\nContent-Type: {content_type}\r\n\r\n"
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(content);
    body.extend_from_slice(b"\r\n");
}

/// Sets a header.
pub(crate) fn insert(headers: &mut HeaderMap, name: &str, text: &str) -> Result<(), Failure> {
    let value = value(name, text)?;
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_invalid| refused(name, text))?;
    headers.insert(name, value);
    Ok(())
}

fn value(name: &str, text: &str) -> Result<HeaderValue, Failure> {
    HeaderValue::from_bytes(text.as_bytes()).map_err(|_invalid| refused(name, text))
}

fn refused(name: &str, text: &str) -> Failure {
    Failure::new(Class::InvalidUrl, format!("header {name}: expected printable text, found {text:?}"))
}
