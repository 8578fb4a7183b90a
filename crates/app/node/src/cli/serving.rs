//! Options of everything that serves others.

use crate::{bootstrap::host_of, tls::Files};
use clap::Args;
use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

/// How others are served.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Serving")]
pub struct Serving {
    /// Serve over TLS with this certificate, a PEM file with its whole chain; renewed files are taken within seconds.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The private key of the certificate, a PEM file.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Name under which browsers reach this machine over TLS, where it is not the one that they ask for or a reverse proxy
    /// takes the TLS off.
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub tls_name: Option<String>,
    /// Address of a reverse proxy whose X-Forwarded-For is believed; may be repeated. Without it all who come through a
    /// proxy share one limit.
    #[arg(long, value_name = "IP")]
    pub behind_proxy: Vec<IpAddr>,
    /// Serve /metrics here, for Prometheus; it is served nowhere else.
    #[arg(long, value_name = "IP:PORT")]
    pub metrics: Option<SocketAddr>,
}

impl Serving {
    /// The certificate, if one was named.
    pub fn tls(&self) -> Option<Files> {
        let (certificate, key) = self.tls_cert.clone().zip(self.tls_key.clone())?;
        Some(Files { certificate, key })
    }
}

/// The first part of the multiaddress of a host.
fn name(text: &str) -> Result<String, String> {
    let named = host_of(text).filter(|_| !text.contains(':'));
    named.ok_or_else(|| "the name of a host is wanted, such as peers.example, without scheme or port".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Arguments, Command};
    use clap::Parser;

    fn serving(arguments: &[&str]) -> Result<Serving, clap::Error> {
        match Arguments::try_parse_from(["peerage", "dev"].iter().chain(arguments))?.command {
            Command::Dev(options) => Ok(options.serving),
            other => panic!("{other:?} is not dev"),
        }
    }

    #[test]
    fn a_certificate_comes_with_its_key() {
        assert!(serving(&[]).unwrap().tls().is_none());
        assert!(serving(&["--tls-cert", "a"]).unwrap_err().to_string().contains("--tls-key"));
        assert!(serving(&["--tls-key", "a"]).unwrap_err().to_string().contains("--tls-cert"));
        let files = serving(&["--tls-cert", "a", "--tls-key", "b"]).unwrap().tls().unwrap();
        assert_eq!((files.certificate, files.key), ("a".into(), "b".into()));
    }

    #[test]
    fn a_name_is_that_of_a_host() {
        let name = |name: &str| serving(&["--tls-name", name]).map(|options| options.tls_name.unwrap());
        assert_eq!(name("peers.example").unwrap(), "/dns/peers.example");
        for wrong in ["https://peers.example", "peers.example:443", "a/b", ""] {
            let error = name(wrong).unwrap_err().to_string();
            assert!(wrong.is_empty() || error.contains("such as peers.example"), "{error}");
        }
    }

    #[test]
    fn proxies_and_the_place_of_metrics_are_addresses() {
        let options = serving(&["--behind-proxy", "::1", "--behind-proxy", "10.0.0.1", "--metrics", "127.0.0.1:9100"]);
        let options = options.unwrap();
        assert_eq!(options.behind_proxy, [IpAddr::from([0u16, 0, 0, 0, 0, 0, 0, 1]), IpAddr::from([10, 0, 0, 1])]);
        assert_eq!(options.metrics, Some(([127, 0, 0, 1], 9100).into()));
        assert!(serving(&["--behind-proxy", "proxy"]).is_err() && serving(&["--metrics", "9100"]).is_err());
    }
}
