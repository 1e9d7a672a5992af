//! The elements of a JSON array, one at a time: the array itself is never held whole.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// Hands each element of an array on, until it is enough.
pub(super) struct Elements<'e> {
    each: &'e mut dyn FnMut(Value) -> bool,
    /// The member of the outermost object that is the array; without one, the array is all there is.
    member: Option<&'static str>,
}

impl<'e> Elements<'e> {
    pub(super) fn of_array(each: &'e mut dyn FnMut(Value) -> bool) -> Self {
        Self { each, member: None }
    }

    pub(super) fn of_member(member: &'static str, each: &'e mut dyn FnMut(Value) -> bool) -> Self {
        Self { each, member: Some(member) }
    }
}

impl<'de> DeserializeSeed<'de> for Elements<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.member.is_some() { deserializer.deserialize_map(self) } else { deserializer.deserialize_seq(self) }
    }
}

impl<'de> Visitor<'de> for Elements<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.member {
            Some(member) => write!(formatter, "an object with a list of {member}"),
            None => formatter.write_str("a list"),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(element) = list.next_element()? {
            if !(self.each)(element) {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                return Ok(());
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key::<String>()? {
            if Some(name.as_str()) == self.member {
                members.next_value_seed(Elements::of_array(self.each))?;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}
