//! The routes over a validator that makes blocks: what they answer, that their description is true, and what they refuse.

use super::*;
use axum::{
    body::{Body, Bytes},
    extract::ConnectInfo,
    http::{HeaderMap, Method},
};
use commonware_codec::Encode;
use commonware_cryptography::Signer;
use consensus::{Config, Folder, Place, Runner, Validator};
use ledger::{Action, Amount, Nonce, Parameters, PrivateKey, Transaction, table::verify_leaf};
use serde_json::Value;
use std::net::SocketAddr;
use tower::ServiceExt;

/// The example chain with blocks fast enough for a test.
fn genesis() -> Genesis {
    let parameters = Parameters { block_time: 40, unbonding: 90_000, ..Parameters::dev() };
    Genesis { parameters, ..Genesis::example() }
}

/// The routes, and what they stand on.
struct Node {
    router: Router,
    ledger: LedgerHandle,
    metrics: Arc<Metrics>,
}

/// Runs `body` beside a validator that has made two blocks.
fn run(clients: Clients, body: impl AsyncFnOnce(Node)) {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::open(place.path()).unwrap();
    folder.runner().start(async |context| {
        let key = PrivateKey::from_seed(0);
        let config = Config::new(folder.clone(), genesis());
        let place = Place { key, listen: None, address: None, peers: Vec::new() };
        let ledger = Validator::start(context, config, place).await.unwrap();
        reach(&ledger, 2).await;
        let metrics = Arc::new(Metrics::new());
        let router = router(ledger.clone(), genesis(), Arc::new(clients), Arc::clone(&metrics));
        body(Node { router, ledger, metrics }).await;
    });
}

async fn reach(ledger: &LedgerHandle, height: u64) {
    let reached = |head: &Option<Head>| head.as_ref().is_some_and(|head| head.header.height >= Height(height));
    ledger.heads().wait_for(reached).await.unwrap();
}

fn generous() -> Clients {
    Clients::new(1_000, 1_000, &[])
}

impl Node {
    async fn send(&self, request: Request) -> (StatusCode, HeaderMap, Vec<u8>) {
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        (parts.status, parts.headers, axum::body::to_bytes(body, 1 << 22).await.unwrap().to_vec())
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        let (status, headers, body) = self.send(Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!(headers[header::CONTENT_TYPE], "application/json", "{path}");
        assert_eq!(headers[header::CACHE_CONTROL], "no-store", "{path}");
        (status, serde_json::from_slice(&body).unwrap())
    }

    async fn good(&self, path: &str) -> Value {
        let (status, body) = self.get(path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }

    async fn refused(&self, path: &str, status: StatusCode, words: &str) {
        let (found, body) = self.get(path).await;
        assert_eq!(found, status, "{path}: {body}");
        assert!(body["error"].as_str().unwrap().contains(words), "{path}: {body}");
    }

    async fn post(&self, path: &str, kind: &str, body: impl Into<Body>) -> (StatusCode, Bytes) {
        let request = Request::post(path).header(header::CONTENT_TYPE, kind).body(body.into()).unwrap();
        let (status, _, body) = self.send(request).await;
        (status, body.into())
    }

    /// Sends a transaction and gives the answer.
    async fn submit(&self, kind: &str, body: impl Into<Body>) -> (StatusCode, Value) {
        let (status, body) = self.post("/api/transactions", kind, body).await;
        (status, serde_json::from_slice(&body).unwrap())
    }

    fn transfer(&self, nonce: u64, amount: u64) -> Transaction {
        let now = self.ledger.head().unwrap().header.height;
        let action = Action::Transfer { to: PrivateKey::from_seed(9).public_key(), amount: Amount(amount) };
        Transaction::sign(&PrivateKey::from_seed(1), genesis().chain(), Nonce(nonce), now.after(50), action)
    }
}

/// Checks that `value` is what `schema` says: no property more, none less, all of their types.
fn conforms(value: &Value, schema: &Value, document: &Value, at: &str) {
    if let Some(name) = schema["$ref"].as_str() {
        let schema = document.pointer(&name[1..]).unwrap_or_else(|| panic!("{name} is not described"));
        return conforms(value, schema, document, at);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let kind = &value["status"];
        let fits = |choice: &&Value| choice.pointer("/properties/status/enum/0").is_none_or(|name| name == kind);
        assert!(choices.iter().any(|choice| fits(&choice)), "{at}: {value}");
        return;
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(some) => some.iter().filter_map(Value::as_str).collect(),
        _ => return,
    };
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    assert!(types.contains(&found), "{at} is no {types:?}: {value}");
    for one in value.as_array().into_iter().flatten() {
        conforms(one, &schema["items"], document, at);
    }
    let Some(properties) = schema["properties"].as_object() else { return };
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        assert!(value.get(name).is_some(), "{at} lacks {name}: {value}");
    }
    for (name, one) in value.as_object().into_iter().flatten() {
        let schema = properties.get(name).unwrap_or_else(|| panic!("{at}/{name} is not described"));
        conforms(one, schema, document, &format!("{at}/{name}"));
    }
}

#[test]
fn every_route_is_described_and_answers_as_it_is_described() {
    run(generous(), async |node| {
        let document = node.good(DOCUMENT).await;
        assert_eq!(document["openapi"], "3.1.0");
        let faucet = text::encode(&genesis().accounts[0].0);
        let digest = "00".repeat(32);
        let asked = [
            ("/api/head", "/api/head".into()),
            ("/api/headers", "/api/headers?from=1&limit=1".into()),
            ("/api/parameters", "/api/parameters".into()),
            ("/api/neurons", "/api/neurons?limit=1".into()),
            ("/api/neurons/{uid}", "/api/neurons/1".into()),
            ("/api/rows/{uid}", "/api/rows/0".into()),
            ("/api/accounts/{key}", format!("/api/accounts/{faucet}")),
            ("/api/tables/{table}", "/api/tables/weights".into()),
            ("/api/epoch", "/api/epoch".into()),
            ("/api/transactions/{digest}", format!("/api/transactions/{digest}")),
        ];
        for (path, example) in &asked {
            let schema =
                format!("/paths/{}/get/responses/200/content/application~1json/schema", path.replace('/', "~1"));
            let schema = document.pointer(&schema).unwrap_or_else(|| panic!("{path} is not described"));
            conforms(&node.good(example).await, schema, &document, path);
        }
        let described = document["paths"].as_object().unwrap();
        let mut others: Vec<&str> = described.keys().map(String::as_str).collect();
        others.retain(|path| !asked.iter().any(|(known, _)| known == path));
        assert_eq!(others, ["/api/history/{epoch}", "/api/query", "/api/transactions"]);
        for (path, methods) in described {
            for method in methods.as_object().unwrap().keys() {
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
                let request = Request::builder().method(method).uri(path.replace(['{', '}'], "")).body(Body::empty());
                let (status, _, body) = node.send(request.unwrap()).await;
                let body = String::from_utf8_lossy(&body);
                assert!(status != StatusCode::METHOD_NOT_ALLOWED && !body.contains("nothing here"), "{path}: {body}");
            }
        }
    });
}

#[test]
fn leaves_are_those_of_the_ledger_and_their_proofs_hold() {
    run(generous(), async |node| {
        let peer = node.good("/api/neurons/1").await;
        let header = node.good(&format!("/api/headers?from={}&limit=1", peer["height"])).await["headers"][0].clone();
        let header = text::decode::<ledger::Header>(header["bytes"].as_str().unwrap()).unwrap();
        for (part, table) in [("neuron", Table::Neurons), ("row", Table::Weights), ("standing", Table::Epoch)] {
            let bytes = |name: &str| text::bytes(peer[part][name].as_str().unwrap()).unwrap();
            let index = u32::try_from(peer[part]["index"].as_u64().unwrap()).unwrap();
            verify_leaf(table, &header.root(table), index, &bytes("leaf"), &bytes("proof")).unwrap();
        }
        assert_eq!(peer["neuron"]["value"]["stake"], "50000000000");
        assert_eq!(peer["row"]["value"]["scores"]["1"], 65_535);
        let neurons = node.good("/api/neurons?from=1&limit=5").await;
        assert_eq!((&neurons["total"], &neurons["from"]), (&Value::from(2), &Value::from(1)));
        assert_eq!(neurons["rows"].as_array().unwrap().len(), 1);
        assert_eq!(neurons["rows"][0]["hot"], peer["neuron"]["value"]["hot"]);
        let epoch = node.good("/api/epoch").await;
        assert_eq!(epoch["validators"], Value::from(vec![text::encode(&genesis().validator_keys()[0])]));
        let rules = node.good("/api/parameters").await;
        assert_eq!(rules["chain"], text::encode(&genesis().chain().0));
        assert_eq!(text::decode::<Genesis>(rules["genesis"].as_str().unwrap()), Ok(genesis()));
        assert_eq!(rules["parameters"]["block_time"], 40);
        assert_eq!(rules["parameters"]["fee"], genesis().parameters.fee.to_string());
    });
}

#[test]
fn what_is_not_there_is_said_with_what_to_do() {
    run(generous(), async |node| {
        let digits = "64 digits of lower-case hexadecimal";
        node.refused("/api/neurons/7", StatusCode::NOT_FOUND, "uid 7 was never taken").await;
        node.refused("/api/neurons/4294967295", StatusCode::NOT_FOUND, "was never taken").await;
        node.refused("/api/neurons/me", StatusCode::BAD_REQUEST, "u32").await;
        node.refused("/api/neurons?from=3", StatusCode::NOT_FOUND, "ends before index 3").await;
        node.refused("/api/neurons?limit=0", StatusCode::BAD_REQUEST, "choose one from 1 to 1000").await;
        node.refused("/api/neurons?limit=x", StatusCode::BAD_REQUEST, "limit").await;
        node.refused("/api/tables/stakes", StatusCode::NOT_FOUND, "there are accounts, neurons, weights").await;
        node.refused("/api/accounts/abc", StatusCode::BAD_REQUEST, digits).await;
        let nobody = text::encode(&PrivateKey::from_seed(77).public_key());
        node.refused(&format!("/api/accounts/{nobody}"), StatusCode::NOT_FOUND, "begins with the first transfer").await;
        node.refused("/api/transactions/abc", StatusCode::BAD_REQUEST, digits).await;
        node.refused("/api/headers?from=100000", StatusCode::SERVICE_UNAVAILABLE, "from height 100000 on").await;
        node.refused("/api/nothing", StatusCode::NOT_FOUND, DOCUMENT).await;
        node.refused("/api", StatusCode::NOT_FOUND, DOCUMENT).await;
    });
}

#[test]
fn transactions_are_taken_as_text_and_as_bytes_and_followed_until_they_are_final() {
    run(generous(), async |node| {
        let transfer = node.transfer(0, 5_000_000);
        let digest = text::encode(&transfer.digest());
        let (status, said) = node.submit("text/plain", format!("{}\n", text::encode(&transfer))).await;
        assert_eq!((status, &said["digest"]), (StatusCode::ACCEPTED, &Value::from(digest.clone())), "{said}");
        let next = node.transfer(1, 7);
        let (status, said) = node.submit("application/octet-stream", next.encode()).await;
        assert_eq!((status, &said["digest"]), (StatusCode::ACCEPTED, &text::encode(&next.digest()).into()), "{said}");
        let mut heads = node.ledger.heads();
        loop {
            heads.mark_unchanged();
            let said = node.good(&format!("/api/transactions/{digest}")).await;
            match said["status"].as_str().unwrap() {
                "pending" => heads.changed().await.unwrap(),
                "included" => {
                    reach(&node.ledger, said["height"].as_u64().unwrap()).await;
                    break;
                }
                other => panic!("{other}"),
            }
        }
        let account =
            node.good(&format!("/api/accounts/{}", text::encode(&PrivateKey::from_seed(9).public_key()))).await;
        assert!(
            ["5000000", "5000007"].contains(&account["account"]["value"]["balance"].as_str().unwrap()),
            "{account}"
        );

        let (status, said) = node.submit("text/plain", text::encode(&transfer)).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(said["error"].as_str().unwrap().contains("nonce 0 was used, sign with 2"), "{said}");
        let (status, said) = node.submit("text/plain", "no transaction").await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(said["error"].as_str().unwrap().contains("at character 0"), "{said}");
        let (status, said) = node.submit("application/octet-stream", vec![1u8; MAX_BODY_BYTES + 1]).await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE, "{said}");
    });
}

#[test]
fn a_follower_asks_in_the_ledgers_own_words() {
    run(generous(), async |node| {
        let query = Query::Headers { from: Height(0), limit: 2 };
        let (status, reply) = node.post("/api/query", "application/octet-stream", query.encode()).await;
        assert_eq!(status, StatusCode::OK);
        let Reply::Headers { headers, .. } = Reply::decode(reply).unwrap() else { panic!("no headers") };
        assert_eq!(headers[0], genesis().header().unwrap());
        let leaf = Query::Leaf { height: Height(100_000), table: Table::Epoch, index: 0 };
        let (status, reply) = node.post("/api/query", "application/octet-stream", leaf.encode()).await;
        assert_eq!(status, StatusCode::OK);
        assert!(matches!(Reply::decode(reply).unwrap(), Reply::Unavailable { .. }));
        let (status, reply) = node.post("/api/query", "application/octet-stream", "?").await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(String::from_utf8_lossy(&reply).contains("no query of this version"));
        let long = vec![0u8; MAX_QUERY_BYTES + 1];
        assert_eq!(node.post("/api/query", "application/octet-stream", long).await.0, StatusCode::BAD_REQUEST);
    });
}

#[test]
fn pages_of_other_origins_ask_and_read_answers_and_refusals() {
    run(generous(), async |node| {
        let ask = async |method: Method, path: &'static str, body: Vec<u8>| {
            let request = Request::builder().method(method).uri(path).header(header::HOST, "node.example");
            let request = request.header(header::ORIGIN, "https://page.example");
            let request = request.header(header::CONTENT_TYPE, "application/octet-stream").body(Body::from(body));
            let (status, headers, body) = node.send(request.unwrap()).await;
            (status, headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN).cloned(), body)
        };
        let page = Some(HeaderValue::from_static("https://page.example"));
        let query = Query::Headers { from: Height(0), limit: 1 }.encode().to_vec();
        let (status, allowed, reply) = ask(Method::POST, "/api/query", query).await;
        assert_eq!((status, allowed), (StatusCode::OK, page.clone()));
        assert!(Reply::decode(Bytes::from(reply)).is_ok());
        let (status, allowed, _) = ask(Method::GET, "/api/head", Vec::new()).await;
        assert_eq!((status, allowed), (StatusCode::OK, page.clone()));
        let (status, allowed, _) = ask(Method::GET, "/api/nothing", Vec::new()).await;
        assert_eq!((status, allowed), (StatusCode::NOT_FOUND, page.clone()));
        let (status, allowed, asked) = ask(Method::OPTIONS, "/api/query", Vec::new()).await;
        assert_eq!((status, allowed, asked), (StatusCode::OK, page, Vec::new()));
    });
}

#[test]
fn who_asks_too_often_waits_and_is_counted() {
    run(Clients::new(1, 2, &[]), async |node| {
        let ask = async |last| {
            let mut request = Request::get("/api/neurons/0").body(Body::empty()).unwrap();
            request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([192, 0, 2, last], 9))));
            node.send(request).await
        };
        assert_eq!((ask(1).await.0, ask(1).await.0), (StatusCode::OK, StatusCode::OK));
        let (status, headers, body) = ask(1).await;
        assert_eq!((status, &headers[header::RETRY_AFTER]), (StatusCode::TOO_MANY_REQUESTS, &HeaderValue::from(1)));
        assert!(String::from_utf8_lossy(&body).contains("Retry-After"));
        assert_eq!(ask(2).await.0, StatusCode::OK);

        let engine: Box<dyn Fn() -> String + Send + Sync> = Box::new(|| "engine_votes 3\n# EOF\n".into());
        let sources = crate::metrics::Sources {
            ledger: node.ledger.clone(),
            network: None,
            waiting: Some(Box::new(|| 4)),
            engine: Some(engine),
            ports: vec![("page", network::Sources::new(limit::PAGE, &[]))],
        };
        let now = node.ledger.head().unwrap().header.time + 1_500;
        let text = node.metrics.text(&sources, now).await;
        for line in [
            "peerage_http_requests_total{route=\"/api/neurons/{uid}\",method=\"GET\",status=\"200\"} 3",
            "peerage_http_requests_total{route=\"/api/neurons/{uid}\",method=\"GET\",status=\"429\"} 1",
            "peerage_validators 1.0",
            "peerage_neurons 2.0",
            "peerage_transactions_waiting 4.0",
            "peerage_supply_tokens 1150.0",
            "peerage_connections{port=\"page\"} 0.0",
            "peerage_connections_refused_total{port=\"page\",reason=\"crowd\"} 0",
            "engine_votes 3",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in {text}");
        }
        assert!(text.ends_with("# EOF\n") && text.matches("# EOF").count() == 1, "{text}");
        let age = text.lines().find_map(|line| line.strip_prefix("peerage_head_age_seconds ")).unwrap();
        assert!(age.parse::<f64>().unwrap() <= 1.5, "{age}");
    });
}
