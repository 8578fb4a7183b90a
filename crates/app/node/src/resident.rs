//! Peers that live in this program: each with its own swarm, its own keys and its own model, on the CPU.
//!
//! A resident is a peer like any tab, and so is the one of `peerage peer`. Its swarm and its part in the ledger run on the
//! program's runtime; training runs on a thread of its own, of lower priority where the system offers it, and for a share
//! of the time only. While it rests it answers asks.

mod buying;
mod keeping;
mod mesh;
mod standing;

use crate::{bootstrap::Place, data::Keys, fault, say};
use ::data::Dataset;
use anyhow::{Result, anyhow};
pub use buying::run as buy;
use commonware_cryptography::Signer;
use futures::{
    FutureExt, StreamExt,
    channel::{mpsc, oneshot},
    future::{Shared, ready},
};
pub use keeping::Keeping;
use ledger::{Digest, PublicKey, text};
use light::Participant;
use mesh::{Roll, Wire};
use model::Chosen;
use network::{Multiaddr, Network, PeerId, Role};
use peer::{Control, Inbound, Manners, Peer, Setup};
use protocol::{
    exchange::{Claim, Hello, Kind, Modalities, Modality, PROTOCOL, Preset, Refuse, Request, Response},
    limits,
    record::Record,
};
use standing::{Part, Standing, Word};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{runtime::Handle, sync::watch};

/// What a resident needs to live.
pub struct Config {
    /// What to call it, for people.
    pub name: String,
    /// Its keys.
    pub keys: Keys,
    /// Takes part in the ledger with the hot key.
    pub participant: Participant,
    /// The chain.
    pub chain: Digest,
    /// Where to listen, with port 0.
    pub listen: Multiaddr,
    /// Its nodes.
    pub nodes: Vec<Multiaddr>,
    /// Residents started before.
    pub residents: Vec<Multiaddr>,
    /// What to learn.
    pub dataset: Dataset,
    /// Where the model lives.
    pub device: Chosen,
    /// Share of the time for training.
    pub share: f64,
    /// Where the model is kept; nowhere where there is none.
    pub keeping: Option<Keeping>,
    /// Asks nobody.
    pub private: bool,
    /// Base units for answers about 1,024 positions; 0 gives them away.
    pub price: u64,
    /// What one address may take of its port; none where something in front of it sees to that.
    pub sources: Option<network::Sources>,
    /// Whether its thread gives way to those that serve.
    pub gives_way: bool,
}

/// A running resident.
pub struct Resident {
    /// Where its swarm listens.
    pub place: Place,
    network: Network,
    control: mpsc::UnboundedSender<Control>,
    keeps: bool,
    /// Why training has ended, where it failed.
    ended: Shared<oneshot::Receiver<Option<String>>>,
}

impl Resident {
    /// Starts it on the current tokio runtime.
    pub async fn start(config: Config) -> Result<Self> {
        let Config { name, keys, participant, chain, listen, nodes, residents, dataset, .. } = config;
        let (device, share, keeping, gives_way) = (config.device, config.share, config.keeping, config.gives_way);
        let key = keys.hot.public_key();
        let preset = model::Preset::small();
        let seed = seed_of(&key);
        let modality = dataset.spec().own().map_or(Modality::Text, |part| part.modality);
        let modalities = dataset.spec().parts.iter().map(|part| part.modality).collect();
        let card = Card { keys: keys.clone(), chain, kind: Kind::Resident, dim: preset.dim, modalities };
        let manners = Manners {
            private: config.private,
            price: config.price,
            keep: if keeping.is_some() { KEEP } else { 0 },
            ..Manners::default()
        };

        let settings = network::Config {
            nodes,
            residents,
            listen: vec![listen],
            sources: config.sources,
            hello: Some(card.hello(now(), 0)?),
            ..network::Config::new(keys.identity.clone(), chain, Role::Resident)
        };
        let (network, events, driver) = network::start(settings)?;
        tokio::spawn(driver.run());
        let place = Place { port: listening(&network).await?, peer: network.peer() };

        let roll = Roll::default();
        let (inbound, requests) = mpsc::channel(limits::OPEN);
        let (words, heard) = mpsc::unbounded();
        tokio::spawn(listen_to(events, inbound, roll.clone(), words.clone()));
        let (sells, sold) = watch::channel(false);
        let role = Standing::Joins { price: config.price, modality, seed };
        let (control, controls) = mpsc::unbounded();
        let part = Part { name: name.clone(), role, sells, control: Some(control.clone()) };
        tokio::spawn(standing::take_part(part, participant, network.clone(), heard, roll.clone()));
        tokio::spawn(renew(card, config.price, sold, network.clone()));

        let pace = Pace { control: control.clone(), share, handle: Handle::current() };
        let wire = Wire { network: network.clone(), roll };
        let kept = keeping.as_ref().map(Keeping::read).transpose()?.flatten();
        let (end, ended) = oneshot::channel();
        let keeps = keeping.is_some();
        thread::Builder::new().name(name.to_lowercase()).stack_size(STACK).spawn(move || {
            if gives_way {
                give_way();
            }
            let train = || {
                let (mesh, key) = (Rc::new(wire), text::hex(&key));
                let setup = Setup { preset, device, dataset, key, seed, mesh, inbound: requests, kept, manners };
                let peer = Peer::new(setup);
                match (peer.refused(), &keeping) {
                    (Some(why), Some(keeping)) => keeping.put_aside(&why.to_string()),
                    _ if peer.steps() > 0 => say::line(format_args!("Model     goes on from step {}", peer.steps())),
                    _ => {}
                }
                futures::executor::block_on(
                    peer.run(controls, |event| hear(&name, event, &pace, &words, keeping.as_ref())),
                )
            };
            let failure = match catch_unwind(AssertUnwindSafe(train)) {
                Ok(Ok(_)) => None,
                Ok(Err(error)) => Some(format!("{name} has stopped: {error}")),
                Err(_) => Some(format!("{name} has stopped{}", fault::why())),
            };
            if let Some(failure) = &failure {
                say::line(failure);
            }
            // Nobody may wait for it.
            let _ = end.send(failure);
        })?;
        Ok(Self { place, network, control, keeps, ended: ended.shared() })
    }

    /// Resolves when its training has ended, with the reason where it failed.
    pub async fn ended(&self) -> Option<String> {
        self.ended.clone().await.ok().flatten()
    }

    /// Ends it after its step.
    pub async fn stop(self) {
        if self.keeps {
            let _ = self.control.unbounded_send(Control::Keep);
        }
        let _ = self.control.unbounded_send(Control::Stop);
        let _ = self.network.shutdown().await;
        if tokio::time::timeout(PATIENCE, self.ended()).await.is_err() {
            tracing::warn!(peer = %self.place.peer, "a resident did not end its step");
        }
    }
}

/// The port on which `network` listens, once it does.
pub async fn listening(network: &Network) -> Result<u16> {
    use libp2p::multiaddr::Protocol;
    for _ in 0..100 {
        let snapshot = network.snapshot().await?;
        let ports = snapshot.listeners.iter().flat_map(Multiaddr::iter);
        let port =
            ports.filter_map(|part| if let Protocol::Tcp(port) = part { Some(port) } else { None }).find(|p| *p != 0);
        if let Some(port) = port {
            return Ok(port);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Err(anyhow!("the network does not listen after two seconds"))
}

/// Milliseconds since the Unix epoch.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// Who a resident says it is.
struct Card {
    keys: Keys,
    chain: Digest,
    kind: Kind,
    dim: usize,
    modalities: Modalities,
}

impl Card {
    fn hello(&self, now: u64, price: u64) -> Result<Hello> {
        let peer = self.keys.identity.public().to_peer_id().to_bytes();
        let record = Record::sign(&self.keys.hot, self.chain, peer, Vec::new(), now + RECORD_MS)?;
        Ok(Hello {
            version: PROTOCOL,
            chain: self.chain,
            kind: self.kind,
            modalities: self.modalities,
            dim: self.dim.try_into()?,
            preset: Preset::Small,
            price,
            record: Some(record),
        })
    }
}

/// Says hello with a new record before the old one ends, and with the price once purchases can be claimed, until the network ends.
async fn renew(card: Card, price: u64, mut sells: watch::Receiver<bool>, network: Network) {
    loop {
        let changed = async {
            if sells.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(RECORD_MS / 2)) => {}
            () = changed => {}
        }
        let price = if *sells.borrow() { price } else { 0 };
        match card.hello(now(), price) {
            Ok(hello) => {
                if network.set_hello(hello).await.is_err() {
                    return;
                }
            }
            Err(error) => tracing::warn!(%error, "a record could not be renewed"),
        }
    }
}

/// Carries what the network says to the peer, the roll and the ledger's side, until the network ends.
async fn listen_to(
    mut events: mpsc::Receiver<network::Event>,
    mut inbound: mpsc::Sender<Inbound>,
    roll: Roll,
    words: mpsc::UnboundedSender<Word>,
) {
    while let Some(event) = events.next().await {
        match event {
            network::Event::Neighbour { peer, key, hello, .. } => roll.met(peer, key, &hello),
            network::Event::NeighbourGone { peer } => roll.left(&peer),
            network::Event::Request { peer, bytes, respond } => {
                let response = match Request::from_bytes(&bytes) {
                    Ok(Request::Claim(claim)) => credit(peer, claim, words.clone(), inbound.clone()).boxed(),
                    Ok(request) => {
                        let waiting = serve(Inbound::new(peer.to_string(), roll.weight(&peer), request), &mut inbound);
                        answered(waiting).boxed()
                    }
                    Err(_) => ready(Response::Refuse(Refuse::Unreadable)).boxed(),
                };
                tokio::spawn(response.map(|response| drop(respond.send(response.to_bytes()))));
            }
            network::Event::Gossip { topic, bytes, id } => {
                drop(words.unbounded_send(Word::Gossip { topic, bytes, id }));
            }
            network::Event::NodeUp { .. } => drop(words.unbounded_send(Word::Hint)),
            network::Event::Refused { peer, reason } => tracing::debug!(%peer, reason, "turned away"),
            network::Event::NodeDown { reason, .. } => tracing::debug!(reason, "the node is away"),
            _ => {}
        }
    }
}

/// Hands one request to the peer.
fn serve((request, response): (Inbound, Waiting), inbound: &mut mpsc::Sender<Inbound>) -> Result<Waiting, Refuse> {
    match inbound.try_send(request) {
        Ok(()) => Ok(response),
        Err(full) if full.is_full() => Err(Refuse::Busy { retry_ms: BUSY_MS }),
        Err(_) => Err(Refuse::NotTraining),
    }
}

async fn answered(waiting: Result<Waiting, Refuse>) -> Response {
    match waiting {
        Ok(waiting) => waiting.await.unwrap_or(Response::Refuse(Refuse::NotTraining)),
        Err(refuse) => Response::Refuse(refuse),
    }
}

/// Has a purchase verified by the light client, and what it paid for credited by the peer.
async fn credit(
    peer: PeerId,
    claim: Claim,
    words: mpsc::UnboundedSender<Word>,
    mut inbound: mpsc::Sender<Inbound>,
) -> Response {
    let (respond, verdict) = oneshot::channel();
    let word = Word::Claim { peer, claim: Box::new(claim), respond };
    if words.unbounded_send(word).is_err() {
        return Response::Refuse(Refuse::NotTraining);
    }
    match verdict.await {
        Ok(Ok(positions)) => answered(serve(Inbound::paid(peer.to_string(), positions), &mut inbound)).await,
        Ok(Err(unpaid)) => Response::Refuse(Refuse::Unpaid(unpaid)),
        Err(_) => Response::Refuse(Refuse::NotTraining),
    }
}

/// Where the response to a request will come from.
type Waiting = oneshot::Receiver<Response>;

/// Hears what the peer tells: rests after each step, hands scores on, keeps the model.
fn hear(name: &str, event: peer::Event, pace: &Pace, words: &mpsc::UnboundedSender<Word>, keeping: Option<&Keeping>) {
    match event {
        peer::Event::Step(step) => {
            pace.rest(step.millis - step.waited);
            if step.step % TOLD == 1 {
                let peers = step.with_peers.map_or_else(|| "—".into(), |loss| format!("{loss:.3}"));
                tracing::info!(resident = name, step = step.step, alone = %format_args!("{:.3}", step.alone), peers, "trains");
            }
        }
        peer::Event::Scores(scores) => {
            let named = scores
                .into_iter()
                .filter_map(|scored| Some((text::decode(&scored.key).ok()?, scored.score, scored.error)));
            let _ = words.unbounded_send(Word::Scores(named.collect()));
        }
        peer::Event::Kept(bytes) => {
            if let Some(Err(error)) = keeping.map(|keeping| keeping.write(&bytes)) {
                tracing::error!(resident = name, "{error:#}; the model before is still kept");
            }
        }
        peer::Event::Blamed { peer, blame } => tracing::info!(resident = name, peer, %blame, "an answer was no use"),
        peer::Event::Moved(chosen) => tracing::info!(resident = name, device = chosen.name, "moved"),
        peer::Event::Trouble(what) => tracing::warn!(resident = name, what),
        peer::Event::Exported(_) | peer::Event::Imported | peer::Event::Validation(_) => {}
    }
}

/// Keeps training to a share of the time.
struct Pace {
    control: mpsc::UnboundedSender<Control>,
    share: f64,
    handle: Handle,
}

impl Pace {
    /// Holds the peer after a step that computed for `busy` ms.
    fn rest(&self, busy: f64) {
        let Some(rest) = rest(busy, self.share) else { return };
        if self.control.unbounded_send(Control::Pause(true)).is_ok() {
            let control = self.control.clone();
            self.handle.spawn(async move {
                tokio::time::sleep(rest).await;
                let _ = control.unbounded_send(Control::Pause(false));
            });
        }
    }
}

/// How long to rest after `busy` ms of work so that work is `share` of the time; `None` for not at all.
fn rest(busy: f64, share: f64) -> Option<Duration> {
    let rest = busy * (1.0 - share) / share;
    (rest > 0.0 && rest.is_finite()).then(|| Duration::from_secs_f64((rest / 1_000.0).min(LONGEST_REST)))
}

/// Lowers the priority of the current thread.
fn give_way() {
    // Elsewhere this call means the whole program.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(%error, "the priority of a thread stays as it is");
    }
}

/// A number that a key stands for, to seed a model with.
fn seed_of(key: &PublicKey) -> u64 {
    key.iter().take(8).fold(0, |seed, byte| (seed << 8) | u64::from(*byte))
}

/// How long a record holds, ms: half of what is allowed.
const RECORD_MS: u64 = limits::RECORD_LIFETIME_MS / 2;

/// When a peer that found the queue full may come back, ms.
const BUSY_MS: u32 = 1_000;

/// Steps between two lines in the log.
const TOLD: u64 = 100;

/// Longest rest, s: a machine that was asleep must not put a resident to sleep as well.
const LONGEST_REST: f64 = 5.0;

/// How much a training thread gives way; 0 not at all, 19 always.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 5;

/// Stack of a training thread: the backward pass is recursive.
const STACK: usize = 16 << 20;

/// Steps between two writes of a model that is kept.
const KEEP: u64 = 200;

/// How long a resident may take for its last step.
const PATIENCE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::exchange::{Ask, Encoding, Inputs, Unpaid, Want};

    #[test]
    fn rest_keeps_work_to_its_share() {
        assert_eq!(rest(100.0, 0.25), Some(Duration::from_millis(300)));
        assert_eq!(rest(100.0, 0.5), Some(Duration::from_millis(100)));
        assert_eq!(rest(100.0, 1.0), None);
        assert_eq!(rest(-1.0, 0.5), None);
        assert_eq!(rest(f64::NAN, 0.5), None);
        assert_eq!(rest(1e9, 0.5), Some(Duration::from_secs_f64(LONGEST_REST)));
    }

    #[test]
    fn a_request_that_cannot_be_queued_is_refused() {
        let peer = network::Keypair::generate_ed25519().public().to_peer_id();
        let (mut inbound, requests) = mpsc::channel(0);
        let shape = protocol::exchange::Shape::new(1, 2).unwrap();
        let inputs = Inputs::text(shape, vec![1, 2]).unwrap();
        let ask = Ask::new(1, inputs, Want::Joined, Encoding::F32, 1_000).unwrap();
        let request = || Inbound::new(peer.to_string(), 0.0, Request::Ask(ask.clone()));
        assert!(serve(request(), &mut inbound).is_ok());
        assert_eq!(serve(request(), &mut inbound).err(), Some(Refuse::Busy { retry_ms: BUSY_MS }));
        drop(requests);
        assert_eq!(serve(request(), &mut inbound).err(), Some(Refuse::NotTraining));
    }

    #[tokio::test]
    async fn what_a_purchase_paid_for_is_credited_once_the_light_client_agrees() {
        let peer = network::Keypair::generate_ed25519().public().to_peer_id();
        let (inbound, _requests) = mpsc::channel(1);
        let (words, mut heard) = mpsc::unbounded();
        let claim = Claim { transaction: vec![], index: 0, proof: vec![], headers: vec![], nonce: [0; 32] };
        let crediting = tokio::spawn(credit(peer, claim, words, inbound));
        let Some(Word::Claim { peer: shown, respond, .. }) = heard.next().await else { panic!("no claim") };
        assert_eq!(shown, peer);
        respond.send(Err(Unpaid::Again)).unwrap();
        assert_eq!(crediting.await.unwrap(), Response::Refuse(Refuse::Unpaid(Unpaid::Again)));
    }

    #[test]
    fn a_card_verifies_for_its_peer() {
        let keys = Keys { hot: ledger::PrivateKey::from_seed(1), identity: network::Keypair::generate_ed25519() };
        let chain = Digest::from([1; 32]);
        let hello =
            Card { keys: keys.clone(), chain, kind: Kind::Resident, dim: 64, modalities: Modality::Text.into() }
                .hello(now(), 0)
                .unwrap();
        let record = hello.record.unwrap().verify(chain, now()).unwrap();
        assert!(record.names(&keys.identity.public().to_peer_id().to_bytes()));
    }
}
