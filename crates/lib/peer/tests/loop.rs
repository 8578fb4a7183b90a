//! Peers in one process, over a mesh of channels: honest ones, and others named by their sin.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on should fail")]
#![recursion_limit = "256"]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use async_trait::async_trait;
use futures::channel::mpsc;
use futures::executor::block_on;
use futures::future::{Either, LocalBoxFuture, join_all, pending, select};
use futures::stream::FuturesUnordered;
use futures::{FutureExt, SinkExt, StreamExt};
use model::{Dataset, Learner, Preset, cpu};
use peerage_peer::{Control, Event, Inbound, Mesh, Neighbour, Peer, Unanswered};
use protocol::exchange::{Answer, Ask, Gradient, Modality, Refuse, Representation, Request, Response, Shape};
use protocol::port::trainer::Step;

const TEXT: &[u8] = include_bytes!("../../../../ARCHITECTURE.md");

/// Everyone's letterbox, and who lies how.
#[derive(Default)]
struct World {
    boxes: BTreeMap<String, mpsc::Sender<Inbound>>,
    sins: BTreeMap<String, Sin>,
}

#[derive(Clone, Copy)]
enum Sin {
    Silent,
    NotANumber,
    WrongShape,
    OtherAsk,
    Huge,
    Refusing,
}

#[derive(Clone)]
struct Street {
    world: Rc<RefCell<World>>,
    own: String,
}

impl Street {
    async fn send(&self, peer: &str, request: Request) -> Result<Response, Unanswered> {
        let gone = |reason: &str| Unanswered::Gone(reason.into());
        let letterbox = self.world.borrow().boxes.get(peer).cloned();
        let mut letterbox = letterbox.ok_or_else(|| gone("unknown"))?;
        let (inbound, response) = Inbound::new(self.own.clone(), 0.0, request);
        letterbox.send(inbound).await.map_err(|_| gone("left"))?;
        response.await.map_err(|_| gone("left"))
    }
}

#[async_trait(?Send)]
impl Mesh for Street {
    fn neighbours(&self) -> Vec<Neighbour> {
        let world = self.world.borrow();
        let names = world.boxes.keys().chain(world.sins.keys()).filter(|name| **name != self.own);
        names.map(|name| Neighbour { peer: name.clone(), key: format!("key-{name}") }).collect()
    }

    async fn ask(&self, peer: &str, ask: Ask) -> Result<Answer, Unanswered> {
        let sin = self.world.borrow().sins.get(peer).copied();
        let of = |shape: Shape, value: f32| {
            let values = vec![value; shape.tokens() * 64];
            Representation::new(shape, 64, values).map_err(|error| Unanswered::Unreadable(error.to_string()))
        };
        match sin {
            Some(Sin::Silent) => pending().await,
            Some(Sin::NotANumber) => Ok(Answer { id: ask.id(), representation: of(ask.shape(), f32::NAN)? }),
            Some(Sin::WrongShape) => Ok(Answer { id: ask.id(), representation: of(Shape::new(1, 1).unwrap(), 1.0)? }),
            Some(Sin::OtherAsk) => Ok(Answer { id: ask.id() ^ 1, representation: of(ask.shape(), 1.0)? }),
            Some(Sin::Huge) => Ok(Answer { id: ask.id(), representation: of(ask.shape(), f32::MAX)? }),
            Some(Sin::Refusing) => Err(Unanswered::Refused(Refuse::Busy { retry_ms: 5 })),
            None => match self.send(peer, Request::Ask(ask)).await? {
                Response::Answer(answer) => Ok(answer),
                Response::Refuse(refuse) => Err(Unanswered::Refused(refuse)),
                other => Err(Unanswered::Unreadable(format!("{other:?}"))),
            },
        }
    }

    async fn gradient(&self, peer: &str, gradient: Gradient) -> Result<(), Unanswered> {
        match self.send(peer, Request::Gradient(gradient)).await? {
            Response::Applied => Ok(()),
            Response::Refuse(refuse) => Err(Unanswered::Refused(refuse)),
            other => Err(Unanswered::Unreadable(format!("{other:?}"))),
        }
    }
}

/// What one peer told.
#[derive(Default)]
struct Told {
    steps: Vec<Step>,
    blamed: BTreeMap<String, String>,
    scores: BTreeMap<String, f64>,
}

impl Told {
    fn mean(&self, range: std::ops::Range<usize>, loss: impl Fn(&Step) -> f64) -> f64 {
        let part = &self.steps[range];
        part.iter().map(loss).sum::<f64>() / part.len() as f64
    }
}

type Telling = Rc<RefCell<Told>>;

fn honest(world: &Rc<RefCell<World>>, name: &str, steps: u64) -> (LocalBoxFuture<'static, Learner>, Telling) {
    let preset = Preset::small();
    let seed = u64::from(name.as_bytes()[0]);
    let (letterbox, inbound) = mpsc::channel(64);
    world.borrow_mut().boxes.insert(name.into(), letterbox);
    let dataset = Dataset::shard(TEXT, name, &preset).unwrap();
    let chosen = cpu();
    let learner = Learner::new(preset, seed, &chosen.device);
    let street = Street { world: world.clone(), own: name.into() };
    let peer = Peer::new(learner, chosen.kind, dataset, format!("key-{name}"), seed, street, inbound);
    let (control, controls) = mpsc::unbounded();
    let told = Telling::default();
    let (telling, world, name) = (told.clone(), world.clone(), name.to_owned());
    let running = async move {
        let learner = peer.run(controls, |event| match event {
            Event::Step(step) => {
                if step.step >= steps {
                    control.unbounded_send(Control::Stop).unwrap();
                }
                telling.borrow_mut().steps.push(step);
            }
            Event::Blamed { peer, blame } => {
                telling.borrow_mut().blamed.insert(peer, blame.to_string());
            }
            Event::Scores(scores) => telling.borrow_mut().scores = scores.into_iter().collect(),
            Event::Moved(_) | Event::Trouble(_) => {}
        });
        let learner = learner.await.unwrap();
        world.borrow_mut().boxes.remove(&name);
        learner
    };
    (running.boxed_local(), told)
}

#[test]
fn three_peers_ask_each_other_and_all_learn() {
    let world = Rc::new(RefCell::new(World::default()));
    let peers: Vec<_> = ["a", "b", "c"].iter().map(|name| honest(&world, name, 40)).collect();
    let (running, told): (Vec<_>, Vec<_>) = peers.into_iter().unzip();
    block_on(join_all(running));
    for told in &told {
        let told = told.borrow();
        assert_eq!(told.steps.len(), 40);
        let (first, last) = (told.mean(0..5, |s| s.alone), told.mean(35..40, |s| s.alone));
        assert!(last < first - 1.0, "{first} {last}");
        assert!(told.steps.iter().filter(|step| step.answered.len() == 2).count() >= 20);
        assert!(told.steps.iter().any(|step| step.with_peers.is_some() && step.distillation.is_some()));
        assert!(told.steps.iter().map(|step| step.served).sum::<u32>() > 20);
        assert!(told.steps.iter().map(|step| step.applied).sum::<u32>() > 5);
        assert!(told.blamed.is_empty(), "{:?}", told.blamed);
        assert_eq!(told.scores.len(), 3, "{:?}", told.scores);
        assert!(told.scores.values().all(|score| *score > 0.0), "{:?}", told.scores);
    }
}

#[test]
fn sinners_are_named_and_masked_and_the_honest_go_on() {
    let world = Rc::new(RefCell::new(World::default()));
    world.borrow_mut().sins.extend([
        ("huge".into(), Sin::Huge),
        ("nan".into(), Sin::NotANumber),
        ("other".into(), Sin::OtherAsk),
        ("refusing".into(), Sin::Refusing),
        ("shape".into(), Sin::WrongShape),
    ]);
    let peers: Vec<_> = ["a", "b"].iter().map(|name| honest(&world, name, 30)).collect();
    let (running, told): (Vec<_>, Vec<_>) = peers.into_iter().unzip();
    block_on(join_all(running));
    for told in &told {
        let told = told.borrow();
        assert_eq!(told.steps.len(), 30);
        let blamed: Vec<&str> = told.blamed.keys().map(String::as_str).collect();
        assert_eq!(blamed, ["huge", "nan", "other", "shape"]);
        assert!(told.blamed["shape"].contains("[1, 1, 64]"), "{}", told.blamed["shape"]);
        assert!(told.steps.iter().any(|step| step.missed.iter().any(|peer| peer == "refusing")));
        // Blamed once: it is not asked again within these steps.
        let asked = |name: &str| told.steps.iter().filter(|step| step.missed.iter().any(|peer| peer == name)).count();
        assert_eq!(asked("nan"), 1);
        assert!(told.mean(25..30, |s| s.alone) < told.mean(0..5, |s| s.alone) - 0.8);
        assert!(told.scores.iter().all(|(_, score)| score.is_finite()));
        assert_eq!(told.scores["key-nan"], 0.0);
    }
}

#[test]
fn a_silent_neighbour_costs_its_deadline_and_no_more() {
    let world = Rc::new(RefCell::new(World::default()));
    world.borrow_mut().sins.insert("silent".into(), Sin::Silent);
    let (running, told) = honest(&world, "a", 4);
    block_on(running);
    let told = told.borrow();
    assert_eq!(told.steps.len(), 4);
    assert_eq!(told.steps[0].missed, ["silent"]);
    assert!(told.steps[0].waited >= 2_900.0);
    assert!(told.steps[1..].iter().all(|step| step.missed.is_empty() && step.waited == 0.0));
    assert!(told.steps.iter().all(|step| step.with_peers.is_none()));
}

#[test]
fn alone_the_same_seed_gives_the_same_curve() {
    let curve = || {
        let world = Rc::new(RefCell::new(World::default()));
        let (running, told) = honest(&world, "a", 6);
        block_on(running);
        let told = told.borrow();
        told.steps.iter().map(|step| step.alone).collect::<Vec<_>>()
    };
    assert_eq!(curve(), curve());
}

#[test]
fn requests_that_make_no_sense_are_refused_by_name() {
    let world = Rc::new(RefCell::new(World::default()));
    let (running, _) = honest(&world, "a", 200);
    let street = Street { world: world.clone(), own: "stranger".into() };
    let shape = Shape::new(1, 64).unwrap();
    let ask = |modality, shape: Shape, deadline| {
        Request::Ask(Ask::new(7, modality, shape, vec![0; shape.tokens()], deadline).unwrap())
    };
    let gradient = |id, shape: Shape, value| {
        let values = vec![value; shape.tokens() * 64];
        Request::Gradient(Gradient { id, representation: Representation::new(shape, 64, values).unwrap() })
    };
    let asking = async {
        let refused = |response| match response {
            Ok(Response::Refuse(refuse)) => refuse,
            other => panic!("{other:?}"),
        };
        let other = refused(street.send("a", ask(Modality(3), shape, 9_000)).await);
        assert_eq!(other, Refuse::WrongModality { own: Modality::TEXT, asked: Modality(3) });
        let long = refused(street.send("a", ask(Modality::TEXT, Shape::new(2, 65).unwrap(), 9_000)).await);
        assert_eq!(long, Refuse::WrongShape { expected: [32, 64, 64], got: [2, 65, 64] });
        assert_eq!(refused(street.send("a", ask(Modality::TEXT, shape, 0)).await), Refuse::TooLate);
        assert_eq!(refused(street.send("a", gradient(7, shape, 1.0)).await), Refuse::Forgotten { id: 7 });

        let answered = street.send("a", ask(Modality::TEXT, shape, 9_000)).await;
        assert!(matches!(answered, Ok(Response::Answer(Answer { id: 7, .. }))), "{answered:?}");
        let wrong = refused(street.send("a", gradient(7, Shape::new(2, 32).unwrap(), 1.0)).await);
        assert_eq!(wrong, Refuse::WrongShape { expected: [1, 64, 64], got: [2, 32, 64] });
        let again = street.send("a", ask(Modality::TEXT, shape, 9_000)).await;
        assert!(matches!(again, Ok(Response::Answer(_))));
        assert_eq!(street.send("a", gradient(7, shape, 1e30)).await, Ok(Response::Applied));
        let taken = refused(street.send("a", gradient(7, shape, 1.0)).await);
        assert!(matches!(taken, Refuse::Forgotten { id: 7 } | Refuse::Busy { .. }), "{taken:?}");
    };
    block_on(select(running, asking.boxed_local()));
}

#[test]
fn asks_are_answered_by_weight_and_the_lightest_refused() {
    let world = Rc::new(RefCell::new(World::default()));
    let (running, _) = honest(&world, "a", 200);
    let mut letterbox = world.borrow().boxes["a"].clone();
    let responses = FuturesUnordered::new();
    let mut ask = |peer: String, weight| {
        let shape = Shape::new(1, 64).unwrap();
        let ask = Ask::new(7, Modality::TEXT, shape, vec![0; shape.tokens()], 20_000).unwrap();
        let (inbound, response) = Inbound::new(peer.clone(), weight, Request::Ask(ask));
        letterbox.try_send(inbound).unwrap();
        responses.push(response.map(move |response| (peer, response.unwrap())));
    };
    (0..40).for_each(|i| ask(format!("crowd {i}"), 0.0));
    (0..8).for_each(|i| ask(format!("half^{}", 8 - i), 0.5f64.powi(8 - i)));
    (0..5).for_each(|_| ask("heaviest".into(), 1.0));
    let responses = responses.collect::<Vec<_>>();
    let Either::Left((responses, _)) = block_on(select(responses, running)) else { panic!("a ended before its asks") };
    let (answered, refused): (Vec<_>, Vec<_>) =
        responses.into_iter().partition(|(_, response)| matches!(response, Response::Answer(_)));
    let peers: Vec<_> = answered.into_iter().map(|(peer, _)| peer).collect();
    assert_eq!(peers[..4], ["heaviest"; 4]);
    assert_eq!(peers[4..12], [1, 2, 3, 4, 5, 6, 7, 8].map(|halvings| format!("half^{halvings}")));
    assert_eq!(peers[12..], (0..20).map(|i| format!("crowd {i}")).collect::<Vec<_>>());
    assert_eq!(refused.iter().filter(|(peer, _)| peer == "heaviest").count(), 1, "four a peer wait");
    assert!(refused.iter().all(|(_, refuse)| matches!(refuse, Response::Refuse(Refuse::Busy { .. }))), "{refused:?}");
}
