//! Finds out which parameters of a handler, and whether its answer, describe themselves.
//!
//! A handler is a function, so the types of its parameters are known where `routes!` names it. They are laid out as
//! sixteen markers, one for each parameter that a handler can have, and one for the answer; each marker is asked how it is
//! described. Markers of guards and forms know it; all others are silent. Which of the two answers is found by method
//! look-up: `Outspoken` is implemented for the markers of such types alone, `Silent` for references to any marker, and
//! look-up tries the value before its reference.
//!
//! A guard that answers is asked to be an extractor in the router's state, too. axum asks this of the whole handler, and
//! when it is not so, the compiler does not say why; asked of the guard alone, it does.

use std::marker::PhantomData;

use axum_core::extract::FromRequest;

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

/// Stands for the type of a router's state, which is known only where the routes are added to the router.
#[doc(hidden)]
pub struct StateOf<S>(PhantomData<fn() -> S>);

impl<S> StateOf<S> {
    #[doc(hidden)]
    pub fn router() -> Self {
        Self(PhantomData)
    }
}

/// How a part of an operation is described.
type Describe = fn(&mut OperationPart<'_>);

/// A parameter that describes itself. Method look-up finds this trait first, and [`Silent`] otherwise.
#[doc(hidden)]
pub trait Outspoken {
    type Parameter;
    fn part<S, M>(&self, state: &StateOf<S>) -> Option<Describe>
    where
        Self::Parameter: FromRequest<S, M>;
}

impl<T: DescribeParameter> Outspoken for Marker<T> {
    type Parameter = T;
    fn part<S, M>(&self, _: &StateOf<S>) -> Option<Describe>
    where
        T: FromRequest<S, M>,
    {
        Some(T::describe)
    }
}

/// The rest says nothing.
#[doc(hidden)]
pub trait Silent {
    fn part<S>(&self, state: &StateOf<S>) -> Option<Describe>;
}

impl<T> Silent for &Marker<T> {
    fn part<S>(&self, _: &StateOf<S>) -> Option<Describe> {
        None
    }
}

impl Silent for &() {
    fn part<S>(&self, _: &StateOf<S>) -> Option<Describe> {
        None
    }
}

/// The same for answers.
#[doc(hidden)]
pub trait OutspokenAnswer {
    fn answer(&self) -> Option<Describe>;
}

impl<T: DescribeAnswer> OutspokenAnswer for AnswerMarker<T> {
    fn answer(&self) -> Option<Describe> {
        Some(T::describe)
    }
}

#[doc(hidden)]
pub trait SilentAnswer {
    fn answer(&self) -> Option<Describe>;
}

impl<T> SilentAnswer for &AnswerMarker<T> {
    fn answer(&self) -> Option<Describe> {
        None
    }
}

#[doc(hidden)]
#[macro_export]
macro_rules! __parts_of {
    ($handler:path, $state:expr) => {{
        #[allow(unused_imports)]
        use $crate::openapi::{Outspoken as _, OutspokenAnswer as _, Silent as _, SilentAnswer as _};
        let (((a, b, c, d), (e, f, g, h), (i, j, k, l), (m, n, o, p)), answer) =
            $crate::openapi::parameters_of(&$handler);
        let state = $state;
        let parts = [
            (&a).part(state),
            (&b).part(state),
            (&c).part(state),
            (&d).part(state),
            (&e).part(state),
            (&f).part(state),
            (&g).part(state),
            (&h).part(state),
            (&i).part(state),
            (&j).part(state),
            (&k).part(state),
            (&l).part(state),
            (&m).part(state),
            (&n).part(state),
            (&o).part(state),
            (&p).part(state),
            (&answer).answer(),
        ];
        parts.into_iter().flatten().collect::<::std::vec::Vec<_>>()
    }};
}
