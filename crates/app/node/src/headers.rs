//! What every answer of this program carries over HTTP, whatever it is: a document, an answer of the API, a figure, an error.
//!
//! A browser that shows an answer by itself runs nothing of it, guesses no type, puts it into no frame and no page of
//! another origin, tells nobody where it was, and gives it no camera, no place and no other device. What needs more says so
//! itself and is left alone: documents their policy ([`crate::site`]), the lab that other pages may load it. The microphone
//! and the screen's wake lock are asked for by pages of this origin only, when a person presses a button.
//!
//! `Cross-Origin-Embedder-Policy` is not set: no document loads anything of another origin, and none needs to be isolated.

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, header},
    middleware::{self, Next},
    response::Response,
};

/// Puts them on whatever `router` answers; `secure`: it is asked over TLS.
pub fn on_all(router: Router, secure: bool) -> Router {
    router.layer(middleware::from_fn_with_state(secure, set))
}

async fn set(State(secure): State<bool>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if secure {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(SECURE));
    }
    response
}

/// The headers.
const ALWAYS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), PERMISSIONS),
];

/// What pages may ask a person for.
const PERMISSIONS: &str = "accelerometer=(), autoplay=(), bluetooth=(), camera=(), display-capture=(), \
    encrypted-media=(), geolocation=(), gyroscope=(), hid=(), magnetometer=(), microphone=(self), midi=(), payment=(), \
    publickey-credentials-get=(), screen-wake-lock=(self), serial=(), usb=(), xr-spatial-tracking=()";

/// For thirty days a browser asks this name over TLS alone: a promise that can be taken back within a month.
const SECURE: &str = "max-age=2592000";

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{
        body::Body,
        http::{HeaderMap, StatusCode},
        routing::{get, post},
    };
    use tower::ServiceExt;

    async fn ask(router: &Router, path: &str) -> (StatusCode, HeaderMap) {
        let response = router.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
        (response.status(), response.headers().clone())
    }

    #[tokio::test]
    async fn answers_and_errors_carry_them_and_what_says_otherwise_is_left_alone() {
        let own = || async { ([(header::CONTENT_SECURITY_POLICY, "default-src 'self'")], "<p>") };
        let router = Router::new()
            .route("/own", get(own))
            .route("/plain", get(|| async { "plain" }))
            .route("/post", post(|| async { "" }))
            .route("/broken", get(|| async { StatusCode::INTERNAL_SERVER_ERROR }));
        let router = on_all(router, true);
        let wanted = [("/own", StatusCode::OK), ("/plain", StatusCode::OK), ("/post", StatusCode::METHOD_NOT_ALLOWED)];
        let faults = [("/broken", StatusCode::INTERNAL_SERVER_ERROR), ("/nothing", StatusCode::NOT_FOUND)];
        for (path, status) in wanted.into_iter().chain(faults) {
            let (found, headers) = ask(&router, path).await;
            assert_eq!(found, status, "{path}");
            for (name, _) in ALWAYS {
                assert_eq!(headers.get_all(&name).iter().count(), 1, "{path} and {name}");
            }
            assert_eq!(headers[header::STRICT_TRANSPORT_SECURITY], SECURE);
            let own = headers[header::CONTENT_SECURITY_POLICY] == "default-src 'self'";
            assert_eq!(own, path == "/own", "{path}");
        }
        assert!(!ask(&on_all(Router::new(), false), "/").await.1.contains_key(header::STRICT_TRANSPORT_SECURITY));
    }
}
