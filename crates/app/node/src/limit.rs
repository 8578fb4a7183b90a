//! How much of a port one client may take: places and bytes ([`network::Sources`], with the numbers below), and requests, by a
//! token bucket a client address.
//!
//! A client is its address, or the /64 of an IPv6 address, of which one host has all. Behind a reverse proxy everybody
//! would be the proxy; what `X-Forwarded-For` says is believed of the proxies that were named and of nobody else, and
//! there only up to the first address that is none of them: what stands before was written by the client.

use crate::api::ApiError;
use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderName},
    middleware::Next,
    response::{IntoResponse, Response},
};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter, clock::Clock};
use network::{Share, source_of};
use std::{
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

/// The clients of a server, and what each has left.
pub struct Clients {
    buckets: DefaultKeyedRateLimiter<IpAddr>,
    proxies: Vec<IpAddr>,
    asked: AtomicU32,
}

impl Clients {
    /// So many requests `a_second` each, and `burst` at once; `proxies` tell the truth about whom they ask for.
    pub fn new(a_second: u32, burst: u32, proxies: &[IpAddr]) -> Self {
        let [a_second, burst] = [a_second, burst].map(|number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN));
        let buckets = RateLimiter::keyed(Quota::per_second(a_second).allow_burst(burst));
        Self { buckets, proxies: proxies.iter().map(IpAddr::to_canonical).collect(), asked: AtomicU32::new(0) }
    }

    /// Lets a request pass whose connection comes from `peer` and which costs as much as `cost` others, or says how long to
    /// wait.
    ///
    /// # Errors
    /// The time until the next request would pass.
    pub fn admit(&self, peer: IpAddr, headers: &HeaderMap, cost: u32) -> Result<(), Duration> {
        // Full buckets are forgotten, so that there are never more than clients of the last seconds.
        if self.asked.fetch_add(1, Ordering::Relaxed).is_multiple_of(SWEEP) {
            self.buckets.retain_recent();
        }
        let client = source_of(self.client(peer, headers));
        let cost = NonZeroU32::new(cost).unwrap_or(NonZeroU32::MIN);
        match self.buckets.check_key_n(&client, cost) {
            Ok(admitted) => admitted.map_err(|until| until.wait_time_from(self.buckets.clock().now())),
            // Nobody may ever ask for so much.
            Err(_) => Err(Duration::MAX),
        }
    }

    /// Who asks.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        let values = headers.get_all(FORWARDED).iter().filter_map(|value| value.to_str().ok());
        let mut hops: Vec<&str> = values.flat_map(|value| value.split(',')).collect();
        while self.proxies.contains(&client) {
            let Some(Ok(before)) = hops.pop().map(|hop| hop.trim().parse::<IpAddr>()) else { break };
            client = before.to_canonical();
        }
        client
    }
}

/// Turns away who asks too often.
pub async fn admit(State(limit): State<Limit>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
    let Some(peer) = peer else { return next.run(request).await };
    match limit.clients.admit(peer, request.headers(), (limit.cost)(request.uri().path())) {
        Ok(()) => next.run(request).await,
        Err(wait) => ApiError::too_often(wait).into_response(),
    }
}

/// Clients, and what a request for a path costs them.
#[derive(Clone)]
pub struct Limit {
    /// Who asks.
    pub clients: Arc<Clients>,
    /// In requests.
    pub cost: fn(&str) -> u32,
}

/// Of the port of site and API: a classroom behind one address, each tab with the six connections that browsers make.
pub const PAGE: Share = Share { connections: 4_096, of_one: 512, a_second: 64, at_once: 512, bytes: 32 << 20 };

/// Of the port of the node's swarm: one connection a tab, and one while it is replaced. Relayed bytes are among these.
pub const NODE: Share = Share { connections: 4_096, of_one: 512, a_second: 16, at_once: 512, bytes: 32 << 20 };

/// Of the port of a peer: one connection a tab.
pub const PEER: Share = Share { connections: 320, of_one: 64, a_second: 8, at_once: 64, bytes: 32 << 20 };

/// Of the port of the metrics, which are looked at a few times a minute.
pub const METRICS: Share = Share { connections: 64, of_one: 16, a_second: 4, at_once: 16, bytes: 4 << 20 };

/// Where a proxy writes for whom it asks.
const FORWARDED: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Requests between two looks for buckets that are full again.
const SWEEP: u32 = 1_024;

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn clients(proxies: &[&str]) -> Clients {
        Clients::new(1, 2, &proxies.iter().map(|proxy| address(proxy)).collect::<Vec<_>>())
    }

    fn forwarded(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (FORWARDED, HeaderValue::from_str(value).unwrap())).collect()
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_client_that_asks_too_often_is_told_how_long_to_wait_and_no_other_is() {
        let clients = clients(&[]);
        let admit = |from: &str| clients.admit(address(from), &HeaderMap::new(), 1);
        assert_eq!((admit("192.0.2.1"), admit("192.0.2.1")), (Ok(()), Ok(())));
        let wait = admit("192.0.2.1").unwrap_err();
        assert!(wait > Duration::ZERO && wait <= Duration::from_secs(1), "{wait:?}");
        assert_eq!(admit("192.0.2.2"), Ok(()));
        // All of a /64 are one, also where IPv4 is written as IPv6.
        assert_eq!((admit("2001:db8::1"), admit("2001:db8::2")), (Ok(()), Ok(())));
        assert!(admit("2001:db8::3").is_err() && admit("2001:db8:0:1::1").is_ok());
        assert!(admit("::ffff:192.0.2.1").is_err());
    }

    #[test]
    fn what_costs_more_is_had_less_often() {
        let clients = Clients::new(1, 10, &[]);
        let admit = |cost| clients.admit(address("192.0.2.1"), &HeaderMap::new(), cost);
        assert_eq!((admit(5), admit(4)), (Ok(()), Ok(())));
        assert!(admit(2).unwrap_err() <= Duration::from_secs(1));
        assert_eq!(admit(1), Ok(()));
        assert_eq!(admit(11), Err(Duration::MAX));
    }

    #[test]
    fn only_a_named_proxy_says_for_whom_it_asks() {
        let asked = |proxies: &[&str], from: &str, values: &[&str]| {
            clients(proxies).client(address(from), &forwarded(values)).to_string()
        };
        let both = ["10.0.0.1", "10.0.0.2"];
        assert_eq!(asked(&[], "192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
        assert_eq!(asked(&["10.0.0.1"], "10.0.0.1", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(asked(&["10.0.0.1"], "::ffff:10.0.0.1", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(asked(&both, "10.0.0.1", &["1.1.1.1, 198.51.100.7", "10.0.0.2"]), "198.51.100.7");
        // What a client writes itself stands before its own address.
        assert_eq!(asked(&["10.0.0.1"], "10.0.0.1", &["10.0.0.9, 198.51.100.7"]), "198.51.100.7");
        for nothing in [&[][..], &["unknown"], &["198.51.100.7, "]] {
            assert_eq!(asked(&["10.0.0.1"], "10.0.0.1", nothing), "10.0.0.1", "{nothing:?}");
        }
    }
}
