//! Who is answered: whoever has the token, from a page of this server, under a name of this server.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderName, HeaderValue, ORIGIN, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Site;

/// What the gate knows.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    pub(super) site: Arc<Site>,
    pub(super) address: SocketAddr,
}

/// Refuses what is not asked by the reader: another host name (DNS rebinding), another origin, another method, a wrong
/// token. The token is looked at last and its answer is that of any address that does not exist.
pub(super) async fn check(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let refused = |status: StatusCode, reason: &'static str| harden((status, reason).into_response());
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return refused(StatusCode::METHOD_NOT_ALLOWED, "read only");
    }
    if !is_own_host(request.headers(), gate.address) {
        return refused(StatusCode::MISDIRECTED_REQUEST, "unknown host");
    }
    if !is_own_origin(request.headers()) {
        return refused(StatusCode::FORBIDDEN, "asked from another origin");
    }
    let given = request.uri().path().split('/').nth(1).unwrap_or_default();
    if !same(given.as_bytes(), gate.site.token.as_bytes()) {
        return refused(StatusCode::NOT_FOUND, "not found");
    }
    harden(next.run(request).await)
}

/// Whether the request names this server: its address, or `localhost` with its port where it is a loopback one.
fn is_own_host(headers: &HeaderMap, address: SocketAddr) -> bool {
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else { return false };
    let port = address.port();
    let local = [format!("localhost:{port}"), format!("127.0.0.1:{port}"), format!("[::1]:{port}")];
    if address.ip().is_loopback() {
        return local.iter().any(|own| own == host);
    }
    // Bound to all interfaces, the address asked for is any literal address: a name could be rebound, an address cannot.
    let literal = host.parse::<SocketAddr>().is_ok_and(|asked| asked.port() == port);
    local.iter().any(|own| own == host) || host == address.to_string() || (address.ip().is_unspecified() && literal)
}

/// Whether a browser that says where a request comes from says: from here, or from the reader.
fn is_own_origin(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    let host = text(HOST).unwrap_or_default();
    let origin = text(ORIGIN).is_none_or(|origin| origin == format!("http://{host}"));
    let site =
        text(HeaderName::from_static("sec-fetch-site")).is_none_or(|site| matches!(site, "same-origin" | "none"));
    origin && site
}

/// Compares without telling by its time where two texts differ.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

/// Headers that every answer has.
fn harden(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let policy = format!("{}; frame-ancestors 'none'", faaslens_report::page::policy(true));
    let fixed = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a header"))
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn names_that_could_be_rebound_are_foreign() {
        let own: SocketAddr = "127.0.0.1:8080".parse().expect("an address");
        let asked = |host: &str| is_own_host(&headers(&[("host", host)]), own);
        assert!(asked("127.0.0.1:8080") && asked("localhost:8080"));
        for foreign in
            ["evil.example:8080", "localhost", "127.0.0.1:80", "localhost.evil.example:8080", "", "192.168.1.1:8080"]
        {
            assert!(!asked(foreign), "{foreign}");
        }
        assert!(!is_own_host(&HeaderMap::new(), own));
        let all: SocketAddr = "0.0.0.0:8080".parse().expect("an address");
        assert!(is_own_host(&headers(&[("host", "192.168.1.1:8080")]), all));
        assert!(!is_own_host(&headers(&[("host", "evil.example:8080")]), all));
    }

    #[test]
    fn other_origins_are_foreign() {
        let host = ("host", "localhost:1");
        assert!(is_own_origin(&headers(&[host])));
        assert!(is_own_origin(&headers(&[host, ("origin", "http://localhost:1"), ("sec-fetch-site", "same-origin")])));
        for origin in ["null", "http://localhost:2", "https://localhost:1", "http://evil.example"] {
            assert!(!is_own_origin(&headers(&[host, ("origin", origin)])), "{origin}");
        }
        for site in ["cross-site", "same-site"] {
            assert!(!is_own_origin(&headers(&[host, ("sec-fetch-site", site)])), "{site}");
        }
    }

    #[test]
    fn only_the_whole_token_is_the_token() {
        assert!(same(b"abc", b"abc"));
        for other in ["", "ab", "abd", "abcd"] {
            assert!(!same(other.as_bytes(), b"abc"));
        }
    }
}
