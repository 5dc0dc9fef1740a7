//! Where a request goes: its URL, taken apart once for as long as it stays the same.

use std::cell::RefCell;
use std::rc::Rc;

use http::{HeaderValue, Uri};

use super::connect::Origin;
use super::failure::Failure;
use crate::measure::class::Class;
use crate::percent::encoded;

/// A URL, taken apart.
#[derive(Debug)]
pub(crate) struct Target {
    text: String,
    pub(crate) uri: Uri,
    origin: Result<Rc<Origin>, Failure>,
    /// The URL without the user's name and password.
    pub(crate) shown: String,
    /// What follows the host in a request of HTTP/1.1.
    pub(crate) relative: Uri,
    /// The host as requests name it; `None` where it is no header.
    pub(crate) host: Option<HeaderValue>,
}

impl Target {
    /// Of the text of a URL.
    pub(crate) fn parse(text: String) -> Result<Self, Failure> {
        let whole = text.split('#').next().unwrap_or_default();
        match encoded(whole).parse() {
            Ok(uri) => Ok(Self::new(text, uri)),
            Err(error) => Err(Failure::new(Class::InvalidUrl, format!("{error}: {text}"))),
        }
    }

    /// Of a URL that a redirection leads to.
    pub(crate) fn of(uri: Uri) -> Self {
        Self::new(String::new(), uri)
    }

    fn new(text: String, uri: Uri) -> Self {
        let authority = uri.authority().map_or("", http::uri::Authority::as_str);
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let path = uri.path_and_query().cloned();
        let below = path.as_ref().map_or("/", http::uri::PathAndQuery::as_str);
        Self {
            shown: format!("{}://{host}{below}", uri.scheme_str().unwrap_or("http")),
            host: HeaderValue::from_str(host).ok(),
            origin: Origin::of(&uri).map(Rc::new),
            relative: path.map_or_else(|| Uri::from_static("/"), Uri::from),
            text,
            uri,
        }
    }

    /// The server; refuses a URL without one.
    pub(crate) fn origin(&self) -> Result<&Rc<Origin>, Failure> {
        self.origin.as_ref().map_err(Clone::clone)
    }

    /// Name of the server.
    pub(crate) fn host_name(&self) -> &str {
        self.uri.host().unwrap_or_default()
    }
}

/// The last URL of each place in the profile, for most of them stay the same.
#[derive(Debug, Default)]
pub(crate) struct Targets {
    last: RefCell<Vec<Option<Rc<Target>>>>,
}

impl Targets {
    /// The URL of a place, taken apart.
    pub(crate) fn at(&self, site: u16, text: String) -> Result<Rc<Target>, Failure> {
        let mut last = self.last.borrow_mut();
        let site = usize::from(site);
        if last.len() <= site {
            last.resize(site + 1, None);
        }
        match &last[site] {
            Some(target) if target.text == text => Ok(Rc::clone(target)),
            _ => {
                let target = Rc::new(Target::parse(text)?);
                last[site] = Some(Rc::clone(&target));
                Ok(target)
            }
        }
    }
}
