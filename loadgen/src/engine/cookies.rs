//! Cookies of one virtual user (RFC 6265, without persistence and public suffixes).

use std::time::{Duration, Instant};

/// Cookies that one virtual user holds.
#[derive(Debug, Default)]
pub(crate) struct Cookies {
    kept: Vec<Cookie>,
}

#[derive(Debug)]
struct Cookie {
    name: String,
    value: String,
    domain: String,
    /// Whether hosts below the domain get it too.
    below: bool,
    path: String,
    secure: bool,
    until: Option<Instant>,
}

/// Cookies of one user at most.
const MAX_COOKIES: usize = 200;

impl Cookies {
    /// Takes a `Set-Cookie` header of a response.
    pub(crate) fn store(&mut self, header: &str, host: &str, path: &str) {
        let mut pieces = header.split(';');
        let Some((name, value)) = pieces.next().and_then(|pair| pair.split_once('=')) else { return };
        let mut cookie = Cookie {
            name: name.trim().to_owned(),
            value: value.trim().to_owned(),
            domain: host.to_ascii_lowercase(),
            below: false,
            path: default_path(path).to_owned(),
            secure: false,
            until: None,
        };
        let mut expired = false;
        for piece in pieces {
            let (key, value) = piece.split_once('=').unwrap_or((piece, ""));
            let value = value.trim();
            match key.trim().to_ascii_lowercase().as_str() {
                "path" if value.starts_with('/') => value.clone_into(&mut cookie.path),
                "secure" => cookie.secure = true,
                "max-age" => match value.parse::<i64>() {
                    Ok(seconds) if seconds <= 0 => expired = true,
                    Ok(seconds) => {
                        cookie.until = Instant::now().checked_add(Duration::from_secs(seconds.unsigned_abs()));
                    }
                    Err(_) => {}
                },
                // The usual way to delete a cookie; later dates outlast any load.
                "expires" if value.contains("1970") => expired = true,
                "domain" => {
                    let domain = value.trim_start_matches('.').to_ascii_lowercase();
                    if !domain.is_empty() {
                        if !is_below(&cookie.domain, &domain) {
                            return;
                        }
                        cookie.domain = domain;
                        cookie.below = true;
                    }
                }
                _ => {}
            }
        }
        self.kept.retain(|old| old.name != cookie.name || old.domain != cookie.domain || old.path != cookie.path);
        if !expired && !cookie.name.is_empty() && self.kept.len() < MAX_COOKIES {
            self.kept.push(cookie);
        }
    }

    /// The `Cookie` header of a request; `None` where no cookie fits.
    pub(crate) fn header(&self, host: &str, path: &str, secure: bool) -> Option<String> {
        if self.kept.is_empty() {
            return None;
        }
        let host = host.to_ascii_lowercase();
        let mut fitting: Vec<&Cookie> = self
            .kept
            .iter()
            .filter(|cookie| if cookie.below { is_below(&host, &cookie.domain) } else { host == cookie.domain })
            .filter(|cookie| path_fits(path, &cookie.path) && (secure || !cookie.secure))
            .filter(|cookie| cookie.until.is_none_or(|until| until > Instant::now()))
            .collect();
        fitting.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let pairs: Vec<String> = fitting.iter().map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.kept.clear();
    }
}

fn default_path(path: &str) -> &str {
    match path.rfind('/') {
        Some(0) | None => "/",
        Some(end) => &path[..end],
    }
}

fn is_below(host: &str, domain: &str) -> bool {
    host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

fn path_fits(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || prefix.ends_with('/') || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_go_to_their_host_and_path() {
        let mut cookies = Cookies::default();
        cookies.store("id=1; Path=/; HttpOnly", "shop.example", "/login");
        cookies.store("deep=2", "shop.example", "/cart/items");
        cookies.store("other=3; Domain=example", "evil.test", "/");
        assert_eq!(cookies.header("shop.example", "/cart/x", false).as_deref(), Some("deep=2; id=1"));
        assert_eq!(cookies.header("shop.example", "/cartoon", false).as_deref(), Some("id=1"));
        assert_eq!(cookies.header("other.example", "/", false), None);
        cookies.store("id=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/", "shop.example", "/");
        assert_eq!(cookies.header("shop.example", "/", false), None);
    }

    #[test]
    fn secure_and_expired_cookies_stay_home() {
        let mut cookies = Cookies::default();
        cookies.store("s=1; Secure", "a.test", "/");
        cookies.store("e=1; Max-Age=0", "a.test", "/");
        assert_eq!(cookies.header("a.test", "/", false), None);
        assert_eq!(cookies.header("a.test", "/", true).as_deref(), Some("s=1"));
    }
}
