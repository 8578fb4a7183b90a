//! `peerage buy`: pays a peer for answers, and has it go on with a text, byte by byte.
//!
//! The buyer joins the network without a model. Its light client proves the account, signs the purchase and, once that is
//! final, shows it to the seller. What a hostile seller could do: take the payment and not answer, or answer nonsense; the
//! budget bounds what that costs. The node is trusted with the chain, as for [`crate::joining`].

use super::{
    Card, listen_to,
    mesh::Roll,
    mesh::Wire,
    now, renew,
    standing::{Buy, Part, Standing, Word, take_part},
};
use crate::{cli, data::Keys, genesis::amount_text, joining, keys, say};
use anyhow::{Context, Result, bail};
use async_trait::async_trait;
use bytes::Bytes;
use commonware_codec::{DecodeExt, Encode};
use commonware_cryptography::{Hasher, Sha256};
use futures::channel::{mpsc, oneshot};
use ledger::{Amount, Genesis, Height, PrivateKey, text};
use light::{Checkpoint, Participant};
use network::{Keypair, Role, addresses};
use peer::{Bought, Buyer, BuyerError, Mesh, Neighbour, PayError, Purse, Terms};
use protocol::{
    bootstrap::Bootstrap,
    exchange::{Claim, Inputs, Kind, Modalities, Modality, Shape},
    limits,
};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    time::Duration,
};
use tokio::sync::watch;

/// Buys and prints.
pub fn run(options: &cli::Buy) -> Result<()> {
    let key = keys::secret(&options.data, &options.key)?;
    let (bootstrap, _) = joining::bootstrap(&options.node)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("the system gives no threads")?;
    runtime.block_on(buy(options, key, bootstrap))
}

async fn buy(options: &cli::Buy, key: PrivateKey, bootstrap: Bootstrap) -> Result<()> {
    let genesis =
        Genesis::decode(Bytes::from(bootstrap.genesis.clone())).context("the node's genesis cannot be read")?;
    if genesis.chain().0 != bootstrap.chain {
        bail!("{} names chain {} and shows the genesis of another", options.node, text::hex(&bootstrap.chain));
    }
    let Bootstrap { chain, checkpoint, validators, node: nodes, residents, .. } = bootstrap;
    let height = Height(checkpoint.height);
    let checkpoint = Checkpoint { height, digest: checkpoint.digest, time: checkpoint.time, validators };
    let participant = Participant::new(genesis, checkpoint, key.clone(), now())
        .context("the node's checkpoint is no place to begin from")?;
    let keys = Keys { hot: key.clone(), identity: Keypair::generate_ed25519() };
    let dim = model::Preset::small().dim;
    // It waits for nobody, and dials whoever sells: as a tab does.
    let card = Card { keys: keys.clone(), chain, kind: Kind::Tab, dim, modalities: Modalities::NONE };
    let settings = network::Config {
        nodes: addresses(&nodes)?,
        residents: addresses(&residents)?,
        hello: Some(card.hello(now(), 0)?),
        ..network::Config::new(keys.identity, chain, Role::Tab)
    };
    let (network, events, driver) = network::start(settings)?;
    tokio::spawn(driver.run());
    let roll = Roll::default();
    // Nobody is answered: what comes in finds nobody.
    let (inbound, _) = mpsc::channel(0);
    let (words, heard) = mpsc::unbounded();
    let (sells, sold) = watch::channel(false);
    let part = Part { name: "Buyer".into(), role: Standing::Buys, sells, control: None };
    tokio::spawn(listen_to(events, inbound, roll.clone(), words.clone()));
    tokio::spawn(take_part(part, participant, network.clone(), heard, roll.clone()));
    tokio::spawn(renew(card, 0, sold, network.clone()));

    let wire = Rc::new(Wire { network: network.clone(), roll });
    let price = options.price.unwrap_or(options.budget).0;
    let terms = Terms { budget: options.budget.0, price, ..Terms::default() };
    found(&*wire, price).await?;
    let account = Account { words, key, bought: Cell::new(0), late: RefCell::default() };
    let mut buyer = Buyer::new(wire, Rc::new(account), terms);
    let (text, end) = goes_on(&mut buyer, options.text.as_bytes(), options.bytes.into()).await;
    let spent = buyer.spent();
    let _ = network.shutdown().await;
    // What was paid for is printed, however far it goes.
    if end.is_ok() || text.len() > options.text.len() {
        say::result(&format!("{}\n", String::from_utf8_lossy(&text))).context("the text was not printed")?;
    }
    say::line(format_args!("Paid      {} tokens", amount_text(Amount(spent))));
    end.with_context(|| {
        format!("the text ends {} of {} bytes on", text.len().saturating_sub(options.text.len()), options.bytes)
    })
}

/// Waits for somebody who answers about text at that price, and gives the cheapest, who is asked first; some give their
/// answers away.
async fn found(mesh: &dyn Mesh, price: u64) -> Result<Neighbour> {
    for _ in 0..LOOKS {
        let sells = |one: &Neighbour| one.modalities.contains(Modality::Text) && one.price <= price;
        if let Some(seller) = mesh.neighbours().into_iter().filter(sells).min_by_key(|one| one.price) {
            return Ok(seller);
        }
        tokio::time::sleep(LOOK).await;
    }
    bail!(
        "nobody who is reached answers about text for at most {} tokens: raise --price, or start a seller \
         with `peerage peer --price`",
        amount_text(Amount(price))
    )
}

/// `text` with the likeliest bytes after it, and why it ends before there are as many as are wanted.
async fn goes_on(buyer: &mut Buyer, text: &[u8], bytes: usize) -> (Vec<u8>, Result<(), BuyerError>) {
    let (mut text, mut seller) = (text.to_vec(), None);
    for _ in 0..bytes {
        let bought = match next(buyer, &text).await {
            Ok(bought) => bought,
            Err(error) => return (text, Err(error)),
        };
        if seller.as_ref() != Some(&bought.seller) {
            let Neighbour { peer, price, .. } = &bought.seller;
            say::line(format_args!("Seller    {peer}, {} tokens for 1,024 positions", amount_text(Amount(*price))));
            seller = Some(bought.seller);
        }
        let classes = bought.dims[2] as usize;
        let last = &bought.logits[bought.logits.len().saturating_sub(classes)..];
        let best = last.iter().enumerate().max_by(|left, right| left.1.total_cmp(right.1));
        text.push(best.and_then(|(class, _)| u8::try_from(class).ok()).unwrap_or(b' '));
    }
    (text, Ok(()))
}

/// Logits of the byte after `text`.
async fn next(buyer: &mut Buyer, text: &[u8]) -> Result<Bought, BuyerError> {
    let window = text[text.len().saturating_sub(WINDOW)..].to_vec();
    let shape = Shape::new(1, u32::try_from(window.len()).unwrap_or(u32::MAX))?;
    buyer.logits(&Inputs::text(shape, window)?).await
}

/// Pays from the account of a key, by the light client.
struct Account {
    words: mpsc::UnboundedSender<Word>,
    key: PrivateKey,
    bought: Cell<u64>,
    /// Payments that were not final in time, by the hot key of the seller.
    late: RefCell<BTreeMap<String, oneshot::Receiver<Result<Claim, String>>>>,
}

#[async_trait(?Send)]
impl Purse for Account {
    async fn pay(&self, seller: &Neighbour, amount: u64) -> Result<Claim, PayError> {
        let key = text::decode(&seller.key).map_err(|_| PayError::Unpaid(format!("{} is no key", seller.key)))?;
        self.bought.set(self.bought.get() + 1);
        let (secret, time, number) = (self.key.encode(), now().to_le_bytes(), self.bought.get().to_le_bytes());
        let nonce = Sha256::hash(&[b"peerage/nonce/1", &secret, &time, &number]).0;
        let (respond, mut paid) = oneshot::channel();
        let buy = Buy { seller: key, amount: Amount(amount), nonce, respond };
        self.words.unbounded_send(Word::Buy(buy)).map_err(|_| PayError::Unpaid(GONE.into()))?;
        match tokio::time::timeout(FINAL, &mut paid).await {
            Ok(Ok(claim)) => claim.map_err(PayError::Unpaid),
            Ok(Err(_)) => Err(PayError::Open(GONE.into())),
            Err(_) => {
                self.late.borrow_mut().insert(seller.key.clone(), paid);
                Err(PayError::Open(format!(
                    "the payment was not final after {} s and may still become so",
                    FINAL.as_secs()
                )))
            }
        }
    }

    async fn late(&self, seller: &Neighbour) -> Result<Claim, PayError> {
        let mut late = self.late.borrow_mut();
        let paid = late.get_mut(&seller.key).map(|paid| paid.try_recv());
        let Some(Ok(Some(paid))) = paid else {
            return Err(PayError::Open("the payment before is not final yet".into()));
        };
        late.remove(&seller.key);
        paid.map_err(PayError::Unpaid)
    }
}

/// Why nothing comes of a payment any more.
const GONE: &str = "the ledger is not followed any more";

/// Bytes that are asked about at once: what a model of the small preset looks back on.
const WINDOW: usize = 64;

/// How long a payment may take to be final.
const FINAL: Duration = Duration::from_secs(120);

/// Time between two looks for a seller, and how many there are.
const LOOK: Duration = Duration::from_millis(500);
const LOOKS: u32 = 120;

const _: () = assert!(WINDOW <= limits::SEQUENCE as usize);

#[cfg(test)]
mod tests {
    use super::*;
    use peer::Unanswered;
    use protocol::exchange::{Answer, Ask, Encoding, Gradient, Representation, Values, Want};

    /// A seller whose next byte is the one after the last, and that no answer is longer than a window.
    struct Alphabet;

    #[async_trait(?Send)]
    impl Mesh for Alphabet {
        fn neighbours(&self) -> Vec<Neighbour> {
            let image = Neighbour { modalities: Modality::Image.into(), ..Neighbour::new("painter", "aa") };
            let dear = Neighbour { price: 2_999, ..Neighbour::new("dear", "ac") };
            vec![image, dear, Neighbour { price: 2_048, ..Neighbour::new("seller", "ab") }]
        }

        async fn ask(&self, peer: &str, ask: Ask) -> Result<Answer, Unanswered> {
            assert_eq!((peer, ask.want()), ("seller", Want::Logits));
            let Values::Bytes(bytes) = ask.inputs().values() else { panic!() };
            assert!(bytes.len() <= WINDOW);
            let mut logits = vec![0.0; bytes.len() * 256];
            for (at, byte) in bytes.iter().enumerate() {
                logits[at * 256 + usize::from(byte + 1)] = 1.0;
            }
            let representation = Representation::encoded(ask.inputs().shape(), 256, &logits, Encoding::F32, None);
            Ok(Answer { id: ask.id(), representation: representation.unwrap() })
        }

        async fn gradient(&self, _: &str, _: Gradient) -> Result<(), Unanswered> {
            Ok(())
        }

        async fn claim(&self, _: &str, claim: Claim) -> Result<u64, Unanswered> {
            Ok(claim.nonce[0].into())
        }
    }

    /// Pays for as many positions as the nonce says.
    struct Pays;

    #[async_trait(?Send)]
    impl Purse for Pays {
        async fn pay(&self, _: &Neighbour, amount: u64) -> Result<Claim, PayError> {
            let mut nonce = [0; 32];
            nonce[0] = u8::try_from(amount / 2).map_err(|error| PayError::Unpaid(error.to_string()))?;
            Ok(Claim { transaction: vec![], index: 0, proof: vec![], headers: vec![], nonce })
        }
    }

    #[tokio::test]
    async fn a_text_goes_on_by_the_likeliest_bytes_as_far_as_the_budget_goes() {
        let terms = Terms { budget: 400, price: 5_000, bundle: 100 };
        let mut buyer = Buyer::new(Rc::new(Alphabet), Rc::new(Pays), terms);
        let (text, end) = goes_on(&mut buyer, b"ab", 5).await;
        assert_eq!((text.as_slice(), buyer.spent()), (&b"abcdefg"[..], 200), "20 positions of 100 that were paid for");
        assert_eq!(end, Ok(()));
        let long = [b'A'; 150];
        let (text, end) = goes_on(&mut buyer, &long, 9).await;
        assert!(matches!(end, Err(BuyerError::Budget { .. })), "{end:?}");
        assert_eq!(&text[148..], b"AABC", "what was paid for is not lost");
        assert!(buyer.spent() <= 400);
    }

    #[tokio::test]
    async fn a_seller_is_the_cheapest_that_answers_about_text() {
        assert_eq!(found(&Alphabet, 3_000).await.unwrap().peer, "seller");
    }
}
