//! What is slow to open stays open, by its name. Who opens one keeps nobody waiting but those who want the same.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use crate::lock::lock;

/// What is open, by name.
#[derive(Debug)]
pub(crate) struct Slots<T>(Mutex<BTreeMap<String, Slot<T>>>);

/// Locked while it is filled. The lock of all slots is held only to find one.
type Slot<T> = Arc<Mutex<Option<Arc<T>>>>;

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Slots<T> {
    /// What is open under a name, or what is opened now and kept.
    pub(crate) fn open<E>(
        &self,
        name: &str,
        open: impl FnOnce() -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        let slot = Arc::clone(lock(&self.0).entry(name.to_owned()).or_default());
        let opened = fill(&slot, open);
        drop(slot);
        if opened.is_err() {
            self.forget_empty(name);
        }
        opened
    }

    /// Keeps what was just opened, in the place of what was open.
    pub(crate) fn keep(&self, name: String, opened: T) -> Arc<T> {
        let opened = Arc::new(opened);
        lock(&self.0).insert(name, Arc::new(Mutex::new(Some(Arc::clone(&opened)))));
        opened
    }

    /// Lets go of what is open under a name, unless it is another by now.
    pub(crate) fn let_go(&self, name: &str, opened: &Arc<T>) {
        let slot = lock(&self.0).get(name).map(Arc::clone);
        if let Some(slot) = slot {
            lock(&slot).take_if(|kept| Arc::ptr_eq(kept, opened));
        }
    }

    /// Lets go of everything.
    pub(crate) fn clear(&self) {
        lock(&self.0).clear();
    }

    /// A name that nothing can be opened under leaves nothing behind, once nobody tries any longer.
    fn forget_empty(&self, name: &str) {
        let mut slots = lock(&self.0);
        let is_empty = |slot: &Slot<T>| Arc::strong_count(slot) == 1 && lock(slot).is_none();
        if slots.get(name).is_some_and(is_empty) {
            slots.remove(name);
        }
    }
}

fn fill<T, E>(slot: &Slot<T>, open: impl FnOnce() -> Result<T, E>) -> Result<Arc<T>, E> {
    let mut place = lock(slot);
    match &*place {
        Some(opened) => Ok(Arc::clone(opened)),
        None => Ok(Arc::clone(place.insert(Arc::new(open()?)))),
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, sync::mpsc::channel, thread};

    use super::*;

    fn opened(slots: &Slots<u8>, name: &str, value: u8) -> Arc<u8> {
        slots.open(name, || Ok::<_, Infallible>(value)).unwrap()
    }

    #[test]
    fn who_opens_one_keeps_nobody_waiting_who_wants_another() {
        let slots = Slots::default();
        let (at_work, is_at_work) = channel();
        let (finish, finished) = channel::<()>();
        thread::scope(|scope| {
            let slow = scope.spawn(|| {
                slots.open("slow", move || {
                    at_work.send(()).unwrap();
                    finished.recv().unwrap();
                    Ok::<_, Infallible>(1)
                })
            });
            is_at_work.recv().unwrap();
            assert_eq!(*opened(&slots, "quick", 2), 2);
            finish.send(()).unwrap();
            assert_eq!(slow.join().unwrap(), Ok(Arc::new(1)));
        });
        assert_eq!(*opened(&slots, "slow", 3), 1, "it is opened once");
    }

    #[test]
    fn only_what_is_still_open_is_let_go() {
        let slots = Slots::default();
        let first = opened(&slots, "a", 1);
        slots.let_go("a", &first);
        let second = opened(&slots, "a", 2);
        slots.let_go("a", &first);
        assert!(Arc::ptr_eq(&second, &opened(&slots, "a", 3)), "somebody has opened it anew");
        let third = slots.keep("a".to_owned(), 3);
        slots.let_go("a", &second);
        assert!(Arc::ptr_eq(&third, &opened(&slots, "a", 4)));
        slots.clear();
        assert_eq!(*opened(&slots, "a", 5), 5);
    }

    #[test]
    fn what_cannot_be_opened_leaves_nothing_behind() {
        let slots = Slots::<u8>::default();
        assert_eq!(slots.open("a", || Err("no such thing")), Err("no such thing"));
        assert!(lock(&slots.0).is_empty());
        assert_eq!(*opened(&slots, "a", 1), 1);
    }
}
