//! What others see of a node: its swarm's port, and over HTTP the API, health, figures and the site.

use crate::{
    bootstrap::{Outside, Place, address_of},
    cli, limit,
    metrics::Sources,
    node, origin, resident,
    running::Running,
    say,
    serve::Server,
    serving::Serving,
    site,
    tls::Tls,
};
use anyhow::{Error, Result};
use axum::Router;
use commonware_runtime::Metrics as _;
use consensus::{LedgerHandle, Supervisor, runtime::Context};
use ledger::Genesis;
use network::{Keypair, Multiaddr, Network, Share, Sources as Bounds};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

/// Everything that could be bound and read before the first task.
pub struct Front {
    /// How swarms are reached.
    pub ports: Ports,
    page: Option<TcpListener>,
    name: Option<String>,
    serving: Serving,
}

/// How swarms of this program are reached: directly or, under TLS, through a port that takes it off.
pub struct Ports {
    /// Where this machine listens for others.
    pub host: IpAddr,
    tls: Option<Tls>,
    proxies: Vec<IpAddr>,
}

impl Front {
    /// Binds what is asked for; `page` is the address for HTTP and the option that chooses it.
    ///
    /// # Errors
    /// Where a port is taken or the certificate cannot be read, with what to do.
    pub fn new(options: &cli::Serving, host: IpAddr, page: Option<(SocketAddr, &'static str)>) -> Result<Self> {
        let page = page.map(|(address, option)| site::bind(address, option)).transpose()?;
        let serving = Serving::new(options)?;
        let ports = Ports { host, tls: serving.tls.clone(), proxies: options.behind_proxy.clone() };
        Ok(Self { ports, page, name: options.tls_name.clone(), serving })
    }

    /// Whether browsers reach this machine over TLS, and under which name.
    pub fn outside(&self) -> Outside {
        let name = self.name.clone();
        Outside { host: self.ports.host, secure: self.ports.tls.is_some() || name.is_some(), name }
    }

    /// Starts the node's swarm: its handle with who is connected to its port, where the program itself and where others reach
    /// it, and what resolves when it has ended.
    pub async fn swarm(
        &self,
        identity: Keypair,
        genesis: &Genesis,
        ledger: &LedgerHandle,
        port: u16,
    ) -> Result<((Network, Bounds), Place, Place, impl Future<Output = Error> + use<>)> {
        let bounds = self.ports.bounds(limit::NODE);
        let inside = self.ports.inside(&bounds);
        let (swarm, ends) = node::start(identity, genesis, self.ports.listen(port)?, ledger, inside)?;
        let within = Place { port: resident::listening(&swarm).await?, peer: swarm.peer() };
        let place = self.ports.open(within, port, &bounds)?;
        say::line(format_args!("Network   port {}, peer {}", place.port, place.peer));
        Ok(((swarm, bounds), within, place, ends))
    }

    /// Serves all of it over HTTP, with the site where there is one; the address for a person.
    pub fn serve(
        self,
        context: &Context,
        ledger: &LedgerHandle,
        genesis: &Genesis,
        swarm: Option<(Network, Bounds)>,
        site: Option<Router>,
        running: &mut Running,
    ) -> Result<Option<String>> {
        let (engine, waiting) = (context.child("metrics"), ledger.clone());
        let page = self.ports.bounds(limit::PAGE);
        let mut ports = vec![("page", page.clone())];
        let swarm = swarm.map(|(swarm, bounds)| {
            ports.push(("network", bounds));
            swarm
        });
        let sources = Sources {
            ledger: ledger.clone(),
            network: swarm,
            waiting: Some(Box::new(move || waiting.waiting())),
            engine: Some(Box::new(move || engine.encode())),
            ports,
        };
        let (router, metrics) = self.serving.start(genesis, sources, site)?;
        running.servers.extend(metrics);
        let Some(listener) = self.page else { return Ok(None) };
        let address = listener.local_addr()?;
        let bare = self.ports.tls.is_none() && self.name.is_none() && self.ports.proxies.is_empty();
        let router = if bare && address.ip().is_loopback() { origin::here_alone(router) } else { router };
        let scheme = if self.ports.tls.is_some() { "https" } else { "http" };
        let address = format!("{scheme}://{}", SocketAddr::new(local(self.ports.host), address.port()));
        running.servers.push(Server::start(listener, router, self.ports.tls.as_ref(), page)?);
        Ok(Some(address))
    }
}

impl Ports {
    /// Where this program itself reaches its swarms.
    pub fn within(&self) -> IpAddr {
        if self.tls.is_some() { Ipv4Addr::LOCALHOST.into() } else { local(self.host) }
    }

    /// Where a swarm is to listen for whom others shall reach at `port`.
    pub fn listen(&self, port: u16) -> Result<Multiaddr> {
        if self.tls.is_some() { websocket(self.within(), 0) } else { websocket(self.host, port) }
    }

    /// What one address may take of a port; the proxies in front of it are not bounded each.
    pub fn bounds(&self, share: Share) -> Bounds {
        Bounds::new(share, &self.proxies)
    }

    /// What of that a swarm has to see to itself: nothing where TLS is taken off in front of it.
    pub fn inside(&self, bounds: &Bounds) -> Option<Bounds> {
        self.tls.is_none().then(|| bounds.clone())
    }

    /// Where others reach the swarm that listens at `within`, within `bounds`; under TLS that is `port`, or a free one for 0.
    pub fn open(&self, within: Place, port: u16, bounds: &Bounds) -> Result<Place> {
        let Some(tls) = self.tls.clone() else { return Ok(within) };
        let listener = site::bind(SocketAddr::new(self.host, port), "--p2p-port")?;
        let place = Place { port: listener.local_addr()?.port(), ..within };
        let listener = tokio::net::TcpListener::from_std(listener)?;
        tokio::spawn(tls.forward(listener, SocketAddr::new(self.within(), within.port), bounds.clone()));
        Ok(place)
    }
}

/// Where a swarm is to listen.
pub fn websocket(host: IpAddr, port: u16) -> Result<Multiaddr> {
    Ok(format!("{}/tcp/{port}/ws", address_of(host)).parse()?)
}

/// Where a swarm of this program is reached from this machine.
pub fn address(near: IpAddr, place: Place) -> Result<Multiaddr> {
    Ok(format!("{}/tcp/{}/ws/p2p/{}", address_of(near), place.port, place.peer).parse()?)
}

/// The address under which this machine reaches itself where it listens on `host`.
fn local(host: IpAddr) -> IpAddr {
    match host {
        IpAddr::V4(host) if host.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(host) if host.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        host => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_reached_by_loopback_where_it_listens_everywhere() {
        assert_eq!(local(Ipv4Addr::UNSPECIFIED.into()), IpAddr::from(Ipv4Addr::LOCALHOST));
        assert_eq!(local(Ipv6Addr::UNSPECIFIED.into()), IpAddr::from(Ipv6Addr::LOCALHOST));
        let named = IpAddr::from([192, 168, 1, 5]);
        assert_eq!(local(named), named);
        assert_eq!(websocket(named, 81).unwrap().to_string(), "/ip4/192.168.1.5/tcp/81/ws");
    }
}
