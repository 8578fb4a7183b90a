//! A peer that does not train: it buys what others know (decisions 15), within a budget.
//!
//! It asks for the logits of its inputs, of the cheapest seller first, pays for some positions ahead where its credit there is
//! used up, shows the purchase, and goes on to the next seller where one fails. What is signed counts as spent, final or not;
//! a purchase that its seller has not credited yet is shown again before that seller is paid once more. A hostile seller
//! could take the money and not answer, or answer nonsense: it loses a buyer, and costs it one bundle of positions at most.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use protocol::exchange::{Answer, Ask, Claim, Encoding, Inputs, Refuse, ShapeError, Unpaid, Want};
use protocol::limits;
use protocol::queue::amount;

use crate::mesh::{Mesh, Neighbour, Unanswered};

/// Pays on the ledger.
#[async_trait(?Send)]
pub trait Purse {
    /// Pays `amount` base units to `seller` for asks of this peer. The claim comes once the purchase is final.
    ///
    /// # Errors
    /// [`PayError`].
    async fn pay(&self, seller: &Neighbour, amount: u64) -> Result<Claim, PayError>;

    /// The claim of the last payment to `seller`, of which [`Self::pay`] said [`PayError::Open`]. Does not wait.
    ///
    /// # Errors
    /// [`PayError`]; [`PayError::Open`] where it is not final yet.
    async fn late(&self, _: &Neighbour) -> Result<Claim, PayError> {
        Err(PayError::Open("it was given up on".into()))
    }
}

/// Why there is no claim.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayError {
    /// Nothing was signed, or the ledger refused it. For a person.
    #[error("{0}")]
    Unpaid(String),
    /// It was signed and may still become final. For a person.
    #[error("{0}")]
    Open(String),
}

/// Buys logits.
pub struct Buyer {
    mesh: Rc<dyn Mesh>,
    purse: Rc<dyn Purse>,
    terms: Terms,
    spent: u64,
    /// Positions paid for and not used, by hot key.
    credits: BTreeMap<String, u64>,
    /// Base units that were signed for and are not known to be final, by hot key.
    open: BTreeMap<String, u64>,
    /// Purchases that are final and not credited yet, by hot key, the oldest first.
    unclaimed: BTreeMap<String, Vec<Claim>>,
    /// Keys that took a payment and did not give its worth: they are not paid again.
    cheats: BTreeSet<String>,
    asks: u64,
}

/// What a buyer agrees to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Base units that may be spent in all.
    pub budget: u64,
    /// Highest price of 1,024 positions, base units.
    pub price: u64,
    /// Positions paid for at once, so that not every ask waits for the ledger; what it cannot use of them is lost with the
    /// seller.
    pub bundle: u64,
}

/// What was bought.
#[derive(Clone, Debug, PartialEq)]
pub struct Bought {
    /// Scores of the classes, [batch, seq, classes], or [batch, 1, classes] where an example has one target.
    pub logits: Vec<f32>,
    /// That shape.
    pub dims: [u32; 3],
    /// Who answered.
    pub seller: Neighbour,
    /// Base units paid for it now; 0 where it was paid for ahead.
    pub paid: u64,
}

/// Why nothing was bought.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum BuyerError {
    /// Nobody connected answers such inputs at that price.
    #[error("none of {neighbours} neighbours answers {modality} for at most {price} base units")]
    NoSeller {
        /// Neighbours connected.
        neighbours: usize,
        /// What was asked about.
        modality: String,
        /// The highest price.
        price: u64,
    },
    /// It would cost more than there is left.
    #[error("costs {needed} base units; {left} of the budget are left")]
    Budget {
        /// Base units needed.
        needed: u64,
        /// Base units left.
        left: u64,
    },
    /// There is no claim of a purchase.
    #[error("could not pay: {0}")]
    Purse(#[from] PayError),
    /// All that were tried failed; of the last, why.
    #[error("{seller} {why}")]
    Failed {
        /// Peer id.
        seller: String,
        /// What was wrong with it.
        why: Unanswered,
    },
    /// The inputs cannot be asked about.
    #[error("cannot be asked: {0}")]
    Shape(#[from] ShapeError),
}

/// Longest wait for an answer.
const DEADLINE: Duration = Duration::from_secs(10);
/// Wait before a claim is shown again to a seller that has not verified its block yet, and how often that is done.
const AGAIN: Duration = Duration::from_secs(2);
const TIMES: u32 = 10;

impl Buyer {
    /// A buyer that has spent nothing yet.
    pub fn new(mesh: Rc<dyn Mesh>, purse: Rc<dyn Purse>, terms: Terms) -> Self {
        let (credits, open, unclaimed) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { mesh, purse, terms, spent: 0, credits, open, unclaimed, cheats: BTreeSet::new(), asks: 0 }
    }

    /// Base units spent: those that may still become final among them.
    pub fn spent(&self) -> u64 {
        self.spent
    }

    /// The logits of `inputs`.
    ///
    /// # Errors
    /// [`BuyerError`]; what was paid stays paid and counts at that seller.
    pub async fn logits(&mut self, inputs: &Inputs) -> Result<Bought, BuyerError> {
        let neighbours = self.mesh.neighbours();
        let modality = inputs.modality();
        let mut sellers: Vec<&Neighbour> = neighbours
            .iter()
            .filter(|neighbour| neighbour.modalities.contains(modality) && neighbour.price <= self.terms.price)
            .filter(|neighbour| neighbour.price == 0 || !self.cheats.contains(&neighbour.key))
            .collect();
        // Stable: of equal prices the best stays first.
        sellers.sort_by_key(|seller| seller.price);
        let mut failure = BuyerError::NoSeller {
            neighbours: neighbours.len(),
            modality: modality.to_string(),
            price: self.terms.price,
        };
        for seller in sellers {
            match self.buy(seller, inputs).await {
                Ok(bought) => return Ok(bought),
                Err(BuyerError::Shape(error)) => return Err(error.into()),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    async fn buy(&mut self, seller: &Neighbour, inputs: &Inputs) -> Result<Bought, BuyerError> {
        let failed = |why| BuyerError::Failed { seller: seller.peer.clone(), why };
        let positions = inputs.shape().tokens() as u64;
        let paid = self.pay(seller, positions).await?;
        self.asks = self.asks.wrapping_add(1);
        let ask = Ask::new(self.asks, inputs.clone(), Want::Logits, Encoding::F32, DEADLINE.as_millis() as u32)?;
        let answer = futures::select_biased! {
            answer = self.mesh.ask(&seller.peer, ask).fuse() => answer,
            () = self.mesh.sleep(DEADLINE).fuse() => Err(Unanswered::Gone("no answer in time".into())),
        };
        if let Err(Unanswered::Refused(Refuse::Unpaid(_))) = &answer
            && self.credits.remove(&seller.key).is_some()
        {
            self.cheats.insert(seller.key.clone());
        }
        let Answer { id, representation } = answer.map_err(failed)?;
        let [batch, seq, _] = representation.dims();
        let shape = inputs.shape();
        if id != self.asks || batch != shape.batch() || (seq != shape.seq() && seq != 1) {
            return Err(failed(Unanswered::Unreadable(format!("logits of {batch} × {seq} under id {id}"))));
        }
        if let Some(credit) = self.credits.get_mut(&seller.key) {
            *credit = credit.saturating_sub(positions);
        }
        let dims = representation.dims();
        Ok(Bought { logits: representation.into_values(), dims, seller: seller.clone(), paid })
    }

    /// Sees to it that `positions` are paid for at `seller`; gives what was spent on it.
    async fn pay(&mut self, seller: &Neighbour, positions: u64) -> Result<u64, BuyerError> {
        if seller.price == 0 || self.credit(seller) >= positions {
            return Ok(0);
        }
        // What was paid before comes first.
        if self.open.contains_key(&seller.key) {
            let late = self.purse.late(seller).await;
            self.settle(seller, late)?;
        }
        self.show(seller).await?;
        if self.credit(seller) >= positions {
            return Ok(0);
        }
        let left = self.terms.budget.saturating_sub(self.spent);
        let needed = |positions| amount(positions, seller.price).unwrap_or(u64::MAX);
        // A whole bundle where the budget has it, else what is needed now.
        let bundle = needed(self.terms.bundle.max(positions));
        let cost = if bundle <= left { bundle } else { needed(positions) };
        if cost > left {
            return Err(BuyerError::Budget { needed: cost, left });
        }
        self.spent += cost;
        self.open.insert(seller.key.clone(), cost);
        let paid = self.purse.pay(seller, cost).await;
        self.settle(seller, paid)?;
        self.show(seller).await?;
        let credit = self.credit(seller);
        if credit < positions {
            self.cheats.insert(seller.key.clone());
            let why = format!("{credit} positions credited of what {positions} or more were paid for");
            return Err(BuyerError::Failed { seller: seller.peer.clone(), why: Unanswered::Unreadable(why) });
        }
        Ok(cost)
    }

    fn credit(&self, seller: &Neighbour) -> u64 {
        self.credits.get(&seller.key).copied().unwrap_or(0)
    }

    /// What became of the open payment to `seller`.
    fn settle(&mut self, seller: &Neighbour, paid: Result<Claim, PayError>) -> Result<(), PayError> {
        if let Err(PayError::Open(_)) = paid {
            return paid.map(drop);
        }
        let cost = self.open.remove(&seller.key).unwrap_or(0);
        match paid {
            Ok(claim) => self.unclaimed.entry(seller.key.clone()).or_default().push(claim),
            Err(error) => {
                self.spent = self.spent.saturating_sub(cost);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Shows `seller` the purchases that it has not credited yet.
    async fn show(&mut self, seller: &Neighbour) -> Result<(), BuyerError> {
        while let Some(claim) = self.unclaimed.get(&seller.key).and_then(|claims| claims.first()) {
            let credited = self.claim(seller, claim.clone()).await;
            if credited.as_ref().err().is_none_or(settles)
                && let Some(claims) = self.unclaimed.get_mut(&seller.key)
            {
                claims.remove(0);
                if credited.is_err() {
                    self.cheats.insert(seller.key.clone());
                }
            }
            let credit = credited.map_err(|why| BuyerError::Failed { seller: seller.peer.clone(), why })?;
            // Of some sellers all that is open there, of others what this purchase was worth: at least so much.
            self.credits.insert(seller.key.clone(), credit);
        }
        Ok(())
    }

    /// Shows a purchase to its seller until that has verified its block.
    async fn claim(&self, seller: &Neighbour, claim: Claim) -> Result<u64, Unanswered> {
        for _ in 0..TIMES {
            match self.mesh.claim(&seller.peer, claim.clone()).await {
                Err(Unanswered::Refused(Refuse::Unpaid(Unpaid::NotYet) | Refuse::Busy { .. })) => {
                    self.mesh.sleep(AGAIN).await;
                }
                other => return other,
            }
        }
        Err(Unanswered::Refused(Refuse::Unpaid(Unpaid::NotYet)))
    }
}

/// Whether a claim that was answered so will never be credited.
fn settles(why: &Unanswered) -> bool {
    let Unanswered::Refused(Refuse::Unpaid(unpaid)) = why else { return false };
    !matches!(unpaid, Unpaid::NotForSale | Unpaid::NotYet | Unpaid::Full)
}

impl Default for Terms {
    /// Nothing may be spent; a bundle is what a price is named for.
    fn default() -> Self {
        Self { budget: 0, price: 0, bundle: limits::PRICED }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use futures::executor::block_on;
    use protocol::exchange::{Gradient, Representation, Shape};

    use super::*;

    /// Sells what is worth a base unit for a position, and credits as the script says before it credits all.
    struct Shop {
        replies: RefCell<Vec<Unanswered>>,
        shown: Cell<u32>,
        /// Positions credited for any purchase; `None` for what was paid for.
        credits: Option<u64>,
        /// Whether asks are refused as unpaid.
        refuses: bool,
    }

    #[async_trait(?Send)]
    impl Mesh for Shop {
        fn neighbours(&self) -> Vec<Neighbour> {
            vec![Neighbour { price: 1_024, ..Neighbour::new("seller", "aa") }]
        }

        async fn ask(&self, _: &str, ask: Ask) -> Result<Answer, Unanswered> {
            if self.refuses {
                return Err(Unanswered::Refused(Refuse::Unpaid(Unpaid::NotForSale)));
            }
            let shape = ask.inputs().shape();
            let logits = vec![0.0; shape.tokens() * 4];
            let representation = Representation::new(shape, 4, logits).unwrap();
            Ok(Answer { id: ask.id(), representation })
        }

        async fn gradient(&self, _: &str, _: Gradient) -> Result<(), Unanswered> {
            Ok(())
        }

        async fn claim(&self, _: &str, claim: Claim) -> Result<u64, Unanswered> {
            self.shown.set(self.shown.get() + 1);
            match self.replies.borrow_mut().pop() {
                Some(why) => Err(why),
                None => Ok(self.credits.unwrap_or(claim.index.into())),
            }
        }

        async fn sleep(&self, time: Duration) {
            if time == DEADLINE {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Pays as the script says, then everything.
    #[derive(Default)]
    struct Script {
        replies: RefCell<Vec<PayError>>,
        late: RefCell<Vec<Result<Claim, PayError>>>,
        paid: Cell<u32>,
    }

    #[async_trait(?Send)]
    impl Purse for Script {
        async fn pay(&self, _: &Neighbour, amount: u64) -> Result<Claim, PayError> {
            self.paid.set(self.paid.get() + 1);
            self.replies.borrow_mut().pop().map_or_else(|| Ok(claim(amount)), Err)
        }

        async fn late(&self, _: &Neighbour) -> Result<Claim, PayError> {
            self.late.borrow_mut().pop().unwrap_or_else(|| Err(PayError::Open("not yet".into())))
        }
    }

    fn claim(amount: u64) -> Claim {
        let index = u32::try_from(amount).unwrap();
        Claim { transaction: vec![], index, proof: vec![], headers: vec![], nonce: [0; 32] }
    }

    fn buyer(claims: Vec<Unanswered>, purse: Script) -> (Buyer, Rc<Shop>, Rc<Script>) {
        let (shop, purse) = (
            Rc::new(Shop { replies: claims.into(), shown: Cell::new(0), credits: None, refuses: false }),
            Rc::new(purse),
        );
        let terms = Terms { budget: 100, price: 2_000, bundle: 60 };
        (Buyer::new(shop.clone(), purse.clone(), terms), shop, purse)
    }

    fn text() -> Inputs {
        Inputs::text(Shape::new(1, 60).unwrap(), vec![7; 60]).unwrap()
    }

    #[test]
    fn a_payment_that_may_still_become_final_counts_and_is_claimed_when_it_is() {
        let open = PayError::Open("not final in time".into());
        let script = Script {
            replies: vec![open.clone()].into(),
            late: vec![Ok(claim(60)), Err(open.clone())].into(),
            ..Script::default()
        };
        let (mut buyer, _, purse) = buyer(vec![], script);
        assert_eq!(block_on(buyer.logits(&text())), Err(BuyerError::Purse(open.clone())));
        assert_eq!(buyer.spent(), 60);
        assert_eq!(block_on(buyer.logits(&text())), Err(BuyerError::Purse(open)), "it is not paid a second time");
        assert_eq!(block_on(buyer.logits(&text())).unwrap().paid, 0);
        assert_eq!((buyer.spent(), purse.paid.get()), (60, 1));
    }

    #[test]
    fn a_payment_that_was_refused_does_not_count() {
        let refused = PayError::Unpaid("the balance is too small".into());
        let open = PayError::Open("not final in time".into());
        let script = Script {
            replies: vec![open, refused.clone()].into(),
            late: vec![Err(refused.clone())].into(),
            ..Script::default()
        };
        let (mut buyer, _, _) = buyer(vec![], script);
        assert_eq!(block_on(buyer.logits(&text())), Err(BuyerError::Purse(refused)));
        assert_eq!(buyer.spent(), 0);
        block_on(buyer.logits(&text())).unwrap_err();
        assert_eq!(buyer.spent(), 60);
        block_on(buyer.logits(&text())).unwrap_err();
        assert_eq!(buyer.spent(), 0, "refused late");
    }

    #[test]
    fn a_claim_that_did_not_reach_its_seller_is_shown_again_before_anything_more_is_paid() {
        let (mut buyer, shop, purse) = buyer(vec![Unanswered::Gone("it left".into())], Script::default());
        block_on(buyer.logits(&text())).unwrap_err();
        assert_eq!((buyer.spent(), purse.paid.get(), shop.shown.get()), (60, 1, 1));
        assert_eq!(block_on(buyer.logits(&text())).unwrap().paid, 0);
        assert_eq!((buyer.spent(), purse.paid.get(), shop.shown.get()), (60, 1, 2));
    }

    #[test]
    fn a_claim_that_will_never_be_credited_is_shown_once() {
        let again = Unanswered::Refused(Refuse::Unpaid(Unpaid::TooOld { seconds: 600 }));
        let (mut buyer, shop, _) = buyer(vec![again], Script::default());
        block_on(buyer.logits(&text())).unwrap_err();
        assert!(matches!(block_on(buyer.logits(&text())), Err(BuyerError::NoSeller { neighbours: 1, .. })));
        assert_eq!((buyer.spent(), shop.shown.get()), (60, 1), "nor is its seller paid again");
    }

    /// Who credits a payment and then will not know of it, or credits less than was paid for, has one bundle and no more.
    #[test]
    fn a_seller_that_cheats_is_not_paid_again() {
        for (credits, answers) in [(Some(3), false), (None, true)] {
            let shop = Shop { credits, refuses: answers, replies: RefCell::default(), shown: Cell::new(0) };
            let purse = Rc::new(Script::default());
            let terms = Terms { budget: 1_000, price: 2_000, bundle: 60 };
            let mut buyer = Buyer::new(Rc::new(shop), purse.clone(), terms);
            assert!(matches!(block_on(buyer.logits(&text())), Err(BuyerError::Failed { .. })));
            for _ in 0..5 {
                assert!(matches!(block_on(buyer.logits(&text())), Err(BuyerError::NoSeller { .. })));
            }
            assert_eq!((buyer.spent(), purse.paid.get()), (60, 1));
        }
    }
}
