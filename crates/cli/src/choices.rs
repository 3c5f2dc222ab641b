//! Values that have names: the help lists them, shells complete them, and any other is refused.

use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use linprobe::{Engine, Method, Resizing, Strategy, VectorDatabase};

/// Reads a strategy; the help has a line for each.
pub(crate) fn strategies() -> impl TypedValueParser<Value = Strategy> {
    let choices = Strategy::NAMES.map(|name| {
        let strategy = name.parse().expect("a strategy is read by its own name");
        PossibleValue::new(name).help(what_a_round_shows(strategy))
    });
    PossibleValuesParser::new(choices).try_map(|name| name.parse::<Strategy>())
}

/// Reads a method; the help lists the names.
pub(crate) fn methods() -> impl TypedValueParser<Value = Method> {
    PossibleValuesParser::new(Method::NAMES).try_map(|name| name.parse::<Method>())
}

/// Reads an engine; the help lists the names.
pub(crate) fn engines() -> impl TypedValueParser<Value = Engine> {
    PossibleValuesParser::new(Engine::NAMES).try_map(|name| name.parse::<Engine>())
}

/// Reads whose resized pixels are meant; the help lists the names.
pub(crate) fn resizings() -> impl TypedValueParser<Value = Resizing> {
    PossibleValuesParser::new(Resizing::NAMES).try_map(|name| name.parse::<Resizing>())
}

/// Reads a time in seconds, such as 0.5; a millisecond at least.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().and_then(|s| Duration::try_from_secs_f64(s).ok());
    let long_enough = seconds.filter(|seconds| *seconds >= Duration::from_millis(1));
    long_enough.ok_or_else(|| "a number of seconds is expected, such as 0.5".to_owned())
}

/// Reads a database; the help lists the names.
pub(crate) fn databases() -> impl TypedValueParser<Value = VectorDatabase> {
    let names = VectorDatabase::ALL.map(|(_, name)| name);
    PossibleValuesParser::new(names).try_map(|name| name.parse::<VectorDatabase>())
}

fn what_a_round_shows(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::Auto => "Explores until something relevant is known, then mixes the others",
        Strategy::Top => "The highest scores",
        Strategy::Diverse => "High scores that are unlike each other",
        Strategy::Boundary => "The scores nearest to the decision boundary",
        Strategy::Random => "Any record",
    }
}
