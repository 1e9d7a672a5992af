//! Finds out which parameters of a handler, and whether its answer, describe themselves.
//!
//! A handler is a function, so the types of its parameters are known where `routes!` names it. They are laid out as
//! sixteen markers, one for each parameter that a handler can have, and one for the answer; each marker is asked how it is
//! described. Markers of guards and forms know it; all others are silent. Which of the two answers is found by method look-up: `Outspoken` is
//! implemented for the markers of such types alone, `Silent` for references to any marker, and look-up tries the value
//! before its reference.

use std::marker::PhantomData;

use crate::openapi::part::{DescribeAnswer, DescribeParameter, OperationPart};

/// The types of a handler's parameters, as values: sixteen, padded with `()`; and that of its answer.
#[doc(hidden)]
pub trait Parameters<A> {
    type Markers: Default;
}

/// The markers of a handler's parameters and answer.
#[doc(hidden)]
pub fn parameters_of<A, H: Parameters<A>>(_: &H) -> H::Markers {
    H::Markers::default()
}

macro_rules! first_sixteen {
    ($a:ty, $b:ty, $c:ty, $d:ty, $e:ty, $f:ty, $g:ty, $h:ty,
     $i:ty, $j:ty, $k:ty, $l:ty, $m:ty, $n:ty, $o:ty, $p:ty, $($rest:ty),*) => {
        (($a, $b, $c, $d), ($e, $f, $g, $h), ($i, $j, $k, $l), ($m, $n, $o, $p))
    };
}

macro_rules! handlers_have_parameters {
    ($(($($T:ident),*))*) => { $(
        impl<F, R, $($T),*> Parameters<($($T,)*)> for F
        where
            F: FnOnce($($T),*) -> R,
            R: Future,
        {
            type Markers = (
                first_sixteen!($(Marker<$T>,)* (), (), (), (), (), (), (), (), (), (), (), (), (), (), (), (), ()),
                AnswerMarker<R::Output>,
            );
        }
    )* };
}

/// Stands for a parameter's type.
#[doc(hidden)]
pub struct Marker<T>(PhantomData<fn() -> T>);

impl<T> Default for Marker<T> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

handlers_have_parameters! {
    ()
    (A)
    (A, B)
    (A, B, C)
    (A, B, C, D)
    (A, B, C, D, E)
    (A, B, C, D, E, G)
    (A, B, C, D, E, G, H)
    (A, B, C, D, E, G, H, I)
    (A, B, C, D, E, G, H, I, J)
    (A, B, C, D, E, G, H, I, J, K)
    (A, B, C, D, E, G, H, I, J, K, L)
    (A, B, C, D, E, G, H, I, J, K, L, M)
    (A, B, C, D, E, G, H, I, J, K, L, M, N)
    (A, B, C, D, E, G, H, I, J, K, L, M, N, O)
    (A, B, C, D, E, G, H, I, J, K, L, M, N, O, P)
    (A, B, C, D, E, G, H, I, J, K, L, M, N, O, P, Q)
}

/// Stands for the type of the answer.
#[doc(hidden)]
pub struct AnswerMarker<T>(PhantomData<fn() -> T>);

impl<T> Default for AnswerMarker<T> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

/// How a part of an operation is described.
type Describe = fn(&mut OperationPart<'_>);

/// A type that describes itself. Method look-up finds this trait first, and [`Silent`] otherwise.
#[doc(hidden)]
pub trait Outspoken {
    fn part(&self) -> Option<Describe>;
}

impl<T: DescribeParameter> Outspoken for Marker<T> {
    fn part(&self) -> Option<Describe> {
        Some(T::describe)
    }
}

impl<T: DescribeAnswer> Outspoken for AnswerMarker<T> {
    fn part(&self) -> Option<Describe> {
        Some(T::describe)
    }
}

/// The rest says nothing.
#[doc(hidden)]
pub trait Silent {
    fn part(&self) -> Option<Describe>;
}

impl<T> Silent for &Marker<T> {
    fn part(&self) -> Option<Describe> {
        None
    }
}

impl<T> Silent for &AnswerMarker<T> {
    fn part(&self) -> Option<Describe> {
        None
    }
}

impl Silent for &() {
    fn part(&self) -> Option<Describe> {
        None
    }
}

#[doc(hidden)]
#[macro_export]
macro_rules! __parts_of {
    ($handler:path) => {{
        #[allow(unused_imports)]
        use $crate::openapi::{Outspoken as _, Silent as _};
        let (((a, b, c, d), (e, f, g, h), (i, j, k, l), (m, n, o, p)), answer) =
            $crate::openapi::parameters_of(&$handler);
        let parts = [
            (&a).part(),
            (&b).part(),
            (&c).part(),
            (&d).part(),
            (&e).part(),
            (&f).part(),
            (&g).part(),
            (&h).part(),
            (&i).part(),
            (&j).part(),
            (&k).part(),
            (&l).part(),
            (&m).part(),
            (&n).part(),
            (&o).part(),
            (&p).part(),
            (&answer).part(),
        ];
        parts.into_iter().flatten().collect::<::std::vec::Vec<_>>()
    }};
}
