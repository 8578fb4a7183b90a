//! Messages of every kind there and back, their bytes, and what is no message.

use super::*;
use crate::record::Record;
use commonware_cryptography::{Hasher, Sha256, Signer, ed25519::PrivateKey};
use proptest::prelude::*;

fn shapes() -> impl Strategy<Value = Shape> {
    (1..=8u32, 1..=16u32).prop_map(|(batch, seq)| Shape::new(batch, seq).unwrap())
}

fn encodings() -> impl Strategy<Value = Encoding> {
    prop_oneof![Just(Encoding::F32), Just(Encoding::F16), Just(Encoding::Int8)]
}

fn representations() -> impl Strategy<Value = Representation> {
    (shapes(), 1..=8u32, encodings()).prop_flat_map(|(shape, dim, encoding)| {
        let values = shape.tokens() * dim as usize;
        prop::collection::vec(-1e6f32..1e6, values)
            .prop_map(move |values| Representation::encoded(shape, dim, &values, encoding, None).unwrap())
    })
}

fn inputs() -> impl Strategy<Value = Inputs> {
    (shapes(), 0..4u8, [1..=3u32, 1..=4u32, 1..=4u32]).prop_flat_map(|(shape, modality, item)| {
        let width = item.iter().product::<u32>() as usize;
        prop::collection::vec(any::<u8>(), shape.tokens() * if modality == 0 { 1 } else { width }).prop_map(
            move |bytes| {
                let reals = bytes.iter().map(|byte| f32::from(*byte) - 100.5).collect();
                match modality {
                    0 => Inputs::text(shape, bytes),
                    1 => Inputs::image(shape, item, bytes),
                    2 => Inputs::speech(shape, width as u32, reals),
                    _ => Inputs::tensor(shape, width as u32, reals),
                }
                .unwrap()
            },
        )
    })
}

fn asks() -> impl Strategy<Value = Ask> {
    let want = prop_oneof![Just(Want::Encoding), Just(Want::Joined), Just(Want::Logits)];
    (any::<u64>(), 0..=limits::DEADLINE_MS, inputs(), want, encodings())
        .prop_map(|(id, deadline, inputs, want, encoding)| Ask::new(id, inputs, want, encoding, deadline).unwrap())
}

fn claims() -> impl Strategy<Value = Claim> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..300);
    (bytes(), any::<u32>(), bytes(), bytes(), any::<[u8; 32]>())
        .prop_map(|(transaction, index, proof, headers, nonce)| Claim { transaction, index, proof, headers, nonce })
}

fn unpaid() -> impl Strategy<Value = Unpaid> {
    prop_oneof![
        Just(Unpaid::NotForSale),
        Just(Unpaid::NoPurchase),
        Just(Unpaid::OtherSeller),
        Just(Unpaid::OtherBuyer),
        Just(Unpaid::NotYet),
        any::<u64>().prop_map(|seconds| Unpaid::TooOld { seconds }),
        Just(Unpaid::Proof),
        Just(Unpaid::Again),
        any::<u64>().prop_map(|least| Unpaid::TooLittle { least }),
        Just(Unpaid::Full),
    ]
}

fn hellos() -> impl Strategy<Value = Hello> {
    (any::<u64>(), any::<bool>(), 0..16u8, any::<bool>()).prop_map(|(seed, tab, modalities, known)| {
        let key = PrivateKey::from_seed(seed);
        let chain = Sha256::hash(&[&seed.to_le_bytes()]);
        let record = Record::sign(&key, chain, vec![1, 2, 3], vec!["/memory/1".into()], seed).unwrap();
        Hello {
            version: PROTOCOL,
            chain,
            kind: if tab { Kind::Tab } else { Kind::Resident },
            modalities: Modalities::from_bits(modalities).unwrap(),
            dim: 64,
            preset: Preset::Small,
            price: seed,
            record: known.then_some(record),
        }
    })
}

fn refuses() -> impl Strategy<Value = Refuse> {
    prop_oneof![
        any::<u32>().prop_map(|retry_ms| Refuse::Busy { retry_ms }),
        Just(Refuse::WrongModality { own: Modality::Text.into(), asked: Modality::Tensor }),
        (any::<[u32; 3]>(), any::<[u32; 3]>()).prop_map(|(expected, got)| Refuse::WrongShape { expected, got }),
        any::<u64>().prop_map(|id| Refuse::Forgotten { id }),
        Just(Refuse::NotTraining),
        Just(Refuse::TooLate),
        Just(Refuse::Unreadable),
        any::<[u8; 32]>().prop_map(|chain| Refuse::WrongChain { own: Sha256::hash(&[&chain]) }),
        any::<u16>().prop_map(|own| Refuse::WrongVersion { own }),
        unpaid().prop_map(Refuse::Unpaid),
    ]
}

fn requests() -> impl Strategy<Value = Request> {
    prop_oneof![
        hellos().prop_map(Request::Hello),
        asks().prop_map(Request::Ask),
        (any::<u64>(), representations())
            .prop_map(|(id, representation)| Request::Gradient(Gradient { id, representation })),
        claims().prop_map(Request::Claim),
    ]
}

fn responses() -> impl Strategy<Value = Response> {
    prop_oneof![
        hellos().prop_map(Response::Hello),
        (any::<u64>(), representations())
            .prop_map(|(id, representation)| Response::Answer(Answer { id, representation })),
        refuses().prop_map(Response::Refuse),
        Just(Response::Applied),
        any::<u64>().prop_map(|positions| Response::Credit { positions }),
    ]
}

proptest! {
    #[test]
    fn requests_come_back(request in requests()) {
        let bytes = request.to_bytes();
        prop_assert_eq!(bytes.len(), request.encode_size());
        prop_assert_eq!(is_hello(&bytes), matches!(request, Request::Hello(_)));
        prop_assert_eq!(is_claim(&bytes), matches!(request, Request::Claim(_)));
        prop_assert_eq!(Request::from_bytes(&bytes).unwrap(), request);
    }

    #[test]
    fn responses_come_back(response in responses()) {
        let bytes = response.to_bytes();
        prop_assert_eq!(bytes.len(), response.encode_size());
        prop_assert_eq!(is_refusal(&bytes), matches!(response, Response::Refuse(_)));
        prop_assert_eq!(Response::from_bytes(&bytes).unwrap(), response);
    }

    #[test]
    fn cut_or_lengthened_messages_are_refused(request in requests(), cut in any::<prop::sample::Index>()) {
        let bytes = request.to_bytes();
        prop_assert!(Request::from_bytes(&bytes[..cut.index(bytes.len())]).is_err());
        prop_assert!(Request::from_bytes(&[bytes, vec![0]].concat()).is_err());
    }

    #[test]
    fn any_bytes_are_parsed_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        let after = |tag| [vec![VERSION, tag], bytes.clone()].concat();
        for version in [bytes.clone(), after(0), after(1), after(2), after(3)] {
            if let Ok(request) = Request::from_bytes(&version) {
                prop_assert_eq!(request.to_bytes(), version.clone());
            }
            if let Ok(response) = Response::from_bytes(&version) {
                prop_assert_eq!(response.to_bytes(), version);
            }
        }
    }
}

/// Bytes of every kind of message, so that a change of them is seen.
#[test]
fn the_bytes_are_these() {
    let shape = Shape::new(1, 2).unwrap();
    let hex = |request: Request| wire::hex(&request.to_bytes());
    let ask = |inputs: Inputs| Request::Ask(Ask::new(1, inputs, Want::Joined, Encoding::Int8, 256).unwrap());
    let head = "0101000000000000000101020000010";
    let text = ask(Inputs::text(shape, vec![7, 8]).unwrap());
    assert_eq!(hex(text), format!("{head}00000000001000000020708"));
    let image = ask(Inputs::image(shape, [1, 2, 1], vec![1, 2, 3, 4]).unwrap());
    assert_eq!(hex(image), format!("{head}001000000010000000200000001000000020000000101020304"));
    let speech = ask(Inputs::speech(shape, 1, vec![1.0, -2.0]).unwrap());
    assert_eq!(hex(speech), format!("{head}0020000000100000002000000013f800000c0000000"));
    let tensor = ask(Inputs::tensor(shape, 1, vec![0.5, 0.0]).unwrap());
    assert_eq!(hex(tensor), format!("{head}0030000000100000002000000013f00000000000000"));
    let representation = Representation::encoded(shape, 1, &[1.0, 2.0], Encoding::F16, None).unwrap();
    let gradient = Request::Gradient(Gradient { id: 3, representation });
    assert_eq!(hex(gradient), "01020000000000000003000000010000000200000001013c004000");
    let claim = Claim { transaction: vec![1], index: 3, proof: vec![4, 5], headers: vec![7], nonce: [6; 32] };
    let nonce = "06".repeat(32);
    assert_eq!(hex(Request::Claim(claim)), format!("01030101000000030204050107{nonce}"));
    let hello = Hello {
        version: PROTOCOL,
        chain: Sha256::hash(&[b"chain"]),
        kind: Kind::Tab,
        modalities: [Modality::Text, Modality::Image].into_iter().collect(),
        dim: 64,
        preset: Preset::Small,
        price: 5,
        record: None,
    };
    let chain = hello.chain;
    assert_eq!(hex(Request::Hello(hello)), format!("01000001{chain}0103004000000000000000000500"));
    assert_eq!(wire::hex(&Response::Credit { positions: 9 }.to_bytes()), "01040000000000000009");
    assert_eq!(
        wire::hex(&Response::Refuse(Refuse::Unpaid(Unpaid::TooLittle { least: 7 })).to_bytes()),
        "010209080000000000000007"
    );
}

/// Lengths that a message claims and does not have cost no memory.
#[test]
fn what_did_not_arrive_is_refused() {
    let sound = |number: u32| {
        [&[VERSION, 1][..], &[0; 8], &[1, 0], &[0; 4], &[2], &number.to_be_bytes(), &[0, 0, 4, 0], &[0, 0, 0, 80]]
            .concat()
    };
    let error = Request::from_bytes(&sound(limits::BATCH)).unwrap_err();
    assert!(error.to_string().contains("End-of-Buffer"), "{error}");
    assert!(Request::from_bytes(&sound(u32::MAX)).is_err());
}

#[test]
fn another_version_is_named() {
    let error = Response::from_bytes(&[2, 3]).unwrap_err();
    assert_eq!(error.to_string(), "unreadable message: response: of another version of the protocol");
}

#[test]
fn an_oversized_message_is_refused_unread() {
    let bytes = vec![0; limits::MESSAGE_BYTES + 1];
    assert!(matches!(Request::from_bytes(&bytes), Err(wire::Error::TooLong { .. })));
}
