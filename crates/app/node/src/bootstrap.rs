//! `/bootstrap.json` of this node: the chain, the newest checkpoint, and addresses that the asking browser can reach.
//!
//! The browser's `Host` header is used for nothing but the addresses handed back to that same browser, and only where
//! the node listens on every address of the machine and so cannot know which one was meant.

use commonware_codec::Encode;
use consensus::LedgerHandle;
use ledger::Genesis;
use network::PeerId;
use protocol::bootstrap::{Bootstrap, Checkpoint, Corpus, IceServer, VERSION};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What stays the same for all who ask.
pub struct Template {
    bootstrap: Bootstrap,
    outside: Outside,
    node: Place,
    residents: Vec<Place>,
}

/// How this machine is seen from outside.
#[derive(Clone, Debug)]
pub struct Outside {
    /// Where it listens.
    pub host: IpAddr,
    /// Whether browsers reach it over TLS.
    pub secure: bool,
    /// The first part of the multiaddress under which they do, where it is known beforehand.
    pub name: Option<String>,
}

/// Where one swarm of this program listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// TCP port of its websocket.
    pub port: u16,
    /// Who answers there.
    pub peer: PeerId,
}

impl Template {
    /// For the chain of `genesis`, on a machine seen as `outside`.
    pub fn new(
        genesis: &Genesis,
        outside: Outside,
        node: Place,
        residents: Vec<Place>,
        corpus: &crate::corpus::Corpus,
        ice_servers: Vec<IceServer>,
    ) -> Self {
        let corpus = Corpus { url: "corpus".into(), bytes: corpus.text.len() as u64, name: corpus.name.clone() };
        let chain = genesis.chain().0;
        let bootstrap = Bootstrap {
            version: VERSION,
            name: genesis.name.clone(),
            chain,
            genesis: genesis.encode().to_vec(),
            checkpoint: Checkpoint { height: 0, digest: chain, time: genesis.time },
            validators: genesis.validator_keys(),
            node: Vec::new(),
            residents: Vec::new(),
            corpus,
            ice_servers,
        };
        Self { bootstrap, outside, node, residents }
    }

    /// The text for a browser that reached this machine as `asked` (its `Host` header), from `checkpoint` on.
    pub fn text(&self, checkpoint: light::Checkpoint, asked: Option<&str>) -> Option<String> {
        let Outside { host, secure, name } = &self.outside;
        // A certificate is for a name, which only the browser knows if nobody has told.
        let host = match name {
            Some(name) => name.clone(),
            None if host.is_unspecified() || *secure => {
                asked.and_then(host_of).unwrap_or_else(|| address_of(Ipv4Addr::LOCALHOST.into()))
            }
            None => address_of(*host),
        };
        let over = if *secure { "tls/ws" } else { "ws" };
        let address = |place: &Place| format!("{host}/tcp/{}/{over}/p2p/{}", place.port, place.peer);
        let bootstrap = Bootstrap {
            checkpoint: Checkpoint {
                height: checkpoint.height.get(),
                digest: checkpoint.digest,
                time: checkpoint.time,
            },
            validators: checkpoint.validators,
            node: vec![address(&self.node)],
            residents: self.residents.iter().map(address).collect(),
            ..self.bootstrap.clone()
        };
        bootstrap.to_text().ok()
    }
}

/// Where verification begins: the newest end of an epoch, which can be audited from there at once, or genesis before the first.
pub fn checkpoint(ledger: &LedgerHandle) -> Option<light::Checkpoint> {
    let consensus::Checkpoint { header, validators } = ledger.checkpoint()?;
    Some(light::Checkpoint { height: header.height, digest: header.digest(), time: header.time, validators })
}

/// The first part of a multiaddress.
pub fn address_of(host: IpAddr) -> String {
    match host {
        IpAddr::V4(host) => format!("/ip4/{host}"),
        IpAddr::V6(host) => format!("/ip6/{host}"),
    }
}

/// The same for a `Host` header, with or without port; `None` for what is no name of a host.
pub fn host_of(header: &str) -> Option<String> {
    if let Some((host, _)) = header.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return host.parse::<Ipv6Addr>().ok().map(|host| address_of(host.into()));
    }
    let name = header.split(':').next().unwrap_or_default();
    if let Ok(host) = name.parse::<Ipv4Addr>() {
        return Some(address_of(host.into()));
    }
    let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.');
    (!name.is_empty() && name.len() <= 253 && letters).then(|| format!("/dns/{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus;
    use commonware_cryptography::Signer;
    use network::Keypair;

    fn template(host: IpAddr) -> (Template, light::Checkpoint) {
        let genesis = Genesis::example();
        let header = genesis.header().unwrap();
        // Elected since.
        let validators = vec![ledger::PrivateKey::from_seed(7).public_key()];
        let checkpoint =
            light::Checkpoint { height: header.height, digest: header.digest(), time: header.time, validators };
        let place = |port| Place { port, peer: Keypair::generate_ed25519().public().to_peer_id() };
        let corpus = corpus::Corpus { name: "text".into(), text: "text".into() };
        let servers = vec!["stun:a.example".parse().unwrap()];
        let residents = vec![place(5001), place(5002)];
        let outside = Outside { host, secure: false, name: None };
        (Template::new(&genesis, outside, place(8081), residents, &corpus, servers), checkpoint)
    }

    #[test]
    fn the_page_can_parse_it_and_it_names_everyone() {
        let (template, checkpoint) = template(Ipv4Addr::LOCALHOST.into());
        let bootstrap = Bootstrap::parse(&template.text(checkpoint.clone(), Some("evil.example:80")).unwrap()).unwrap();
        assert_eq!(bootstrap.node, [format!("/ip4/127.0.0.1/tcp/8081/ws/p2p/{}", template.node.peer)]);
        assert_eq!(bootstrap.residents.len(), 2);
        assert_eq!(bootstrap.ice_servers[0].urls(), ["stun:a.example"]);
        assert!(network::addresses(&bootstrap.residents).is_ok());
        assert_eq!((bootstrap.checkpoint.digest, bootstrap.validators), (checkpoint.digest, checkpoint.validators));
        assert_eq!(bootstrap.chain, Genesis::example().chain().0);
    }

    #[test]
    fn on_every_address_the_browsers_own_name_for_the_machine_is_used() {
        let (template, checkpoint) = template(Ipv4Addr::UNSPECIFIED.into());
        let node = |asked| Bootstrap::parse(&template.text(checkpoint.clone(), asked).unwrap()).unwrap().node.remove(0);
        assert!(node(Some("192.168.1.5:8080")).starts_with("/ip4/192.168.1.5/tcp/8081/ws/p2p/"));
        assert!(node(Some("[fe80::1]:8080")).starts_with("/ip6/fe80::1/tcp/"));
        assert!(node(Some("box.local")).starts_with("/dns/box.local/tcp/"));
        for strange in [None, Some(""), Some("a/../b"), Some("[x]"), Some("a\"b:80")] {
            assert!(node(strange).starts_with("/ip4/127.0.0.1/"), "{strange:?}");
        }
    }

    #[test]
    fn over_tls_the_name_is_the_browsers_since_the_certificate_is_for_it() {
        let (mut template, checkpoint) = template([192, 0, 2, 1].into());
        template.outside.secure = true;
        let bootstrap = Bootstrap::parse(&template.text(checkpoint.clone(), Some("peers.example")).unwrap()).unwrap();
        assert_eq!(bootstrap.node, [format!("/dns/peers.example/tcp/8081/tls/ws/p2p/{}", template.node.peer)]);
        assert!(bootstrap.residents[0].starts_with("/dns/peers.example/tcp/5001/tls/ws/p2p/"));
        assert!(network::addresses(&bootstrap.residents).is_ok());
        template.outside.name = Some("/dns/other.example".into());
        let bootstrap = Bootstrap::parse(&template.text(checkpoint, Some("peers.example")).unwrap()).unwrap();
        assert!(bootstrap.node[0].starts_with("/dns/other.example/tcp/8081/tls/ws/p2p/"), "{:?}", bootstrap.node);
    }
}
