//! A peer that does not train: it buys what others know (decisions 15), within a budget.
//!
//! It asks for the logits of its inputs, of the cheapest seller first, pays for some positions ahead where its credit there is
//! used up, shows the purchase, and goes on to the next seller where one fails. A hostile seller could take the money and
//! not answer, or answer nonsense: it loses a buyer, and costs it one bundle of positions at most.

use std::collections::BTreeMap;
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
    /// Why nothing was paid, for a person.
    async fn pay(&self, seller: &Neighbour, amount: u64) -> Result<Claim, String>;
}

/// Buys logits.
pub struct Buyer {
    mesh: Rc<dyn Mesh>,
    purse: Rc<dyn Purse>,
    terms: Terms,
    spent: u64,
    /// Positions paid for and not used, by hot key.
    credits: BTreeMap<String, u64>,
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
    /// The ledger did not take the purchase.
    #[error("could not pay: {0}")]
    Purse(String),
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
        Self { mesh, purse, terms, spent: 0, credits: BTreeMap::new(), asks: 0 }
    }

    /// Base units spent.
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
        if let Err(Unanswered::Refused(Refuse::Unpaid(_))) = &answer {
            self.credits.remove(&seller.key);
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
        let credit = self.credits.get(&seller.key).copied().unwrap_or(0);
        if seller.price == 0 || credit >= positions {
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
        let claim = self.purse.pay(seller, cost).await.map_err(BuyerError::Purse)?;
        self.spent += cost;
        let credit = self.claim(seller, claim).await;
        let credit = credit.map_err(|why| BuyerError::Failed { seller: seller.peer.clone(), why })?;
        self.credits.insert(seller.key.clone(), credit);
        Ok(cost)
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

impl Default for Terms {
    /// Nothing may be spent; a bundle is what a price is named for.
    fn default() -> Self {
        Self { budget: 0, price: 0, bundle: limits::PRICED }
    }
}
