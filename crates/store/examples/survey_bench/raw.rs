//! Reading at the speed of memory.

/// The exclusive or of all whole cache lines.
pub(super) fn xor(bytes: &[u8]) -> u64 {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") {
        return wide(bytes);
    }
    lines(bytes)
}

#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "these instructions are not on every machine")]
fn wide(bytes: &[u8]) -> u64 {
    #[target_feature(enable = "avx512f")]
    fn with_avx512(bytes: &[u8]) -> u64 {
        lines(bytes)
    }
    // SAFETY: the caller has made sure of them.
    unsafe { with_avx512(bytes) }
}

/// Eight lines at a time, each into sums of its own, so that no load waits for another.
#[expect(clippy::inline_always, reason = "it must be compiled for its caller's instructions")]
#[inline(always)]
fn lines(bytes: &[u8]) -> u64 {
    let (words, _) = bytes.as_chunks::<8>();
    let (groups, _) = words.as_chunks::<64>();
    let mut sums = [0_u64; 64];
    for group in groups {
        for (sum, word) in sums.iter_mut().zip(group) {
            *sum ^= u64::from_ne_bytes(*word);
        }
    }
    sums.iter().fold(0, |a, b| a ^ b)
}
