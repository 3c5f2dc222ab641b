//! The key that others must reach, known to all threads that choose together.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

/// A key below which none matters. Clones that are made before anything was chosen share what one of them has learnt: a
/// key that is too low for one is too low for all, as long as what they chose is merged.
#[derive(Clone, Debug)]
pub(crate) struct Floor {
    own: f32,
    /// That of whichever clone told last. None of them is ever too high, so it does not matter which.
    shared: Arc<AtomicU32>,
}

impl Floor {
    /// One that every key reaches, or none where none is wanted.
    pub(crate) fn new(n_wanted: usize) -> Self {
        let own = if n_wanted == 0 { f32::INFINITY } else { f32::NEG_INFINITY };
        Self { own, shared: Arc::new(own.to_bits().into()) }
    }

    pub(crate) fn get(&self) -> f32 {
        self.own
    }

    /// Takes over what clones have learnt.
    pub(crate) fn learn(&mut self) {
        self.own = self.own.max(f32::from_bits(self.shared.load(Ordering::Relaxed)));
    }

    /// Tells what has been learnt.
    pub(crate) fn raise(&mut self, to: f32) {
        self.own = to;
        self.shared.store(to.to_bits(), Ordering::Relaxed);
    }

    /// Lets nothing reach it any more, here only.
    pub(crate) fn close(&mut self) {
        self.own = f32::INFINITY;
    }
}
