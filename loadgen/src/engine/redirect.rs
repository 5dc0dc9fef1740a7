//! Where a redirection leads, and what is sent there.

use std::rc::Rc;
use std::sync::Arc;

use super::failure::Failure;
use super::message::Message;
use super::shared::Shared;
use super::target::Target;
use crate::measure::class::Class;
use crate::profile::Style;

/// Turns a message into the one that a redirection asks for.
pub(super) fn redirect(
    shared: &Arc<Shared>,
    style: Style,
    message: &mut Message,
    status: u16,
    location: &str,
) -> Result<(), Failure> {
    let uri = resolve(&message.target.uri, location)
        .ok_or_else(|| Failure::new(Class::InvalidUrl, format!("redirected to {location:?}")))?;
    let target = Target::of(uri);
    let origin = target.origin()?;
    if !shared.manners.redirect_anywhere && !shared.manners.allows(&origin.host, origin.port) {
        let host = format!("redirected to {}:{}, which is not among the hosts allowed", origin.host, origin.port);
        return Err(Failure::new(Class::HostNotAllowed, host));
    }
    // Artillery's client keeps the method but after a 303; others go on with GET, as browsers do.
    let keeps = status == 307 || status == 308 || (style == Style::Artillery && status != 303);
    if !keeps && message.method != http::Method::HEAD {
        message.method = http::Method::GET;
        message.body = bytes::Bytes::new();
        message.headers.remove("content-length");
        message.headers.remove("content-type");
    }
    message.headers.remove("cookie");
    if target.uri.authority() != message.target.uri.authority() {
        message.headers.remove("authorization");
        message.headers.remove("host");
    }
    message.target = Rc::new(target);
    Ok(())
}

/// The URL of a `Location` header.
fn resolve(base: &http::Uri, location: &str) -> Option<http::Uri> {
    let location = location.split('#').next().unwrap_or_default();
    let scheme = base.scheme_str()?;
    let authority = base.authority()?.as_str();
    let text = if location.contains("://") {
        location.to_owned()
    } else if let Some(rest) = location.strip_prefix("//") {
        format!("{scheme}://{rest}")
    } else if location.starts_with('/') {
        format!("{scheme}://{authority}{location}")
    } else if location.starts_with('?') {
        format!("{scheme}://{authority}{}{location}", base.path())
    } else {
        let folder = base.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut segments: Vec<&str> = folder.split('/').filter(|segment| !segment.is_empty()).collect();
        let mut rest = location;
        while let Some(after) = rest.strip_prefix("./").or_else(|| rest.strip_prefix("../")) {
            if rest.starts_with("..") {
                segments.pop();
            }
            rest = after;
        }
        segments.push(rest);
        format!("{scheme}://{authority}/{}", segments.join("/"))
    };
    text.parse().ok()
}
