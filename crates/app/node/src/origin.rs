//! Which pages of other origins may read what a node says: its bootstrap, its corpus and its API (the Fetch standard's CORS protocol).
//!
//! Whoever reaches the port may read all of that, and no request carries a cookie or another credential, so a node that is
//! asked by a name on the network lets every page read. One that is asked as this machine itself, by `localhost` or a
//! loopback address, lets pages of this machine read and no others: else every page that a person opens could read what
//! runs on their machine, such as a text of theirs that a development network learns.
//!
//! This guards readers of answers. It does not keep anyone from sending what a form could send, which changes nothing: a
//! transaction counts by its signature. A browser that is made to believe that a hostile name is this machine (DNS
//! rebinding) asks by that name and as a page of it, for which no rule of origins helps: what listens on this machine alone
//! answers nobody who asks for another ([`here_alone`]). Over TLS such a name meets no certificate, and behind a proxy the
//! name is the proxy's matter.

use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, Method, StatusCode, header, request::Parts, uri::Authority},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use std::{net::IpAddr, time::Duration};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// Lets pages read answers, and ask with a content type; put it outside of what refuses, so that refusals can be read too.
pub fn layer() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(may_read))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::CONTENT_TYPE])
        .expose_headers([header::RETRY_AFTER])
        .max_age(KNOWN)
}

/// Answers those alone who ask for this machine by a name of it.
pub fn here_alone(router: Router) -> Router {
    router.layer(middleware::from_fn(turn_strangers_away))
}

async fn turn_strangers_away(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    match host {
        Some(host) if !is_here(host) => (StatusCode::MISDIRECTED_REQUEST, STRANGER).into_response(),
        _ => next.run(request).await,
    }
}

/// To who asks for another machine.
const STRANGER: &str = "This node is for the machine that it runs on, and was asked for by another name: open it as     localhost, or tell it with --behind-proxy or --tls-name what is in front of it.\n";

/// Whether a page of `origin` may read the answer to `asked`.
fn may_read(origin: &HeaderValue, asked: &Parts) -> bool {
    let host = asked.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let outside = host.is_some_and(|host| !is_here(host));
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    outside || origin.is_some_and(|(_, host)| is_here(host))
}

/// Whether a name, with or without a port, is of the machine that uses it. What is no name is taken for one, since nothing is
/// known of it.
fn is_here(name: &str) -> bool {
    let Ok(authority) = name.parse::<Authority>() else { return true };
    let host = authority.host().trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
    match host.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback() || address.is_unspecified(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

/// How long a browser may remember that it may ask.
const KNOWN: Duration = Duration::from_secs(3_600);

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{
        body::Body,
        http::HeaderMap,
        routing::{get, post},
    };
    use tower::ServiceExt;

    async fn ask(method: Method, host: &str, origin: Option<&str>) -> (StatusCode, HeaderMap) {
        let refused = || async { (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "1")]).into_response() };
        let router: Router =
            Router::new().route("/", get(refused)).route("/query", post(|| async { "reply" })).layer(layer());
        let path = if method == Method::GET { "/" } else { "/query" };
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, host);
        if let Some(origin) = origin {
            request = request
                .header(header::ORIGIN, origin)
                .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
                .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "content-type");
        }
        let response: Response = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        (response.status(), response.headers().clone())
    }

    #[tokio::test]
    async fn pages_of_any_origin_read_what_a_node_on_the_network_says_and_its_refusals() {
        for origin in ["https://page.example", "http://localhost:5173", "null"] {
            let (status, headers) = ask(Method::GET, "node.example", Some(origin)).await;
            assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
            assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], origin);
            assert_eq!(headers[header::ACCESS_CONTROL_EXPOSE_HEADERS], "retry-after");
            assert!(headers.get_all(header::VARY).iter().any(|vary| vary.to_str().unwrap().contains("origin")));
            assert!(!headers.contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS), "no cookies, ever");
        }
        let (_, headers) = ask(Method::GET, "node.example", None).await;
        assert!(!headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN), "who is no page is told nothing");
    }

    #[tokio::test]
    async fn what_runs_on_a_persons_own_machine_is_read_by_pages_of_that_machine_only() {
        for host in ["127.0.0.1:80", "LOCALHOST.:80", "a.localhost", "[::1]:80", "0.0.0.0", "[::ffff:127.0.0.1]"] {
            for origin in ["https://page.example", "http://192.0.2.1", "null", "http://localhost.page.example"] {
                let (_, headers) = ask(Method::GET, host, Some(origin)).await;
                assert!(!headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN), "{host} lets {origin} read");
            }
            for origin in ["http://127.0.0.1:5173", "http://localhost:5173", "http://[::1]"] {
                let (_, headers) = ask(Method::GET, host, Some(origin)).await;
                assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], origin, "{host}");
            }
        }
    }

    #[tokio::test]
    async fn what_is_for_this_machine_alone_answers_nobody_who_asks_for_another() {
        let router = here_alone(Router::new().route("/", get(|| async { "here" })));
        for (host, status) in [
            ("localhost:8080", StatusCode::OK),
            ("127.0.0.1", StatusCode::OK),
            ("[::1]:1", StatusCode::OK),
            ("rebound.example:8080", StatusCode::MISDIRECTED_REQUEST),
            ("localhost.rebound.example", StatusCode::MISDIRECTED_REQUEST),
            ("192.0.2.1", StatusCode::MISDIRECTED_REQUEST),
        ] {
            let request = Request::get("/").header(header::HOST, host).body(Body::empty()).unwrap();
            assert_eq!(router.clone().oneshot(request).await.unwrap().status(), status, "{host}");
        }
    }

    #[tokio::test]
    async fn a_browser_that_asks_whether_it_may_ask_is_answered_and_nothing_else_is_run() {
        let (status, headers) = ask(Method::OPTIONS, "node.example", Some("https://page.example")).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_METHODS], "GET,POST");
        assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_HEADERS], "content-type");
        assert_eq!(headers[header::ACCESS_CONTROL_MAX_AGE], "3600");
        let (_, headers) = ask(Method::OPTIONS, "localhost", Some("https://page.example")).await;
        assert!(!headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
    }
}
