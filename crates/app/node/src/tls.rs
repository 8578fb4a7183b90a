//! TLS for the site, the API and the network's websockets, with one certificate that may be renewed while the node runs.
//!
//! The files are looked at every [`LOOK`]; when they have changed, new connections get the new certificate. Files that
//! cannot be used then are logged, and the old certificate stays: a renewal that goes wrong must not stop a node.
//!
//! The network's own listener speaks plain websockets on loopback; [`Tls::forward`] takes TLS off in front of it. All
//! peers then come from loopback, so what one address may take is bounded here, before a byte of it is read.

use axum_server::tls_rustls::RustlsConfig;
use network::{Metered, Sources};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use thiserror::Error;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

/// A certificate in use, and where it came from. Clones share it.
#[derive(Clone)]
pub struct Tls {
    config: RustlsConfig,
    files: Files,
    read: Pem,
}

/// The files of a certificate.
#[derive(Clone, Debug)]
pub struct Files {
    /// The certificate and those between it and its authority, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

/// What the files hold.
#[derive(Clone, PartialEq, Eq)]
struct Pem {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

/// Why TLS cannot be served with these files.
#[derive(Debug, Error)]
pub enum TlsError {
    /// The disk refuses.
    #[error("{} cannot be read: {source}", path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("{} holds no {wanted} in PEM form", path.display())]
    Nothing {
        /// The file.
        path: PathBuf,
        /// What should be in it.
        wanted: &'static str,
    },
    /// The two cannot be used together.
    #[error("{} and {} cannot be used: {source}", certificate.display(), key.display())]
    Pair {
        /// File of the certificate.
        certificate: PathBuf,
        /// File of the key.
        key: PathBuf,
        /// Why.
        source: rustls::Error,
    },
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// Names the file that cannot be used and why.
    pub fn read(files: Files) -> Result<Self, TlsError> {
        let read = files.read()?;
        if readable_by_all(&files.key) {
            tracing::warn!(key = %files.key.display(), "everybody on this machine can read the private key: chmod o-rwx");
        }
        let config = RustlsConfig::from_config(Arc::new(files.config(&read)?));
        Ok(Self { config, files, read })
    }

    /// For a server of HTTP; it changes when the files do.
    pub fn config(&self) -> RustlsConfig {
        self.config.clone()
    }

    /// Follows the files for ever.
    pub async fn follow(mut self) {
        let mut refused = None;
        loop {
            tokio::time::sleep(LOOK).await;
            match self.renew() {
                Ok(true) => tracing::info!(certificate = %self.files.certificate.display(), "TLS renewed"),
                Ok(false) => {}
                // Said once, not at every look.
                Err(error) if refused.as_ref() == Some(&error.to_string()) => continue,
                Err(error) => {
                    tracing::error!(%error, "TLS goes on with the old certificate");
                    refused = Some(error.to_string());
                    continue;
                }
            }
            refused = None;
        }
    }

    /// Takes what the files hold now; says whether it is something else than before.
    fn renew(&mut self) -> Result<bool, TlsError> {
        let found = self.files.read()?;
        if found == self.read {
            return Ok(false);
        }
        self.config.reload_from_config(Arc::new(self.files.config(&found)?));
        self.read = found;
        Ok(true)
    }

    /// Takes TLS off the connections of `listener` whom `sources` let in, and passes their bytes on to `to`, for ever.
    pub async fn forward(self, listener: TcpListener, to: SocketAddr, sources: Sources) {
        loop {
            let outside = match listener.accept().await {
                Ok((outside, from)) => outside.set_nodelay(true).map(|()| (outside, from)),
                Err(error) => Err(error),
            };
            let (outside, from) = match outside {
                Ok(accepted) => accepted,
                Err(error) => {
                    // No file is free, most often: more come when others end.
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            let outside = match sources.enter(from.ip()) {
                Ok(seat) => Metered::new(outside, Some(seat), Some(STALL)),
                Err(turned) => {
                    tracing::debug!(%turned, "a connection over TLS was not taken");
                    continue;
                }
            };
            let acceptor = TlsAcceptor::from(self.config.get_inner());
            tokio::spawn(async move {
                if let Err(error) = pass(acceptor, outside, to).await {
                    tracing::debug!(%error, "a connection over TLS has ended");
                }
            });
        }
    }
}

async fn pass(acceptor: TlsAcceptor, outside: Metered<TcpStream>, to: SocketAddr) -> io::Result<()> {
    let mut outside = timeout(HANDSHAKE, acceptor.accept(outside)).await??;
    let mut inside = TcpStream::connect(to).await?;
    inside.set_nodelay(true)?;
    copy_bidirectional(&mut outside, &mut inside).await?;
    Ok(())
}

/// Whether those who are neither the owner of a file nor of its group can read it; a group may be there to share a certificate.
#[cfg(unix)]
fn readable_by_all(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|data| data.permissions().mode() & 0o007 != 0)
}

#[cfg(not(unix))]
fn readable_by_all(_: &Path) -> bool {
    false
}

impl Files {
    fn read(&self) -> Result<Pem, TlsError> {
        let read = |path: &Path| fs::read(path).map_err(|source| TlsError::Disk { path: path.into(), source });
        Ok(Pem { certificate: read(&self.certificate)?, key: read(&self.key)? })
    }

    fn config(&self, pem: &Pem) -> Result<ServerConfig, TlsError> {
        let nothing = |path: &Path, wanted| TlsError::Nothing { path: path.into(), wanted };
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&pem.certificate)
            .collect::<Result<_, _>>()
            .map_err(|_| nothing(&self.certificate, "certificate"))?;
        if chain.is_empty() {
            return Err(nothing(&self.certificate, "certificate"));
        }
        let key = PrivateKeyDer::from_pem_slice(&pem.key).map_err(|_| nothing(&self.key, "private key"))?;
        let pair = |source| TlsError::Pair { certificate: self.certificate.clone(), key: self.key.clone(), source };
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|config| config.with_no_client_auth().with_single_cert(chain, key))
            .map_err(pair)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

/// Between two looks at the files.
const LOOK: Duration = Duration::from_secs(10);

/// Longest a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Longest that the other end may take nothing: the network itself misses it after half of that.
const STALL: Duration = Duration::from_secs(30);

/// Rest after a connection that could not be accepted.
const PAUSE: Duration = Duration::from_millis(100);

#[cfg(test)]
pub mod tests {
    use super::*;
    use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_rustls::{TlsConnector, client::TlsStream};

    /// Writes a new certificate for `localhost` and gives it.
    pub fn certificate(folder: &Path) -> (Files, CertificateDer<'static>) {
        let files = Files { certificate: folder.join("cert.pem"), key: folder.join("key.pem") };
        let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
        fs::write(&files.certificate, made.cert.pem()).unwrap();
        fs::write(&files.key, made.key_pair.serialize_pem()).unwrap();
        (files, made.cert.der().clone())
    }

    /// A connection to `address` that trusts nothing but `certificate`.
    pub async fn connect(
        address: SocketAddr,
        certificate: &CertificateDer<'static>,
    ) -> io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, TcpStream::connect(address).await?).await
    }

    #[test]
    fn files_that_cannot_be_used_are_named_with_the_reason() {
        let place = tempfile::tempdir().unwrap();
        let (files, _) = certificate(place.path());
        let other = tempfile::tempdir().unwrap();
        let (foreign, _) = certificate(other.path());
        let refused = |certificate: &Path, key: &Path| {
            Tls::read(Files { certificate: certificate.into(), key: key.into() }).err().unwrap().to_string()
        };
        let missing = refused(&place.path().join("none.pem"), &files.key);
        assert!(missing.contains("none.pem cannot be read: No such file"), "{missing}");
        let swapped = refused(&files.key, &files.key);
        assert!(swapped.contains("key.pem holds no certificate in PEM form"), "{swapped}");
        let swapped = refused(&files.certificate, &files.certificate);
        assert!(swapped.contains("cert.pem holds no private key in PEM form"), "{swapped}");
        let foreign = refused(&files.certificate, &foreign.key);
        assert!(foreign.contains("key.pem cannot be used: ") && foreign.contains("cert.pem"), "{foreign}");
    }

    #[tokio::test]
    async fn a_renewed_certificate_is_taken_and_a_damaged_one_is_not() {
        let place = tempfile::tempdir().unwrap();
        let (files, first) = certificate(place.path());
        let mut tls = Tls::read(files.clone()).unwrap();
        let echo = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let inside = echo.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = echo.accept().await {
                let (mut from, mut to) = stream.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
            }
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let outside = listener.local_addr().unwrap();
        let sources = Sources::new(network::Share { of_one: 2, ..crate::limit::NODE }, &[]);
        tokio::spawn(tls.clone().forward(listener, inside, sources.clone()));
        let mut stream = connect(outside, &first).await.unwrap();
        stream.write_all(b"hello").await.unwrap();
        let mut back = [0; 5];
        stream.read_exact(&mut back).await.unwrap();
        assert_eq!(&back, b"hello");
        // One that never begins its handshake has a place, too; a third is closed before it.
        let silent = TcpStream::connect(outside).await.unwrap();
        while sources.tally().0 < 2 {
            tokio::task::yield_now().await;
        }
        assert!(connect(outside, &first).await.is_err());
        assert_eq!(sources.tally(), (2, [("full", 0), ("crowd", 1), ("haste", 0)]));
        drop((stream, silent));
        while sources.tally().0 > 0 {
            tokio::task::yield_now().await;
        }

        assert!(!tls.renew().unwrap());
        let (_, second) = certificate(place.path());
        assert!(tls.renew().unwrap());
        assert!(connect(outside, &first).await.is_err());
        connect(outside, &second).await.unwrap();
        fs::write(&files.certificate, "?").unwrap();
        assert!(matches!(tls.renew(), Err(TlsError::Nothing { .. })));
        connect(outside, &second).await.unwrap();
        certificate(place.path());
        assert!(tls.renew().unwrap());
    }
}
