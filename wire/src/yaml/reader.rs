//! Reads a tree as a type. Scalars become what the type asks for: `00123` and `no` stay text
//! where a text is wanted, so that YAML's guesses never touch an id or a telephone number.

use std::fmt::Display;

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, Unexpected, VariantAccess,
    Visitor,
};
use serde::forward_to_deserialize_any;

use super::failure::{Failure, What};
use super::stand_in::StandIn;
use super::tree::{Child, Content, Node};
use super::words;

/// A node about to be read.
#[derive(Clone, Copy)]
pub(super) struct Reader<'t>(pub(super) &'t Node);

/// Words that mean nothing at all, as in YAML 1.2's core schema.
fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// `007` is an id or a telephone number, or an octal number of YAML 1.1; as a number it would
/// be a trap either way.
fn leading_zero(text: &str) -> bool {
    let digits = text.trim_start_matches(['-', '+']);
    digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit())
}

fn float(text: &str) -> Option<f64> {
    // Rust also reads "inf" and "NaN", which no setting means.
    text.parse().ok().filter(|number: &f64| number.is_finite() && !leading_zero(text))
}

impl<'t> Reader<'t> {
    fn plain_null(self) -> bool {
        matches!(&self.0.content, Content::Scalar { text, plain: true } if is_null(text))
    }

    fn wrong(self, expected: impl Display) -> Failure {
        let found = match &self.0.content {
            Content::Scalar { .. } if self.plain_null() => {
                let message = format!(
                    "expected {expected}, found nothing; give it a value or leave the key out"
                );
                return Failure::new(What::Message(message));
            }
            Content::Scalar { text, .. } => format!("`{}`", words::excerpt(text)),
            Content::List(_) => "a list".to_owned(),
            Content::Mapping { .. } => "keys".to_owned(),
        };
        Failure::new(What::Message(format!("expected {expected}, found {found}")))
    }

    fn text(self) -> Result<&'t str, Failure> {
        match &self.0.content {
            Content::Scalar { text, .. } if !self.plain_null() => Ok(text),
            _ => Err(self.wrong("a text")),
        }
    }

    fn whole<T: std::str::FromStr>(self, range: impl Display) -> Result<T, Failure> {
        let expected = format!("a whole number {range}");
        match &self.0.content {
            Content::Scalar { text, .. } if leading_zero(text) => {
                Err(self.wrong(format!("{expected} without zeros in front")))
            }
            Content::Scalar { text, .. } => text.parse().map_err(|_| self.wrong(expected)),
            _ => Err(self.wrong(expected)),
        }
    }

    fn children(self) -> Children<'t> {
        Children { all: self.0.children(), next: 0, lacking: Vec::new() }
    }

    fn mapping<'de, V: Visitor<'de>>(
        self,
        expected: &str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        match &self.0.content {
            Content::Mapping { lacking, .. } => {
                let lacking = lacking.borrow().clone();
                visitor.visit_map(Children { lacking, ..self.children() })
            }
            // A key with everything below it commented out.
            Content::Scalar { .. } if self.plain_null() => visitor.visit_map(self.children()),
            _ => Err(self.wrong(expected)),
        }
    }
}

macro_rules! whole {
    ($($method:ident $visit:ident $type:ty, $range:expr;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
            visitor.$visit(self.whole::<$type>($range)?)
        }
    )*};
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match &self.0.content {
            Content::List(_) => self.deserialize_seq(visitor),
            Content::Mapping { .. } => self.deserialize_map(visitor),
            Content::Scalar { text, plain: false } => visitor.visit_str(text),
            Content::Scalar { text, .. } => match text.as_str() {
                null if is_null(null) => visitor.visit_unit(),
                "true" => visitor.visit_bool(true),
                "false" => visitor.visit_bool(false),
                zeros if leading_zero(zeros) => visitor.visit_str(zeros),
                other => {
                    if let Ok(number) = other.parse::<u64>() {
                        visitor.visit_u64(number)
                    } else if let Ok(number) = other.parse::<i64>() {
                        visitor.visit_i64(number)
                    } else if let Some(number) = float(other) {
                        visitor.visit_f64(number)
                    } else {
                        visitor.visit_str(other)
                    }
                }
            },
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match &self.0.content {
            Content::Scalar { text, .. } if text == "true" => visitor.visit_bool(true),
            Content::Scalar { text, .. } if text == "false" => visitor.visit_bool(false),
            _ => Err(self.wrong("true or false")),
        }
    }

    whole! {
        deserialize_u8 visit_u8 u8, "from 0 to 255";
        deserialize_u16 visit_u16 u16, "from 0 to 65535";
        deserialize_u32 visit_u32 u32, "from 0 to 4294967295";
        deserialize_u64 visit_u64 u64, "from 0 up";
        deserialize_u128 visit_u128 u128, "from 0 up";
        deserialize_i8 visit_i8 i8, "from -128 to 127";
        deserialize_i16 visit_i16 i16, "from -32768 to 32767";
        deserialize_i32 visit_i32 i32, "from -2147483648 to 2147483647";
        deserialize_i64 visit_i64 i64, "like 12 or -12";
        deserialize_i128 visit_i128 i128, "like 12 or -12";
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match &self.0.content {
            Content::Scalar { text, .. } => match float(text) {
                Some(number) => visitor.visit_f64(number),
                None => Err(self.wrong("a number like 19.85, with a decimal point")),
            },
            _ => Err(self.wrong("a number")),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        let text = self.text()?;
        visitor.visit_str(text).map_err(|failure: Failure| failure.about(text))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        if self.plain_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match &self.0.content {
            Content::List(_) => visitor.visit_seq(self.children()),
            // A key with everything below it commented out.
            Content::Scalar { .. } if self.plain_null() => visitor.visit_seq(self.children()),
            _ => Err(self.wrong("a list")),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.mapping("keys with their values", visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.mapping(&format!("keys ({})", words::list(fields)), visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        match &self.0.content {
            Content::Scalar { text, .. } if !self.plain_null() => visitor.visit_enum(Word(text)),
            _ => Err(self.wrong(format!("one of {}", words::list(variants)))),
        }
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_str(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { char bytes byte_buf unit unit_struct tuple_struct }
}

/// The children of a list or mapping that are not set aside, then stand-ins for keys it lacks.
struct Children<'t> {
    all: &'t [Child],
    next: usize,
    lacking: Vec<&'static str>,
}

impl<'t> Children<'t> {
    /// Passes over what is set aside.
    fn peek(&mut self) -> Option<&'t Child> {
        let rest = self.all.get(self.next..)?;
        self.next += rest.iter().take_while(|child| child.aside.get()).count();
        self.all.get(self.next)
    }
}

impl<'de> SeqAccess<'de> for Children<'_> {
    type Error = Failure;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Failure> {
        let Some(child) = self.peek() else { return Ok(None) };
        let at = self.next;
        self.next += 1;
        seed.deserialize(Reader(&child.node)).map(Some).map_err(|failure| failure.below(at))
    }
}

impl<'de> MapAccess<'de> for Children<'_> {
    type Error = Failure;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Failure> {
        let Some(child) = self.peek() else {
            let Some(key) = self.lacking.last() else { return Ok(None) };
            return seed.deserialize(StrDeserializer::new(key)).map(Some);
        };
        let key = child.key.as_deref().unwrap_or_default();
        seed.deserialize(StrDeserializer::new(key))
            .map(Some)
            .map_err(|failure: Failure| failure.about(key).in_key().below(self.next))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Failure> {
        let at = self.next;
        let Some(child) = self.all.get(at) else {
            self.lacking.pop();
            return seed.deserialize(StandIn).map_err(|_| Failure::new(What::NoStandIn));
        };
        self.next += 1;
        seed.deserialize(Reader(&child.node)).map_err(|failure| failure.below(at))
    }
}

/// A scalar as the name of a variant. Variants with content are not for configurations: they
/// lose the place of their faults.
struct Word<'t>(&'t str);

impl<'de> EnumAccess<'de> for Word<'_> {
    type Error = Failure;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Failure> {
        let value = seed.deserialize(StrDeserializer::<Failure>::new(self.0))?;
        Ok((value, self))
    }
}

impl Word<'_> {
    fn content<T>(&self) -> Result<T, Failure> {
        let found = Unexpected::Str(self.0);
        Err(serde::de::Error::invalid_type(found, &"a word with a value of its own"))
    }
}

impl<'de> VariantAccess<'de> for Word<'_> {
    type Error = Failure;

    fn unit_variant(self) -> Result<(), Failure> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, _: S) -> Result<S::Value, Failure> {
        self.content()
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Failure> {
        self.content()
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Failure> {
        self.content()
    }
}
