//! One settings file over another, key by key, with every value's place kept, so that a mistake is named where it stands.

use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// `own` where it has a key, else `defaults`. Tables merge key by key; everything else replaces, lists too.
pub(super) fn over<'i>(own: Spanned<DeTable<'i>>, defaults: Spanned<DeTable<'i>>) -> Spanned<DeTable<'i>> {
    let span = own.span();
    Spanned::new(span, merged(own.into_inner(), defaults.into_inner()))
}

fn merged<'i>(own: DeTable<'i>, mut defaults: DeTable<'i>) -> DeTable<'i> {
    let mut all = DeTable::new();
    for (key, value) in own {
        let span = value.span();
        let value = match (value.into_inner(), defaults.remove(&key).map(Spanned::into_inner)) {
            (DeValue::Table(own), Some(DeValue::Table(below))) => DeValue::Table(merged(own, below)),
            (own, _) => own,
        };
        all.insert(key, Spanned::new(span, value));
    }
    all.extend(defaults);
    all
}

/// The same table as if `by` bytes stood before its text.
pub(super) fn shifted(table: Spanned<DeTable<'_>>, by: usize) -> Spanned<DeTable<'_>> {
    let span = later(table.span(), by);
    Spanned::new(span, keys(table.into_inner(), by))
}

fn keys(table: DeTable<'_>, by: usize) -> DeTable<'_> {
    let entries = table.into_iter().map(|(key, value)| {
        let span = later(key.span(), by);
        (Spanned::new(span, key.into_inner()), entry(value, by))
    });
    entries.collect()
}

fn entry(value: Spanned<DeValue<'_>>, by: usize) -> Spanned<DeValue<'_>> {
    let span = later(value.span(), by);
    let value = match value.into_inner() {
        DeValue::Table(table) => DeValue::Table(keys(table, by)),
        DeValue::Array(list) => DeValue::Array(list.into_iter().map(|value| entry(value, by)).collect()),
        plain => plain,
    };
    Spanned::new(span, value)
}

fn later(span: Range<usize>, by: usize) -> Range<usize> {
    span.start + by..span.end + by
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use serde::Deserialize;
    use toml::{Table, Value};

    /// Tables three deep of few keys, so that two of them have many in common.
    fn tables() -> impl Strategy<Value = Table> {
        let plain = prop_oneof![
            any::<bool>().prop_map(Value::Boolean),
            (0..9_i64).prop_map(Value::Integer),
            "[a-c \n\"]{0,3}".prop_map(Value::String),
        ];
        let value = plain.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
                prop::collection::btree_map("[a-d]", inner, 0..4)
                    .prop_map(|map| Value::Table(map.into_iter().collect())),
            ]
        });
        prop::collection::btree_map("[a-d]", value, 0..5).prop_map(|map| map.into_iter().collect())
    }

    /// What is meant, said of values that have no places.
    fn meant(own: Table, mut below: Table) -> Table {
        for (key, value) in own {
            let value = match (value, below.remove(&key)) {
                (Value::Table(own), Some(Value::Table(below))) => Value::Table(meant(own, below)),
                (own, _) => own,
            };
            below.insert(key, value);
        }
        below
    }

    proptest! {
        #[test]
        fn one_file_over_another_is_both_key_by_key(own in tables(), below in tables()) {
            let texts = [&own, &below].map(|table| toml::to_string(table).unwrap());
            let [first, second] = [&texts[0], &texts[1]].map(|text| DeTable::parse(text).unwrap());
            let both = over(first, shifted(second, texts[0].len() + 1));
            let both = Table::deserialize(toml::Deserializer::from(both)).unwrap();
            prop_assert_eq!(both, meant(own, below));
        }
    }
}
