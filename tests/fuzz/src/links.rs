//! How a light client follows validators: whatever is done to the links of a chain, it never believes a block that is not in it.

use crate::chain::Chain;
use arbitrary::Arbitrary;
use bytes::Bytes;
use commonware_codec::{DecodeExt, Encode};
use ledger::query::Link;
use ledger::{Header, Height};
use light::Client;
use std::sync::LazyLock;

/// What a hostile source does to one of the links. Places count from 0 and around.
#[derive(Arbitrary, Debug)]
enum Deed {
    Drop(u8),
    Double(u8),
    Swap(u8, u8),
    Header { link: u8, at: u16, by: u8 },
    Certificate { link: u8, at: u16, by: u8 },
    Shorten { link: u8, to: u16 },
    CertificateOf { link: u8, of: u8 },
    ValidatorsOf { link: u8, of: u8 },
    HeaderOf { link: u8, of: u8 },
    Without { link: u8, key: u8 },
}

/// What comes in one answer: links from an epoch on, and what was done to them.
type Answer = (u8, Vec<Deed>);

/// A chain of six epochs, whose validators change, and its links.
static HONEST: LazyLock<(Chain, Vec<Link>)> = LazyLock::new(|| {
    let mut chain = Chain::rotating(2);
    chain.steps(12);
    let links = chain.links(1, 6);
    (chain, links)
});

/// See the module.
pub fn run(bytes: &[u8]) {
    let Some(answers) = crate::input::<Vec<Answer>>(bytes) else { return };
    let (chain, honest) = &*HONEST;
    let mut client =
        Client::new(&chain.genesis, chain.checkpoint(), crate::chain::BEGIN).expect("the checkpoint is new");
    for (from, deeds) in answers.into_iter().take(4) {
        let mut links = honest[usize::from(from) % honest.len()..].to_vec();
        deeds.iter().take(8).for_each(|deed| work(deed, &mut links));
        let accepted = client.accept_links(&links, chain.time());
        assert!(client.evidence().is_none(), "two histories where there is one: {accepted:?}");
        assert!(client.epoch() <= 6);
        for height in 0..=chain.height() {
            let known = client.verified_at(Height(height));
            assert!(known.is_none_or(|digest| digest == chain.headers[height as usize].digest()));
        }
        assert!(client.height() <= Height(chain.height()));
    }
    // Nothing of it keeps it from the truth.
    let rest = usize::try_from(client.epoch()).expect("six at most");
    client.accept_links(&honest[rest..], chain.time()).expect("an honest answer");
    assert_eq!(client.epoch(), 6);
}

fn work(deed: &Deed, links: &mut Vec<Link>) {
    let count = links.len();
    let place = |index: u8| usize::from(index) % count.max(1);
    match deed {
        _ if count == 0 => {}
        Deed::Drop(link) => drop(links.remove(place(*link))),
        Deed::Double(link) => {
            let double = links[place(*link)].clone();
            links.insert(place(*link), double);
        }
        Deed::Swap(a, b) => links.swap(place(*a), place(*b)),
        Deed::Header { link, at, by } => {
            let mut bytes = links[place(*link)].header.encode().to_vec();
            flip(&mut bytes, *at, *by);
            if let Ok(header) = Header::decode(bytes) {
                links[place(*link)].header = header;
            }
        }
        Deed::Certificate { link, at, by } => {
            let mut bytes = links[place(*link)].finalization.to_vec();
            flip(&mut bytes, *at, *by);
            links[place(*link)].finalization = Bytes::from(bytes);
        }
        Deed::Shorten { link, to } => links[place(*link)].finalization.truncate(usize::from(*to)),
        Deed::CertificateOf { link, of } => {
            links[place(*link)].finalization = links[place(*of)].finalization.clone();
        }
        Deed::ValidatorsOf { link, of } => {
            links[place(*link)].validators = links[place(*of)].validators.clone();
        }
        Deed::HeaderOf { link, of } => links[place(*link)].header = links[place(*of)].header.clone(),
        Deed::Without { link, key } => {
            let validators = &mut links[place(*link)].validators;
            let key = usize::from(*key) % validators.len().max(1);
            if key < validators.len() {
                validators.remove(key);
            }
        }
    }
}

fn flip(bytes: &mut [u8], at: u16, by: u8) {
    let length = bytes.len().max(1);
    if let Some(byte) = bytes.get_mut(usize::from(at) % length) {
        *byte ^= by;
    }
}
