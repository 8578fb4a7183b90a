//! STUN and TURN servers, which help two browsers to find a direct path; as in `RTCIceServer`, URLs by RFC 7064 and 7065.
//!
//! A browser that refuses one of them refuses to connect at all, so what it would refuse is refused here and named. Whoever names a
//! server lets its owner learn the address of each tab that asks it: a node learns no more by it than it knows, another could. Names
//! and passwords in `/bootstrap.json` are for everyone who opens the page.

use crate::limits;
use serde::{Deserialize, Serialize};
use std::{fmt, net::Ipv6Addr, str::FromStr};

/// One server, known to be well-formed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct IceServer {
    urls: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credential: Option<String>,
}

/// Why something is no server, or too much.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum IceError {
    /// More servers than are taken.
    #[error("{count} STUN and TURN servers, at most {} are taken", limits::ICE_SERVERS)]
    Servers {
        /// How many.
        count: usize,
    },
    /// No URL, or more than are taken.
    #[error("a server with {count} URLs, 1 to {} are taken", limits::ICE_URLS)]
    Urls {
        /// How many.
        count: usize,
    },
    /// A URL that no browser takes.
    #[error("{url} is no STUN or TURN server: {fault}")]
    Url {
        /// As it was written; empty where that is too long.
        url: String,
        /// What is wrong.
        fault: UrlFault,
    },
    /// A TURN server serves nobody it does not know.
    #[error("{url} needs a username and a credential")]
    NoCredential {
        /// Its URL.
        url: String,
    },
    /// Longer than it may be.
    #[error("{what} of {bytes} bytes, at most {most} are taken")]
    TooLong {
        /// Username or credential.
        what: &'static str,
        /// Its length.
        bytes: usize,
        /// The longest.
        most: usize,
    },
}

/// What is wrong with a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlFault {
    /// Too long.
    #[error("it has more than {} bytes", limits::ICE_URL_BYTES)]
    Long,
    /// Of another scheme.
    #[error("it does not begin with stun:, stuns:, turn: or turns:")]
    Scheme,
    /// Slashes after the scheme.
    #[error("no // belongs after the scheme")]
    Slashes,
    /// No name and no address.
    #[error("its host is neither a name nor an address; one of IPv6 stands in [ ]")]
    Host,
    /// No port.
    #[error("its port is no number from 1 to 65535")]
    Port,
    /// Something else after a question mark.
    #[error("only ?transport=udp or ?transport=tcp may follow, and only for turn: and turns:")]
    Query,
}

/// What a log may hold: nothing of what proves who asks.
impl fmt::Debug for IceServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let credential = self.credential.as_ref().map(|_| "…");
        f.debug_struct("IceServer").field("urls", &self.urls).field("credential", &credential).finish_non_exhaustive()
    }
}

impl IceServer {
    /// A server at `urls`.
    ///
    /// # Errors
    /// [`IceError`].
    pub fn new(urls: Vec<String>, username: Option<String>, credential: Option<String>) -> Result<Self, IceError> {
        if urls.is_empty() || urls.len() > limits::ICE_URLS {
            return Err(IceError::Urls { count: urls.len() });
        }
        let texts = [
            ("a username", &username, limits::ICE_USERNAME_BYTES),
            ("a credential", &credential, limits::ICE_CREDENTIAL_BYTES),
        ];
        for (what, text, most) in texts {
            let bytes = text.as_ref().map_or(0, String::len);
            if bytes > most {
                return Err(IceError::TooLong { what, bytes, most });
            }
        }
        let known = [&username, &credential].iter().all(|text| text.as_ref().is_some_and(|text| !text.is_empty()));
        for url in &urls {
            let scheme = check(url).map_err(|fault| {
                let url = if fault == UrlFault::Long { String::new() } else { url.clone() };
                IceError::Url { url, fault }
            })?;
            if scheme == Scheme::Turn && !known {
                return Err(IceError::NoCredential { url: url.clone() });
            }
        }
        Ok(Self { urls, username, credential })
    }

    /// Where it is, one or more.
    pub fn urls(&self) -> &[String] {
        &self.urls
    }

    /// Who asks it.
    pub fn username(&self) -> Option<&str> {
        self.username.as_deref()
    }

    /// What proves that.
    pub fn credential(&self) -> Option<&str> {
        self.credential.as_deref()
    }
}

/// `URL` or `URL,USERNAME,CREDENTIAL`; only the last may hold a comma.
impl FromStr for IceServer {
    type Err = IceError;

    fn from_str(text: &str) -> Result<Self, IceError> {
        let mut parts = text.splitn(3, ',').map(str::to_owned);
        let url = parts.next().unwrap_or_default();
        Self::new(vec![url], parts.next(), parts.next())
    }
}

/// That there are not too many of them.
///
/// # Errors
/// [`IceError::Servers`].
pub fn bounded(servers: &[IceServer]) -> Result<(), IceError> {
    match servers.len() {
        count if count > limits::ICE_SERVERS => Err(IceError::Servers { count }),
        _ => Ok(()),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Stun,
    Turn,
}

fn check(url: &str) -> Result<Scheme, UrlFault> {
    if url.len() > limits::ICE_URL_BYTES {
        return Err(UrlFault::Long);
    }
    let (scheme, rest) = match url.split_once(':') {
        Some(("stun" | "stuns", rest)) => (Scheme::Stun, rest),
        Some(("turn" | "turns", rest)) => (Scheme::Turn, rest),
        _ => return Err(UrlFault::Scheme),
    };
    if rest.starts_with('/') {
        return Err(UrlFault::Slashes);
    }
    let place = match rest.split_once('?') {
        None => rest,
        Some((place, "transport=udp" | "transport=tcp")) if scheme == Scheme::Turn => place,
        Some(_) => return Err(UrlFault::Query),
    };
    let (host, port) = match place.strip_prefix('[').and_then(|place| place.split_once(']')) {
        Some((host, port)) => (host.parse::<Ipv6Addr>().is_ok(), port),
        None => {
            let (host, port) = place.split_at(place.find(':').unwrap_or(place.len()));
            let letters = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
            (letters && host.bytes().any(|byte| byte.is_ascii_alphanumeric()), port)
        }
    };
    let digits =
        |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0);
    if !host {
        return Err(UrlFault::Host);
    }
    if !port.is_empty() && !port.strip_prefix(':').is_some_and(digits) {
        return Err(UrlFault::Port);
    }
    Ok(scheme)
}

/// What is read: an object like `RTCIceServer`, or a URL alone.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "a STUN or TURN server is a URL, or an object with urls and, for TURN, username and credential"
)]
enum Written {
    Url(String),
    Server { urls: Urls, username: Option<String>, credential: Option<String> },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Urls {
    One(String),
    Several(Vec<String>),
}

impl TryFrom<Written> for IceServer {
    type Error = IceError;

    fn try_from(written: Written) -> Result<Self, IceError> {
        match written {
            Written::Url(url) => Self::new(vec![url], None, None),
            Written::Server { urls: Urls::One(url), username, credential } => {
                Self::new(vec![url], username, credential)
            }
            Written::Server { urls: Urls::Several(urls), username, credential } => {
                Self::new(urls, username, credential)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<IceServer, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn what_a_browser_takes_is_read_in_each_shape() {
        let stun = IceServer::new(vec!["stun:one.example:3478".into()], None, None).unwrap();
        for json in [
            r#""stun:one.example:3478""#,
            r#"{"urls":"stun:one.example:3478"}"#,
            r#"{"urls":["stun:one.example:3478"],"username":null}"#,
        ] {
            assert_eq!(read(json).unwrap(), stun, "{json}");
        }
        assert_eq!(serde_json::to_string(&stun).unwrap(), r#"{"urls":["stun:one.example:3478"]}"#);
        let turn: IceServer = "turn:[2001:db8::1]:3478?transport=tcp,one:two,a,b".parse().unwrap();
        assert_eq!((turn.username(), turn.credential()), (Some("one:two"), Some("a,b")));
        assert_eq!(read(&serde_json::to_string(&turn).unwrap()).unwrap(), turn);
        for url in ["stun:192.0.2.1", "stuns:a.example:443", "stun:[::1]", "stun:a_b-c.example:65535"] {
            assert!(url.parse::<IceServer>().is_ok(), "{url}");
        }
        assert!("turns:a.example?transport=udp,u,c".parse::<IceServer>().is_ok());
    }

    #[test]
    fn what_a_browser_would_refuse_is_refused_and_named() {
        let long = format!("stun:{}", "a".repeat(limits::ICE_URL_BYTES));
        for (url, fault) in [
            ("", UrlFault::Scheme),
            ("a.example:3478", UrlFault::Scheme),
            ("http://a.example", UrlFault::Scheme),
            ("STUN:a.example", UrlFault::Scheme),
            ("stun://a.example", UrlFault::Slashes),
            ("stun:", UrlFault::Host),
            ("stun::3478", UrlFault::Host),
            ("stun:a b", UrlFault::Host),
            ("stun:[a.example]", UrlFault::Host),
            ("stun:me@a.example", UrlFault::Host),
            ("stun:2001:db8::1", UrlFault::Port),
            ("stun:a.example:", UrlFault::Port),
            ("stun:a.example:0", UrlFault::Port),
            ("stun:a.example:65536", UrlFault::Port),
            ("stun:a.example:+80", UrlFault::Port),
            ("stun:[::1]3478", UrlFault::Port),
            ("stun:a.example?transport=udp", UrlFault::Query),
            ("turn:a.example?transport=sctp", UrlFault::Query),
            (&long, UrlFault::Long),
        ] {
            let url_named = if fault == UrlFault::Long { "" } else { url };
            assert_eq!(url.parse::<IceServer>(), Err(IceError::Url { url: url_named.into(), fault }), "{url}");
        }
        for turn in ["turn:a.example", "turns:a.example,me", "turn:a.example,me,", "turn:a.example,,secret"] {
            assert!(matches!(turn.parse::<IceServer>(), Err(IceError::NoCredential { .. })), "{turn}");
        }
        assert!(read("7").unwrap_err().starts_with("a STUN or TURN server is a URL"));
        assert!(read(r#"{"urls":"turn:a.example"}"#).unwrap_err().starts_with("turn:a.example needs"));
    }

    #[test]
    fn what_proves_who_asks_is_not_written_to_logs() {
        let turn: IceServer = "turn:a.example,someone,5ec7e7".parse().unwrap();
        let said = format!("{turn:?}");
        assert!(said.contains("turn:a.example") && !said.contains("5ec7e7") && !said.contains("someone"), "{said}");
    }

    #[test]
    fn number_and_lengths_are_bounded() {
        let url = || "stun:a.example".to_owned();
        let many = |count| IceServer::new(vec![url(); count], None, None);
        assert_eq!(many(0), Err(IceError::Urls { count: 0 }));
        assert!(many(limits::ICE_URLS).is_ok());
        assert_eq!(many(limits::ICE_URLS + 1), Err(IceError::Urls { count: limits::ICE_URLS + 1 }));
        let with = |username: usize, credential: usize| {
            IceServer::new(vec![url()], Some("u".repeat(username)), Some("c".repeat(credential)))
        };
        assert!(with(limits::ICE_USERNAME_BYTES, limits::ICE_CREDENTIAL_BYTES).is_ok());
        assert!(matches!(with(limits::ICE_USERNAME_BYTES + 1, 1), Err(IceError::TooLong { what: "a username", .. })));
        assert!(matches!(
            with(1, limits::ICE_CREDENTIAL_BYTES + 1),
            Err(IceError::TooLong { what: "a credential", .. })
        ));
        let servers = |count| vec![many(1).unwrap(); count];
        assert_eq!(bounded(&servers(limits::ICE_SERVERS)), Ok(()));
        assert_eq!(
            bounded(&servers(limits::ICE_SERVERS + 1)),
            Err(IceError::Servers { count: limits::ICE_SERVERS + 1 })
        );
    }
}
