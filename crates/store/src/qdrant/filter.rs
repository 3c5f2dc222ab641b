//! Which points are records: those that the filter of the address lets through, which is one of the engine's own.

use serde_json::{Value, json};

/// A filter of Qdrant, or none.
#[derive(Clone, Debug)]
pub(super) struct Filter(Option<Value>);

impl Filter {
    pub(super) fn new(filter: Option<Value>) -> Self {
        Self(filter)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// As requests have it; null where all points are records.
    pub(super) fn alone(&self) -> Value {
        json!(self.0)
    }

    /// With one condition more, that `must` or `must_not` hold. A filter is itself a condition, whatever it is made of.
    pub(super) fn and(&self, clause: &str, condition: &Value) -> Value {
        let mut all = json!({ clause: [condition] });
        if let Some(filter) = &self.0 {
            let mut must = vec![filter.clone()];
            if clause == "must" {
                must.push(condition.clone());
            }
            all["must"] = json!(must);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_more_leaves_a_filter_as_it_is() {
        let own = json!({ "should": [{ "key": "city", "match": { "value": "Rome" } }] });
        let (none, some) = (Filter::new(None), Filter::new(Some(own.clone())));
        let ids = json!({ "has_id": [7] });
        assert_eq!((none.alone(), some.alone()), (Value::Null, own.clone()));
        assert_eq!(none.and("must", &ids), json!({ "must": [ids] }));
        assert_eq!(none.and("must_not", &ids), json!({ "must_not": [ids] }));
        assert_eq!(some.and("must", &ids), json!({ "must": [own, ids] }));
        assert_eq!(some.and("must_not", &ids), json!({ "must": [own], "must_not": [ids] }));
    }
}
