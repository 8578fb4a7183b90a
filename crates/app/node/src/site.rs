//! The site over HTTP: the built page, `/bootstrap.json` and `/corpus`.
//!
//! Files are served as they lie in the site's folder, in their brotli form (`NAME.br` beside `NAME`) to whoever takes
//! it; names with a digest in them may be kept for ever, everything else is asked for again. Every response carries a
//! Content-Security-Policy that allows scripts of this origin and WebAssembly, and nothing inline but the scripts that
//! the served document itself contains, by their digest.
//!
//! Whoever reaches the port may read all of it and change nothing: there are no cookies, no writes, and paths do not
//! leave the folder (`tower_http::services::ServeDir`). Pages of other origins read the texts ([`crate::origin`]) and the
//! lab, not the files. How often a client asks is bounded ([`crate::limit`]), by what the answer costs ([`cost`]).

use crate::{corpus::Corpus, origin};
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use commonware_cryptography::{Hasher, Sha256};
use std::{
    io,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::Arc,
};
use thiserror::Error;
use tower_http::{CompressionLevel, compression::CompressionLayer, services::ServeDir};

/// Makes `/bootstrap.json` for a browser that reached this machine under the given name; `None` while there is none.
pub type Bootstrap = Box<dyn Fn(Option<&str>) -> Option<String> + Send + Sync>;

/// What the site is made of.
pub struct Site {
    /// Folder of the built page.
    pub folder: PathBuf,
    /// The text that tabs learn.
    pub corpus: Corpus,
    /// What a tab starts from.
    pub bootstrap: Bootstrap,
}

/// Checks that a built page lies in `folder`.
pub fn check(folder: &Path) -> Result<(), Error> {
    match folder.join("index.html").is_file() {
        true => Ok(()),
        false => Err(Error::NotBuilt { folder: folder.into() }),
    }
}

/// Takes the port of the page; `option` is what to change if another program has it.
pub fn bind(address: SocketAddr, option: &'static str) -> Result<TcpListener, Error> {
    let listener = TcpListener::bind(address).and_then(|listener| listener.set_nonblocking(true).map(|()| listener));
    listener.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => Error::PortTaken { address, option },
        _ => Error::NoPort { address, source },
    })
}

/// The routes of the site.
pub fn router(site: Site) -> Router {
    let tag = format!("\"{}\"", ledger::text::hex(&Sha256::hash(&[&site.corpus.text])));
    let site = Arc::new(Served { tag: HeaderValue::try_from(tag).ok(), site });
    let files = ServeDir::new(&site.site.folder).precompressed_br();
    let texts = Router::new().route("/bootstrap.json", get(bootstrap)).route("/corpus", get(corpus));
    texts
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .layer(origin::layer())
        .fallback_service(files)
        .layer(middleware::from_fn_with_state(site.clone(), headers))
        .with_state(site)
}

/// What an answer costs, in files: the texts are made or compressed anew for everyone.
pub fn cost(path: &str) -> u32 {
    if matches!(path, "/bootstrap.json" | "/corpus") { TEXT } else { 1 }
}

/// What a text costs.
const TEXT: u32 = 10;

/// Why the site cannot be served.
#[derive(Debug, Error)]
pub enum Error {
    /// No page in the folder.
    #[error("the site is not built: {} holds no index.html; run `cargo xtask build`, or name the folder with --site",
            folder.display())]
    NotBuilt {
        /// The folder.
        folder: PathBuf,
    },
    /// Another program listens there.
    #[error("port {} of {} is taken: stop the program that has it, or choose another with {option}",
            address.port(), address.ip())]
    PortTaken {
        /// Address wanted.
        address: SocketAddr,
        /// Option that chooses it.
        option: &'static str,
    },
    /// The system refuses.
    #[error("cannot listen on {address}: {source}")]
    NoPort {
        /// Address wanted.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

struct Served {
    site: Site,
    tag: Option<HeaderValue>,
}

/// `/bootstrap.json`, made anew each time: its checkpoint moves.
async fn bootstrap(State(served): State<Arc<Served>>, headers: HeaderMap) -> Response {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    match (served.site.bootstrap)(host) {
        Some(text) => ([(header::CONTENT_TYPE, "application/json")], text).into_response(),
        None => (StatusCode::SERVICE_UNAVAILABLE, "the node is starting: ask again in a second").into_response(),
    }
}

/// `/corpus`, the whole text.
async fn corpus(State(served): State<Arc<Served>>, headers: HeaderMap) -> Response {
    let known = headers.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    let tag = served.tag.clone();
    let fresh =
        tag.as_ref().and_then(|tag| tag.to_str().ok()).is_some_and(|tag| known.is_some_and(|k| k.contains(tag)));
    let mut response = match fresh {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => Body::from(served.site.corpus.text.clone()).into_response(),
    };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if let Some(tag) = tag {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// Sets what every response carries.
async fn headers(State(served): State<Arc<Served>>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    let found = response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED;
    let html =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let inline = if html { inline_scripts(&served.site.folder, &path).await } else { String::new() };
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set(header::CONTENT_SECURITY_POLICY, &POLICY.replace("{inline}", &inline));
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    // The lab is for other people's pages, too; it knows nothing of this node.
    let lab = path.starts_with("/lab/");
    set(HeaderName::from_static("cross-origin-resource-policy"), if lab { "cross-origin" } else { "same-origin" });
    if lab {
        set(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    }
    set(
        header::CACHE_CONTROL,
        if path == "/bootstrap.json" {
            "no-store"
        } else if found && is_hashed(&path) {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        },
    );
    response
}

/// The policy; `{inline}` stands for the digests of the document's own scripts. Websockets go to any relay: which ones
/// is known only when the tab runs.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'{inline}; worker-src 'self'; \
    style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self' ws: wss:; manifest-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

/// Whether a name holds the digest of its content, so that it never changes: 8 or more hexadecimal digits after a dash.
fn is_hashed(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.split(['-', '_', '.']).skip(1).any(|part| {
        let digits = part.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        part.len() >= 8 && digits && part.bytes().any(|byte| byte.is_ascii_digit())
    })
}

/// The digests of the inline scripts of the document served at `path`, as sources of the policy.
async fn inline_scripts(folder: &Path, path: &str) -> String {
    let name = match path.trim_start_matches('/') {
        "" => "index.html",
        name if name.contains(['/', '\\', '%']) || name.starts_with('.') => return String::new(),
        name => name,
    };
    let document = tokio::fs::read_to_string(folder.join(name)).await.unwrap_or_default();
    let mut sources = String::new();
    let mut rest = document.as_str();
    while let Some((_, after)) = rest.split_once("<script") {
        let Some((attributes, after)) = after.split_once('>') else { break };
        let Some((script, after)) = after.split_once("</script>") else { break };
        if !attributes.split_whitespace().any(|attribute| attribute.starts_with("src=")) && !script.is_empty() {
            sources += &format!(" 'sha256-{}'", STANDARD.encode(Sha256::hash(&[script.as_bytes()])));
        }
        rest = after;
    }
    sources
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use tower::ServiceExt;

    fn site(folder: &Path) -> Router {
        fs::write(folder.join("index.html"), "<!doctype html><script src=\"a.js\"></script><script>go()</script>")
            .unwrap();
        fs::write(folder.join("page-0123456789abcdef_bg.wasm"), "plain").unwrap();
        fs::write(folder.join("page-0123456789abcdef_bg.wasm.br"), "brotli").unwrap();
        fs::write(folder.join("main.js"), "go()").unwrap();
        let corpus = Corpus { name: "text".into(), text: "to be or not to be ".repeat(1_000).into() };
        let bootstrap = |host: Option<&str>| host.map(|host| format!("{{\"host\":\"{host}\"}}"));
        router(Site { folder: folder.into(), corpus, bootstrap: Box::new(bootstrap) })
    }

    async fn fetch(router: &Router, path: &str, ask: &[(HeaderName, &str)]) -> (StatusCode, HeaderMap, Vec<u8>) {
        let mut request = Request::builder().uri(path);
        for (name, value) in ask {
            request = request.header(name, *value);
        }
        let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        (parts.status, parts.headers, axum::body::to_bytes(body, 1 << 20).await.unwrap().to_vec())
    }

    #[tokio::test]
    async fn brotli_is_served_to_whoever_takes_it_with_the_type_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let router = site(folder.path());
        let path = "/page-0123456789abcdef_bg.wasm";
        let (status, headers, body) = fetch(&router, path, &[(header::ACCEPT_ENCODING, "gzip, br")]).await;
        assert_eq!((status, body.as_slice()), (StatusCode::OK, &b"brotli"[..]));
        assert_eq!(headers[header::CONTENT_ENCODING], "br");
        assert_eq!(headers[header::CONTENT_TYPE], "application/wasm");
        assert_eq!(headers[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
        let (_, headers, body) = fetch(&router, path, &[]).await;
        assert_eq!(body, b"plain");
        assert!(!headers.contains_key(header::CONTENT_ENCODING));
    }

    #[tokio::test]
    async fn the_policy_allows_the_documents_own_scripts_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        let router = site(folder.path());
        for path in ["/", "/index.html"] {
            let (status, headers, _) = fetch(&router, path, &[]).await;
            let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
            let digest = STANDARD.encode(Sha256::hash(&[b"go()"]));
            assert_eq!(status, StatusCode::OK);
            assert!(policy.contains(&format!("script-src 'self' 'wasm-unsafe-eval' 'sha256-{digest}';")), "{policy}");
            assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"), "{policy}");
            assert_eq!(headers[header::CACHE_CONTROL], "no-cache");
            assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        }
        let (_, headers, _) = fetch(&router, "/main.js", &[]).await;
        assert_eq!(headers[header::CONTENT_TYPE], "text/javascript");
        assert!(!headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("sha256"));
    }

    #[tokio::test]
    async fn other_pages_may_load_the_lab_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let router = site(folder.path());
        fs::create_dir(folder.path().join("lab")).unwrap();
        fs::write(folder.path().join("lab/lab.js"), "go()").unwrap();
        fs::write(folder.path().join("lab/index.html"), "<p>").unwrap();
        let (status, headers, _) = fetch(&router, "/lab/lab.js", &[]).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        assert_eq!(headers["cross-origin-resource-policy"], "cross-origin");
        let (status, _, body) = fetch(&router, "/lab/", &[]).await;
        assert_eq!((status, body.as_slice()), (StatusCode::OK, &b"<p>"[..]));
        for path in ["/main.js", "/bootstrap.json", "/corpus"] {
            let (_, headers, _) = fetch(&router, path, &[]).await;
            assert!(!headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN), "{path}");
            assert_eq!(headers["cross-origin-resource-policy"], "same-origin", "{path}");
        }
    }

    #[tokio::test]
    async fn pages_of_other_origins_read_the_texts_and_not_the_files() {
        let folder = tempfile::tempdir().unwrap();
        let router = site(folder.path());
        let page = [(header::HOST, "node.example"), (header::ORIGIN, "https://page.example")];
        for path in ["/bootstrap.json", "/corpus"] {
            let (status, headers, _) = fetch(&router, path, &page).await;
            assert_eq!(status, StatusCode::OK, "{path}");
            assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "https://page.example", "{path}");
        }
        let (_, headers, _) = fetch(&router, "/corpus", &[(header::HOST, "localhost"), page[1].clone()]).await;
        assert!(!headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN), "a text of a person's own machine");
        for path in ["/", "/main.js", "/page-0123456789abcdef_bg.wasm"] {
            let (_, headers, _) = fetch(&router, path, &page).await;
            assert!(!headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN), "{path}");
        }
    }

    #[tokio::test]
    async fn what_is_not_there_and_what_lies_outside_is_not_found() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("secret"), "secret").unwrap();
        let inner = folder.path().join("site");
        fs::create_dir(&inner).unwrap();
        let router = site(&inner);
        for path in ["/nothing-0123456789abcdef.js", "/../secret", "/%2e%2e/secret", "/..%2fsecret"] {
            let (status, headers, body) = fetch(&router, path, &[]).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
            assert_ne!(body, b"secret");
            assert_eq!(headers[header::CACHE_CONTROL], "no-cache");
        }
    }

    #[tokio::test]
    async fn the_corpus_is_whole_compressed_and_known_again() {
        let folder = tempfile::tempdir().unwrap();
        let router = site(folder.path());
        let (status, headers, body) = fetch(&router, "/corpus", &[]).await;
        assert_eq!((status, body.len()), (StatusCode::OK, 19_000));
        assert_eq!(headers[header::CONTENT_TYPE], "text/plain; charset=utf-8");
        let tag = headers[header::ETAG].to_str().unwrap().to_owned();
        let (status, _, body) = fetch(&router, "/corpus", &[(header::IF_NONE_MATCH, &tag)]).await;
        assert_eq!((status, body.len()), (StatusCode::NOT_MODIFIED, 0));
        let (_, headers, body) = fetch(&router, "/corpus", &[(header::ACCEPT_ENCODING, "br")]).await;
        assert_eq!(headers[header::CONTENT_ENCODING], "br");
        assert!(body.len() < 1_000, "{} bytes", body.len());
    }

    #[tokio::test]
    async fn the_bootstrap_is_made_for_each_browser_and_never_kept() {
        let folder = tempfile::tempdir().unwrap();
        let router = site(folder.path());
        let (status, headers, body) = fetch(&router, "/bootstrap.json", &[(header::HOST, "here:8080")]).await;
        assert_eq!((status, body.as_slice()), (StatusCode::OK, &b"{\"host\":\"here:8080\"}"[..]));
        assert_eq!(headers[header::CACHE_CONTROL], "no-store");
        assert_eq!(headers[header::CONTENT_TYPE], "application/json");
        let (status, _, body) = fetch(&router, "/bootstrap.json", &[]).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(String::from_utf8_lossy(&body).contains("ask again"));
    }

    #[test]
    fn names_with_a_digest_are_told_from_words() {
        for name in ["/page-0123456789abcdef.js", "/a/page-0123456789abcdef_bg.wasm", "/style-d21d8ee9.css"] {
            assert!(is_hashed(name), "{name}");
        }
        for name in
            ["/main.js", "/style-effaced0ff.css.txt/x.js", "/0123456789abcdef.js", "/page-facedeface.js", "/a-2026.js"]
        {
            assert!(!is_hashed(name), "{name}");
        }
    }

    #[test]
    fn a_taken_port_and_a_missing_site_are_named_with_what_to_do() {
        let first = bind(([127, 0, 0, 1], 0).into(), "--port").unwrap();
        let error = bind(first.local_addr().unwrap(), "--port").unwrap_err();
        assert!(matches!(error, Error::PortTaken { .. }) && error.to_string().contains("--port"), "{error}");
        let error = bind(([192, 0, 2, 1], 0).into(), "--port").unwrap_err();
        assert!(matches!(error, Error::NoPort { .. }), "{error}");
        let error = check(Path::new("/nowhere")).unwrap_err();
        assert!(error.to_string().contains("cargo xtask build"), "{error}");
    }
}
