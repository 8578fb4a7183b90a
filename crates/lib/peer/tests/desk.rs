//! What others get of a peer: answers by weight and by what they paid, and refusals by name.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on should fail")]
#![recursion_limit = "256"]

mod world;

use std::cell::RefCell;
use std::rc::Rc;

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::{LocalBoxFuture, select};
use peerage_peer::{Buyer, BuyerError, Inbound, Mesh, Neighbour, PayError, Purse, Terms, Unanswered};
use protocol::exchange::{
    Answer, Ask, Claim, Encoding, Gradient, Inputs, Modality, Refuse, Representation, Request, Response, Shape, Unpaid,
    Want,
};
use protocol::queue::Credits;
use std::time::Duration;
use world::{Street, World};

fn text(batch: u32, seq: u32) -> Inputs {
    let shape = Shape::new(batch, seq).unwrap();
    Inputs::text(shape, vec![7; shape.tokens()]).unwrap()
}

fn ask(id: u64, inputs: Inputs, want: Want, deadline_ms: u32) -> Request {
    Request::Ask(Ask::new(id, inputs, want, Encoding::F32, deadline_ms).unwrap())
}

/// Runs `asking` while `a` trains.
fn beside(world: &Rc<World>, price: u64, asking: LocalBoxFuture<'static, ()>) {
    let mut honest = world.honest("a", 2_000);
    honest.manners.price = price;
    let (running, _) = honest.begin();
    world.clock.run(vec![select(running, asking).map(drop).boxed_local()]);
}

fn refused(response: Result<Response, Unanswered>) -> Refuse {
    match response {
        Ok(Response::Refuse(refuse)) => refuse,
        other => panic!("{other:?}"),
    }
}

#[test]
fn requests_that_make_no_sense_are_refused_by_name() {
    let world = World::new(0, 60);
    let street = Street { world: world.clone(), own: "stranger".into() };
    let gradient = |id, batch, seq, value: f32| {
        let shape = Shape::new(batch, seq).unwrap();
        let values = vec![value; shape.tokens() * 64];
        Request::Gradient(Gradient { id, representation: Representation::new(shape, 64, values).unwrap() })
    };
    let asking = async move {
        let rows = Inputs::tensor(Shape::new(1, 1).unwrap(), 4, vec![0.0; 4]).unwrap();
        let other = refused(street.send("a", ask(7, rows, Want::Joined, 9_000)).await);
        assert_eq!(other, Refuse::WrongModality { own: Modality::Text.into(), asked: Modality::Tensor });
        let long = refused(street.send("a", ask(7, text(2, 65), Want::Joined, 9_000)).await);
        assert!(matches!(long, Refuse::WrongShape { got: [2, 65, 64], .. }), "{long:?}");
        assert_eq!(refused(street.send("a", ask(7, text(1, 64), Want::Joined, 0)).await), Refuse::TooLate);
        assert_eq!(refused(street.send("a", gradient(7, 1, 64, 1.0)).await), Refuse::Forgotten { id: 7 });

        let answered = street.send("a", ask(7, text(1, 64), Want::Joined, 9_000)).await;
        assert!(matches!(answered, Ok(Response::Answer(Answer { id: 7, .. }))), "{answered:?}");
        let wrong = refused(street.send("a", gradient(7, 2, 32, 1.0)).await);
        assert_eq!(wrong, Refuse::WrongShape { expected: [1, 64, 64], got: [2, 32, 64] });
        let again = street.send("a", ask(7, text(1, 64), Want::Joined, 9_000)).await;
        assert!(matches!(again, Ok(Response::Answer(_))));
        assert_eq!(street.send("a", gradient(7, 1, 64, 1e30)).await, Ok(Response::Applied));
        let taken = refused(street.send("a", gradient(7, 1, 64, 1.0)).await);
        assert!(matches!(taken, Refuse::Forgotten { id: 7 } | Refuse::Busy { .. }), "{taken:?}");
        let claim = Claim { transaction: vec![], index: 0, proof: vec![], headers: vec![], nonce: [0; 32] };
        assert_eq!(refused(street.send("a", Request::Claim(claim)).await), Refuse::Unreadable, "not verified");
    };
    beside(&world, 0, asking.boxed_local());
}

/// Inputs of another peer share a pass with the own batch, so those with fewer positions cannot be learned from.
#[test]
fn an_ask_about_fewer_positions_is_answered_and_its_gradient_ends_nothing() {
    let world = World::new(0, 60);
    let street = Street { world: world.clone(), own: "stranger".into() };
    let (running, told) = world.honest("a", 12).begin();
    let asking = async move {
        for (id, seq) in [(1, 1), (2, 63)] {
            let answered = street.send("a", ask(id, text(1, seq), Want::Joined, 9_000)).await;
            assert!(matches!(answered, Ok(Response::Answer(_))), "{answered:?}");
            let values = vec![1.0; seq as usize * 64];
            let representation = Representation::new(Shape::new(1, seq).unwrap(), 64, values).unwrap();
            let gradient = Request::Gradient(Gradient { id, representation });
            assert_eq!(refused(street.send("a", gradient).await), Refuse::Forgotten { id });
        }
    };
    world.clock.run(vec![running, asking.boxed_local()]);
    assert_eq!(told.borrow().steps.len(), 12);
}

#[test]
fn the_asker_says_what_it_wants_and_how_it_is_written() {
    let world = World::new(0, 60);
    let street = Street { world: world.clone(), own: "stranger".into() };
    let asking = async move {
        for (want, width) in [(Want::Encoding, 64), (Want::Joined, 64), (Want::Logits, 256)] {
            for encoding in [Encoding::F32, Encoding::F16, Encoding::Int8] {
                let ask = Request::Ask(Ask::new(1, text(2, 64), want, encoding, 9_000).unwrap());
                let Ok(Response::Answer(answer)) = street.send("a", ask).await else { panic!("{want:?}") };
                assert_eq!(answer.representation.dims(), [2, 64, width], "{want:?}");
                assert_eq!(answer.representation.encoding(), encoding);
            }
        }
        // Logits are no answer that a gradient can come back for.
        let Ok(Response::Answer(_)) = street.send("a", ask(9, text(1, 64), Want::Logits, 9_000)).await else {
            panic!()
        };
        let representation = Representation::new(Shape::new(1, 64).unwrap(), 64, vec![0.0; 64 * 64]).unwrap();
        let gradient = Request::Gradient(Gradient { id: 9, representation });
        assert_eq!(refused(street.send("a", gradient).await), Refuse::Forgotten { id: 9 });
    };
    beside(&world, 0, asking.boxed_local());
}

#[test]
fn asks_are_answered_by_weight_and_the_lightest_refused() {
    let world = World::new(0, 60);
    let order: Rc<RefCell<Vec<(String, Response)>>> = Rc::default();
    let telling = order.clone();
    let asked = world.clone();
    let asking = async move {
        let mut letterbox = asked.boxes.borrow()["a"].clone();
        let (paid, credit) = Inbound::paid("buyer".into(), 128);
        letterbox.try_send(paid).unwrap();
        assert_eq!(credit.await, Ok(Response::Credit { positions: 128 }));
        let mut waiting = Vec::new();
        let mut send = |peer: String, weight| {
            let now = asked.clock.now();
            let want = if peer == "buyer" { Want::Logits } else { Want::Joined };
            let request = ask(7, text(1, 64), want, 20_000);
            let (inbound, response) = Inbound::at(now, peer.clone(), weight, request);
            letterbox.try_send(inbound).unwrap();
            let telling = telling.clone();
            waiting.push(response.map(move |response| telling.borrow_mut().push((peer, response.unwrap()))));
        };
        (0..38).for_each(|i| send(format!("crowd {i}"), 0.0));
        (0..8).for_each(|i| send(format!("half^{}", 8 - i), 0.5f64.powi(8 - i)));
        (0..3).for_each(|_| send("buyer".into(), 0.0));
        (0..5).for_each(|_| send("heaviest".into(), 1.0));
        futures::future::join_all(waiting).await;
    };
    beside(&world, 1_000, asking.boxed_local());
    let order = order.borrow();
    let answered = order.iter().filter(|(_, response)| matches!(response, Response::Answer(_)));
    let peers: Vec<&str> = answered.map(|(peer, _)| peer.as_str()).collect();
    assert_eq!(peers[..4], ["heaviest"; 4]);
    // Two asks of 64 positions were paid for, the third was not.
    let halves = |range: std::ops::RangeInclusive<i32>| range.map(|halvings| format!("half^{halvings}"));
    let wanted: Vec<String> = halves(1..=3).chain(["buyer".into(), "buyer".into()]).chain(halves(4..=8)).collect();
    assert_eq!(peers[4..14], wanted);
    assert!(peers[14..].iter().all(|peer| peer.starts_with("crowd")), "{peers:?}");
    let unpaid = |response: &Response| matches!(response, Response::Refuse(Refuse::Unpaid(Unpaid::TooLittle { .. })));
    assert_eq!(order.iter().filter(|(peer, response)| peer == "buyer" && unpaid(response)).count(), 1);
    let refused = order.iter().filter(|(_, response)| matches!(response, Response::Refuse(Refuse::Busy { .. })));
    assert_eq!(refused.clone().filter(|(peer, _)| peer == "heaviest").count(), 1, "four a peer wait");
    assert_eq!(refused.count(), order.len() - peers.len() - 1);
}

#[test]
fn logits_that_have_a_price_go_to_those_with_stake_and_those_that_paid() {
    let world = World::new(0, 60);
    world.weights.borrow_mut().insert("stakeholder".into(), 0.5);
    let street = |own: &str| Street { world: world.clone(), own: own.into() };
    let (stranger, stakeholder) = (street("stranger"), street("stakeholder"));
    let asking = async move {
        let logits = || ask(1, text(1, 64), Want::Logits, 9_000);
        let unpaid = refused(stranger.send("a", logits()).await);
        assert_eq!(unpaid, Refuse::Unpaid(Unpaid::TooLittle { least: 64 * 1_000 / 1_024 + 1 }));
        assert!(matches!(stakeholder.send("a", logits()).await, Ok(Response::Answer(_))));
        assert!(matches!(stranger.send("a", ask(1, text(1, 64), Want::Joined, 9_000)).await, Ok(Response::Answer(_))));
    };
    beside(&world, 1_000, asking.boxed_local());
}

#[test]
fn what_was_paid_is_for_logits_that_have_a_price_and_nothing_else() {
    let world = World::new(0, 60);
    world.weights.borrow_mut().insert("stakeholder".into(), 0.5);
    let street = |own: &str| Street { world: world.clone(), own: own.into() };
    let streets = ["stranger", "stakeholder"].map(street);
    let asked = world.clone();
    let asking = async move {
        for Street { own, .. } in &streets {
            let mut letterbox = asked.boxes.borrow()["a"].clone();
            let (paid, credit) = Inbound::paid(own.clone(), 64);
            letterbox.try_send(paid).unwrap();
            assert_eq!(credit.await, Ok(Response::Credit { positions: 64 }));
        }
        for (street, free) in streets.iter().zip([Want::Joined, Want::Logits]) {
            let answered = street.send("a", ask(1, text(1, 64), free, 9_000)).await;
            assert!(matches!(answered, Ok(Response::Answer(_))), "{answered:?}");
            let mut letterbox = asked.boxes.borrow()["a"].clone();
            let (paid, credit) = Inbound::paid(street.own.clone(), 1);
            letterbox.try_send(paid).unwrap();
            assert_eq!(credit.await, Ok(Response::Credit { positions: 65 }), "{}", street.own);
        }
    };
    beside(&world, 1_000, asking.boxed_local());
}

/// One peer ends and another goes on in its place: a new source, or a model that begins anew.
#[test]
fn what_was_paid_outlives_the_peer() {
    let credits: Rc<RefCell<Credits<String>>> = Rc::default();
    credits.borrow_mut().take(&"buyer".to_owned(), 192);
    for left in [128, 64] {
        let world = World::new(0, 60);
        let mut honest = world.honest("a", 2_000);
        honest.manners.price = 1_000;
        honest.credits = credits.clone();
        let street = Street { world: world.clone(), own: "buyer".into() };
        let asking = async move {
            let answered = street.send("a", ask(1, text(1, 64), Want::Logits, 9_000)).await;
            assert!(matches!(answered, Ok(Response::Answer(_))), "{answered:?}");
        };
        let (running, _) = honest.begin();
        world.clock.run(vec![select(running, asking.boxed_local()).map(drop).boxed_local()]);
        assert_eq!(credits.borrow().left(&"buyer".to_owned()), left);
    }
}

/// A street on which `a` sells: claims are believed and turned into credit, as a light client does with good ones.
struct Market {
    street: Street,
    price: u64,
    claims: RefCell<Vec<Claim>>,
}

#[async_trait(?Send)]
impl Mesh for Market {
    fn neighbours(&self) -> Vec<Neighbour> {
        let dear = Neighbour { price: 10 * self.price, ..Neighbour::new("dear", "key-dear") };
        let own = self.street.neighbours().into_iter().map(|seller| Neighbour { price: self.price, ..seller });
        std::iter::once(dear).chain(own).collect()
    }

    async fn ask(&self, peer: &str, ask: Ask) -> Result<Answer, Unanswered> {
        self.street.ask(peer, ask).await
    }

    async fn gradient(&self, peer: &str, gradient: Gradient) -> Result<(), Unanswered> {
        self.street.gradient(peer, gradient).await
    }

    async fn claim(&self, peer: &str, claim: Claim) -> Result<u64, Unanswered> {
        if self.claims.borrow().is_empty() {
            self.claims.borrow_mut().push(claim);
            return Err(Unanswered::Refused(Refuse::Unpaid(Unpaid::NotYet)));
        }
        let amount = u64::from(claim.index);
        let positions = protocol::queue::positions(amount, self.price).unwrap();
        let mut letterbox = self.street.world.boxes.borrow()[peer].clone();
        let (paid, credit) = Inbound::paid(self.street.own.clone(), positions);
        letterbox.try_send(paid).unwrap();
        match credit.await {
            Ok(Response::Credit { positions }) => Ok(positions),
            other => Err(Unanswered::Gone(format!("{other:?}"))),
        }
    }

    fn now(&self) -> Duration {
        self.street.now()
    }

    async fn sleep(&self, time: Duration) {
        self.street.sleep(time).await;
    }
}

/// A ledger that takes every purchase; the claim says how much.
#[derive(Default)]
struct Pocket(RefCell<Vec<(String, u64)>>);

#[async_trait(?Send)]
impl Purse for Pocket {
    async fn pay(&self, seller: &Neighbour, amount: u64) -> Result<Claim, PayError> {
        self.0.borrow_mut().push((seller.key.clone(), amount));
        Ok(Claim { transaction: vec![], index: amount as u32, proof: vec![], headers: vec![], nonce: [0; 32] })
    }
}

#[test]
fn a_buyer_pays_within_its_budget_and_gets_logits() {
    let world = World::new(0, 60);
    let street = Street { world: world.clone(), own: "buyer".into() };
    let asking = async move {
        let (mesh, purse) =
            (Rc::new(Market { street, price: 1_024, claims: RefCell::default() }), Rc::<Pocket>::default());
        let terms = Terms { budget: 300, price: 2_000, bundle: 128 };
        let mut buyer = Buyer::new(mesh.clone(), purse.clone(), terms);
        let first = buyer.logits(&text(1, 64)).await.unwrap();
        assert_eq!((first.dims, first.paid, first.seller.peer.as_str()), ([1, 64, 256], 128, "a"));
        let second = buyer.logits(&text(1, 64)).await.unwrap();
        assert_eq!((second.paid, second.logits.len()), (0, 64 * 256), "paid for ahead");
        assert_eq!(buyer.logits(&text(1, 64)).await.unwrap().paid, 128);
        assert_eq!(buyer.logits(&text(1, 64)).await.unwrap().paid, 0);
        // What is left does for less than a bundle, then for nothing.
        assert_eq!(buyer.logits(&text(1, 40)).await.unwrap().paid, 40);
        assert_eq!(buyer.logits(&text(1, 40)).await, Err(BuyerError::Budget { needed: 40, left: 4 }));
        assert_eq!(buyer.spent(), 296);
        let paid: Vec<_> = purse.0.borrow().iter().map(|(key, amount)| (key.clone(), *amount)).collect();
        assert_eq!(paid, [("key-a".to_owned(), 128), ("key-a".into(), 128), ("key-a".into(), 40)]);
        let mut poor = Buyer::new(mesh, purse, Terms { price: 1_000, ..terms });
        let error = poor.logits(&text(1, 40)).await.unwrap_err();
        assert_eq!(error.to_string(), "none of 2 neighbours answers TEXT for at most 1000 base units");
    };
    beside(&world, 1_024, asking.boxed_local());
}
