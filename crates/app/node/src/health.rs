//! `/health` and `/ready`, for those who watch over processes.
//!
//! A node is healthy while it answers at all. It is ready while blocks become final: the newest is not older than ten
//! block times, or ten seconds where that is more. A clock that is wrong counts as blocks that are late, which they are
//! for whoever believes it.

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use consensus::LedgerHandle;
use ledger::Header;
use serde_json::{Value, json};
use std::time::Duration;

/// The routes, for a chain whose blocks come `block_time` ms after one another.
pub fn router(ledger: LedgerHandle, block_time: u64) -> Router {
    let most = most_age(block_time);
    let ready = async move |State(ledger): State<LedgerHandle>| {
        let head = ledger.head().map(|head| head.header);
        readiness(head.as_ref(), crate::resident::now(), most)
    };
    let health = async || Json(json!({ "healthy": true }));
    Router::new().route("/health", get(health)).route("/ready", get(ready)).with_state(ledger)
}

/// Whether a node whose newest final block is `head` is ready at `now`, ms, and why not.
fn readiness(head: Option<&Header>, now: u64, most: Duration) -> (StatusCode, Json<Value>) {
    let no = |error: String| (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "ready": false, "error": error })));
    let Some(head) = head else { return no("no block is final yet: wait, or look at the log".into()) };
    let age = Duration::from_millis(now.saturating_sub(head.time));
    if age > most {
        return no(format!(
            "the newest final block, {}, is {} s old, more than {} s: the node catches up, is cut off, or too few \
             validators vote",
            head.height,
            age.as_secs(),
            most.as_secs()
        ));
    }
    let age = age.as_secs_f64();
    (StatusCode::OK, Json(json!({ "ready": true, "height": head.height.get(), "age_seconds": age })))
}

/// The age from which on a head is too old.
fn most_age(block_time: u64) -> Duration {
    Duration::from_millis(block_time.saturating_mul(10)).max(Duration::from_secs(10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_without_a_new_block_is_not_ready_and_says_why() {
        let header = ledger::Genesis::example().header().unwrap();
        let at = |age| readiness(Some(&header), header.time + age, most_age(1_000));
        let (status, Json(said)) = at(10_000);
        assert_eq!((status, said["ready"].as_bool(), said["height"].as_u64()), (StatusCode::OK, Some(true), Some(0)));
        let (status, Json(said)) = at(10_001);
        assert_eq!((status, said["ready"].as_bool()), (StatusCode::SERVICE_UNAVAILABLE, Some(false)));
        assert!(said["error"].as_str().unwrap().contains("block, 0, is 10 s old, more than 10 s"), "{said}");
        let (status, Json(said)) = readiness(None, 0, most_age(1_000));
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(said["error"].as_str().unwrap().contains("no block is final yet"), "{said}");
    }

    #[test]
    fn slow_chains_have_more_time() {
        assert_eq!(most_age(10), Duration::from_secs(10));
        assert_eq!(most_age(2_000), Duration::from_secs(20));
    }
}
