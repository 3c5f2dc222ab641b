//! The state of a store's points as one number.

use linprobe_core::SplitMix;

/// Another number wherever one of the two is another.
pub(crate) fn version_of([first, second]: [u64; 2]) -> u64 {
    let scrambled = SplitMix::new(first).next_u64();
    SplitMix::new(scrambled ^ second).next_u64()
}
