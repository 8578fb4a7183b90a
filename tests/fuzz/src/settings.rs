//! Settings of the lab's scenarios, as links name them: they are refused in a sentence, or lie within their ranges and are
//! written as they are read.

use lab::scenario::{Range, Scenario, Value, all};

/// See the module.
pub fn run(bytes: &[u8]) {
    let Some((which, seed, given)) = crate::input::<(u8, u64, Vec<(u8, &str)>)>(bytes) else { return };
    let scenario: &Scenario = all()[usize::from(which) % all().len()];
    let names: Vec<&str> = scenario.settings.iter().map(|setting| setting.name).chain(["none"]).collect();
    let given = given.into_iter().map(|(name, text)| (names[usize::from(name) % names.len()], text));
    let Ok(settings) = scenario.settings(seed, given) else { return };
    for setting in scenario.settings {
        let name = setting.name;
        let value = match setting.range {
            Range::Number { .. } => Value::Number(settings.number(name).expect("each has a value")),
            Range::Whole { .. } => {
                let value = settings.whole(name).expect("each has a value");
                Value::Whole(value.try_into().expect("as large as a count"))
            }
            Range::Choice(_) => Value::Choice(settings.choice(name).expect("each has a value")),
        };
        assert_eq!(setting.range.parse(&value.to_string()), Some(value), "{name}");
        assert!(!matches!(value, Value::Number(number) if !number.is_finite()));
    }
}
