//! The file of a genesis: what is written is read again, and what is wrong is named where it stands.

use super::*;
use crate::cli::{LINE, NewValidator as Validator};
use commonware_codec::Encode;
use commonware_cryptography::Signer;
use ledger::{Amount, Kind, PrivateKey, PublicKey, types::TOKEN};
use parameter::entries;
use proptest::prelude::*;

fn key(seed: u64) -> PublicKey {
    PrivateKey::from_seed(seed).public_key()
}

fn options(mechanism: Kind, preset: Preset) -> NewGenesis {
    let validator = |seed, stake| Validator { key: key(seed), address: "192.0.2.1:9000".parse().unwrap(), stake };
    let tokens = |n| Amount(n * TOKEN);
    NewGenesis {
        mechanism,
        preset,
        name: "a \"name\"\n\\".into(),
        validators: vec![
            validator(10, None),
            validator(11, None),
            validator(12, Some(tokens(2_000))),
            validator(13, None),
        ],
        founders: vec![(key(1), tokens(1_000)), (key(2), tokens(1_500))],
        accounts: vec![(key(1), Amount(1)), (key(9), tokens(7))],
        output: None,
    }
}

/// The file of a network across the internet.
fn file() -> String {
    write(&founded(&options(Kind::Trust, Preset::Public), 1_700_000_000_250).unwrap())
}

/// What is wrong once `from` stands as `to` in the file.
fn faults(from: &str, to: &str) -> Vec<String> {
    let file = file();
    assert!(file.contains(from), "{from}");
    let faults = parse(&file.replacen(from, to, 1)).err().unwrap_or_default();
    faults.iter().map(ToString::to_string).collect()
}

/// Checks that this alone is wrong then, and where the sentence says it stands.
fn says(from: &str, to: &str, words: &str) {
    let faults = faults(from, to);
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].contains(words) && faults[0].starts_with("line "), "{}", faults[0]);
}

#[test]
fn a_new_genesis_passes_the_check_under_every_mechanism_and_preset() {
    for mechanism in Kind::ALL {
        for preset in [Preset::Public, Preset::Dev] {
            let genesis = founded(&options(mechanism, preset), 5).unwrap();
            assert_eq!(genesis.parameters.mechanism, mechanism);
            assert_eq!(parse(&write(&genesis)).unwrap(), genesis);
        }
    }
}

#[test]
fn validators_without_a_stake_are_backed_by_the_founders_in_turn() {
    let genesis = founded(&options(Kind::Trust, Preset::Public), 5).unwrap();
    let backers: Vec<u32> = genesis.validators.iter().map(|seat| seat.founder.get()).collect();
    assert_eq!(backers, [0, 1, 2, 1]);
    assert_eq!(genesis.neurons[2].key, key(12));
    let founded = |change: fn(&mut NewGenesis)| {
        let mut options = options(Kind::Trust, Preset::Public);
        change(&mut options);
        founded(&options, 5)
    };
    let error = founded(|options| options.founders.clear()).unwrap_err().to_string();
    assert!(error.contains("nobody backs the validator") && error.contains("--founder KEY:STAKE"), "{error}");
    let error = founded(|options| options.founders[0].1 = Amount(TOKEN)).unwrap_err().to_string();
    assert!(error.contains("founder 0 has a stake of 1 tokens, but who backs a validator needs 1000"), "{error}");
    assert!(founded(|options| options.name = "x".repeat(65)).is_err());
    // An unfinished one is written, and refused by the check alone.
    let unfinished = founded(|options| options.validators.clear()).unwrap();
    assert_eq!(parse(&write(&unfinished)).unwrap_err().len(), 1);
}

#[test]
fn the_file_explains_every_parameter() {
    for kind in Kind::ALL {
        let file = write(&founded(&options(kind, Preset::Public), 5).unwrap());
        assert!(file.lines().filter(|line| line.starts_with('#')).all(|line| line.chars().count() <= LINE), "{file}");
        for entry in entries() {
            let (above, _) = file.split_once(&format!("\n{} = ", entry.name)).unwrap();
            let lines = above.lines().rev().take_while(|line| line.starts_with("# ")).collect::<Vec<_>>();
            let comment = lines.iter().rev().map(|line| &line[2..]).collect::<Vec<_>>().join(" ");
            assert!(comment.contains(entry.about) && comment.contains(entry.unit), "{comment}");
            assert!(comment.contains("; ") && comment.contains("from ") || entry.name == "clip", "{comment}");
        }
    }
    assert!(
        file().contains("# Time from one block to the next; milliseconds, from 10 to 3600000.\nblock_time = 2000\n")
    );
    assert!(
        file().contains("# Width of the representations that peers exchange; numbers, from 1 to 4096.\ndim = 64\n")
    );
}

#[test]
fn what_is_not_toml_is_named() {
    says("tempo = 1800", "tempo 1800", "this is not TOML: ");
    says("tempo = 1800", "tempo = 1800\ntempo = 1", "this is not TOML: duplicate key");
    says("[rows]", "[rows", "this is not TOML: ");
}

#[test]
fn unknown_and_missing_keys_are_named() {
    let both = faults("tempo = 1800", "tampo = 1800");
    assert_eq!(both.len(), 2, "{both:?}");
    assert!(both[0].contains("`tempo` is missing in [blocks]: every key has to be there"), "{both:?}");
    assert!(both[1].contains("there is no key `tampo` in [blocks]: take it out; there are block_time, tempo, expiry"));
    says("modality = 0", "modality = 0\ncolour = 1", "no key `colour` in [[founders]]");
    says("name = ", "surname = 1\nname = ", "there is no key `surname` in the file");
    let missing = faults("mechanism = \"trust\"", "");
    assert_eq!(
        missing,
        ["`mechanism` is missing in the file: every key has to be there, `peerage genesis new` writes them all"]
    );
    says("stake = \"1000\"", "", "`stake` is missing in [[founders]]");
}

#[test]
fn a_value_of_another_type_is_named() {
    says("tempo = 1800", "tempo = 1800.0", "`tempo` is of type float, but a whole number, such as 10, is wanted");
    says("tau = 0.1", "tau = \"0.1\"", "`tau` is of type string, but a number, such as 0.5, is wanted");
    says("clip = true", "clip = 1", "`clip` is of type integer, but true or false is wanted");
    says(
        "fee = \"0.0001\"",
        "fee = 0.0001",
        "`fee` is of type float, but a text with a number of tokens, such as \"0.25\",",
    );
    says("mechanism = \"trust\"", "mechanism = 1", "`mechanism` is of type integer, but a text");
    says("founder = 0", "founder = \"0\"", "`founder` is of type string, but a whole number");
    says("[model]\n", "[[model]]\n", "`model` is of type array, but a table");
    says("time = 2023-11-14T22:13:20.25Z", "time = \"2023-11-14T22:13:20.25Z\"", "a date without quotation marks");
    let file = file().replace("[[accounts]]", "[[unknown]]") + "\n";
    let file = file.replacen("mechanism", "accounts = [1]\nmechanism", 1);
    let faults = parse(&file).unwrap_err();
    assert!(faults[0].to_string().contains("`accounts` is of type array, but [[accounts]] is wanted"), "{faults:?}");
}

#[test]
fn a_number_out_of_its_range_is_named_with_the_range() {
    says("tempo = 1800", "tempo = 0", "`tempo` is 0, but must be from 1 to 1000000, blocks");
    says("tempo = 1800", "tempo = -5", "`tempo` is -5, but must be from 1 to 1000000, blocks");
    says("depth = 3", "depth = 99999999999", "`depth` is 99999999999, but must be from 1 to 16, steps");
    says(
        "fee = \"0.0001\"",
        "fee = \"2000000000\"",
        "`fee` is \"2000000000\", but must be from \"0\" to \"1000000000\", tokens",
    );
    for wrong in ["nan", "inf", "-0.5", "-0.0", "1e10"] {
        says("tau = 0.1", &format!("tau = {wrong}"), "but must be from 0.0 to 1000000000.0");
    }
    says("unbonding = 604800", "unbonding = 5", "`unbonding` is 5, but must be from 304200 to 1000000000, blocks");
    says(
        "mechanism = \"trust\"",
        "mechanism = \"connectivity\"",
        "`max_neurons` is 4096, but must be from 1 to 1024, peers",
    );
    says("modality = 0", "modality = 256", "`modality` is 256, but must be from 0 to 255");
    says("founder = 0", "founder = -1", "`founder` is -1, but must be from 0 to 4294967295");
}

#[test]
fn a_text_that_is_no_value_is_named() {
    says("\"trust\"", "\"luck\"", "no mechanism \"luck\": choose one of trust, connectivity, consensus, competitive");
    let written = key(1).to_string();
    says(&written, "AB", "`key` is no public key (not lower-case hexadecimal at character 0): 64 digits are wanted");
    says(&written, "abab", "`key` is no public key (2 bytes that are no PublicKey)");
    says(
        "stake = \"1000\"",
        "stake = \"1,000\"",
        "`stake`: \"1,000\" is no amount: a number of tokens such as 1000 or 0.25",
    );
    says("2023-11-14T22:13:20.25Z", "2023-11-14", "`time`: a date, a time of day and a time zone are wanted");
    says("2023-11-14T22:13:20.25Z", "2023-11-14T22:13:20.0001Z", "`time`: at most three digits of a second are kept");
    says("\"192.0.2.1:9000\"", "\"node:9000\"", "`address` is \"node:9000\", but an address and a port are wanted");
}

#[test]
fn what_the_ledger_refuses_is_said_in_words_of_the_file() {
    says("a \\\"name", &"x".repeat(65), "`name` has 68 bytes, but at most 64 are allowed");
    let list = |name: &str| file().find(&format!("[[{name}]]")).unwrap();
    let first = key(1).to_string();
    let twice = format!("{first} stands among the founders already, at line ");
    says(&key(2).to_string(), &first, &twice);
    says("founder = 0", "founder = 3", "there is no founder 3, who is to back ");
    says(
        "stake = \"1000\"",
        "stake = \"999.5\"",
        "founder 0 has a stake of 999.5 tokens, but who backs a validator needs 1000",
    );
    let error = |file: &str| parse(file).unwrap_err().iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    let none = file()[..list("validators")].to_owned();
    assert!(error(&none).starts_with("0 validators, but from 1 to 21 are allowed"), "{}", error(&none));
    let few = file().replace("seats = 21", "seats = 2");
    assert!(error(&few).starts_with("4 validators, but from 1 to 2 are allowed"), "{}", error(&few));
    let narrow = file().replace("max_neurons = 4096", "max_neurons = 2");
    assert!(
        error(&narrow).starts_with("3 founders, but there are 2 places: raise `max_neurons`"),
        "{}",
        error(&narrow)
    );
    let rich = file().replace("amount = \"7\"", "amount = \"4611686018\"");
    assert!(
        error(&rich).starts_with("balances and stake sum to more than 4611686018.427387904 tokens"),
        "{}",
        error(&rich)
    );
}

#[test]
fn all_that_is_wrong_is_said_at_once_in_the_order_of_the_file() {
    let file = file()
        .replace("block_time = 2000", "block_time = 1")
        .replace("dim = 64", "dim = 0")
        .replace("rho = 1.0", "  rhoo = 1.0")
        .replace("amount = \"7\"", "amount = 7");
    let places: Vec<(usize, usize)> = parse(&file)
        .unwrap_err()
        .iter()
        .map(|fault| {
            let fault::Place { line, column } = fault.place.unwrap();
            (line, column)
        })
        .collect();
    let line = |text: &str| file.split(text).next().unwrap().matches('\n').count() + 1;
    let expected = [
        (line("block_time ="), 14),
        (line("[ranking]"), 1),
        (line("rhoo"), 3),
        (line("dim = 0"), 7),
        (line("amount = 7"), 10),
    ];
    assert_eq!(places, expected);
    let error = ReadError::Faults { path: "net.toml".into(), faults: parse(&file).unwrap_err() }.to_string();
    assert!(error.starts_with("net.toml cannot begin a chain:\n  line "), "{error}");
    assert_eq!(error.lines().count(), 6);
}

#[test]
fn a_person_may_write_numbers_as_toml_allows() {
    let genesis = parse(&file()).unwrap();
    for (from, to) in [
        ("block_time = 2000", "block_time = 2_000"),
        ("difficulty = 4194304", "difficulty = 0x40_0000"),
        ("tau = 0.1", "tau = 1e-1"),
        ("rho = 1.0", "rho = 1"),
        ("time = 2023-11-14T22:13:20.25Z", "time = 1_700_000_000_250"),
        ("time = 2023-11-14T22:13:20.25Z", "time = 2023-11-14 23:13:20.250+01:00"),
        ("fee = \"0.0001\"", "fee = '0.00010'"),
    ] {
        let text = file().replace(from, to);
        assert_ne!(text, file(), "{to}");
        assert_eq!(parse(&text).unwrap().chain(), genesis.chain(), "{to}");
    }
}

#[test]
fn a_genesis_is_read_from_a_file_and_from_a_data_folder() {
    let place = tempfile::tempdir().unwrap();
    let genesis = founded(&options(Kind::Consensus, Preset::Dev), 5).unwrap();
    let path = place.path().join("genesis.toml");
    fs::write(&path, write(&genesis)).unwrap();
    assert_eq!(read(&path).unwrap(), genesis);
    let data = place.path().join("data");
    let nothing = read(&data).unwrap_err().to_string();
    assert!(
        nothing.starts_with("cannot read ") && nothing.contains("the file of a genesis or a data folder"),
        "{nothing}"
    );
    let folder = consensus::Folder::open(&data).unwrap();
    assert!(matches!(read(&data), Err(ReadError::Disk { .. })));
    folder.bind(&genesis).unwrap();
    // A node may be running.
    assert_eq!(read(&data).unwrap(), genesis);
    fs::write(data.join("genesis"), "?").unwrap();
    assert!(read(&data).unwrap_err().to_string().contains("is damaged (no genesis): restore it from a copy"));
    fs::write(&path, [0xff]).unwrap();
    assert!(matches!(read(&path), Err(ReadError::Disk { .. })));
}

#[test]
fn people_and_programs_are_told_what_it_is() {
    let genesis = founded(&options(Kind::Trust, Preset::Public), 1_700_000_000_250).unwrap();
    let summary = summary(&genesis);
    assert!(summary.starts_with(&format!("chain       {}\n", genesis.chain())), "{summary}");
    assert!(summary.contains("begins      2023-11-14T22:13:20.25Z\n"), "{summary}");
    assert!(summary.contains("supply      4507.000000001 tokens, 4500 of them staked\n"), "{summary}");
    assert!(summary.ends_with(&format!("  {}  192.0.2.1:9000  backed by founder 1\n", key(13))), "{summary}");
    let described = described(&genesis);
    assert_eq!(described["chain"], genesis.chain().to_string());
    assert_eq!((&described["time_ms"], &described["supply"]), (&json!(1_700_000_000_250u64), &json!("4507.000000001")));
    assert_eq!((&described["parameters"]["tempo"], &described["parameters"]["fee"]), (&json!(1_800), &json!("0.0001")));
    assert_eq!(described["accounts"][1], json!({ "key": key(9).to_string(), "amount": "7" }));
    assert_eq!(described["validators"][0]["founder"], 0);
}

/// Parameters that these bits choose, one after the other, where they go with the others.
fn chosen(kind: Kind, bits: &[u64]) -> Parameters {
    let mut parameters = kind.fit(&Parameters::public());
    for (entry, bits) in entries().chain(entries()).zip(bits) {
        let share = *bits as f64 / u64::MAX as f64;
        let value = match entry.range(&parameters) {
            Some((least, most)) => least.sized(least.size() + (most.size() - least.size()) * share.powi(4)),
            None => parameter::Value::Switch(bits % 2 == 0),
        };
        let mut other = parameters.clone();
        (entry.set)(&mut other, value).unwrap();
        if other.check().is_ok() {
            parameters = other;
        }
    }
    parameters
}

proptest! {
    #[test]
    fn any_genesis_is_read_as_it_is_written(
        kind in prop::sample::select(Kind::ALL.to_vec()),
        bits in prop::collection::vec(any::<u64>(), 2 * entries().count()),
        name in "\\PC{0,16}|[\u{0}-\u{1f}\u{7f}\"\\\\]{0,16}",
        time in any::<u64>(),
        founders in prop::collection::vec((any::<u8>(), 0u64..1 << 61), 1..4),
        accounts in prop::collection::vec(0u64..1 << 58, 0..4),
        addresses in prop::collection::vec((any::<std::net::IpAddr>(), any::<u16>()), 1..4),
    ) {
        let parameters = chosen(kind, &bits);
        let neurons: Vec<Founder> = founders.iter().zip(1..).map(|((modality, stake), seed)| {
            Founder { key: key(seed), modality: *modality, stake: Amount(*stake) }
        }).collect();
        let seat = |(address, seed): (&(_, _), u64)| {
            Seat { key: key(seed), founder: Uid(seed as u32 % neurons.len() as u32), address: (*address).into() }
        };
        let validators = addresses.iter().zip(20..).map(seat).collect();
        let accounts = accounts.iter().zip(40..).map(|(held, seed)| (key(seed), Amount(*held))).collect();
        let genesis = Genesis { name, time, parameters, accounts, neurons, validators };
        prop_assume!(genesis.check().is_ok());
        let read = parse(&write(&genesis)).unwrap();
        prop_assert_eq!(read.encode(), genesis.encode());
        prop_assert_eq!(read.chain(), genesis.chain());
    }
}
