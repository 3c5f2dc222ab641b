//! Rounds for everybody who asks.
//!
//! A round costs a fit and some passes over all vectors, and two who chose at once would choose the same
//! records. So rounds are made one after the other; but whoever asks meanwhile is served together with all
//! who wait: labels are fitted once, records are chosen once and dealt out like cards. What a round costs
//! hardly grows with the number of those who label.

use std::{
    mem,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use linprobe::{
    Annotator, Answer, Insight, Pick, ProjectError, Round, Strategy, ThresholdPolicy, View,
};

use crate::{
    desk::Desk,
    live::LiveSession,
    lock::lock,
    problem::{Kind, Problem},
};

/// Records that are chosen at once: of many, the choice itself would take longest.
const MAX_CHOSEN: usize = 400;

/// Where rounds are made, for a session.
#[derive(Debug, Default)]
pub(crate) struct Dealer {
    orders: Mutex<Vec<Arc<Order>>>,
    /// Held while rounds are made.
    table: Mutex<()>,
}

/// A round that is wanted.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) by: Option<Annotator>,
    /// How many records.
    pub(crate) k: usize,
    pub(crate) strategy: Strategy,
    /// What becomes of the records that are still open.
    pub(crate) rest: Option<Answer>,
    /// How long others may leave records open.
    pub(crate) patience: Duration,
}

/// A round, and what the session has come to.
#[derive(Clone, Debug)]
pub(crate) struct Dealt {
    pub(crate) round: Round,
    pub(crate) view: View,
    pub(crate) insight: Arc<Insight>,
}

/// A round that somebody waits for.
#[derive(Debug)]
struct Order {
    wanted: Wanted,
    dealt: OnceLock<Result<Dealt, Problem>>,
}

/// What is chosen for somebody, and for how many records there is room.
struct Hand<'a> {
    order: &'a Order,
    room: usize,
    picks: Vec<Pick>,
}

/// The session that rounds are made of.
struct Table<'a> {
    desk: &'a Desk,
    live: &'a LiveSession,
    name: &'a str,
}

impl Dealer {
    /// Fits, and gives out records of a session. Blocks the thread.
    pub(crate) fn deal(
        &self,
        (desk, live): (&Desk, &LiveSession),
        name: &str,
        wanted: Wanted,
    ) -> Result<Dealt, Problem> {
        let order = Arc::new(Order { wanted, dealt: OnceLock::new() });
        lock(&self.orders).push(Arc::clone(&order));
        let _table = lock(&self.table);
        while order.dealt.get().is_none() {
            let orders = together(&mut lock(&self.orders));
            if orders.is_empty() {
                // Whoever was to deal to this one has panicked.
                return Err(Problem::new(Kind::Internal, "a bug of linprobe ended this request"));
            }
            Table { desk, live, name }.serve(&orders);
        }
        order.dealt.get().cloned().expect("it was just dealt")
    }
}

impl Order {
    fn settle(&self, dealt: Result<Dealt, Problem>) {
        self.dealt.get_or_init(|| dealt);
    }
}

/// Takes the orders that can be served at once: of one strategy, and not too many.
fn together(orders: &mut Vec<Arc<Order>>) -> Vec<Arc<Order>> {
    let strategy = orders.first().map(|order| order.wanted.strategy);
    let mut n_chosen = 0;
    let (now, later) = mem::take(orders).into_iter().partition(|order| {
        let Wanted { k, strategy: own, .. } = order.wanted;
        let is_served = Some(own) == strategy && (n_chosen == 0 || n_chosen + k <= MAX_CHOSEN);
        n_chosen += if is_served { k } else { 0 };
        is_served
    });
    *orders = later;
    now
}

impl Table<'_> {
    fn serve(&self, orders: &[Arc<Order>]) {
        if let Err(problem) = self.deal(orders) {
            for order in orders {
                order.settle(Err(problem.clone()));
            }
        }
    }

    fn deal(&self, orders: &[Arc<Order>]) -> Result<(), Problem> {
        let view = self.fit(orders)?;
        let rounds = self.give_out(&choose(orders, &view)?)?;
        let view = self.desk.session(self.name)?.view();
        let insight = self.live.insight(&view, ThresholdPolicy::Score(0.0))?;
        for (order, round) in rounds {
            let (view, insight) = (view.clone(), Arc::clone(&insight));
            order.settle(Ok(Dealt { round, view, insight }));
        }
        Ok(())
    }

    fn fit(&self, orders: &[Arc<Order>]) -> Result<View, Problem> {
        let view = self.desk.work(self.name, |session| {
            for Wanted { by, rest, patience, .. } in orders.iter().map(|order| &order.wanted) {
                let mut seat = session.seat(by.clone());
                if let Some(rest) = *rest {
                    seat.answer_rest(rest)?;
                }
                seat.release_idle(*patience)?;
            }
            self.live.fit(session)?;
            Ok(session.view().clone())
        })?;
        Ok(view)
    }

    /// A round that is open is given again, and that to whoever has asked twice.
    fn give_out<'a>(&self, hands: &[Hand<'a>]) -> Result<Vec<(&'a Order, Round)>, Problem> {
        let rounds = self.desk.work(self.name, |session| {
            let mut rounds = Vec::with_capacity(hands.len());
            for Hand { order, picks, .. } in hands {
                let by = &order.wanted.by;
                let open = session.state().open_round(by.as_ref()).cloned();
                let round = match open {
                    Some(round) => round,
                    None => session.seat(by.clone()).give_out(picks.clone())?,
                };
                rounds.push((*order, round));
            }
            Ok(rounds)
        })?;
        Ok(rounds)
    }
}

/// Chooses for all who have no round open.
fn choose<'a>(orders: &'a [Arc<Order>], view: &View) -> Result<Vec<Hand<'a>>, Problem> {
    let placed = orders.iter().enumerate();
    let hands = placed.map(|(place, order)| Hand::new(order, &orders[..place], view));
    let mut hands: Vec<Hand<'_>> = hands.collect();
    let n_wanted: usize = hands.iter().map(|hand| hand.room).sum();
    let strategy = hands.first().map(|hand| hand.order.wanted.strategy);
    if let Some(strategy) = strategy.filter(|_| n_wanted > 0) {
        let picks = pollster::block_on(view.choose(n_wanted, strategy));
        deal_out(picks.map_err(ProjectError::from)?, &mut hands);
    }
    Ok(hands)
}

impl<'a> Hand<'a> {
    /// Of an order that came after others: who has asked twice at once has room for one round.
    fn new(order: &'a Order, earlier: &[Arc<Order>], view: &View) -> Self {
        let Wanted { by, k, .. } = &order.wanted;
        let has_asked = earlier.iter().any(|earlier| earlier.wanted.by == *by);
        let has_round = has_asked || view.state().open_round(by.as_ref()).is_some();
        Self { order, room: if has_round { 0 } else { *k }, picks: Vec::new() }
    }
}

/// One to each in turn: picks come in the order of their reasons, so everybody gets some for each.
fn deal_out(picks: Vec<Pick>, hands: &mut [Hand<'_>]) {
    let mut picks = picks.into_iter();
    while picks.len() > 0 {
        let open = hands.iter_mut().filter(|hand| hand.picks.len() < hand.room);
        open.zip(&mut picks).for_each(|(hand, pick)| hand.picks.push(pick));
    }
}

#[cfg(test)]
mod tests {
    use linprobe::{Reason, RecordId};

    use super::*;

    fn order(k: usize, strategy: Strategy) -> Arc<Order> {
        let wanted =
            Wanted { by: None, k, strategy, rest: None, patience: Duration::from_mins(30) };
        Arc::new(Order { wanted, dealt: OnceLock::new() })
    }

    fn ks(orders: &[Arc<Order>]) -> Vec<usize> {
        orders.iter().map(|order| order.wanted.k).collect()
    }

    #[test]
    fn everybody_gets_some_for_each_reason_and_nobody_more_than_was_asked_for() {
        let reasons = [Reason::Top, Reason::Top, Reason::Top, Reason::Boundary, Reason::Boundary];
        let picks = reasons.into_iter().zip(0..).map(|(reason, row)| {
            let id = RecordId::from_row(row);
            Pick { id, score: 0.0, reason, probability: 1.0, n_alike: 0 }
        });
        let orders = [order(3, Strategy::Auto), order(1, Strategy::Auto), order(9, Strategy::Auto)];
        let mut hands = orders.each_ref().map(|order| {
            let room = order.wanted.k;
            Hand { order, room, picks: Vec::new() }
        });
        deal_out(picks.collect(), &mut hands);
        let dealt = hands.map(|hand| {
            let ids = hand.picks.into_iter().map(|pick| pick.id.to_string());
            ids.collect::<Vec<_>>()
        });
        assert_eq!(dealt, [vec!["0", "3"], vec!["1"], vec!["2", "4"]]);
    }

    #[test]
    fn orders_are_served_together_if_one_choice_can_serve_them_and_the_others_wait() {
        let mut waiting = vec![
            order(300, Strategy::Auto),
            order(7, Strategy::Random),
            order(200, Strategy::Auto),
            order(100, Strategy::Auto),
        ];
        assert_eq!(ks(&together(&mut waiting)), [300, 100]);
        assert_eq!(ks(&together(&mut waiting)), [7]);
        assert_eq!(ks(&together(&mut waiting)), [200]);
        assert!(together(&mut waiting).is_empty());
    }

    #[test]
    fn a_large_order_is_served_alone() {
        let mut waiting = vec![order(MAX_CHOSEN + 1, Strategy::Auto), order(1, Strategy::Auto)];
        assert_eq!(ks(&together(&mut waiting)), [MAX_CHOSEN + 1]);
        assert_eq!(ks(&waiting), [1]);
    }
}
