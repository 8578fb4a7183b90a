//! One life of the model: from a dataset to the end of its training, with what is kept of it read at the start and written
//! on the way.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures::channel::mpsc;
use peer::{Control, Event as PeerEvent, Inbound, Manners, Peer, Setup};
use protocol::limits;
use protocol::port::auditor::Place;
use protocol::port::trainer::{DeviceChoice, Event, Score, Validation};
use serde_bytes::ByteBuf;

use crate::keep::{Found, Keep};
use crate::mesh::Page;
use crate::port::post;
use crate::source::Ready;
use crate::{Choice, choose};

/// What a life begins with.
#[derive(Clone)]
pub(crate) struct Birth {
    pub(crate) ready: Ready,
    /// Own hot key, lower-case hex.
    pub(crate) key: String,
    /// Names the folder of what is kept; `None`: nothing is.
    pub(crate) chain: Option<String>,
    pub(crate) seed: u64,
    pub(crate) device: DeviceChoice,
    /// Base units for 1,024 positions.
    pub(crate) price: u64,
    /// Whether what is kept is deleted first.
    pub(crate) anew: bool,
    pub(crate) page: Page,
    /// What buyers paid, over all lives.
    pub(crate) credits: Credits,
    /// The device of an earlier life: there is one WebGPU device a worker.
    pub(crate) chosen: Rc<RefCell<Option<Choice>>>,
}

/// Where requests of others go.
pub(crate) type Inlet = Rc<RefCell<Option<mpsc::Sender<Inbound>>>>;

/// Positions that buyers paid for and have not used.
pub(crate) type Credits = Rc<RefCell<protocol::queue::Credits<String>>>;

/// Steps between two copies that are kept.
const KEEP: u64 = 50;
/// Steps between two looks at the held-out part, and the batches of one and of one on demand.
const VALIDATE: u64 = 200;
const FEW: usize = 4;
/// See [`VALIDATE`].
pub(crate) const MANY: usize = 12;

/// Lives until it is told to stop.
///
/// # Errors
/// Why training cannot go on, in words.
pub(crate) async fn live(
    birth: Birth,
    inlet: &Inlet,
    control: mpsc::UnboundedSender<Control>,
    controls: mpsc::UnboundedReceiver<Control>,
) -> Result<(), String> {
    let Birth { ready, key, chain, seed, device, price, anew, page, credits, chosen } = birth;
    post(&Event::Dataset(ready.learned()));
    let (mut keep, mut found) = Keep::open(chain.as_deref(), &ready.name()).await;
    if anew {
        keep.forget();
        found = Found::default();
    }
    if !keep.keeps() {
        let reason = keep.fault().map(ToString::to_string);
        post(&Event::ModelKept { step: 0, bytes: 0, place: Place::Memory, reason });
    }
    if let Some(damage) = found.damage {
        post(&Event::ModelDamaged {
            reason: format!("what was kept of the model is damaged ({damage}); it begins anew"),
        });
    }
    let known = chosen.borrow().clone();
    let choice = match known {
        Some(choice) => choice,
        None => choose(device, &ready.dataset).await.map_err(|error| error.to_string())?,
    };
    tell(&choice);
    *chosen.borrow_mut() = Some(choice.clone());

    let manners =
        Manners { keep: if keep.keeps() { KEEP } else { 0 }, private: ready.private, price, ..Manners::default() };
    let (inbound, inbounds) = mpsc::channel(limits::OPEN);
    inlet.replace(Some(inbound));
    let bytes = found.model.as_ref().map_or(0, Vec::len) as u64;
    let classes = !ready.dataset.spec().each;
    let peer = Peer::new(Setup {
        preset: choice.preset.clone(),
        device: choice.chosen.clone(),
        dataset: ready.dataset,
        key,
        seed,
        mesh: Rc::new(page),
        inbound: inbounds,
        kept: found.model,
        manners,
    });
    let peer = peer.with_credits(credits);
    match peer.refused() {
        Some(error) => {
            post(&Event::ModelDamaged {
                reason: format!("what was kept of the model is of no use: {error}; it begins anew"),
            });
        }
        None if peer.steps() > 0 => post(&Event::ModelRestored { step: peer.steps(), bytes }),
        None => {}
    }
    let step = Cell::new(peer.steps());
    let ended = peer
        .run(controls, |event| match event {
            PeerEvent::Step(figures) => {
                step.set(figures.step);
                if figures.step.is_multiple_of(VALIDATE) {
                    // Nobody hears it where the peer is ending.
                    drop(control.unbounded_send(Control::Validate { batches: FEW }));
                }
                post(&Event::Step(figures));
            }
            PeerEvent::Scores(scores) => post(&Event::Scores { scores: scores.into_iter().map(score).collect() }),
            PeerEvent::Blamed { peer, blame } => post(&Event::Blamed { peer, reason: blame.to_string() }),
            PeerEvent::Kept(model) => {
                post(&kept(&mut keep, &model, step.get()));
                if !keep.keeps() {
                    // Copies that nobody keeps are not made; one that a person asks for says why again.
                    drop(control.unbounded_send(Control::KeepEvery(0)));
                }
            }
            PeerEvent::Exported(bytes) => post(&Event::Exported { step: step.get(), bytes: ByteBuf::from(bytes) }),
            PeerEvent::Imported => post(&Event::Imported { step: step.get() }),
            PeerEvent::Validation(found) => post(&Event::Validation(validation(&found, classes))),
            PeerEvent::Moved(moved) => {
                let why = "the GPU was lost".to_owned();
                let moved = Choice { chosen: moved, preset: choice.preset.clone(), why, cpu: None, gpu: None };
                tell(&moved);
                *chosen.borrow_mut() = Some(moved);
            }
            PeerEvent::Trouble(message) => post(&Event::Trouble { message, fatal: false }),
        })
        .await;
    inlet.replace(None);
    ended.map(drop).map_err(|error| error.to_string())
}

/// Keeps the model, and says so.
fn kept(keep: &mut Keep, model: &[u8], step: u64) -> Event {
    match keep.keep(model) {
        Ok(bytes) => {
            let place = if keep.keeps() { Place::Opfs } else { Place::Memory };
            Event::ModelKept { step, bytes, place, reason: None }
        }
        Err(fault) => Event::ModelKept { step, bytes: 0, place: Place::Memory, reason: Some(fault.to_string()) },
    }
}

fn score(scored: peer::Scored) -> Score {
    let peer::Scored { key, score, error, fisher, gain, exact, mass } = scored;
    Score { key, score, error, fisher, gain, exact: exact.map(|removal| removal.renormalised), mass }
}

fn validation(found: &peer::Validation, classes: bool) -> Validation {
    let loss = |figures: &model::Measured| figures.loss;
    let accuracy = [found.peers.as_ref(), Some(&found.alone), Some(&found.student)];
    Validation {
        step: found.step,
        with_peers: found.peers.as_ref().map(loss),
        alone: loss(&found.alone),
        student: loss(&found.student),
        accuracy: classes.then(|| accuracy.map(|figures| figures.map(|figures| figures.accuracy))),
        examples: u32::try_from(found.examples).unwrap_or(u32::MAX),
    }
}

fn tell(choice: &Choice) {
    let Choice { chosen, why, cpu, gpu, .. } = choice;
    let (kind, name) = (chosen.kind.label().to_owned(), chosen.name.clone());
    post(&Event::Device { kind, name, why: why.clone(), cpu: *cpu, gpu: *gpu });
}
