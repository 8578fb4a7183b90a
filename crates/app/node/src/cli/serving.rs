//! Options of everything that serves others.

use crate::tls::Files;
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
    fn proxies_and_the_place_of_metrics_are_addresses() {
        let options = serving(&["--behind-proxy", "::1", "--behind-proxy", "10.0.0.1", "--metrics", "127.0.0.1:9100"]);
        let options = options.unwrap();
        assert_eq!(options.behind_proxy, [IpAddr::from([0u16, 0, 0, 0, 0, 0, 0, 1]), IpAddr::from([10, 0, 0, 1])]);
        assert_eq!(options.metrics, Some(([127, 0, 0, 1], 9100).into()));
        assert!(serving(&["--behind-proxy", "proxy"]).is_err() && serving(&["--metrics", "9100"]).is_err());
    }
}
